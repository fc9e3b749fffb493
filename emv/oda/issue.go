package oda

import (
	"encoding/hex"

	"sotto/emv"
)

// CertifyIssuer makes an issuer public key certificate with the key of a CA.
func (k PrivateKey) CertifyIssuer(i Issuer, random [RandomSize]byte) (Certificate, error) {
	if !validIdentifier(i.Identifier) {
		return Certificate{}, in(partIssuer, ErrMake)
	}
	identifier, err := hex.DecodeString((i.Identifier + "ffffffff")[:8])
	if err != nil {
		return Certificate{}, in(partIssuer, ErrMake)
	}
	c, err := issuerForm.certify(k, statement{identifier, i.Expiry, i.Serial, i.Key}, nil, random)
	return c, in(partIssuer, err)
}

// CertifyICC makes an ICC public key certificate with the key of an issuer. It
// covers the PAN and the static data (StaticData).
func (k PrivateKey) CertifyICC(card ICC, pan emv.PAN, static []byte, random [RandomSize]byte) (Certificate, error) {
	if pan.Empty() {
		return Certificate{}, in(partICC, ErrMake)
	}
	identifier := pan.Append(nil)
	for len(identifier) < iccForm.identifierSize {
		identifier = append(identifier, 0xFF)
	}
	c, err := iccForm.certify(k, statement{identifier, card.Expiry, card.Serial, card.Key}, static, random)
	return c, in(partICC, err)
}

// statement is what a certificate says, of either kind.
type statement struct {
	identifier []byte
	expiry     Month
	serial     [3]byte
	key        PublicKey
}

// certify writes the block (Book 2, tables 2 and 10), signs it, and puts what
// does not fit into the remainder.
func (f form) certify(signer PrivateKey, s statement, static []byte, random [RandomSize]byte) (Certificate, error) {
	size := signer.Public().Size()
	if _, _, err := s.expiry.YM(); err != nil || s.key.Size() == 0 || s.key.Size() > size {
		return Certificate{}, ErrMake
	}
	modulus, exponent := s.key.Modulus(), s.key.Exponent()
	inside := min(len(modulus), size-f.overhead())
	c := Certificate{Exponent: exponent}
	if inside < len(modulus) {
		c.Remainder = modulus[inside:]
	}

	block := append([]byte{header, f.format}, s.identifier...)
	block = append(append(block, s.expiry[:]...), s.serial[:]...)
	block = append(block, hashSHA1, keyRSA, byte(len(modulus)), byte(len(exponent)))
	block = fillUp(append(block, modulus[:inside]...), size-tailSize)
	signature, err := signer.seal(block, random, c.Remainder, exponent, static)
	c.Signature = signature
	return c, err
}
