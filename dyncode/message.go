package dyncode

import (
	"slices"

	"sotto/ident"
	"sotto/tlv"
)

// Tags of the message (template E1) and the bank part (template E2).
const (
	tagMessage tlv.Tag = 0xE1
	tagBank    tlv.Tag = 0xE2

	tagVersion tlv.Tag = 0x80
	tagProfile tlv.Tag = 0x81
	tagID      tlv.Tag = 0x82
	tagCounter tlv.Tag = 0x83
	tagSealed  tlv.Tag = 0x84
	tagDirect  tlv.Tag = 0x85 // in E1: a bank part as it is; in E2: content in clear
	tagLines   tlv.Tag = 0x86 // in E1: lines for a card that cannot decrypt
)

// Message is dynamic data as it crosses a link: one of Sealed, Direct and Lines.
// Its slices alias what was parsed.
type Message struct {
	Profile Profile
	ID      ident.Raw // random, new for each code; no id of payment or binding
	Counter uint64    // the phone's, with Sealed
	Sealed  []byte    // a bank part under Outer
	Direct  []byte    // a bank part with its own seal and no outer one: bind and release
	Lines   []byte    // text for a card of profile Plain, and for no other; see Lines
}

// BankPart is what the bank made: content sealed for the card, or, in the
// phone-sealed profile, content in clear under the outer seal alone. Clear is
// the phone's word, and a phone may lie: a card of another profile never looks
// at it, and takes from it no Bind and no Release.
type BankPart struct {
	Counter uint64
	Sealed  []byte
	Clear   []byte
}

// Parse reads a message. An unknown version is told apart from what is
// malformed, and whatever follows it is not looked at: it may have another form.
func Parse(b []byte) (Message, error) {
	if len(b) > MessageMax {
		return Message{}, ErrMalformed
	}
	f := template(b, tagMessage)
	version := f.byte(tagVersion)
	if !f.bad && version != Version {
		return Message{}, ErrVersion
	}
	m := Message{Profile: Profile(f.byte(tagProfile))}
	copy(m.ID[:], f.must(tagID, 16, 16))
	if counter, ok := f.optional(tagCounter, 8, 8); ok {
		for _, v := range counter {
			m.Counter = m.Counter<<8 | uint64(v)
		}
		m.Sealed = f.must(tagSealed, tagSize, MessageMax)
	} else if direct, ok := f.optional(tagDirect, 1, MessageMax); ok {
		m.Direct = direct
	} else {
		m.Lines = f.must(tagLines, 1, MessageMax)
	}
	if !f.end() || !m.suits() {
		return Message{}, ErrMalformed
	}
	return m, nil
}

// suits reports whether the profile is known and has this kind of body. Lines
// for a card that can decrypt, and a direct bank part without a seal, are
// nobody's word: they are refused here, so that no card can forget to.
func (m Message) suits() bool {
	if m.Direct != nil {
		if part, err := ParseBankPart(m.Direct); err != nil || part.Sealed == nil {
			return false
		}
	}
	return m.Profile.known() && (m.Profile == Plain) == (m.Lines != nil)
}

// AppendDirect frames a bank part that goes to the card with no outer seal.
func AppendDirect(dst []byte, p Profile, message ident.Raw, bankPart []byte) []byte {
	start := len(dst)
	dst = appendHead(dst, p, message)
	dst = tlv.Append(dst, tagDirect, bankPart)
	return appendTemplate(dst, start, tagMessage)
}

// AppendClear writes a bank part with content in clear, for PhoneSealed.
func AppendClear(dst []byte, counter uint64, content []byte) []byte {
	dst = slices.Grow(dst, len(content)+overheadMax) // growing later would leave a copy
	start := len(dst)
	dst = appendUint64(dst, tagCounter, counter)
	dst = tlv.Append(dst, tagDirect, content)
	return appendTemplate(dst, start, tagBank)
}

// ParseBankPart reads a bank part, with or without its seal.
func ParseBankPart(b []byte) (BankPart, error) {
	f := template(b, tagBank)
	part := BankPart{Counter: f.uint64(tagCounter)}
	if sealed, ok := f.optional(tagSealed, tagSize, MessageMax); ok {
		part.Sealed = sealed
	} else {
		part.Clear = f.must(tagDirect, 1, MessageMax)
	}
	if !f.end() {
		return BankPart{}, ErrMalformed
	}
	return part, nil
}

func appendHead(dst []byte, p Profile, message ident.Raw) []byte {
	dst = appendByte(dst, tagVersion, Version)
	dst = appendByte(dst, tagProfile, byte(p))
	return tlv.Append(dst, tagID, message[:])
}
