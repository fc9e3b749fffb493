package emv

import "sotto/secret"

// hidden keeps an expanded key where nothing that prints can reach it.
type hidden struct{ reveal func() *expanded }

func hide(e expanded) hidden { return hidden{func() *expanded { return &e }} }

// String answers "[secret]".
func (hidden) String() string { return "[secret]" }

// GoString answers "[secret]", for %#v.
func (hidden) GoString() string { return "[secret]" }

// MarshalText answers "[secret]"; encoding/json and log/slog use it.
func (hidden) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Empty reports whether there is no key. Everything else panics without one.
func (h hidden) Empty() bool { return h.reveal == nil }

// Suite is what the key is used with.
func (h hidden) Suite() Suite { return h.reveal().suite }

// Secret is the key itself, a copy, to be stored or personalized.
func (h hidden) Secret() secret.Secret { return secret.New(h.reveal().raw[:]) }

// CheckValue is the key check value: the left three bytes of a block of zeros
// under the key (EMV CPS; for AES alike).
func (h hidden) CheckValue() [3]byte {
	e := h.reveal()
	if e.suite == AES {
		zeros := e.block16([16]byte{})
		return [3]byte(zeros[:3])
	}
	zeros := e.block8([8]byte{})
	return [3]byte(zeros[:3])
}

func newHidden(s Suite, key secret.Secret) (hidden, error) {
	raw := key.Reveal()
	if len(raw) != 16 || !s.Valid() {
		return hidden{}, ErrKey
	}
	return hide(expand(s, [16]byte(raw))), nil
}

// IssuerKey is an issuer master key for one purpose: cryptograms, script MACs,
// or encryption. From it come the keys of all cards. Goroutines may share it.
type IssuerKey struct{ hidden }

// NewIssuerKey takes a key of 16 bytes.
func NewIssuerKey(s Suite, key secret.Secret) (IssuerKey, error) {
	h, err := newHidden(s, key)
	return IssuerKey{h}, err
}

// MasterKey is the key of one card for one purpose. Goroutines may share it.
// Cryptograms and answers to them are computed with a card's AC key; scripts
// and balances with its MAC key.
type MasterKey struct{ hidden }

// NewMasterKey takes a key of 16 bytes, as a card does that was given its own.
func NewMasterKey(s Suite, key secret.Secret) (MasterKey, error) {
	h, err := newHidden(s, key)
	return MasterKey{h}, err
}

// Master derives the key of the card with this PAN and PAN sequence number (5F34
// as on the wire; 00 if the card has none): Book 2, A1.4, with AES option C,
// else option A, or option B for a PAN of more than 16 digits. It panics on no
// PAN: all cards without one would have the same key.
func (k IssuerKey) Master(pan PAN, psn byte) MasterKey {
	if pan.Empty() {
		panic("emv: a card's key is of its PAN")
	}
	e := k.reveal()
	return MasterKey{hide(expand(e.suite, e.diversify(pan.Reveal(), psn)))}
}
