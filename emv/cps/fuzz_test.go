package cps_test

import (
	"bytes"
	"testing"

	"sotto/emv/cps"
)

// FuzzParseGroups: what is read is written again byte for byte.
func FuzzParseGroups(f *testing.F) {
	f.Add(unhex(f, "010101AA 9000030102038000 01FF"))
	f.Add(unhex(f, "0101FF00FF"+hexOf(255)))
	f.Add(unhex(f, "0101FF8001"))
	f.Fuzz(func(t *testing.T, b []byte) {
		groups, err := cps.ParseGroups(b, false)
		if err != nil {
			return
		}
		if again, err := cps.AppendGroups(nil, groups); err != nil || !bytes.Equal(again, b) {
			t.Errorf("written as %X, %v", again, err)
		}
	})
}

// FuzzAssembly takes b as a row of blocks, each with P1, P2 and a length in
// front. What is put together has the limits of a list of groups.
func FuzzAssembly(f *testing.F) {
	f.Add(unhex(f, "08 00 04 010101AA 88 01 04 010201BB"))
	f.Add(unhex(f, "08 00 01 01 08 01 03 0102AA E8 02 01 BB"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var card cps.Assembly
		for len(b) >= 3 {
			n := min(int(b[2]), len(b)-3)
			next, err := card.Add(cps.Block{P1: b[0], P2: b[1], Data: b[3 : 3+n]})
			if err != nil {
				return
			}
			card, b = next, b[3+n:]
			if card.Done() {
				break
			}
		}
		if !card.Done() {
			return
		}
		blocks, err := cps.Blocks(card.Groups(), cps.BlockMax)
		if err != nil {
			t.Fatal(err)
		}
		var again cps.Assembly
		for _, b := range blocks {
			if again, err = again.Add(b); err != nil {
				t.Fatal(err)
			}
		}
		if !same(again.Groups(), card.Groups()) {
			t.Error("other groups")
		}
	})
}

// FuzzParseApplet: a file has one form, and any profile in it as well.
func FuzzParseApplet(f *testing.F) {
	for _, p := range []cps.Profile{plain(f), purse(f, usualChain, true)} {
		a := must[cps.Applet](f)(p.Applet())
		f.Add(must[[]byte](f)(a.Append(nil)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := cps.ParseApplet(b)
		if err != nil {
			return
		}
		if again := must[[]byte](t)(a.Append(nil)); !bytes.Equal(again, b) {
			t.Errorf("written as %X", again)
		}
		checkProfile(t, a)
	})
}

// FuzzProfile puts any bytes into one group of an applet.
func FuzzProfile(f *testing.F) {
	good := must[cps.Applet](f)(purse(f, smallChain, true).Applet())
	for i, g := range good.Groups {
		f.Add(byte(i), bytes.Clone(g.Data.Reveal()))
	}
	f.Fuzz(func(t *testing.T, at byte, data []byte) {
		id := good.Groups[int(at)%len(good.Groups)].ID
		if len(data) == 0 {
			data = nil // which takes the group away
		}
		checkProfile(t, with(good, id, data))
	})
}

// checkProfile reads a profile; if there is one, it is written as it was.
func checkProfile(t *testing.T, a cps.Applet) {
	t.Helper()
	p, err := a.Profile()
	if err != nil {
		return
	}
	again := must[cps.Applet](t)(p.Applet())
	for _, g := range a.Groups {
		if !bytes.Equal(g.Data.Reveal(), dataOf(again, g.ID)) {
			t.Errorf("%v is written otherwise", g.ID)
		}
	}
	if len(again.Groups) != len(a.Groups) {
		t.Errorf("%d groups became %d", len(a.Groups), len(again.Groups))
	}
}
