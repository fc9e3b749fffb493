package emv

import "encoding/binary"

// AmountMax is the largest amount of the format n 12, in minor units.
const AmountMax = 999_999_999_999

// Amount is a field of the format n 12 as it stands on the wire: 9F02, 9F03,
// 9F79 and the like, in minor units. A terminal may have written anything into
// it; Minor says whether it is a number.
type Amount [6]byte

// NewAmount writes minor units; below zero or above AmountMax is ErrAmount.
func NewAmount(minor int64) (Amount, error) {
	if minor < 0 || minor > AmountMax {
		return Amount{}, ErrAmount
	}
	var a Amount
	putDigits(a[:], minor)
	return a, nil
}

// ParseAmount reads six bytes, which must be digits.
func ParseAmount(b []byte) (Amount, error) {
	if len(b) != len(Amount{}) {
		return Amount{}, ErrLength
	}
	a := Amount(b)
	_, err := a.Minor()
	return a, err
}

// Minor is the number of minor units, or ErrDigits.
func (a Amount) Minor() (int64, error) { return digits(a[:]) }

// String is the bytes in hexadecimal, which of an amount are its digits.
func (a Amount) String() string { return hexadecimal(a[:]) }

// Numeric is a field of the format n 3 in two bytes as it stands on the wire: a
// currency (5F2A) or a country (9F1A, 5F28).
type Numeric [2]byte

// NumberChina is the number of China in ISO 3166-1 and of its currency in ISO
// 4217.
const NumberChina = 156

// NewNumeric writes a number of at most three digits; others are ErrAmount.
func NewNumeric(number int) (Numeric, error) {
	if number < 0 || number > 999 {
		return Numeric{}, ErrAmount
	}
	var n Numeric
	putDigits(n[:], int64(number))
	return n, nil
}

// ParseNumeric reads two bytes, which must be three digits.
func ParseNumeric(b []byte) (Numeric, error) {
	if len(b) != len(Numeric{}) {
		return Numeric{}, ErrLength
	}
	n := Numeric(b)
	_, err := n.Number()
	return n, err
}

// Number is the number, 0 to 999, or ErrDigits.
func (n Numeric) Number() (int, error) {
	v, err := digits(n[:])
	if err != nil || v > 999 {
		return 0, ErrDigits
	}
	return int(v), nil
}

// String is the bytes in hexadecimal, which of a number are its digits.
func (n Numeric) String() string { return hexadecimal(n[:]) }

// digits reads a field of the format n, two digits a byte, of at most 9 bytes.
func digits(b []byte) (v int64, err error) {
	for _, x := range b {
		high, low := x>>4, x&0xF
		if high > 9 || low > 9 {
			return 0, ErrDigits
		}
		v = v*100 + int64(high)*10 + int64(low)
	}
	return v, nil
}

// putDigits fills b with the digits of v, which the caller has found to fit.
func putDigits(b []byte, v int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(v/10%10<<4 | v%10)
		v /= 100
	}
}

// AppendATC writes an application transaction counter (9F36) behind dst.
func AppendATC(dst []byte, atc uint16) []byte { return binary.BigEndian.AppendUint16(dst, atc) }

// ParseATC reads two bytes.
func ParseATC(b []byte) (uint16, error) { v, err := fixed(b, 2); return uint16(v), err }
