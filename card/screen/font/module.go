//go:build !flashfont

package font

import (
	"image/color"
	"sync"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/math/fixed"
)

// ascent is where the baseline lies.
const ascent = 12

// book keeps the glyphs that were read, 256 characters at a time: to read one takes
// as long as to draw a line of them.
var book [256]struct {
	once   sync.Once
	glyphs *[256]Glyph
}

// Of finds a character's glyph.
func Of(r rune) (Glyph, bool) {
	if r < 0 || r >= 256*256 {
		return Glyph{}, false
	}
	page := &book[r>>8]
	page.once.Do(func() {
		page.glyphs = new([256]Glyph)
		for i := range page.glyphs {
			page.glyphs[i] = read(r&^0xFF | rune(i))
		}
	})
	g := page.glyphs[r&0xFF]
	return g, g.Width > 0
}

// read takes a glyph out of the face, which has empty pictures where it has no
// glyph: only ink proves one.
func read(r rune) (g Glyph) {
	bounds, mask, at, advance, _ := bitmapfont.FaceSC.Glyph(fixed.P(0, ascent), r)
	for y := range min(bounds.Dy(), Height) {
		for x := range bounds.Dx() {
			if mask.At(at.X+x, at.Y+y) != (color.Alpha{}) {
				g.Rows[y] |= 1 << (15 - x)
				g.Width = advance.Ceil()
			}
		}
	}
	return g
}
