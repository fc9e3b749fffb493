package font

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Packed is a face as it lies in flash, for the characters below U+10000:
//
//	256 pages of 256 characters each:
//	    32 bytes    which of them have a glyph, the first in the highest bit
//	    32 bytes    which of these are 12 pixels wide
//	     4 bytes    where the first glyph of the page is, high byte first
//	the glyphs in their order: rows 1 to 14, 6 or 12 bits each, to whole bytes
//
// It is believed as the program is in which it lies.
type Packed string

const (
	pages    = 256
	mapSize  = 32
	pageSize = 2*mapSize + 4

	// No glyph has ink in the first row or the last.
	firstRow, rows = 1, 14

	halfSize = (rows*Half + 7) / 8
	fullSize = (rows*Full + 7) / 8
)

// Glyph finds a character's glyph.
func (p Packed) Glyph(r rune) (g Glyph, ok bool) {
	if r < 0 || r >= pages*256 {
		return Glyph{}, false
	}
	page := p[int(r)>>8*pageSize:][:pageSize]
	present, wide := page[:mapSize], page[mapSize:2*mapSize]
	at, mask := int(r)&0xFF/8, byte(0x80)>>(r&7)
	if present[at]&mask == 0 {
		return Glyph{}, false
	}
	place := int(page[64])<<24 | int(page[65])<<16 | int(page[66])<<8 | int(page[67])
	for i := range at {
		place += sizeOf(present[i], wide[i])
	}
	before := -mask << 1 // the bits above
	place += sizeOf(present[at]&before, wide[at])
	g.Width = Half
	if wide[at]&mask != 0 {
		g.Width = Full
	}
	g.read(p[place:])
	return g, true
}

// sizeOf is how many bytes the glyphs of eight characters take.
func sizeOf(present, wide byte) int {
	return bits.OnesCount8(present&^wide)*halfSize + bits.OnesCount8(present&wide)*fullSize
}

// read unpacks the rows.
func (g *Glyph) read(b Packed) {
	var held uint32 // bits that wait, the lowest last
	n := 0
	for y := range rows {
		for n < g.Width {
			held, b, n = held<<8|uint32(b[0]), b[1:], n+8
		}
		n -= g.Width
		g.Rows[firstRow+y] = uint16(held>>n) << (16 - g.Width)
	}
}

// append packs them.
func (g Glyph) append(dst []byte) []byte {
	var held uint32
	n := 0
	for y := range rows {
		held, n = held<<g.Width|uint32(g.Rows[firstRow+y]>>(16-g.Width)), n+g.Width
		for ; n >= 8; n -= 8 {
			dst = append(dst, byte(held>>(n-8)))
		}
	}
	if n > 0 {
		dst = append(dst, byte(held<<(8-n)))
	}
	return dst
}

var errGlyph = errors.New("font: a glyph is of no size that can be packed")

// Pack writes a face.
func Pack(of func(rune) (Glyph, bool)) ([]byte, error) {
	b := make([]byte, pages*pageSize)
	for r := range rune(pages * 256) {
		page := b[int(r)>>8*pageSize:][:pageSize]
		if r&0xFF == 0 {
			binary.BigEndian.PutUint32(page[2*mapSize:], uint32(len(b)))
		}
		g, ok := of(r)
		switch {
		case !ok:
			continue
		case g.Width != Half && g.Width != Full, g.Rows[0] != 0, g.Rows[Height-1] != 0:
			return nil, errGlyph
		}
		at, mask := r&0xFF/8, byte(0x80)>>(r&7)
		page[at] |= mask
		if g.Width == Full {
			page[mapSize+at] |= mask
		}
		b = g.append(b)
	}
	return b, nil
}
