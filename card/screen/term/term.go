// Package term draws a page of a card's screen in a text terminal.
//
// Draw does it in plain Unicode without colours or control sequences: ink is
// drawn in the terminal's text colour, so on a dark terminal the screen is a
// negative of itself. Sixel makes a picture of it, pixel by pixel in black on
// white, for terminals that know DEC's graphics. Panel is a terminal as a
// screen.Panel.
package term

import (
	"io"
	"strings"
	"unicode/utf8"

	"sotto/card/screen"
)

// The columns that each kind of picture needs.
const (
	columnsBlocks  = screen.Width           // half blocks, 61 rows
	columnsBraille = (screen.Width + 1) / 2 // Braille dots, 31 rows
)

// Draw returns a page of l in the largest form that fits the columns: half
// blocks from 250, Braille dots from 125, both with every pixel; below that
// the page's lines of text, as they are and unclipped. Every line ends in a
// newline.
func Draw(l *screen.Layout, page, columns int) string {
	f := l.Frame(page)
	switch {
	case columns >= columnsBlocks:
		return blocks(&f)
	case columns >= columnsBraille:
		return braille(&f)
	default:
		return lines(l.Lines(page))
	}
}

func blocks(f *screen.Frame) string {
	var b strings.Builder
	for y := 0; y < screen.Height; y += 2 {
		for x := range screen.Width {
			upper, lower := f.Ink(x, y), f.Ink(x, y+1)
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// dots are the bits of a Braille pattern (Unicode 16.0, 21.1), by row and column.
var dots = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func braille(f *screen.Frame) string {
	var b strings.Builder
	for y := 0; y < screen.Height; y += 4 {
		for x := 0; x < screen.Width; x += 2 {
			pattern := '\u2800'
			for dy, row := range dots {
				for dx, dot := range row {
					if f.Ink(x+dx, y+dy) {
						pattern |= dot
					}
				}
			}
			b.WriteRune(pattern)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// lines puts a rule above and below the text, no frame: the width of a
// character in the terminal is the terminal's own business.
func lines(texts []string) string {
	longest := 0
	for _, t := range texts {
		longest = max(longest, utf8.RuneCountInString(t))
	}
	rule := strings.Repeat("-", longest) + "\n"
	return rule + strings.Join(texts, "\n") + "\n" + rule
}

// wipe clears the terminal and what has been scrolled off it.
const wipe = "\x1b[H\x1b[2J\x1b[3J"

// Panel is a terminal that shows pages. It implements screen.Panel.
type Panel struct {
	Out     io.Writer
	Columns int
	Sixel   int // pixels to a side of each of the card's; 0 draws with characters
}

// Put implements screen.Panel. The page crosses in one write.
func (p Panel) Put(l *screen.Layout, page int) error {
	var picture string
	if p.Sixel > 0 {
		f := l.Frame(page)
		picture = Sixel(&f, p.Sixel)
	} else {
		picture = Draw(l, page, p.Columns)
	}
	_, err := io.WriteString(p.Out, wipe+picture)
	return err
}

// Blank implements screen.Panel.
func (p Panel) Blank() error {
	_, err := io.WriteString(p.Out, wipe)
	return err
}
