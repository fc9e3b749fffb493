package bankapi

import (
	"crypto/ecdh"
	"crypto/hpke"
	"errors"

	"sotto/secret"
)

// The phone key goes from the bank to a phone sealed to the phone's X25519 key:
// HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// AES-256-GCM; info is enrolInfo and the associated data is the phone's id as
// text. What is sealed is enc (32 bytes) ‖ ciphertext. In JSON it, BoxKey and
// KeySource are base64 with padding (RFC 4648, section 4).
const (
	enrolInfo = "sotto v1 enrol"
	boxEnc    = 32 // bytes of enc
)

// ErrBox says that a phone key does not open, or cannot be sealed to this key.
var ErrBox = errors.New("bankapi: not sealed to this phone's key")

// SealPhoneKey seals a phone key to the X25519 public key of one phone. The
// ephemeral key is the system's own: the standard library lets no caller choose
// it.
func SealPhoneKey(boxPublic []byte, phoneID string, key secret.Secret) ([]byte, error) {
	raw, err := ecdh.X25519().NewPublicKey(boxPublic)
	if err != nil {
		return nil, ErrBox
	}
	public, err := hpke.NewDHKEMPublicKey(raw)
	if err != nil {
		return nil, ErrBox
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(enrolInfo))
	if err != nil {
		return nil, ErrBox
	}
	sealed, err := sender.Seal([]byte(phoneID), key.Reveal())
	if err != nil {
		return nil, ErrBox
	}
	return append(enc, sealed...), nil
}

// OpenPhoneKey opens what SealPhoneKey sealed.
func OpenPhoneKey(boxPrivate *ecdh.PrivateKey, phoneID string, sealed []byte) (secret.Secret, error) {
	if len(sealed) < boxEnc {
		return secret.Secret{}, ErrBox
	}
	private, err := hpke.NewDHKEMPrivateKey(boxPrivate)
	if err != nil {
		return secret.Secret{}, ErrBox
	}
	r, err := hpke.NewRecipient(sealed[:boxEnc], private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(enrolInfo))
	if err != nil {
		return secret.Secret{}, ErrBox
	}
	key, err := r.Open([]byte(phoneID), sealed[boxEnc:])
	if err != nil {
		return secret.Secret{}, ErrBox
	}
	defer clear(key)
	return secret.New(key), nil
}
