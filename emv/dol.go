package emv

import (
	"iter"

	"sotto/tlv"
)

// DOLDataMax bounds what a data object list may ask for: more does not fit the
// command template 83 of a short command.
const DOLDataMax = 252

// DOLEntry asks for one data object in so many bytes.
type DOLEntry struct {
	Tag    tlv.Tag
	Length int // 0 to 252
}

// DOL is a data object list (Book 3, 5.4): what a card wants to be told, as
// values without tags and lengths in the order of the list.
type DOL []DOLEntry

// ParseDOL reads tags of one or two bytes, each with one byte of length. It
// refuses a list of more than 252 bytes or one that asks for more than 252, so
// that nothing a hostile card writes makes a terminal do much. An empty list is
// a list.
//
// Reading: 5.4 does not forbid that a tag stands twice; it is filled twice.
func ParseDOL(b []byte) (DOL, error) {
	if len(b) > DOLDataMax {
		return nil, ErrDOL
	}
	list := make(DOL, 0, len(b)/2)
	total := 0
	for len(b) > 0 {
		tag, rest := dolTag(b)
		if tag == 0 || len(rest) == 0 {
			return nil, ErrDOL
		}
		n := int(rest[0])
		if total += n; total > DOLDataMax {
			return nil, ErrDOL
		}
		list = append(list, DOLEntry{tag, n})
		b = rest[1:]
	}
	return list, nil
}

// dolTag reads one tag field; 0 is none, or one of three bytes.
func dolTag(b []byte) (tlv.Tag, []byte) {
	if b[0]&0x1F != 0x1F {
		return tlv.Tag(b[0]), b[1:]
	}
	if len(b) < 2 || b[1] >= 0x80 {
		return 0, nil
	}
	return tlv.Tag(b[0])<<8 | tlv.Tag(b[1]), b[2:]
}

// Append writes the list behind dst. It panics on an entry that ParseDOL would
// refuse: a card's own lists are an error of the program, not of data.
func (d DOL) Append(dst []byte) []byte {
	for _, e := range d {
		if e.Length < 0 || e.Length > DOLDataMax || e.Tag == 0 || e.Tag > 0xFFFF {
			panic("emv: no entry of a data object list")
		}
		if e.Tag > 0xFF {
			dst = append(dst, byte(e.Tag>>8))
		}
		dst = append(dst, byte(e.Tag), byte(e.Length))
	}
	return dst
}

// Len is how many bytes of data the list asks for.
func (d DOL) Len() (n int) {
	for _, e := range d {
		n += e.Length
	}
	return n
}

// Has reports whether the list asks for this data object.
func (d DOL) Has(tag tlv.Tag) bool {
	for _, e := range d {
		if e.Tag == tag {
			return true
		}
	}
	return false
}

// Fill appends to dst the values that the list asks for. The lookup answers nil
// for what the terminal does not have; that becomes zeros, as do templates.
func (d DOL) Fill(dst []byte, lookup func(tlv.Tag) []byte) []byte {
	for _, e := range d {
		var value []byte
		if !e.Tag.Constructed() {
			value = lookup(e.Tag)
		}
		dst = fit(dst, value, FormatOf(e.Tag), e.Length)
	}
	return dst
}

// fit appends value in exactly n bytes. Numbers are cut and padded on the left,
// everything else on the right; compressed numbers are padded with F (Book 3,
// 5.4, steps 2c and 2d).
func fit(dst, value []byte, f Format, n int) []byte {
	numeric := f == FormatN
	if len(value) >= n {
		if numeric {
			return append(dst, value[len(value)-n:]...)
		}
		return append(dst, value[:n]...)
	}
	pad := byte(0)
	if f == FormatCN && len(value) > 0 {
		pad = 0xFF
	}
	if !numeric {
		dst = append(dst, value...)
	}
	for range n - len(value) {
		dst = append(dst, pad)
	}
	if numeric {
		dst = append(dst, value...)
	}
	return dst
}

// Read takes data apart that was filled by this list, on the card's side. It
// copies nothing: the values are slices of data.
func (d DOL) Read(data []byte) (Values, error) {
	if len(data) != d.Len() {
		return Values{}, ErrDOLData
	}
	return Values{d, data}, nil
}

// Values are the data objects that came for a data object list.
type Values struct {
	list DOL
	data []byte
}

// Find is the value of the first data object with this tag.
func (v Values) Find(tag tlv.Tag) ([]byte, bool) {
	for t, value := range v.All() {
		if t == tag {
			return value, true
		}
	}
	return nil, false
}

// All walks the values in the order of the list.
func (v Values) All() iter.Seq2[tlv.Tag, []byte] {
	return func(yield func(tlv.Tag, []byte) bool) {
		rest := v.data
		for _, e := range v.list {
			if !yield(e.Tag, rest[:e.Length:e.Length]) {
				return
			}
			rest = rest[e.Length:]
		}
	}
}
