package pos

import (
	"sotto/emv"
	"sotto/tlv"
)

// objects are the primitive data objects that a chip has shown in one
// transaction.
type objects map[tlv.Tag][]byte

// collect takes the objects of a template's value. One that is there already
// ends the transaction (EMV 4.4 Book 3, 10.2; JR/T 0025.12, 7.7).
//
// Reading: templates inside are not looked into; no book puts an object there
// that a terminal works with. They must be well formed all the same.
func (o objects) collect(value []byte) error {
	if tlv.Check(value) != nil {
		return end(Malformed)
	}
	for {
		x, rest, more, err := tlv.Next(value)
		switch {
		case err != nil:
			return end(Malformed)
		case !more:
			return nil
		case x.Tag.Constructed():
		case o[x.Tag] != nil:
			return end(Duplicate)
		default:
			// Never nil, so that an empty object is one that is there.
			o[x.Tag] = append(make([]byte, 0, len(x.Value)), x.Value...)
		}
		value = rest
	}
}

// fci is what the answer to SELECT says of a file (EMV 4.4 Book 1, 11.3.4).
type fci struct {
	name          []byte  // 84
	proprietary   objects // A5
	discretionary []byte  // BF0C, which may hold an entry more than once
}

// parseFCI reads a file control information template.
func parseFCI(b []byte) (fci, error) {
	value, err := tlv.Only(b, emv.TagFCI)
	if err != nil {
		return fci{}, end(Malformed)
	}
	outer, f := objects{}, fci{proprietary: objects{}}
	if err := outer.collect(value); err != nil {
		return fci{}, err
	}
	f.name = outer[emv.TagDFName]
	if len(f.name) < aidMin || len(f.name) > aidMax {
		return fci{}, end(Malformed)
	}
	inner, _ := tlv.Find(value, emv.TagFCIProprietary)
	if err := f.proprietary.collect(inner); err != nil {
		return fci{}, err
	}
	f.discretionary, _ = tlv.Find(inner, emv.TagFCIDiscretionary)
	return f, nil
}

// label is the name of the application as a person may read it: whatever is not
// printable ASCII is a question mark.
func (f fci) label() string { return text(f.proprietary[emv.TagLabel], 16) }

func text(b []byte, most int) string {
	out := make([]byte, 0, most)
	for _, c := range b[:min(len(b), most)] {
		if c < ' ' || c > '~' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
