package bench

import "fmt"

// dark turns the colours of a drawing round where pages are dark. Programs that
// do not know it draw on white.
const dark = `<style>@media (prefers-color-scheme: dark) {
rect[fill="` + background + `"] { fill: #0d1117 }
text[fill="` + ink + `"] { fill: #e6edf3 } text[fill="` + faint + `"] { fill: #9aa5b1 }
line[stroke="` + ink + `"] { stroke: #e6edf3 } line[stroke="` + faint + `"] { stroke: #9aa5b1 } line[stroke="` + grid + `"] { stroke: #2a313a }
circle { stroke: #0d1117 }
}</style>`

// muted is for what stands beside what a drawing is about, and onLight for words
// in bars of light colours: those stay light when the page is dark.
const muted, onLight = "#9aa5b1", "#10161d"

// newCanvas begins a drawing with its title.
func newCanvas(width, height int, title, about string) *canvas {
	c := &canvas{}
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif">`, width, height, width, height)
	c.add("%s", dark)
	c.add(`<rect width="%d" height="%d" fill="%s"/>`, width, height, background)
	c.text(32, 38, 20, ink, "start", title)
	c.text(32, 60, 13, faint, "start", about)
	return c
}

func (c *canvas) box(x, y, width, height float64, colour string) {
	c.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, width, height, colour)
}

// inside draws with the origin elsewhere.
func (c *canvas) inside(x, y int, draw func()) {
	c.add(`<g transform="translate(%d %d)">`, x, y)
	draw()
	c.add(`</g>`)
}

// percentText writes a share as in "90.7 %".
func percentText(v float64) string { return fmt.Sprintf("%.1f\u2009%%", v) }
