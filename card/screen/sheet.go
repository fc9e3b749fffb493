package screen

import (
	_ "embed" // the sheets below
	"strings"
	"sync"
)

// glyph is a large hand-drawn character. Row bits start at the highest.
type glyph struct {
	rows  []uint32
	width int
}

// The sheets are drawn as text, so that a change of a pixel is a change one can
// review: "= 7" names the glyph, # is ink.
var (
	//go:embed sheet/code.txt
	codeText string
	//go:embed sheet/amount.txt
	amountText string
	//go:embed sheet/mark.txt
	markText string
	//go:embed sheet/picture.txt
	pictureText string

	codeSheet    = sync.OnceValue(func() map[rune]glyph { return parseSheet(codeText) })
	amountSheet  = sync.OnceValue(func() map[rune]glyph { return parseSheet(amountText) })
	markSheet    = sync.OnceValue(func() map[rune]glyph { return parseSheet(markText) })
	pictureSheet = sync.OnceValue(func() map[rune]glyph { return parseSheet(pictureText) })
)

func parseSheet(text string) map[rune]glyph {
	sheet := make(map[rune]glyph)
	var name rune
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "= "):
			name = []rune(line[2:])[0]
		case line != "":
			g := sheet[name]
			g.rows = append(g.rows, parseRow(line))
			g.width = max(g.width, len(line))
			sheet[name] = g
		}
	}
	return sheet
}

func parseRow(line string) uint32 {
	var bits uint32
	for i := range len(line) {
		if line[i] == '#' {
			bits |= 1 << (31 - i)
		}
	}
	return bits
}
