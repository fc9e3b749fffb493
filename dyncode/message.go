package dyncode

import (
	"crypto/cipher"

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
type Message struct {
	Profile Profile
	ID      ident.Raw // payment or binding
	Counter uint64    // the phone's, with Sealed
	Sealed  []byte    // a bank part under Outer
	Direct  []byte    // a bank part with no outer seal: bind and release
	Lines   []byte    // a Plain card's text, see Lines
}

// BankPart is what the bank made: content sealed for the card, or, in the
// phone-sealed profile, content in clear under the outer seal alone.
type BankPart struct {
	Counter uint64
	Sealed  []byte
	Clear   []byte
}

// Parse reads a message. Version and profile are told apart from other
// malformations, so that a card can say why it refuses.
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
	if !f.end() || !m.Profile.known() {
		return Message{}, ErrMalformed
	}
	return m, nil
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

// appendSealed writes the object 84 with the ciphertext of plain, sealed in
// place in dst.
func appendSealed(dst []byte, aead cipher.AEAD, n [nonceSize]byte, plain, ad []byte) []byte {
	dst = tlv.AppendHeader(dst, tagSealed, len(plain)+tagSize)
	return aead.Seal(dst, n[:], plain, ad)
}
