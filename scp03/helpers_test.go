package scp03_test

import (
	"sotto/apdu"
	"sotto/scp03"
	"sotto/secret"
)

var levels = []scp03.Level{0x01, 0x03, 0x11, 0x13, 0x33}

var keySizes = []int{16, 24, 32}

// options can all do the highest level.
var options = []scp03.Option{0x60, 0x70}

// run is n bytes that count up from first.
func run(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// fataler is *testing.T, *testing.F or *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func keysOf(t fataler, size int) scp03.Keys {
	t.Helper()
	k, err := scp03.NewKeys(secret.New(run(0x10, size)), secret.New(run(0x50, size)), secret.New(run(0x90, size)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func domainOf(t fataler, size int, option scp03.Option) scp03.Domain {
	t.Helper()
	return scp03.Domain{
		Keys: keysOf(t, size), KeyVersion: 1, Option: option,
		AID: []byte{0xA0, 0, 0, 1, 0x51, 0, 0, 0},
	}
}

// open brings up both ends on a logical channel.
func open(t fataler, d scp03.Domain, level scp03.Level, channel apdu.Class, challenge [8]byte) (scp03.Host, scp03.Card) {
	t.Helper()
	c := scp03.InitializeUpdate(0, challenge)
	c.CLA |= channel
	offer, r := d.Answer(c, 41, [8]byte{7, 6, 5, 4, 3, 2, 1, 0})
	a, err := scp03.ParseAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	opening, c, err := scp03.Authenticate(d.Keys, challenge, a, level)
	if err != nil {
		t.Fatal(err)
	}
	c.CLA |= channel
	card, _, r := offer.Accept(c)
	host, err := opening.Confirm(r)
	if err != nil {
		t.Fatal(err)
	}
	return host, card
}
