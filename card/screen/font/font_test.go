package font

import (
	"testing"
)

// The face that goes into flash has the same glyphs as the one in the module, for
// every character.
func TestPackedFaceIsTheSame(t *testing.T) {
	b, err := Pack(Of)
	if err != nil {
		t.Fatal(err)
	}
	packed, glyphs := Packed(b), 0
	for r := rune(-1); r < 0x10100; r++ {
		want, has := Of(r)
		got, found := packed.Glyph(r)
		if has {
			glyphs++
		} else {
			want = Glyph{}
		}
		if got != want || found != has {
			t.Fatalf("%U: got %v, %v; want %v, %v", r, got, found, want, has)
		}
	}
	t.Logf("%d glyphs in %d bytes", glyphs, len(b))
	if glyphs < 25_000 || len(b) > 520_000 {
		t.Errorf("%d glyphs in %d bytes", glyphs, len(b))
	}
}

func TestPackedGlyphsTakeNothingFromTheHeap(t *testing.T) {
	b, err := Pack(func(r rune) (Glyph, bool) { return Glyph{Width: Full}, r%3 == 0 })
	if err != nil {
		t.Fatal(err)
	}
	packed := Packed(b)
	if n := testing.AllocsPerRun(10, func() {
		for r := range rune(1000) {
			packed.Glyph(r)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// A glyph that would lose something is not packed.
func TestPackRefuses(t *testing.T) {
	for _, g := range []Glyph{{Width: 7}, {Width: Half, Rows: [Height]uint16{0: 1}}, {Width: Full, Rows: [Height]uint16{15: 1}}} {
		if b, err := Pack(func(rune) (Glyph, bool) { return g, true }); err == nil {
			t.Errorf("%v became %d bytes", g, len(b))
		}
	}
}
