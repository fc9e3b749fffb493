package dyncode

import (
	"crypto/cipher"
	"encoding/binary"

	"sotto/ident"
	"sotto/secret"
)

const (
	nonceSize = 12
	tagSize   = 16 // bytes that GCM adds
)

// Labels keep the nonces of the two seals apart even if a key were ever shared.
const (
	labelBank  = "bank"
	labelOuter = "phon"
)

// Inner is the seal between the bank and one card, and the card's receipts.
type Inner struct {
	aead    cipher.AEAD
	receipt secret.Secret
	card    ident.Raw
}

// NewInner derives the two branches of a card's root key.
func NewInner(cardKey secret.Secret, card ident.Raw) Inner {
	return Inner{
		aead:    newAEAD(derive(cardKey.Reveal(), card[:], infoSeal)),
		receipt: derive(cardKey.Reveal(), card[:], infoReceipt),
		card:    card,
	}
}

// Seal appends the bank part that carries this padded content to the card. The
// counter must be above every counter sealed for this card before.
func (s Inner) Seal(dst []byte, p Profile, message ident.Raw, counter uint64, content []byte) []byte {
	ad := associated(p, s.card, message)
	start := len(dst)
	dst = appendUint64(dst, tagCounter, counter)
	dst = appendSealed(dst, s.aead, nonce(labelBank, counter), content, ad[:])
	return appendTemplate(dst, start, tagBank)
}

// Open authenticates a bank part and appends its padded content to dst.
func (s Inner) Open(dst []byte, p Profile, message ident.Raw, b BankPart) ([]byte, error) {
	if b.Sealed == nil {
		return dst, ErrSeal
	}
	ad := associated(p, s.card, message)
	n := nonce(labelBank, b.Counter)
	out, err := s.aead.Open(dst, n[:], b.Sealed, ad[:])
	if err != nil {
		return dst, ErrSeal
	}
	return out, nil
}

// Outer is the seal between one phone and one card: the key source in use.
type Outer struct {
	aead  cipher.AEAD
	card  ident.Raw
	phone ident.Raw
}

// NewOuter derives the key from the pairing secret, both ids and the digest of
// the key source.
func NewOuter(pairing secret.Secret, card, phone ident.Raw, keySource [32]byte) Outer {
	var salt [32]byte
	copy(salt[:16], card[:])
	copy(salt[16:], phone[:])
	return Outer{
		aead:  newAEAD(derive(pairing.Reveal(), salt[:], infoOuter+string(keySource[:]))),
		card:  card,
		phone: phone,
	}
}

// Seal appends the whole message that a bank part becomes on the link. The
// counter must be above every counter sealed under this pairing before.
func (s Outer) Seal(dst []byte, p Profile, message ident.Raw, counter uint64, bankPart []byte) []byte {
	start := len(dst)
	dst = appendHead(dst, p, message)
	dst = appendUint64(dst, tagCounter, counter)
	ad := s.associated(p, message)
	dst = appendSealed(dst, s.aead, nonce(labelOuter, counter), bankPart, ad[:])
	return appendTemplate(dst, start, tagMessage)
}

// Open authenticates a message and appends the bank part inside to dst.
func (s Outer) Open(dst []byte, m Message) ([]byte, error) {
	if m.Sealed == nil {
		return dst, ErrSeal
	}
	ad := s.associated(m.Profile, m.ID)
	n := nonce(labelOuter, m.Counter)
	out, err := s.aead.Open(dst, n[:], m.Sealed, ad[:])
	if err != nil {
		return dst, ErrSeal
	}
	return out, nil
}

func (s Outer) associated(p Profile, message ident.Raw) (ad [50]byte) {
	base := associated(p, s.card, message)
	copy(ad[:], base[:])
	copy(ad[34:], s.phone[:])
	return ad
}

// associated is what a seal covers besides what it hides: version, profile,
// card and message.
func associated(p Profile, card, message ident.Raw) (ad [34]byte) {
	ad[0], ad[1] = Version, byte(p)
	copy(ad[2:], card[:])
	copy(ad[18:], message[:])
	return ad
}

func nonce(label string, counter uint64) (n [nonceSize]byte) {
	copy(n[:], label)
	binary.BigEndian.PutUint64(n[4:], counter)
	return n
}
