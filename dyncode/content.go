package dyncode

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"sotto/ident"
	"sotto/tlv"
)

// Kind is what a content asks the card to do.
type Kind uint8

// The kinds of content.
const (
	Payment Kind = 1 // show a code and the facts of a payment
	Bind    Kind = 2 // show a code that binds a phone, and keep its pairing
	Release Kind = 3 // forget the binding and say so
)

// Content is what a card opens: facts, code and lifetime. After Parse its
// slices alias the buffer that was opened; wiping that buffer wipes them.
type Content struct {
	Kind Kind
	// Code is 6 to 8 ASCII digits; none for Release.
	Code []byte
	// ExpiresAt is in Unix seconds, for a card with a clock; Lifetime is in
	// seconds from arrival, for any card. The earlier ends the code.
	ExpiresAt uint64
	Lifetime  uint16

	// For Payment. Amount is in minor units of Currency (ISO 4217, three
	// letters). Text is UTF-8; limits are in bytes.
	Amount      uint64
	Currency    []byte
	Payee       []byte // 1 to 200
	Platform    []byte // up to 100, may be absent, as may the next three
	Order       []byte // up to 64
	Description []byte // up to 200
	Account     []byte // the card's masked number, up to 32

	// For Bind.
	PhoneName []byte    // 1 to 64
	Phone     ident.Raw // the phone's id
	Pairing   []byte    // 32 random bytes
	KeySource []byte    // digest of the phone's key source
}

// Tags inside content (template E3).
const (
	tagContent     tlv.Tag = 0xE3
	tagKind        tlv.Tag = 0x80
	tagCode        tlv.Tag = 0x81
	tagExpires     tlv.Tag = 0x82
	tagLifetime    tlv.Tag = 0x83
	tagAmount      tlv.Tag = 0x84
	tagCurrency    tlv.Tag = 0x85
	tagPayee       tlv.Tag = 0x86
	tagPlatform    tlv.Tag = 0x87
	tagOrder       tlv.Tag = 0x88
	tagDescription tlv.Tag = 0x89
	tagAccount     tlv.Tag = 0x8A
	tagPhoneName   tlv.Tag = 0x8B
	tagPhone       tlv.Tag = 0x8C
	tagPairing     tlv.Tag = 0x8D
	tagKeySource   tlv.Tag = 0x8E
)

// Byte limits of the texts.
const (
	PayeeMax       = 200
	PlatformMax    = 100
	OrderMax       = 64
	DescriptionMax = 200
	AccountMax     = 32
	PhoneNameMax   = 64
)

// AmountMax is the largest amount, in minor units: EMV's n12.
const AmountMax = 999_999_999_999

// Append writes c, padded to a multiple of 64 bytes so that the length of what
// is sealed tells little (ISO/IEC 9797-1, padding method 2).
func (c Content) Append(dst []byte) ([]byte, error) {
	if !c.valid() {
		return dst, ErrContent
	}
	dst = slices.Grow(dst, c.sizeMax()) // growing later would leave a copy of the code
	start := len(dst)
	dst = appendByte(dst, tagKind, byte(c.Kind))
	if c.Kind != Release {
		dst = tlv.Append(dst, tagCode, c.Code)
	}
	dst = appendUint64(dst, tagExpires, c.ExpiresAt)
	dst = binary.BigEndian.AppendUint16(tlv.AppendHeader(dst, tagLifetime, 2), c.Lifetime)
	switch c.Kind {
	case Payment:
		dst = appendUint64(dst, tagAmount, c.Amount)
		dst = tlv.Append(dst, tagCurrency, c.Currency)
		dst = tlv.Append(dst, tagPayee, c.Payee)
		dst = appendText(dst, tagPlatform, c.Platform)
		dst = appendText(dst, tagOrder, c.Order)
		dst = appendText(dst, tagDescription, c.Description)
		dst = appendText(dst, tagAccount, c.Account)
	case Bind:
		dst = tlv.Append(dst, tagPhoneName, c.PhoneName)
		dst = tlv.Append(dst, tagPhone, c.Phone[:])
		dst = tlv.Append(dst, tagPairing, c.Pairing)
		dst = tlv.Append(dst, tagKeySource, c.KeySource)
	case Release:
	}
	dst = appendTemplate(dst, start, tagContent)
	dst = append(dst, 0x80)
	for (len(dst)-start)%padTo != 0 {
		dst = append(dst, 0)
	}
	return dst, nil
}

// sizeMax is at least what Append writes: texts and their headers, fixed fields,
// padding.
func (c Content) sizeMax() int {
	n := overheadMax + padTo
	for _, b := range [...][]byte{c.Payee, c.Platform, c.Order, c.Description, c.Account, c.PhoneName, c.Pairing, c.KeySource} {
		n += len(b) + 4
	}
	return n
}

func appendText(dst []byte, tag tlv.Tag, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	return tlv.Append(dst, tag, text)
}

// ParseContent reads what Append wrote.
func ParseContent(padded []byte) (Content, error) {
	if len(padded) == 0 || len(padded) > contentMax || len(padded)%padTo != 0 {
		return Content{}, ErrContent
	}
	o, pad, ok, err := tlv.Next(padded)
	if err != nil || !ok || o.Tag != tagContent || !padding(pad) {
		return Content{}, ErrContent
	}
	f := fields{rest: o.Value}
	c := Content{Kind: Kind(f.byte(tagKind))}
	if c.Kind != Release {
		c.Code = f.must(tagCode, CodeDigitsMin, CodeDigitsMax)
	}
	c.ExpiresAt = f.uint64(tagExpires)
	if v := f.must(tagLifetime, 2, 2); v != nil {
		c.Lifetime = binary.BigEndian.Uint16(v)
	}
	switch c.Kind {
	case Payment:
		c.readPayment(&f)
	case Bind:
		c.readBind(&f)
	case Release:
	default:
		return Content{}, ErrContent
	}
	if !f.end() || !c.valid() {
		return Content{}, ErrContent
	}
	return c, nil
}

func (c *Content) readPayment(f *fields) {
	c.Amount = f.uint64(tagAmount)
	c.Currency = f.must(tagCurrency, 3, 3)
	c.Payee = f.must(tagPayee, 1, PayeeMax)
	c.Platform, _ = f.optional(tagPlatform, 1, PlatformMax)
	c.Order, _ = f.optional(tagOrder, 1, OrderMax)
	c.Description, _ = f.optional(tagDescription, 1, DescriptionMax)
	c.Account, _ = f.optional(tagAccount, 1, AccountMax)
}

func (c *Content) readBind(f *fields) {
	c.PhoneName = f.must(tagPhoneName, 1, PhoneNameMax)
	copy(c.Phone[:], f.must(tagPhone, 16, 16))
	c.Pairing = f.must(tagPairing, 32, 32)
	c.KeySource = f.must(tagKeySource, 32, 32)
}

// padding reports whether b is 80 and then zeroes, fewer than a whole block.
func padding(b []byte) bool {
	if len(b) == 0 || len(b) > padTo || b[0] != 0x80 {
		return false
	}
	for _, v := range b[1:] {
		if v != 0 {
			return false
		}
	}
	return true
}

// valid checks what lengths and tags alone do not.
func (c Content) valid() bool {
	if c.Kind == Release {
		return len(c.Code) == 0
	}
	if c.Lifetime == 0 || !validCode(c.Code) {
		return false
	}
	if c.Kind == Bind {
		return validText(c.PhoneName, 1, PhoneNameMax) && len(c.Pairing) == 32 && len(c.KeySource) == 32
	}
	return c.Kind == Payment &&
		c.Amount > 0 && c.Amount <= AmountMax && validCurrency(c.Currency) &&
		validText(c.Payee, 1, PayeeMax) && validText(c.Platform, 0, PlatformMax) &&
		validText(c.Order, 0, OrderMax) && validText(c.Description, 0, DescriptionMax) &&
		validText(c.Account, 0, AccountMax)
}

func validText(b []byte, minimum, maximum int) bool {
	return len(b) >= minimum && len(b) <= maximum && utf8.Valid(b)
}

func validCurrency(b []byte) bool {
	if len(b) != 3 {
		return false
	}
	for _, letter := range b {
		if letter < 'A' || letter > 'Z' {
			return false
		}
	}
	return true
}
