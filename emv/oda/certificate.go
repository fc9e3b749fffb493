package oda

import (
	"encoding/hex"
	"fmt"
	"strings"

	"sotto/emv"
)

// Certificate is a public key certificate as the card has it: three data
// objects of its records.
type Certificate struct {
	Signature []byte // 90, 9F46
	Remainder []byte // 92, 9F48: what of the modulus did not fit; often absent
	Exponent  []byte // 9F32, 9F47
}

// Issuer is what an issuer public key certificate says (Book 2, table 6).
type Issuer struct {
	Identifier string // how its PANs begin: three to eight digits
	Expiry     Month
	Serial     [3]byte
	Key        PublicKey
}

// ICC is what an ICC public key certificate says (Book 2, table 14), but for
// the PAN, which was known before.
type ICC struct {
	Expiry Month
	Serial [3]byte
	Key    PublicKey
}

// The parts of a chain, for errors.
const (
	partKey    = "key"
	partCA     = "CA public key"
	partStatic = "static data"
	partIssuer = "issuer certificate"
	partICC    = "ICC certificate"
	partSSAD   = "signed static data"
	partSDAD   = "signed dynamic data"
)

// in says where an error was found.
func in(part string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("oda: %s: %w", part, err)
}

// form is what the two kinds of certificates differ in:
//
//	6A | format | identifier | expiry (2) | serial (3) | hash algorithm |
//	key algorithm | key size | exponent size | key | hash (20) | BC
type form struct {
	format         byte
	identifierSize int
}

var (
	issuerForm = form{formatIssuer, 4}
	iccForm    = form{formatICC, 10}
)

// left is where the key begins: with hash and trailer, 36 and 42 bytes of a
// certificate are not key.
func (f form) left() int { return 2 + f.identifierSize + 9 }

func (f form) overhead() int { return f.left() + tailSize }

// certified is a recovered certificate whose hash is right.
type certified struct {
	identifier   []byte
	expiry       Month
	serial       [3]byte
	algorithm    byte
	keySize      int
	exponentSize int
	left         []byte
	signerSize   int
	presented    Certificate
}

// open takes the steps that both kinds of certificates share: recovery, format
// and hash (Book 2, 5.3 steps 1 to 7, 6.4 steps 1 to 7).
func (f form) open(signer PublicKey, c Certificate, static []byte) (certified, error) {
	if len(c.Signature) == 0 || len(c.Exponent) == 0 {
		return certified{}, ErrMissing
	}
	block, err := signer.open(c.Signature, f.format)
	if err != nil {
		return certified{}, err
	}
	at := 2 + f.identifierSize
	if err := checkHash(block, block[at+5], c.Remainder, c.Exponent, static); err != nil {
		return certified{}, err
	}
	return certified{
		identifier:   block[2:at],
		expiry:       Month(block[at : at+2]),
		serial:       [3]byte(block[at+2 : at+5]),
		algorithm:    block[at+6],
		keySize:      int(block[at+7]),
		exponentSize: int(block[at+8]),
		left:         block[f.left() : len(block)-tailSize],
		signerSize:   signer.Size(),
		presented:    c,
	}, nil
}

// key puts the certified key together (5.3 steps 11 and 12, 6.4 steps 10 and
// 11).
//
// Reading: the book leaves open what becomes of a remainder that is too long or
// too short, or of an exponent whose length the certificate states otherwise.
// The hash covers all of them, so only whoever signs certificates could do it;
// it is refused.
func (c certified) key() (PublicKey, error) {
	if c.algorithm != keyRSA {
		return PublicKey{}, ErrKeyAlgorithm
	}
	inside := min(c.keySize, len(c.left))
	modulus := append(append([]byte(nil), c.left[:inside]...), c.presented.Remainder...)
	if len(modulus) != c.keySize || len(c.presented.Exponent) != c.exponentSize || c.keySize > c.signerSize {
		return PublicKey{}, ErrKey
	}
	return newPublicKey(modulus, c.presented.Exponent)
}

// RecoverIssuer verifies an issuer public key certificate (Book 2, 5.3).
func (a CA) RecoverIssuer(c Certificate, pan emv.PAN, today emv.Date, revoked []Revocation) (Issuer, error) {
	i, err := a.recoverIssuer(c, pan, today, revoked)
	if err != nil {
		return Issuer{}, in(partIssuer, err)
	}
	return i, nil
}

func (a CA) recoverIssuer(c Certificate, pan emv.PAN, today emv.Date, revoked []Revocation) (Issuer, error) {
	found, err := issuerForm.open(a.Key, c, nil)
	if err != nil {
		return Issuer{}, err
	}
	identifier, ok := issuerDigits(found.identifier)
	switch {
	case !ok || !strings.HasPrefix(string(pan.Reveal()), identifier):
		return Issuer{}, ErrIssuer
	case found.expiry.Over(today):
		return Issuer{}, ErrExpired
	case isRevoked(revoked, Revocation{a.RID, a.Index, found.serial}):
		return Issuer{}, ErrRevoked
	}
	key, err := found.key()
	return Issuer{identifier, found.expiry, found.serial, key}, err
}

// RecoverICC verifies an ICC public key certificate (Book 2, 6.4), with static
// data from StaticData.
func (i Issuer) RecoverICC(c Certificate, pan emv.PAN, static []byte, today emv.Date) (ICC, error) {
	card, err := i.recoverICC(c, pan, static, today)
	if err != nil {
		return ICC{}, in(partICC, err)
	}
	return card, nil
}

func (i Issuer) recoverICC(c Certificate, pan emv.PAN, static []byte, today emv.Date) (ICC, error) {
	found, err := iccForm.open(i.Key, c, static)
	if err != nil {
		return ICC{}, err
	}
	certifiedPAN, err := emv.ParsePAN(found.identifier)
	switch {
	case err != nil || !certifiedPAN.Equal(pan):
		return ICC{}, ErrPAN
	case found.expiry.Over(today):
		return ICC{}, ErrExpired
	}
	key, err := found.key()
	return ICC{found.expiry, found.serial, key}, err
}

// issuerDigits reads an issuer identifier: three to eight digits, F behind.
func issuerDigits(b []byte) (digits string, ok bool) {
	digits = strings.TrimRight(hex.EncodeToString(b), "f")
	return digits, validIdentifier(digits)
}

func validIdentifier(digits string) bool {
	return len(digits) >= 3 && len(digits) <= 8 && strings.Trim(digits, "0123456789") == ""
}
