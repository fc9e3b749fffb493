//go:build flashfont

package font

import _ "embed" // the face

// face is what Pack has written. As a string it is in the program's constant data,
// which a microcontroller leaves in flash.
//
//go:embed face.bin
var face Packed

// Of finds a character's glyph.
func Of(r rune) (Glyph, bool) { return face.Glyph(r) }
