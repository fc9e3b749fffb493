package cps

import (
	"sotto/isomac"
	"sotto/secret"
)

// PadTo is the block of the padding of key groups: that of AES.
const PadTo = 16

// Encrypt hides the key groups, and leaves the others as they are. The hook
// encrypts data whose length is a multiple of PadTo under the channel's data
// encryption key.
//
// Reading: the specification pads with 80 00.. where a cipher needs it, which
// leaves the card to guess whether data that ends so was padded. Here it always
// is.
func Encrypt(groups []Group, encrypt func(secret.Secret) ([]byte, error)) ([]Group, error) {
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		switch {
		case g.Hidden:
			return nil, ErrHidden
		case !g.ID.IsKey():
			out = append(out, g)
			continue
		}
		padded := isomac.Pad2(g.Data.Reveal(), PadTo)
		whole := secret.New(padded)
		clear(padded)
		hidden, err := encrypt(whole)
		whole.Wipe()
		if err != nil {
			return nil, in(g.ID, err)
		}
		out = append(out, Group{g.ID, secret.New(hidden), true})
	}
	return out, nil
}

// Decrypt opens the key groups on the side of the card. It refuses a key group
// that came in clear and any other that came hidden, so that nobody can offer
// the card keys that the channel's data encryption key has not seen.
func Decrypt(groups []Group, decrypt func([]byte) (secret.Secret, error)) ([]Group, error) {
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		switch {
		case g.Hidden != g.ID.IsKey():
			return nil, in(g.ID, ErrHidden)
		case !g.Hidden:
			out = append(out, g)
			continue
		}
		whole, err := decrypt(g.Data.Reveal())
		if err != nil {
			return nil, in(g.ID, err)
		}
		data, ok := unpadded(whole)
		whole.Wipe()
		if !ok {
			return nil, in(g.ID, ErrHidden)
		}
		out = append(out, Group{g.ID, data, false})
	}
	return out, nil
}

// unpadded takes the padding away. That it looks at the bytes one by one tells
// nobody anything: the channel has authenticated them before.
func unpadded(s secret.Secret) (secret.Secret, bool) {
	b := s.Reveal()
	end := len(b) - 1
	for end >= 0 && b[end] == 0 {
		end--
	}
	if end < 1 || b[end] != 0x80 || len(b)-end > PadTo || len(b)%PadTo != 0 {
		return secret.Secret{}, false
	}
	return secret.New(b[:end]), true
}
