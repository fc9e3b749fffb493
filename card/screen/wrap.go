package screen

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// wrap breaks s into lines no wider than width pixels. It drops nothing: the
// lines joined are s again. Latin breaks after a space or a hyphen, CJK between
// any two characters except where punctuation clings, and a word wider than
// the line wherever it must. One space may hang over the right edge, where it
// is as invisible as anywhere.
func wrap(s string, width int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			n := lineEnd(s, width)
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// lineEnd returns how many bytes of s the first line takes; at least one rune.
func lineEnd(s string, width int) int {
	x, good := 0, 0 // good: the last place where breaking is proper
	var before measured
	for i, r := range s {
		m := measured{r, cellOf(r).advance}
		if i > 0 && breaksBetween(before, m) {
			good = i
		}
		x += m.advance
		if x > width && r != ' ' {
			return breakAt(s, i, good)
		}
		if x > width { // the space that hangs
			return i + 1
		}
		before = m
	}
	return len(s)
}

func breakAt(s string, overflow, good int) int {
	switch {
	case good > 0:
		return good
	case overflow > 0:
		return overflow
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// breaksBetween reports whether a line may end between a and b.
func breaksBetween(a, b measured) bool {
	switch {
	case b.r == ' ' || strings.ContainsRune(clingsLeft, b.r) || strings.ContainsRune(clingsRight, a.r):
		return false
	case a.r == ' ' || a.r == '-' || a.r == '/':
		return true
	}
	return a.advance > halfWidth || b.advance > halfWidth
}

// measured is a character with its width in the text face, which costs a look into
// the font.
type measured struct {
	r       rune
	advance int
}

// Punctuation that must not begin a line, and that must not end one.
const (
	clingsLeft  = "，。、；：？！）》」』】〉”’…,.;:?!)]}%"
	clingsRight = "（《「『【〈“‘([{"
)
