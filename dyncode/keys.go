package dyncode

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"sotto/ident"
	"sotto/secret"
)

// KeySize is the size of every symmetric key here, in bytes.
const KeySize = 32

// Info strings of HKDF-SHA-256 (RFC 5869): one branch a purpose.
const (
	infoCard    = "sotto v1 card"
	infoPhone   = "sotto v1 phone"
	infoSeal    = "sotto v1 seal"
	infoReceipt = "sotto v1 receipt"
	infoOuter   = "sotto v1 outer"
)

// CardKey derives the root key of one card from the issuer master key. A card
// is personalised with it and the bank derives it anew when it needs it.
func CardKey(master secret.Secret, card ident.Raw) secret.Secret {
	return derive(master.Reveal(), card[:], infoCard)
}

// PhoneKey derives the key under which the bank's own words to one phone
// travel (ForPhone) from the bank's phone-transport key.
func PhoneKey(transport secret.Secret, phone ident.Raw) secret.Secret {
	return derive(transport.Reveal(), phone[:], infoPhone)
}

// derive cannot fail: HKDF-SHA-256 gives up to 8160 bytes from any input. A key
// of another size than ours is no key but a mistake, and none at all would make
// a key that everybody knows.
func derive(key, salt []byte, info string) secret.Secret {
	if len(key) != KeySize {
		panic("dyncode: a key must have 32 bytes")
	}
	out, err := hkdf.Key(sha256.New, key, salt, info, KeySize)
	if err != nil {
		panic("dyncode: HKDF refused 32 bytes: " + err.Error())
	}
	defer clear(out)
	return secret.New(out)
}

// newAEAD makes AES-256-GCM. The key's size is ours, so it cannot fail.
func newAEAD(key secret.Secret) cipher.AEAD {
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		panic("dyncode: AES refused a 32-byte key: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("dyncode: GCM refused AES: " + err.Error())
	}
	return aead
}
