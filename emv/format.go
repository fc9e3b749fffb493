package emv

import "sotto/tlv"

// Format is how the bytes of a data object are to be understood (Book 3, 4.3).
// It decides how a value is fitted into a data object list (Book 3, 5.4).
type Format byte

// The formats.
const (
	FormatUnknown     Format = iota
	FormatB                  // binary
	FormatN                  // numeric: two digits a byte, right justified, zeros in front
	FormatCN                 // compressed numeric: left justified, F behind
	FormatA                  // alphabetic
	FormatAN                 // alphanumeric
	FormatANS                // alphanumeric and special
	FormatConstructed        // a template
)

// String is the abbreviation that the standards use.
func (f Format) String() string {
	if int(f) >= len(formats) {
		return formats[FormatUnknown]
	}
	return formats[f]
}

var formats = [...]string{"unknown", "b", "n", "cn", "a", "an", "ans", "template"}

// FormatOf is the format of a data object that this package knows.
func FormatOf(tag tlv.Tag) Format {
	if row, ok := find(tag); ok {
		return row.format
	}
	return FormatUnknown
}

// Name is the English name of a data object, for traces: "Application
// Interchange Profile". A tag without a name has "".
func Name(tag tlv.Tag) string {
	row, _ := find(tag)
	return row.name
}

// Sensitive reports whether a trace must not show the value: it holds a PAN, a
// track, or the holder's name, or gives the PAN to whoever has a public key.
func Sensitive(tag tlv.Tag) bool {
	row, _ := find(tag)
	return row.sensitive
}

// find looks a row up by halves: the table is sorted.
func find(tag tlv.Tag) (row, bool) {
	low, high := 0, len(table)
	for low < high {
		mid := (low + high) / 2
		switch at := &table[mid]; {
		case at.tag == tag:
			return *at, true
		case at.tag < tag:
			low = mid + 1
		default:
			high = mid
		}
	}
	return row{}, false
}
