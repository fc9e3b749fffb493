package dyncode

import (
	"crypto/cipher"
	"encoding/binary"
	"slices"

	"sotto/ident"
	"sotto/secret"
	"sotto/tlv"
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

// Inner is the seal between the bank and one card, and the card's receipts. It
// may be used by many goroutines at once.
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

// Open authenticates a bank part and appends its padded content to dst, which
// must not share memory with the bank part: open the two seals into two
// buffers. It may write anywhere in dst's room. A dst with BufferMax bytes of it
// is never left for a larger one, so that wiping it wipes the content.
func (s Inner) Open(dst []byte, p Profile, message ident.Raw, b BankPart) ([]byte, error) {
	if b.Sealed == nil {
		return dst, ErrSeal
	}
	ad := associated(p, s.card, message)
	return appendOpened(dst, s.aead, nonce(labelBank, b.Counter), b.Sealed, ad[:])
}

// Outer is the seal between one phone and one card: the key source in use.
// It may be used by many goroutines at once.
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

// Open authenticates a message and appends the bank part inside to dst, which
// must not share memory with the message. As to its size, see Inner.Open.
func (s Outer) Open(dst []byte, m Message) ([]byte, error) {
	if m.Sealed == nil {
		return dst, ErrSeal
	}
	ad := s.associated(m.Profile, m.ID)
	return appendOpened(dst, s.aead, nonce(labelOuter, m.Counter), m.Sealed, ad[:])
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

// appendSealed writes the object 84 with the ciphertext of plain.
func appendSealed(dst []byte, aead cipher.AEAD, n [nonceSize]byte, plain, ad []byte) []byte {
	size := len(plain) + tagSize
	dst = tlv.AppendHeader(dst, tagSealed, size)
	dst, nonceRoom, adRoom := spare(dst, size, n, ad)
	return aead.Seal(dst, nonceRoom, plain, adRoom)
}

// appendOpened appends what is sealed, or nothing and ErrSeal.
func appendOpened(dst []byte, aead cipher.AEAD, n [nonceSize]byte, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < tagSize {
		return dst, ErrSeal
	}
	dst, nonceRoom, adRoom := spare(dst, len(sealed)-tagSize, n, ad)
	out, err := aead.Open(dst, nonceRoom, sealed, adRoom)
	if err != nil {
		return dst, ErrSeal
	}
	return out, nil
}

// spare puts nonce and associated data into dst's own room, behind the size
// bytes that will be appended. They cross an interface, so that arrays of ours
// would move to the heap at each call; there they cost nothing.
func spare(dst []byte, size int, n [nonceSize]byte, ad []byte) (grown, nonceRoom, adRoom []byte) {
	dst = slices.Grow(dst, size+nonceSize+len(ad))
	room := append(dst[len(dst)+size:len(dst)+size], n[:]...)
	room = append(room, ad...)
	return dst, room[:nonceSize], room[nonceSize:]
}
