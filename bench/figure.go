package bench

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
)

// The drawing's measures in pixels, and its colours: Okabe and Ito's, which
// colour-blind readers tell apart.
const (
	panelWidth, panelHeight      = 560, 400
	plotLeft, plotRight          = 78, 24
	plotTop, plotBottom          = 74, 92
	headHeight                   = 74
	ink, faint, grid, background = "#1f2933", "#616e7c", "#e4e7eb", "#ffffff"
)

var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// panel is one plot: categories on the horizontal axis, and values on the
// vertical, which is logarithmic or begins at zero.
type panel struct {
	title, about string
	xName, yName string
	logarithmic  bool
	categories   []string
	lines        []line
	goals        []goal
}

type line struct {
	name   string
	values []float64
	labels bool // write each value beside its point
}

// goal is a dashed line at what the design promises.
type goal struct {
	name  string
	value float64
}

// canvas writes SVG 1.1.
type canvas struct{ bytes.Buffer }

func (c *canvas) add(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\n", args...) }

func (c *canvas) text(x, y float64, size int, colour, anchor, s string) {
	c.add(`<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s">%s</text>`, x, y, size, colour, anchor, html.EscapeString(s))
}

func (c *canvas) rule(x1, y1, x2, y2 float64, colour, more string) {
	c.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>`, x1, y1, x2, y2, colour, more)
}

// SVG draws a result: throughput and latency over connections if there are
// several closed loops, else over time and quantiles; and the open loop.
func SVG(r Result) []byte {
	panels := panelsOf(r)
	width, height := panelWidth*len(panels), headHeight+panelHeight
	c := &canvas{}
	c.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif">`, width, height, width, height)
	c.add(`<rect width="%d" height="%d" fill="%s"/>`, width, height, background)
	c.text(32, 38, 20, ink, "start", "Durable online payments: create, sealed delivery to phone and card, confirm")
	m := r.Machine
	about := fmt.Sprintf("bank and load generator on one machine: %s, %d cores, %s, %s, fsync %.2f ms (p50)", m.CPU, m.Cores, m.Go, m.Filesystem, m.Fsync.P50)
	c.text(32, 60, 13, faint, "start", about+disturbance(r.Loops))
	for i, p := range panels {
		c.add(`<g transform="translate(%d %d)">`, i*panelWidth, headHeight)
		p.draw(c)
		c.add(`</g>`)
	}
	c.add(`</svg>`)
	return c.Bytes()
}

// disturbance owns up to what else the machine was doing.
func disturbance(loops []Loop) string {
	low, high := math.Inf(1), 0.0
	for _, l := range loops {
		low, high = min(low, l.OthersCores), max(high, l.OthersCores)
	}
	if high < 0.1 {
		return ""
	}
	return fmt.Sprintf("; other programs used %.1f to %.1f cores meanwhile", low, high)
}

func (p panel) draw(c *canvas) {
	c.text(32, 24, 16, ink, "start", p.title)
	c.text(32, 43, 12, faint, "start", p.about)
	scale := p.scale()
	for _, tick := range scale.ticks {
		y := scale.y(tick)
		c.rule(plotLeft, y, panelWidth-plotRight, y, grid, "")
		c.text(plotLeft-8, y+4, 12, faint, "end", number(tick))
	}
	c.text(32, plotTop-12, 12, faint, "start", p.yName)
	c.rule(plotLeft, panelHeight-plotBottom, panelWidth-plotRight, panelHeight-plotBottom, faint, "")
	for i, name := range p.categories {
		x := p.x(i)
		c.rule(x, panelHeight-plotBottom, x, panelHeight-plotBottom+5, faint, "")
		c.text(x, panelHeight-plotBottom+20, 12, faint, "middle", name)
	}
	c.text((plotLeft+panelWidth-plotRight)/2, panelHeight-plotBottom+40, 12, faint, "middle", p.xName)
	for _, g := range p.goals {
		y := scale.y(g.value)
		c.rule(plotLeft, y, panelWidth-plotRight, y, ink, ` stroke-dasharray="2 4"`)
		c.text(plotLeft+4, y-5, 11, ink, "start", g.name)
	}
	for i, l := range p.lines {
		p.drawLine(c, scale, l, colours[i%len(colours)])
	}
	p.legend(c)
}

func (p panel) drawLine(c *canvas, s scale, l line, colour string) {
	var points []byte
	for i, v := range l.values {
		points = fmt.Appendf(points, "%.1f,%.1f ", p.x(i), s.y(v))
	}
	c.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2.2" stroke-linejoin="round" stroke-linecap="round"/>`, bytes.TrimSpace(points), colour)
	for i, v := range l.values {
		c.add(`<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s" stroke="%s" stroke-width="1.2"/>`, p.x(i), s.y(v), colour, background)
		if l.labels {
			c.text(p.x(i), s.y(v)-10, 12, ink, "middle", number(v))
		}
	}
}

func (p panel) legend(c *canvas) {
	x := float64(plotLeft)
	const y = panelHeight - 22
	if len(p.lines) < 2 {
		return
	}
	for i, l := range p.lines {
		c.rule(x, y-4, x+18, y-4, colours[i%len(colours)], ` stroke-width="3" stroke-linecap="round"`)
		c.text(x+25, y, 12, ink, "start", l.name)
		x += 47 + 6.6*float64(len([]rune(l.name)))
	}
}

// x is where a category stands.
func (p panel) x(i int) float64 {
	const inset = 30
	left, right := float64(plotLeft+inset), float64(panelWidth-plotRight-inset)
	if len(p.categories) < 2 {
		return (left + right) / 2
	}
	return left + (right-left)*float64(i)/float64(len(p.categories)-1)
}

// scale is the vertical axis.
type scale struct {
	low, high   float64
	logarithmic bool
	ticks       []float64
}

func (s scale) y(v float64) float64 {
	low, high := s.low, s.high
	if s.logarithmic {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(max(v, s.low))
	}
	const bottom, top = panelHeight - plotBottom, plotTop
	return bottom - (bottom-top)*(v-low)/(high-low)
}

func (p panel) scale() scale {
	high, low := 0.0, math.Inf(1)
	see := func(v float64) {
		high = max(high, v)
		if v > 0 {
			low = min(low, v)
		}
	}
	for _, l := range p.lines {
		for _, v := range l.values {
			see(v)
		}
	}
	for _, g := range p.goals {
		see(g.value)
	}
	if high == 0 {
		high, low = 1, 1
	}
	if p.logarithmic {
		return logarithmic(low, high)
	}
	return linear(high * 1.08)
}

// linear has four to eight ticks at round numbers, from zero.
func linear(high float64) scale {
	step := math.Pow(10, math.Floor(math.Log10(high)))
	for _, part := range []float64{0.1, 0.2, 0.25, 0.5, 1} {
		if high/(step*part) <= 8 {
			step *= part
			break
		}
	}
	s := scale{high: step * math.Ceil(high/step)}
	for v := 0.0; v <= s.high+step/2; v += step {
		s.ticks = append(s.ticks, v)
	}
	return s
}

// logarithmic has ticks at 1, 2 and 5 of each power of ten.
func logarithmic(low, high float64) scale {
	s := scale{logarithmic: true}
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, part := range []float64{1, 2, 5} {
			s.ticks = append(s.ticks, part*math.Pow(10, power))
		}
	}
	for len(s.ticks) > 2 && s.ticks[1] <= low {
		s.ticks = s.ticks[1:]
	}
	for len(s.ticks) > 2 && s.ticks[len(s.ticks)-2] >= high {
		s.ticks = s.ticks[:len(s.ticks)-1]
	}
	s.low, s.high = s.ticks[0], s.ticks[len(s.ticks)-1]
	return s
}

// number writes a value with thousands set apart, and no more digits than say
// something.
func number(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(round(v, 2), 'f', -1, 64)
	}
	text := strconv.FormatInt(int64(math.Round(v)), 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "\u2009" + text[at:]
	}
	return text
}
