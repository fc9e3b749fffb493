package screen

import "unicode/utf8"

// face is one of the alphabets a run can be set in.
type face uint8

const (
	faceText   face = iota // the text face
	faceBold               // the same, Latin in thicker strokes
	faceAmount             // large figures, other characters bold
	faceCode               // the digits of a code
	faceMark               // the letters of the word mark
)

// Space between neighbours in the large faces.
const (
	figureSpace = 2
	markSpace   = 5
)

// piece is a piece of type: one character in one face.
type piece struct {
	rows    []uint32
	rise    int // rows from the first one down to the baseline
	advance int
	after   int // space before a next character
}

func pieceOf(f face, r rune) piece {
	switch f {
	case faceCode:
		return sheetPiece(codeSheet()[r], 0)
	case faceMark:
		return sheetPiece(markSheet()[r], markSpace)
	case faceAmount:
		if g, ok := amountSheet()[r]; ok {
			p := sheetPiece(g, figureSpace)
			if r == ',' { // its tail hangs
				p.rise -= 2
			}
			return p
		}
		return boldPiece(r)
	case faceBold:
		return boldPiece(r)
	default:
		c := cellOf(r)
		return piece{rows: c.rows, rise: cellAscent, advance: c.advance}
	}
}

func sheetPiece(g glyph, after int) piece {
	return piece{rows: g.rows, rise: len(g.rows), advance: g.width, after: after}
}

// boldPiece widens Latin strokes by a pixel to the right, but closes no gap, or
// M and w would fill up. CJK is dense enough as it is, and a box must stay
// readable.
func boldPiece(r rune) piece {
	c := cellOf(r)
	p := piece{rows: c.rows, rise: cellAscent, advance: c.advance}
	if !c.drawn || c.advance > halfWidth || r == ' ' {
		return p
	}
	p.advance++
	p.rows = make([]uint32, len(c.rows))
	for i, row := range c.rows {
		p.rows[i] = row | row>>1&^(row<<1)
	}
	return p
}

// typeset sets text in a face: it hands every character with its place to
// stamp and returns the width of the whole.
func typeset(f face, text string, stamp func(x int, p piece)) int {
	x, end, i, n := 0, 0, 0, utf8.RuneCountInString(text)
	for _, r := range text {
		p := pieceOf(f, r)
		if f == faceCode && i > 0 {
			x += codeSpace(n, i)
		}
		stamp(x, p)
		end = x + p.advance
		x = end + p.after
		i++
	}
	return end
}

func widthOf(f face, text string) int { return typeset(f, text, func(int, piece) {}) }

// codeSpace is the space left of digit i in a code of n digits. Six digits and
// more are read in two groups.
func codeSpace(n, i int) int {
	space, group := 8, 24
	if n > 6 {
		space, group = 6, 18
	}
	if n >= 6 && i == n/2 {
		return group
	}
	return space
}
