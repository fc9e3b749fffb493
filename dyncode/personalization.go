package dyncode

import (
	"slices"

	"sotto/ident"
	"sotto/secret"
	"sotto/tlv"
)

// Personalization is what the issuer's station writes into a fresh card. It
// holds the card's root key, so it travels encrypted to that station alone.
type Personalization struct {
	Card     ident.Raw
	Holder   string        // as it stands on the card's body: 1 to HolderMax bytes
	Language string        // of the prompt, two lower-case letters: "en", "zh"
	Profile  Profile       // the only one the card will accept
	Key      secret.Secret // CardKey; a Plain card has none
}

// HolderMax is the longest holder's name, in bytes.
const HolderMax = 240

const (
	tagPersonalization tlv.Tag = 0xEB
	tagCardID          tlv.Tag = 0x82
	tagHolder          tlv.Tag = 0x83
	tagLanguage        tlv.Tag = 0x84
	tagRootKey         tlv.Tag = 0x85
)

// Append writes p as canonical TLV. The result holds the key in clear: wipe it
// after use.
func (p Personalization) Append(dst []byte) ([]byte, error) {
	if !p.valid() {
		return dst, ErrContent
	}
	dst = slices.Grow(dst, len(p.Holder)+overheadMax) // growing later would leave a copy of the key
	start := len(dst)
	dst = appendByte(dst, tagVersion, Version)
	dst = appendByte(dst, tagProfile, byte(p.Profile))
	dst = tlv.Append(dst, tagCardID, p.Card[:])
	dst = tlv.Append(dst, tagHolder, []byte(p.Holder))
	dst = tlv.Append(dst, tagLanguage, []byte(p.Language))
	dst = appendText(dst, tagRootKey, p.Key.Reveal())
	return appendTemplate(dst, start, tagPersonalization), nil
}

// ParsePersonalization reads what Append wrote. It keeps no part of b.
func ParsePersonalization(b []byte) (Personalization, error) {
	f := template(b, tagPersonalization)
	version := f.byte(tagVersion)
	if !f.bad && version != Version {
		return Personalization{}, ErrVersion
	}
	p := Personalization{Profile: Profile(f.byte(tagProfile))}
	copy(p.Card[:], f.must(tagCardID, 16, 16))
	p.Holder = string(f.must(tagHolder, 1, HolderMax))
	p.Language = string(f.must(tagLanguage, 2, 2))
	if key, ok := f.optional(tagRootKey, KeySize, KeySize); ok {
		p.Key = secret.New(key)
	}
	if !f.end() || !p.valid() {
		return Personalization{}, ErrMalformed
	}
	return p, nil
}

func (p Personalization) valid() bool {
	keySize := KeySize
	if p.Profile == Plain {
		keySize = 0
	}
	return p.Profile.known() && p.Card != ident.Raw{} && len(p.Key.Reveal()) == keySize &&
		validText([]byte(p.Holder), 1, HolderMax) && validLanguage(p.Language)
}

func validLanguage(s string) bool {
	return len(s) == 2 && 'a' <= s[0] && s[0] <= 'z' && 'a' <= s[1] && s[1] <= 'z'
}
