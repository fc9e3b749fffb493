package scp03_test

import (
	"bytes"
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/isomac"
	"sotto/scp03"
)

// An answer is refused, or means what only these bytes mean.
func FuzzAnswer(f *testing.F) {
	for _, v := range readTranscripts(f) {
		f.Add(append(v.value("answer"), 0x90, 0x00))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := apdu.ParseResponse(b)
		if err != nil {
			return
		}
		a, err := scp03.ParseAnswer(r)
		if err != nil {
			return
		}
		if !bytes.Equal(a.Bytes(), r.Data) || !a.Option.Valid() || a.Sequence > scp03.SequenceMax {
			t.Errorf("%X reads as %+v", b, a)
		}
	})
}

// No bytes get a card to open, or to take a command, that its host has not
// made. Whatever is signed rightly is refused too, or it is what the host makes
// of the command that the card read.
func FuzzCard(f *testing.F) {
	for _, v := range readTranscripts(f) {
		for _, l := range v.lines {
			if l.name == "wrapped" || l.name == "update" || l.name == "authenticate" {
				f.Add(l.value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := apdu.Parse(b)
		if err != nil {
			return
		}
		d := domainOf(t, 16, 0x60)
		offer, _ := d.Answer(c, 0, [8]byte{1})
		if card, _, r := offer.Accept(c); r.Status.OK() || card.Open() {
			t.Errorf("%X opens a channel", b)
		}
		for _, level := range levels {
			host, card := open(t, d, level, 0, [8]byte{1})
			if after, _, status := card.Unwrap(c); status.OK() || after.Open() {
				t.Errorf("%X is taken", b)
			}
			forged := signedForFirst(t, d, level, c)
			card, plain, status := card.Unwrap(forged)
			if !status.OK() {
				if card.Open() {
					t.Errorf("%X is refused, and the card goes on", b)
				}
				continue
			}
			_, again, err := host.Wrap(plain)
			again.Ne = forged.Ne
			if err != nil || !bytes.Equal(again.Bytes(), forged.Bytes()) {
				t.Errorf("level %02X: %X reads as %X, which is written %X, %v", level, forged.Bytes(), plain.Bytes(), again.Bytes(), err)
			}
		}
	})
}

// signedForFirst signs c as the first command of the session that open makes,
// with its data as it is.
func signedForFirst(t *testing.T, d scp03.Domain, level scp03.Level, c apdu.Command) apdu.Command {
	t.Helper()
	ref := afterOpening(t, d, level)
	return ref.signed(c)
}

// afterOpening knows the session that open makes from the challenge 1.
func afterOpening(t *testing.T, d scp03.Domain, level scp03.Level) *reference {
	t.Helper()
	challenge := [8]byte{1}
	_, r := d.Answer(scp03.InitializeUpdate(0, challenge), 41, [8]byte{7, 6, 5, 4, 3, 2, 1, 0})
	a, err := scp03.ParseAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	ref := newReference(16, challenge, a.Challenge)
	head := []byte{0x84, 0x82, byte(level), 0, 16}
	ref.chain = [16]byte(cmac(ref.mac, append(append(make([]byte, 16), head...), ref.proof...)))
	return ref
}

// No bytes get a host to take a response under R-MAC that its card has not
// made. Whatever has the right R-MAC is refused too, or it is what the card
// makes of the response that the host read.
func FuzzHost(f *testing.F) {
	for _, v := range readTranscripts(f) {
		for _, l := range v.lines {
			if l.name == "sealed" {
				f.Add(l.value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := apdu.ParseResponse(b)
		if err != nil {
			return
		}
		d := domainOf(t, 16, 0x60)
		for _, level := range []scp03.Level{0x11, 0x13, 0x33} {
			host, card := open(t, d, level, 0, [8]byte{1})
			host, c, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xCA, Ne: 256})
			if err != nil {
				t.Fatal(err)
			}
			card, _, _ = card.Unwrap(c)

			bare := r.Status != 0x9000 && !r.Status.Warning() && len(r.Data) == 0
			if _, _, err := host.Unwrap(r); (err == nil) != bare || err != nil && !errors.Is(err, scp03.ErrResponse) {
				t.Errorf("level %02X: %X: %v", level, b, err)
			}
			ref := afterOpening(t, d, level)
			ref.chain = [16]byte(cmac(ref.mac, append(ref.chain[:], 0x84, 0xCA, 0, 0, 8)))
			forged := ref.sealed(r.Data, r.Status)
			_, plain, err := host.Unwrap(forged)
			if err != nil {
				continue
			}
			if _, again := card.Wrap(plain); !bytes.Equal(again.Bytes(), forged.Bytes()) {
				t.Errorf("level %02X: %X reads as %X, which is written %X", level, forged.Bytes(), plain.Bytes(), again.Bytes())
			}
		}
	})
}

// A class that says more than channel and protection is refused, even with the
// right MAC over it.
func TestClassesSignedRightly(t *testing.T) {
	d := domainOf(t, 16, 0x60)
	for class := range 256 {
		_, card := open(t, d, 0x01, 0, [8]byte{1})
		ref := afterOpening(t, d, 0x01)
		mac := cmac(ref.mac, append(ref.chain[:], byte(class), 0xE2, 0, 0, 8))
		_, _, status := card.Unwrap(apdu.Command{CLA: apdu.Class(class), INS: 0xE2, Data: mac[:8]})
		if want := class == 0x04 || class == 0x84; status.OK() != want {
			t.Errorf("class %02X: %v", class, status)
		}
	}
}

// What carries the right MAC and yet no padding is refused at both ends: more
// than a block of it, none, or nothing but.
func TestPadding(t *testing.T) {
	d := domainOf(t, 16, 0x60)
	for name, c := range map[string]struct {
		padded []byte
		good   bool
	}{
		"a byte":                  {isomac.Pad2([]byte{1}, 16), true},
		"a block":                 {isomac.Pad2(run(1, 16), 16), true},
		"zeroes":                  {isomac.Pad2(make([]byte, 7), 16), true},
		"a byte 80":               {isomac.Pad2([]byte{0x80}, 16), true},
		"nothing but padding":     {isomac.Pad2(nil, 16), false},
		"no padding":              {run(1, 16), false},
		"zeroes alone":            {make([]byte, 16), false},
		"padding of a block more": {append(append(run(1, 15), 0x80), make([]byte, 16)...), false},
	} {
		host, card := open(t, d, 0x33, 0, [8]byte{1})
		ref := afterOpening(t, d, 0x33)
		forged := ref.signed(apdu.Command{CLA: 0x80, INS: 0xE2, Data: ref.crypt(0x00, c.padded)})
		if _, _, status := card.Unwrap(forged); status.OK() != c.good {
			t.Errorf("command, %s: %v", name, status)
		}
		host, _, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2})
		if err != nil {
			t.Fatal(err)
		}
		ref.chain = [16]byte(cmac(ref.mac, append(ref.chain[:], 0x84, 0xE2, 0, 0, 8)))
		if _, _, err := host.Unwrap(ref.sealed(ref.crypt(0x80, c.padded), 0x9000)); (err == nil) != c.good {
			t.Errorf("response, %s: %v", name, err)
		}
	}
}
