package screen

import (
	"unicode"

	"sotto/card/screen/font"
)

// The text face: Latin 6 pixels wide, CJK 12, in cells 16 high whose baseline
// lies under row 11.
const (
	cellAscent = 12
	cellHeight = font.Height
	halfWidth  = font.Half
)

// cell is one character of the text face. Row bits start at the highest.
type cell struct {
	rows    [cellHeight]uint32
	advance int
	drawn   bool // the rune's own glyph, not its box
}

// cellOf returns the picture of any rune: its glyph, or a box with its number.
func cellOf(r rune) cell {
	if r == ' ' {
		return cell{advance: halfWidth, drawn: true} // no ink
	}
	if drawable(r) {
		if g, ok := font.Of(r); ok {
			return glyphCell(g)
		}
	}
	return boxCell(r)
}

func glyphCell(g font.Glyph) cell {
	c := cell{advance: g.Width, drawn: true}
	for y, row := range g.Rows {
		c.rows[y] = uint32(row) << 16
	}
	return c
}

// drawable reports whether r may stand for itself: it is a printing character
// whose own glyph tells all there is to it. Controls, bidi and zero-width
// format characters, every space but U+0020, private use and variation
// selectors would be invisible or act on their neighbours. The brackets ⟦ and ⟧
// are kept for Shown.
func drawable(r rune) bool {
	switch {
	case r > 0xffff, r == '⟦', r == '⟧':
		return false
	case r == 0x034f, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0: // fillers
		return false
	}
	return unicode.IsGraphic(r) && !unicode.In(r, unicode.Zs, unicode.Co, unicode.Variation_Selector)
}

// hexDigits are 3 by 5 pixels, three bits a row from the top.
var hexDigits = [16]uint16{
	0b111_101_101_101_111, 0b010_110_010_010_111, 0b111_001_111_100_111, 0b111_001_011_001_111,
	0b101_101_111_001_001, 0b111_100_111_001_111, 0b111_100_111_101_111, 0b111_001_001_010_010,
	0b111_101_111_101_111, 0b111_101_111_001_111, 0b010_101_111_101_101, 0b110_101_110_101_110,
	0b011_100_100_100_011, 0b110_101_101_101_110, 0b111_100_110_100_111, 0b111_100_110_100_100,
}

// boxCell is a black box with the rune's hexadecimal number cut out of it in
// two rows: four digits, or six above U+FFFF. Different runes never look the
// same, and none can hide.
func boxCell(r rune) cell {
	across := 2
	if r > 0xffff {
		across = 3
	}
	const top, tall = 1, 13 // rows of the box inside the cell
	wide := across*4 + 1
	c := cell{advance: wide + 2} // a column of paper on either side
	for y := top; y < top+tall; y++ {
		c.rows[y] = ^uint32(0) << (32 - wide) >> 1
	}
	for i := range across * 2 {
		digit := hexDigits[uint32(r)>>(4*(across*2-1-i))&0xf]
		x, y := 2+i%across*4, top+1+i/across*6
		for row := range 5 {
			bits := uint32(digit>>(3*(4-row))) & 0b111
			c.rows[y+row] &^= bits << (29 - x)
		}
	}
	return c
}
