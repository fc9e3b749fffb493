package ident_test

import (
	"testing"

	"pgregory.net/rapid"

	"sotto/ident"
)

// Text and Parse undo each other, and ids of later milliseconds sort later.
func TestRoundTripAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(0, 1<<48-2).Draw(t, "at")
		random := [10]byte(rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "random"))
		id := ident.Make(ident.Payment, at, random)
		raw, err := ident.Parse(ident.Payment, id)
		if err != nil {
			t.Fatalf("Parse(%q): %v", id, err)
		}
		if got := ident.Text(ident.Payment, raw); got != id {
			t.Fatalf("got %q, want %q", got, id)
		}
		if later := ident.Make(ident.Payment, at+1, random); later <= id {
			t.Fatalf("%q does not sort after %q", later, id)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	good := ident.Make(ident.Payment, 1, [10]byte{})
	for _, bad := range []string{
		"", "pay_", good[:len(good)-1], good + "0", "card_" + good[4:], "PAY_" + good[4:],
		"pay-" + good[4:], "pay_8" + good[5:], "pay_U" + good[5:], "pay_" + "o" + good[5:], good[:29] + "\n",
	} {
		if _, err := ident.Parse(ident.Payment, bad); err == nil {
			t.Errorf("%q was taken for an id", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pay_01JD3Z9Q8VXK4M2N7T5R6W8Y0B")
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := ident.Parse(ident.Payment, text)
		if err == nil && ident.Text(ident.Payment, raw) != text {
			t.Errorf("two texts for one id: %q", text)
		}
	})
}
