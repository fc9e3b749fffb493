package dyncode

import (
	"encoding/binary"

	"sotto/tlv"
)

// fields reads the objects of one template in order. It remembers the first
// error, so that a reader is a straight line and checks once.
type fields struct {
	rest []byte
	last tlv.Tag
	bad  bool
}

// template opens the one object in b, which must have this tag.
func template(b []byte, tag tlv.Tag) fields {
	value, err := tlv.Only(b, tag)
	return fields{rest: value, bad: err != nil}
}

// optional takes the next object if it has this tag and min to max bytes.
func (f *fields) optional(tag tlv.Tag, minimum, maximum int) ([]byte, bool) {
	if f.bad {
		return nil, false
	}
	o, rest, ok, err := tlv.Next(f.rest)
	if err != nil || (ok && o.Tag <= f.last) {
		f.bad = true
		return nil, false
	}
	if !ok || o.Tag != tag {
		return nil, false
	}
	if len(o.Value) < minimum || len(o.Value) > maximum {
		f.bad = true
		return nil, false
	}
	f.rest, f.last = rest, tag
	return o.Value, true
}

// must takes the next object, which has to have this tag and size.
func (f *fields) must(tag tlv.Tag, minimum, maximum int) []byte {
	value, ok := f.optional(tag, minimum, maximum)
	if !ok {
		f.bad = true
	}
	return value
}

// byte takes a one-byte object.
func (f *fields) byte(tag tlv.Tag) byte {
	if v := f.must(tag, 1, 1); v != nil {
		return v[0]
	}
	return 0
}

// uint64 takes an eight-byte object, high byte first.
func (f *fields) uint64(tag tlv.Tag) uint64 {
	if v := f.must(tag, 8, 8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// end reports whether all was read and nothing is left.
func (f *fields) end() bool { return !f.bad && len(f.rest) == 0 }

func appendByte(dst []byte, tag tlv.Tag, v byte) []byte {
	return append(tlv.AppendHeader(dst, tag, 1), v)
}

func appendUint64(dst []byte, tag tlv.Tag, v uint64) []byte {
	return binary.BigEndian.AppendUint64(tlv.AppendHeader(dst, tag, 8), v)
}

// appendTemplate closes what was written from start on into one object.
func appendTemplate(dst []byte, start int, tag tlv.Tag) []byte {
	n := len(dst) - start
	var header [5]byte
	h := tlv.AppendHeader(header[:0], tag, n)
	dst = append(dst, h...)
	copy(dst[start+len(h):], dst[start:start+n])
	copy(dst[start:], h)
	return dst
}
