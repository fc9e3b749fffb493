package pos_test

import (
	"bytes"
	"encoding/hex"
	"strings"

	"sotto/emv"
	"sotto/tlv"
)

// ppseSaying is an answer to SEND POI INFORMATION without an application.
func ppseSaying(reason byte) []byte {
	return (&fake{}).ppse(nil, []byte{0xDF, 0x50, 1, reason})
}

// edit takes a template apart and puts it together again: change sees each
// object, and what it returns takes its place.
func edit(change func(tlv.Object) []tlv.Object) func([]byte) []byte {
	return func(b []byte) []byte {
		outer, _, ok, err := tlv.Next(b)
		if err != nil || !ok {
			return b
		}
		var inner []byte
		for rest := outer.Value; ; {
			o, after, more, err := tlv.Next(rest)
			if err != nil || !more {
				return tlv.Append(nil, outer.Tag, inner)
			}
			for _, n := range change(o) {
				inner = tlv.Append(inner, n.Tag, n.Value)
			}
			rest = after
		}
	}
}

func without(tag tlv.Tag) func([]byte) []byte {
	return edit(func(o tlv.Object) []tlv.Object {
		if o.Tag == tag {
			return nil
		}
		return []tlv.Object{o}
	})
}

func twice(tag tlv.Tag) func([]byte) []byte {
	return edit(func(o tlv.Object) []tlv.Object {
		if o.Tag == tag {
			return []tlv.Object{o, o}
		}
		return []tlv.Object{o}
	})
}

// with gives an object another value, or adds it.
func with(tag tlv.Tag, value string) func([]byte) []byte {
	return func(b []byte) []byte {
		b = without(tag)(b)
		outer, _, ok, err := tlv.Next(b)
		if err != nil || !ok {
			return b
		}
		return tlv.Append(nil, outer.Tag, tlv.Append(bytes.Clone(outer.Value), tag, mustHex(value)))
	}
}

// flipped changes one bit of an object, in the middle.
func flipped(tag tlv.Tag) func([]byte) []byte {
	return edit(func(o tlv.Object) []tlv.Object {
		if o.Tag == tag {
			o.Value = bytes.Clone(o.Value)
			o.Value[len(o.Value)/2] ^= 4
		}
		return []tlv.Object{o}
	})
}

// kindOf has 9F10 say that it is another kind of cryptogram.
func kindOf(kind emv.CID) func([]byte) []byte {
	return edit(func(o tlv.Object) []tlv.Object {
		if o.Tag == emv.TagIAD {
			iad := must(emv.ParseIAD(bytes.Clone(o.Value)))
			iad.CVR = iad.CVR&^0x30_00_00 | emv.CVR(kind)<<14
			o.Value = iad.Append(nil)
		}
		return []tlv.Object{o}
	})
}

// replaced changes hexadecimal digits, wherever they stand.
func replaced(was, is string) func([]byte) []byte {
	return func(b []byte) []byte {
		return mustHex(strings.Replace(strings.ToUpper(hex.EncodeToString(b)), was, is, 1))
	}
}
