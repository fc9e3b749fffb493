package card

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marker stands for a character that may not be shown as itself. It has ink.
const Marker = '\uFFFD'

// marksMax is how many combining marks one base may carry. Two are what written
// Latin and Vietnamese need; a flood of them climbs over the neighbouring lines.
const marksMax = 2

// Sanitize makes text from outside fit for a prompt: what a person sees is all
// there is, in the order in which it stands.
//
// Controls, line separators, bidirectional and zero-width characters, tags,
// variation selectors, fillers, private and unassigned characters each become
// Marker, never nothing: a reader shall notice. White space becomes single
// plain spaces with none at the ends. Combining marks beyond two to a base
// become one Marker. Text that was not empty is not empty afterwards.
//
// It does not fold look-alikes. Full-width or mathematical digits in a payee's
// name stay as they are, for they are that name; what keeps them from passing
// for the code is that the code has a field, a size and a label of its own
// which content cannot reach, and that only ASCII digits enter it.
func Sanitize(text string) string {
	s := sanitizer{}
	s.out.Grow(len(text))
	for _, r := range text { // ranging turns invalid UTF-8 into Marker
		s.add(r)
	}
	if s.out.Len() == 0 && text != "" {
		return string(Marker)
	}
	return s.out.String()
}

type sanitizer struct {
	out   strings.Builder
	space bool // one is due before the next character
	marks int  // on the present base; none can be put where there is no base
	based bool
}

func (s *sanitizer) add(r rune) {
	switch {
	case r == '\t' || unicode.Is(unicode.Zs, r):
		s.space, s.based = s.out.Len() > 0, false
	case !shows(r):
		s.put(Marker)
	case unicode.Is(unicode.M, r):
		s.mark(r)
	default:
		s.put(r)
	}
}

func (s *sanitizer) mark(r rune) {
	switch {
	case !s.based:
		s.put(Marker)
	case s.marks < marksMax:
		s.marks++
		s.out.WriteRune(r)
	case s.marks == marksMax:
		s.put(Marker)
		s.marks = marksMax + 1 // the rest of the flood is in this Marker
	}
}

func (s *sanitizer) put(r rune) {
	if s.space {
		s.out.WriteByte(' ')
	}
	s.space, s.based, s.marks = false, true, 0
	s.out.WriteRune(r)
}

// shows reports whether r has a picture of its own. Unicode calls some
// characters graphic that are blank or only change their neighbours.
func shows(r rune) bool {
	switch r {
	case utf8.RuneError:
		return true // Marker itself
	case 0x034F, 0x17B4, 0x17B5, 0x2800: // grapheme joiner, Khmer inherent vowels, blank Braille
		return false
	case 0x115F, 0x1160, 0x3164, 0xFFA0: // Hangul fillers
		return false
	case 0x1D159: // null notehead
		return false
	}
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Variation_Selector, r)
}
