package dyncode

import (
	"sotto/ident"
	"sotto/secret"
)

// Box seals the bank's own words to one phone: pairing secrets, and codes of
// the two profiles in which the phone does the sealing. They lie in the bank's
// outbox and cross the bus in this form, so that neither a stolen table nor a
// bus in between can read them, or lead them to another of the phone's cards.
type Box struct {
	key   secret.Secret
	phone ident.Raw
}

// BoxOverhead is what Seal adds, in bytes.
const BoxOverhead = nonceSize + tagSize

// NewBox takes the key of PhoneKey.
func NewBox(phoneKey secret.Secret, phone ident.Raw) Box { return Box{phoneKey, phone} }

// Seal appends random ‖ ciphertext ‖ tag (AES-256-GCM). The 12 random bytes
// must come from a cryptographic source: they are the nonce. Card and dispatch
// are those that the dispatch names in clear.
func (b Box) Seal(dst []byte, random [nonceSize]byte, card, dispatch ident.Raw, plain []byte) []byte {
	dst = append(dst, random[:]...)
	ad := b.associated(card, dispatch)
	return newAEAD(b.key).Seal(dst, random[:], plain, ad[:])
}

// Open returns what Seal was given, in a buffer of its own that the caller
// wipes.
func (b Box) Open(card, dispatch ident.Raw, sealed []byte) ([]byte, error) {
	if len(sealed) < BoxOverhead {
		return nil, ErrSeal
	}
	ad := b.associated(card, dispatch)
	out, err := newAEAD(b.key).Open(nil, sealed[:nonceSize], sealed[nonceSize:], ad[:])
	if err != nil {
		return nil, ErrSeal
	}
	return out, nil
}

func (b Box) associated(card, dispatch ident.Raw) (ad [49]byte) {
	ad[0] = Version
	copy(ad[1:], b.phone[:])
	copy(ad[17:], card[:])
	copy(ad[33:], dispatch[:])
	return ad
}
