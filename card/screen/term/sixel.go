package term

import (
	"strconv"
	"strings"

	"sotto/card/screen"
)

// The control strings of a sixel picture (VT330/VT340 Programmer Reference
// Manual, volume 2, chapter 14): paper is colour 0, ink colour 1, and pixels
// that are set in neither stay as the terminal has them; none are left.
const (
	sixelBegin = "\x1bP0;1q"
	sixelEnd   = "\x1b\\"
	paper      = "#0;2;100;100;100"
	ink        = "#1;2;0;0;0"
)

// bandRows is how many rows of pixels a line of sixels has.
const bandRows = 6

// Sixel draws a frame with each pixel as a square of scale by scale, and ends
// the line.
func Sixel(f *screen.Frame, scale int) string {
	var b strings.Builder
	width, height := screen.Width*scale, screen.Height*scale
	b.WriteString(sixelBegin + `"1;1;` + strconv.Itoa(width) + ";" + strconv.Itoa(height) + paper + ink)
	for top := 0; top < height; top += bandRows {
		rows := min(bandRows, height-top)
		b.WriteString("#0")
		writeBand(&b, f, scale, top, rows, false)
		b.WriteString("$#1")
		writeBand(&b, f, scale, top, rows, true)
		b.WriteByte('-')
	}
	b.WriteString(sixelEnd + "\n")
	return b.String()
}

// writeBand writes the pixels of one colour in a band, runs of the same sixel
// shortened.
func writeBand(b *strings.Builder, f *screen.Frame, scale, top, rows int, inked bool) {
	run, last := 0, byte(0)
	flush := func() {
		switch {
		case run > 3:
			b.WriteString("!" + strconv.Itoa(run) + string(rune(last)))
		case run > 0:
			b.WriteString(strings.Repeat(string(rune(last)), run))
		}
	}
	for x := range screen.Width {
		sixel := byte(0)
		for row := range rows {
			if f.Ink(x, (top+row)/scale) == inked {
				sixel |= 1 << row
			}
		}
		if sixel += '?'; sixel != last {
			flush()
			run, last = 0, sixel
		}
		run += scale
	}
	flush()
}
