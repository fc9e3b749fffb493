package emv

import "sotto/tlv"

// Describe is the value of a data object for a trace: bits by name, text as
// text, a PAN masked, and everything else in hexadecimal. What Sensitive names
// is not shown, and neither is a value that is not what its tag says. Do not
// give it a template, but the objects inside.
func Describe(tag tlv.Tag, value []byte) string {
	switch {
	case tag == TagPAN:
		return stringOf(ParsePAN(value))
	case tag == TagTrack2:
		return stringOf(ParseTrack2(value))
	case Sensitive(tag) || tag.Constructed():
		return "[not shown]"
	}
	if text, ok := bitsOf(tag, value); ok {
		return text
	}
	if f := FormatOf(tag); f == FormatA || f == FormatAN || f == FormatANS {
		return textOf(value)
	}
	return hexadecimal(value)
}

func stringOf[T interface{ String() string }](v T, err error) string {
	if err != nil {
		return "[malformed]"
	}
	return v.String()
}

// bitsOf reads the data objects that consist of bits.
func bitsOf(tag tlv.Tag, value []byte) (text string, ok bool) {
	switch tag {
	case TagAIP:
		return stringOf(ParseAIP(value)), true
	case TagAUC:
		return stringOf(ParseAUC(value)), true
	case TagTVR, TagIACDefault, TagIACDenial, TagIACOnline:
		return stringOf(ParseTVR(value)), true
	case TagTSI:
		return stringOf(ParseTSI(value)), true
	case TagTTQ:
		return stringOf(ParseTTQ(value)), true
	case TagCTQ:
		return stringOf(ParseCTQ(value)), true
	case TagProcesses:
		return stringOf(ParseProcesses(value)), true
	case TagCID:
		return stringOf(ParseCID(value)), true
	case TagIAD:
		return stringOf(ParseIAD(value)), true
	case TagExpiry, TagEffective, TagDate:
		return stringOf(ParseDate(value)), true
	}
	return "", false
}

// textOf shows text if it is printable ASCII, and hexadecimal if not.
func textOf(b []byte) string {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return hexadecimal(b)
		}
	}
	return string(b)
}
