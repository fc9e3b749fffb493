// Package tlv reads and writes BER-TLV data objects as profiled by
// EMV 4.4 Book 3, Annex B.
//
// It accepts tags of at most three bytes, definite lengths of at most 65535
// bytes, and nesting of at most 8; indefinite lengths and non-minimal lengths
// are rejected. Reading allocates nothing: values are slices of the input. It
// never panics on any input, and its errors never contain value bytes.
package tlv

import "errors"

// Limits of what is read.
const (
	LengthMax  = 65535 // bytes of one value
	NestingMax = 8     // constructed objects inside each other
)

// Errors of reading. They say where the form is broken and nothing about the
// bytes themselves.
var (
	ErrTruncated  = errors.New("tlv: data ends inside an object")
	ErrTag        = errors.New("tlv: tag is longer than three bytes or not minimal")
	ErrIndefinite = errors.New("tlv: indefinite length")
	ErrLength     = errors.New("tlv: length is not minimal or above 65535")
	ErrNesting    = errors.New("tlv: nested deeper than 8")
)

// Tag is a tag field as it stands on the wire, high byte first: 0x9F02, 0xE1.
type Tag uint32

// Constructed reports whether the value is itself a sequence of objects
// (ISO/IEC 8825-1, 8.1.2.5).
func (t Tag) Constructed() bool {
	switch {
	case t > 0xFFFF:
		return t&0x200000 != 0
	case t > 0xFF:
		return t&0x2000 != 0
	}
	return t&0x20 != 0
}

// Object is one data object. Value aliases the input it was read from.
type Object struct {
	Tag   Tag
	Value []byte
}

// Next reads the first object of b and returns what follows it. At the end of
// b it returns ok false and no error.
func Next(b []byte) (o Object, rest []byte, ok bool, err error) {
	if len(b) == 0 {
		return Object{}, nil, false, nil
	}
	tag, b, err := readTag(b)
	if err != nil {
		return Object{}, nil, false, err
	}
	n, b, err := readLength(b)
	if err != nil {
		return Object{}, nil, false, err
	}
	if len(b) < n {
		return Object{}, nil, false, ErrTruncated
	}
	return Object{tag, b[:n:n]}, b[n:], true, nil
}

// Only reads b as exactly one object with this tag and returns its value.
func Only(b []byte, tag Tag) ([]byte, error) {
	o, rest, ok, err := Next(b)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrTruncated
	case o.Tag != tag || len(rest) != 0:
		return nil, ErrTag
	}
	return o.Value, nil
}

// Check walks the whole of b, descending into constructed objects.
func Check(b []byte) error { return check(b, 0) }

func check(b []byte, depth int) error {
	if depth > NestingMax {
		return ErrNesting
	}
	for {
		o, rest, ok, err := Next(b)
		if err != nil || !ok {
			return err
		}
		if o.Tag.Constructed() {
			if err := check(o.Value, depth+1); err != nil {
				return err
			}
		}
		b = rest
	}
}

// Find returns the value of the first object with this tag at the top level of
// b. A malformed b finds nothing.
func Find(b []byte, tag Tag) ([]byte, bool) {
	for {
		o, rest, ok, err := Next(b)
		if err != nil || !ok {
			return nil, false
		}
		if o.Tag == tag {
			return o.Value, true
		}
		b = rest
	}
}

// Append writes one object to dst. It panics when the value is longer than
// LengthMax or the tag is none: both are errors of the program, not of data.
func Append(dst []byte, tag Tag, value []byte) []byte {
	dst = AppendHeader(dst, tag, len(value))
	return append(dst, value...)
}

// AppendHeader writes tag and length; the caller appends n value bytes itself.
func AppendHeader(dst []byte, tag Tag, n int) []byte {
	if n > LengthMax || tag == 0 || tag > 0xFFFFFF {
		panic("tlv: cannot be written: value too long or no tag")
	}
	switch {
	case tag > 0xFFFF:
		dst = append(dst, byte(tag>>16), byte(tag>>8), byte(tag))
	case tag > 0xFF:
		dst = append(dst, byte(tag>>8), byte(tag))
	default:
		dst = append(dst, byte(tag))
	}
	switch {
	case n < 0x80:
		return append(dst, byte(n))
	case n < 0x100:
		return append(dst, 0x81, byte(n))
	}
	return append(dst, 0x82, byte(n>>8), byte(n))
}

// readTag reads one to three tag bytes (EMV 4.4 Book 3, Annex B1).
func readTag(b []byte) (Tag, []byte, error) {
	tag := Tag(b[0])
	if b[0]&0x1F != 0x1F {
		if tag == 0 {
			return 0, nil, ErrTag
		}
		return tag, b[1:], nil
	}
	for i := 1; i < 3; i++ {
		if i == len(b) {
			return 0, nil, ErrTruncated
		}
		tag = tag<<8 | Tag(b[i])
		// Reading: EMV uses numbers below 31 in two-byte tags (9F02), which
		// X.690 would not; only a leading zero digit is refused.
		if i == 1 && b[1] == 0x80 {
			return 0, nil, ErrTag
		}
		if b[i]&0x80 == 0 {
			return tag, b[i+1:], nil
		}
	}
	if len(b) < 3 {
		return 0, nil, ErrTruncated
	}
	return 0, nil, ErrTag
}

// readLength reads one to three length bytes (EMV 4.4 Book 3, Annex B2).
func readLength(b []byte) (int, []byte, error) {
	if len(b) == 0 {
		return 0, nil, ErrTruncated
	}
	switch first := b[0]; {
	case first < 0x80:
		return int(first), b[1:], nil
	case first == 0x80:
		return 0, nil, ErrIndefinite
	case first == 0x81:
		if len(b) < 2 {
			return 0, nil, ErrTruncated
		}
		if b[1] < 0x80 {
			return 0, nil, ErrLength
		}
		return int(b[1]), b[2:], nil
	case first == 0x82:
		if len(b) < 3 {
			return 0, nil, ErrTruncated
		}
		n := int(b[1])<<8 | int(b[2])
		if n < 0x100 {
			return 0, nil, ErrLength
		}
		return n, b[3:], nil
	}
	return 0, nil, ErrLength
}
