package emv

import (
	"crypto/sha1" //nolint:gosec // option B of Book 2, A1.4.2, is defined with it; no collision matters here
	"encoding/binary"
	"math/bits"
)

// diversify is the key of one card (Book 2, A1.4).
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
