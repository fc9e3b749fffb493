package screen

import (
	"image/color"
	"sync"
	"unicode"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/math/fixed"
)

// The text face: Latin 6 pixels wide, CJK 12, in cells 16 high whose baseline
// lies under row 11.
const (
	cellAscent = 12
	cellHeight = 16
	halfWidth  = 6
	fullWidth  = 12
)

// cell is one character of the text face. Row bits start at the highest.
type cell struct {
	rows    []uint32
	advance int
	drawn   bool // the rune's own glyph, not its box
}

// asciiCells saves the font lookup for the runes that most screens are made of.
var asciiCells = sync.OnceValue(func() *[unicode.MaxASCII + 1]cell {
	var cells [unicode.MaxASCII + 1]cell
	for r := range cells {
		cells[r] = makeCell(rune(r))
	}
	return &cells
})

// cellOf returns the picture of any rune: its glyph, or a box with its number.
func cellOf(r rune) cell {
	if r >= 0 && r <= unicode.MaxASCII {
		return asciiCells()[r]
	}
	return makeCell(r)
}

func makeCell(r rune) cell {
	if r == ' ' {
		return cell{advance: halfWidth, drawn: true} // no rows: no ink
	}
	if c, ok := fontCell(r); ok {
		return c
	}
	return boxCell(r)
}

// fontCell copies r's glyph out of the font. The font answers ok for every rune
// below U+10000 and has empty pictures where it has no glyph, so only ink
// proves a glyph.
func fontCell(r rune) (cell, bool) {
	if !drawable(r) {
		return cell{}, false
	}
	bounds, mask, at, advance, ok := bitmapfont.FaceSC.Glyph(fixed.P(0, cellAscent), r)
	if !ok {
		return cell{}, false
	}
	c := cell{rows: make([]uint32, cellHeight), advance: advance.Ceil(), drawn: true}
	inked := false
	for y := range min(bounds.Dy(), cellHeight) {
		for x := range bounds.Dx() {
			if mask.At(at.X+x, at.Y+y) != (color.Alpha{}) {
				c.rows[y] |= 1 << (31 - x)
				inked = true
			}
		}
	}
	return c, inked
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
	c := cell{rows: make([]uint32, cellHeight), advance: wide + 2} // a column of paper on either side
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
