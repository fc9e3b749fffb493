// Package ident makes and reads the ids of everything the bank keeps.
//
// An id is 16 bytes: 48 bits of Unix milliseconds and 80 random bits, so that
// ids sort by time and cannot be guessed. In text it is a kind, an underscore
// and 26 digits of Crockford's base32, as in "pay_01JD3Z9Q8VXK4M2N7T5R6W8Y0B".
// Parsing accepts only what Make writes: lower-case kind, upper-case digits.
package ident

import "errors"

// Kind is the prefix of an id's text.
type Kind string

// The kinds of things.
const (
	Account    Kind = "acct"
	Merchant   Kind = "mer"
	Card       Kind = "card"
	Phone      Kind = "ph"
	Binding    Kind = "bind"
	Payment    Kind = "pay"
	Transfer   Kind = "tr"
	Refund     Kind = "re"
	Webhook    Kind = "wh"
	Key        Kind = "key"
	Dispatch   Kind = "dsp"
	Enrollment Kind = "enr"
	Applet     Kind = "app"
	Load       Kind = "load"
)

// Raw is the 16 bytes of an id, as they stand in messages.
type Raw [16]byte

// ErrID says that a text is no id of the kind wanted.
var ErrID = errors.New("not a well-formed id of this kind")

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := range len(digits) {
		t[digits[i]] = byte(i)
	}
	return t
}()

// Make writes the id of this millisecond and these ten random bytes.
func Make(kind Kind, unixMilli int64, random [10]byte) string {
	var raw Raw
	for i := range 6 {
		raw[i] = byte(unixMilli >> (40 - 8*i))
	}
	copy(raw[6:], random[:])
	return Text(kind, raw)
}

// Text writes raw as an id of this kind.
func Text(kind Kind, raw Raw) string {
	out := make([]byte, len(kind)+1+26)
	n := copy(out, kind)
	out[n] = '_'
	text := out[n+1:]
	// 128 bits in 26 digits of 5: the first digit carries the top 3 bits.
	var acc uint32
	bits, at := 0, len(text)-1
	for i := len(raw) - 1; i >= 0; i-- {
		acc |= uint32(raw[i]) << bits
		bits += 8
		for bits >= 5 {
			text[at] = digits[acc&31]
			at--
			acc >>= 5
			bits -= 5
		}
	}
	text[at] = digits[acc&31]
	return string(out)
}

// Parse reads the text of an id of this kind.
func Parse(kind Kind, text string) (Raw, error) {
	var raw Raw
	if len(text) != len(kind)+27 || text[:len(kind)] != string(kind) || text[len(kind)] != '_' {
		return raw, ErrID
	}
	body := text[len(kind)+1:]
	if body[0] > '7' { // more than 128 bits
		return raw, ErrID
	}
	var acc uint32
	bits, at := 0, len(raw)-1
	for i := len(body) - 1; i >= 0; i-- {
		v := values[body[i]]
		if v == 0xFF {
			return Raw{}, ErrID
		}
		acc |= uint32(v) << bits
		bits += 5
		if bits >= 8 && at >= 0 {
			raw[at] = byte(acc)
			at--
			acc >>= 8
			bits -= 8
		}
	}
	return raw, nil
}
