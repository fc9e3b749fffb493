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

// line sets text in a face, one piece after the other. The large faces have
// pieces of their own; those of the text face are made in room, so that setting a
// text takes nothing from the heap.
type line struct {
	face face
	rest string
	n, i int // characters in all, and those that are set
	x    int // where the next one may begin
	end  int // of the last one
	room [cellHeight]uint32
}

func set(f face, text string) line {
	return line{face: f, rest: text, n: utf8.RuneCountInString(text)}
}

// next is the next piece and its place; it is good until the one after.
func (l *line) next() (p piece, x int, ok bool) {
	if l.rest == "" {
		return piece{}, 0, false
	}
	r, size := utf8.DecodeRuneInString(l.rest)
	l.rest = l.rest[size:]
	p = l.piece(r)
	if l.face == faceCode && l.i > 0 {
		l.x += codeSpace(l.n, l.i)
	}
	x, l.end = l.x, l.x+p.advance
	l.x = l.end + p.after
	l.i++
	return p, x, true
}

func widthOf(f face, text string) int {
	l := set(f, text)
	for _, _, ok := l.next(); ok; _, _, ok = l.next() {
	}
	return l.end
}

func (l *line) piece(r rune) piece {
	switch l.face {
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
	case faceText, faceBold:
	}
	return l.cellPiece(r)
}

func sheetPiece(g glyph, after int) piece {
	return piece{rows: g.rows, rise: len(g.rows), advance: g.width, after: after}
}

// cellPiece is a piece of the text face, bold in all faces but that. Bold widens
// Latin strokes by a pixel to the right, but closes no gap, or M and w would fill
// up. CJK is dense enough as it is, and a box must stay readable.
func (l *line) cellPiece(r rune) piece {
	c := cellOf(r)
	l.room = c.rows
	p := piece{rows: l.room[:], rise: cellAscent, advance: c.advance}
	if l.face == faceText || !c.drawn || c.advance > halfWidth || r == ' ' {
		return p
	}
	p.advance++
	for i, row := range l.room {
		l.room[i] = row | row>>1&^(row<<1)
	}
	return p
}

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
