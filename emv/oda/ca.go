package oda

import (
	"crypto/sha1" //nolint:gosec // as in block.go
	"fmt"
	"slices"

	"sotto/emv"
	"sotto/tlv"
)

// CA is the public key of a certification authority, as a terminal keeps it
// (Book 2, 11.2.2).
type CA struct {
	RID    [5]byte // of the payment system: how its AIDs begin
	Index  byte    // 8F of the card, 9F22 of the terminal
	Key    PublicKey
	Expiry Month // its last month; the zero Month is no end
}

// Checksum is the check sum by which an authority publishes its key: SHA-1 over
// RID, index, modulus and exponent.
func (a CA) Checksum() [sha1.Size]byte {
	return hashOf(a.RID[:], []byte{a.Index}, a.Key.Modulus(), a.Key.exponent)
}

// The data objects in which acquirers hand CA keys to their terminals. The
// numbers DF02 to DF07 are private to that use.
const (
	tagCAModulus    tlv.Tag = 0xDF02
	tagCAChecksum   tlv.Tag = 0xDF03
	tagCAExponent   tlv.Tag = 0xDF04
	tagCAExpiry     tlv.Tag = 0xDF05 // YYYYMMDD, as digits or as text
	tagCAHash       tlv.Tag = 0xDF06
	tagCAAlgorithm  tlv.Tag = 0xDF07
	caObjectsAtMost         = 8
)

// Append writes the key behind dst as acquirers do: a sequence of data objects.
// It panics on a CA without a key.
func (a CA) Append(dst []byte) []byte {
	if a.Key.modulus == nil {
		panic("oda: a certification authority without a key")
	}
	sum := a.Checksum()
	dst = tlv.Append(dst, emv.TagAID, a.RID[:])
	dst = tlv.Append(dst, emv.TagCAIndexTerminal, []byte{a.Index})
	if year, month, err := a.Expiry.YM(); err == nil {
		last := lastDay(year, month)
		dst = tlv.Append(dst, tagCAExpiry, []byte{bcd(year / 100), bcd(year % 100), bcd(month), bcd(last)})
	}
	dst = tlv.Append(dst, tagCAHash, []byte{hashSHA1})
	dst = tlv.Append(dst, tagCAAlgorithm, []byte{keyRSA})
	dst = tlv.Append(dst, tagCAModulus, a.Key.Modulus())
	dst = tlv.Append(dst, tagCAExponent, a.Key.exponent)
	return tlv.Append(dst, tagCAChecksum, sum[:])
}

func lastDay(year, month int) int {
	for day := 31; ; day-- {
		if _, err := emv.NewDate(year, month, day); err == nil {
			return day
		}
	}
}

// ParseCA reads the key of an authority and compares the check sum. The order
// of the objects is free; none may stand twice, and only the expiry may be
// absent. It keeps no part of b.
func ParseCA(b []byte) (CA, error) {
	a, err := parseCA(b)
	if err != nil {
		return CA{}, in(partCA, err)
	}
	return a, nil
}

func parseCA(b []byte) (CA, error) {
	objects, err := caObjects(b)
	if err != nil {
		return CA{}, err
	}
	rid, index := objects[emv.TagAID], objects[emv.TagCAIndexTerminal]
	hash, algorithm := objects[tagCAHash], objects[tagCAAlgorithm]
	switch {
	case len(rid) != 5 || len(index) != 1:
		return CA{}, ErrMissing
	case len(hash) != 1 || hash[0] != hashSHA1:
		return CA{}, ErrHashAlgorithm
	case len(algorithm) != 1 || algorithm[0] != keyRSA:
		return CA{}, ErrKeyAlgorithm
	}
	a := CA{RID: [5]byte(rid), Index: index[0]}
	if a.Key, err = newPublicKey(objects[tagCAModulus], objects[tagCAExponent]); err != nil {
		return CA{}, err
	}
	if a.Expiry, err = caExpiry(objects[tagCAExpiry]); err != nil {
		return CA{}, err
	}
	if sum := a.Checksum(); string(sum[:]) != string(objects[tagCAChecksum]) {
		return CA{}, ErrHash
	}
	return a, nil
}

func caObjects(b []byte) (map[tlv.Tag][]byte, error) {
	known := []tlv.Tag{
		emv.TagAID, emv.TagCAIndexTerminal, tagCAModulus, tagCAChecksum,
		tagCAExponent, tagCAExpiry, tagCAHash, tagCAAlgorithm,
	}
	objects := make(map[tlv.Tag][]byte, caObjectsAtMost)
	for {
		o, rest, ok, err := tlv.Next(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if !ok {
			return objects, nil
		}
		if _, twice := objects[o.Tag]; twice || !slices.Contains(known, o.Tag) {
			return nil, ErrFormat
		}
		objects[o.Tag], b = o.Value, rest
	}
}

// caExpiry reads a date in four bytes of digits or eight of text; both are in
// use. All zeroes, or no date at all, is no end.
func caExpiry(b []byte) (Month, error) {
	switch string(b) {
	case "", "\x00\x00\x00\x00", "00000000":
		return Month{}, nil
	}
	if len(b) == 8 {
		packed := make([]byte, 4)
		for i, digit := range b {
			if digit < '0' || digit > '9' {
				return Month{}, ErrExpired
			}
			packed[i/2] = packed[i/2]<<4 | (digit - '0')
		}
		b = packed
	}
	if len(b) != 4 {
		return Month{}, ErrExpired
	}
	month := Month{b[2], b[1]}
	year, _, err := month.YM()
	if _, dateErr := emv.ParseDate(b[1:]); err != nil || dateErr != nil || b[0] != bcd(year/100) {
		return Month{}, ErrExpired
	}
	return month, nil
}
