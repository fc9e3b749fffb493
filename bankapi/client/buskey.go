package client

import (
	"crypto/ed25519"
	"errors"

	"github.com/nats-io/nkeys"

	"sotto/secret"
)

var errSeed = errors.New("the phone's key is not an Ed25519 seed of 32 bytes")

// BusKey is the text by which the bank knows a phone's key: the nkey form "U…"
// of an Ed25519 public key, 56 characters.
func BusKey(public ed25519.PublicKey) (string, error) {
	if len(public) != ed25519.PublicKeySize {
		return "", errors.New("an Ed25519 public key has 32 bytes")
	}
	text, err := nkeys.Encode(nkeys.PrefixByteUser, public)
	return string(text), err
}

// BusKeyOfSeed is BusKey of the public key that belongs to this seed.
func BusKeyOfSeed(seed secret.Secret) (string, error) {
	key, err := busKey(seed)
	if err != nil {
		return "", err
	}
	return key.PublicKey()
}

func busKey(seed secret.Secret) (nkeys.KeyPair, error) {
	raw := seed.Reveal()
	if len(raw) != ed25519.SeedSize {
		return nil, errSeed
	}
	text, err := nkeys.EncodeSeed(nkeys.PrefixByteUser, raw)
	if err != nil {
		return nil, errSeed
	}
	defer clear(text)
	key, err := nkeys.FromSeed(text)
	if err != nil {
		return nil, errSeed
	}
	return key, nil
}
