package oda

import (
	"bytes"
	"math/big"
)

// Sizes of a modulus, in bytes.
const (
	// KeySizeMin is 896 bits. The book would allow less, but 829 bits have been
	// factored in public.
	KeySizeMin = 112
	// KeySizeMax is 1984 bits (Book 2, annex B2.1): what fits a short APDU.
	KeySizeMax = 248
)

// The exponents that Book 2, annex B2.1 allows, as they stand in 9F32 and 9F47.
var (
	exponent3     = []byte{0x03}
	exponent65537 = []byte{0x01, 0x00, 0x01}
)

// PublicKey is an RSA public key that keeps the rules of this package. Only
// NewPublicKey and recovery make one; the zero PublicKey verifies nothing.
type PublicKey struct {
	modulus  *big.Int
	exponent []byte
}

// NewPublicKey takes a modulus and an exponent as EMV writes them: no byte in
// front that is not needed. It keeps neither slice.
func NewPublicKey(modulus, exponent []byte) (PublicKey, error) {
	k, err := newPublicKey(modulus, exponent)
	return k, in(partKey, err)
}

func newPublicKey(modulus, exponent []byte) (PublicKey, error) {
	k := PublicKey{modulus: new(big.Int).SetBytes(modulus)}
	switch {
	case bytes.Equal(exponent, exponent3):
		k.exponent = exponent3
	case bytes.Equal(exponent, exponent65537):
		k.exponent = exponent65537
	default:
		return PublicKey{}, ErrKey
	}
	if !wellFormed(modulus) {
		return PublicKey{}, ErrKey
	}
	return k, nil
}

// wellFormed looks at what a modulus shows of itself: its size, that it fills
// its bytes, and that it is odd.
func wellFormed(modulus []byte) bool {
	n := len(modulus)
	return n >= KeySizeMin && n <= KeySizeMax && modulus[0]&0x80 != 0 && modulus[n-1]&1 == 1
}

// Size is the length of the modulus in bytes, and so of every signature.
func (k PublicKey) Size() int {
	if k.modulus == nil {
		return 0
	}
	return (k.modulus.BitLen() + 7) / 8
}

// Modulus is a copy of the modulus, Size bytes.
func (k PublicKey) Modulus() []byte { return k.fill(k.modulus) }

// Exponent is a copy of the exponent: 03 or 010001.
func (k PublicKey) Exponent() []byte { return bytes.Clone(k.exponent) }

// Equal reports whether both are the same key.
func (k PublicKey) Equal(other PublicKey) bool {
	return bytes.Equal(k.Modulus(), other.Modulus()) && bytes.Equal(k.exponent, other.exponent)
}

func (k PublicKey) fill(x *big.Int) []byte {
	if k.modulus == nil {
		return nil
	}
	return x.FillBytes(make([]byte, k.Size()))
}

// recoverBlock is the recovery function of Book 2, annex B2.1.
//
// Reading: the book does not say what becomes of a signature that is not below
// the modulus; no signer makes one, and two forms of one signature are not
// wanted, so it is refused for its size.
func (k PublicKey) recoverBlock(signature []byte) ([]byte, error) {
	s := new(big.Int).SetBytes(signature)
	if k.modulus == nil || len(signature) != k.Size() || s.Cmp(k.modulus) >= 0 {
		return nil, ErrSize
	}
	return k.fill(k.raise(s)), nil
}

func (k PublicKey) raise(x *big.Int) *big.Int {
	return new(big.Int).Exp(x, new(big.Int).SetBytes(k.exponent), k.modulus)
}
