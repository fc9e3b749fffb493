package ble

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"sotto/ident"
)

// HintSize is the length of a hint in bytes.
const HintSize = randomSize + tagSize

const (
	randomSize = 3
	tagSize    = 3
)

// Hint is what a card advertises of itself: random bytes, and a tag over them
// that only who knows the card's id can tell from random bytes. It is built like
// a resolvable private address (Core 5.4, Vol 3, Part C, 10.8.2.3).
type Hint [HintSize]byte

// ParseHint reads a hint as it is advertised.
func ParseHint(b []byte) (Hint, bool) {
	if len(b) != HintSize {
		return Hint{}, false
	}
	return Hint(b), true
}

// mark is how a card and the phones that know its id recognise each other. It
// has two keys, so that no knock is ever a hint.
type mark struct{ hints, knocks []byte }

func markOf(card ident.Raw) mark {
	return mark{hints: derive(card, "hint"), knocks: derive(card, "knock")}
}

func derive(card ident.Raw, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, card[:], nil, "sotto v1 ble "+purpose, sha256.Size)
	if err != nil { // only a key of impossible length fails
		panic(err)
	}
	return key
}

// hint is the card's hint with these random bytes.
func (m mark) hint(random [randomSize]byte) (h Hint) {
	copy(h[:], random[:])
	copy(h[randomSize:], tag(m.hints, random[:]))
	return h
}

// is reports whether a hint is this card's. One of sixteen million is, by
// chance: the knock will tell.
func (m mark) is(h Hint) bool {
	return h == m.hint([randomSize]byte(h[:randomSize]))
}

// knock is what a phone answers to the card's challenge.
func (m mark) knock(challenge [challengeSize]byte) [knockSize]byte {
	return [knockSize]byte(tag(m.knocks, challenge[:]))
}

func tag(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // a hash takes everything
	return h.Sum(nil)
}
