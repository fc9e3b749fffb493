// Package font has the glyphs of the card's text face: bitmapfont's face for
// simplified Chinese, Latin 6 pixels wide and CJK 12.
//
// Use Of. Where the program runs on a machine, it takes a glyph out of the module
// bitmapfont, which holds six faces and unpacks one of them into the heap, 1.6 MB,
// when it is first used. A card has no such room. Built with the tag flashfont, the
// program holds the one face alone, as Pack has written it: half a megabyte that is
// read where it lies, in flash, and takes nothing of the heap. Both give the same
// glyphs for every character.
//
// The packed face is not in the repository: it is others' work, and comes out of
// the module whenever firmware is built (scripts/cardgo.sh).
package font

// Height is the rows of a glyph's cell.
const Height = 16

// The two widths, in pixels.
const (
	Half = 6
	Full = 12
)

// Glyph is the picture of one character. A row's leftmost pixel is its highest
// bit.
type Glyph struct {
	Rows  [Height]uint16
	Width int
}
