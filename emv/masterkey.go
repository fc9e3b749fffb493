package emv

import (
	"crypto/sha1" //nolint:gosec // option B of Book 2, A1.4.2, is defined with it; no collision matters here
	"encoding/binary"
	"math/bits"

	"sotto/secret"
)

// hidden keeps an expanded key where nothing that prints can reach it.
type hidden struct{ reveal func() *expanded }

func hide(e expanded) hidden { return hidden{func() *expanded { return &e }} }

// String answers "[secret]".
func (hidden) String() string { return "[secret]" }

// GoString answers "[secret]", for %#v.
func (hidden) GoString() string { return "[secret]" }

// MarshalText answers "[secret]"; encoding/json and log/slog use it.
func (hidden) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Empty reports whether there is no key. Everything else panics without one.
func (h hidden) Empty() bool { return h.reveal == nil }

// Suite is what the key is used with.
func (h hidden) Suite() Suite { return h.reveal().suite }

// Secret is the key itself, a copy, to be stored or personalized.
func (h hidden) Secret() secret.Secret { return secret.New(h.reveal().raw[:]) }

// CheckValue is the key check value: the left three bytes of a block of zeros
// under the key (EMV CPS; for AES alike).
func (h hidden) CheckValue() [3]byte {
	e := h.reveal()
	if e.suite == AES {
		zeros := e.block16([16]byte{})
		return [3]byte(zeros[:3])
	}
	zeros := e.block8([8]byte{})
	return [3]byte(zeros[:3])
}

func newHidden(s Suite, key secret.Secret) (hidden, error) {
	raw := key.Reveal()
	if len(raw) != 16 || !s.Valid() {
		return hidden{}, ErrKey
	}
	return hide(expand(s, [16]byte(raw))), nil
}

// IssuerKey is an issuer master key for one purpose: cryptograms, script MACs,
// or encryption. From it come the keys of all cards. Goroutines may share it.
type IssuerKey struct{ hidden }

// NewIssuerKey takes a key of 16 bytes.
func NewIssuerKey(s Suite, key secret.Secret) (IssuerKey, error) {
	h, err := newHidden(s, key)
	return IssuerKey{h}, err
}

// MasterKey is the key of one card for one purpose. Goroutines may share it.
// Cryptograms and answers to them are computed with a card's AC key; scripts
// and balances with its MAC key.
type MasterKey struct{ hidden }

// NewMasterKey takes a key of 16 bytes, as a card does that was given its own.
func NewMasterKey(s Suite, key secret.Secret) (MasterKey, error) {
	h, err := newHidden(s, key)
	return MasterKey{h}, err
}

// Master derives the key of the card with this PAN and PAN sequence number (5F34
// as on the wire; 00 if the card has none): Book 2, A1.4, with AES option C,
// else option A, or option B for a PAN of more than 16 digits.
func (k IssuerKey) Master(pan PAN, psn byte) MasterKey {
	e := k.reveal()
	return MasterKey{hide(expand(e.suite, e.diversify(pan.Reveal(), psn)))}
}

func (e *expanded) diversify(pan []byte, psn byte) [16]byte {
	switch {
	case e.suite == AES:
		return e.block16(rightmost(pan, psn))
	case len(pan) <= 16:
		y := rightmost(pan, psn)
		return e.pair([8]byte(y[8:]))
	}
	return e.pair(decimalised(pan, psn))
}

// rightmost is PAN and PSN, two digits a byte, right justified in 32 digits. Of
// it option C takes all, option A the last 16 digits.
func rightmost(pan []byte, psn byte) (y [16]byte) {
	y[15] = psn
	for i := range pan {
		digit := pan[len(pan)-1-i] - '0'
		y[14-i/2] |= digit << (4 * (i % 2))
	}
	return y
}

// decimalised is the Y of option B: the first 16 decimal digits in the SHA-1 of
// PAN and PSN, and if there are fewer, A to F from the left as 0 to 5.
func decimalised(pan []byte, psn byte) (y [8]byte) {
	all := rightmost(pan, psn)
	used := (len(pan) + 1) / 2
	x := sha1.Sum(all[15-used:]) //nolint:gosec // see the import
	n := 0
	put := func(digit byte) {
		y[n/2] |= digit << (4 * (1 - n%2))
		n++
	}
	for i := 0; i < 2*len(x) && n < 16; i++ {
		if d := nibble(x[:], i); d <= 9 {
			put(d)
		}
	}
	for i := 0; i < 2*len(x) && n < 16; i++ {
		if d := nibble(x[:], i); d > 9 {
			put(d - 10)
		}
	}
	return y
}

// pair is the key of a TDES card: Y encrypted and its complement encrypted, with
// odd parity (Book 2, A1.4.1).
func (e *expanded) pair(y [8]byte) [16]byte {
	return e.twice(y, complement(y))
}

// twice encrypts two blocks into a key of odd parity.
func (e *expanded) twice(left, right [8]byte) (key [16]byte) {
	left, right = e.block8(left), e.block8(right)
	copy(key[:8], left[:])
	copy(key[8:], right[:])
	return oddParity(key)
}

func complement(b [8]byte) (c [8]byte) {
	binary.BigEndian.PutUint64(c[:], ^binary.BigEndian.Uint64(b[:]))
	return c
}

// oddParity sets the low bit of each byte so that it has an odd number of ones.
// DES ignores it; hardware modules that check it do not.
func oddParity(key [16]byte) [16]byte {
	for i, b := range key {
		key[i] = b&^1 | byte(^bits.OnesCount8(b>>1)&1)
	}
	return key
}

// session is the session key for this ATC, with which cryptograms are made.
func (e *expanded) session(atc uint16) expanded {
	if e.suite == PBOC { // JR/T 0025.7: zeros and the ATC, zeros and its complement
		var left, right [8]byte
		binary.BigEndian.PutUint16(left[6:], atc)
		binary.BigEndian.PutUint16(right[6:], ^atc)
		return expand(PBOC, e.twice(left, right))
	}
	var r [8]byte
	binary.BigEndian.PutUint16(r[:], atc)
	return e.common(r)
}

// messaging is the session key for scripts that answer this ARQC.
func (e *expanded) messaging(atc uint16, arqc [8]byte) expanded {
	if e.suite == PBOC {
		return e.session(atc)
	}
	return e.common(arqc)
}

// common is the common session key of the diversification value R (Book 2,
// A1.3.1), which for AES has zeros behind it.
func (e *expanded) common(r [8]byte) expanded {
	if e.suite == AES {
		var block [16]byte
		copy(block[:], r[:])
		return expand(AES, e.block16(block))
	}
	left, right := r, r
	left[2], right[2] = 0xF0, 0x0F
	return expand(Common, e.twice(left, right))
}
