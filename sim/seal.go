package sim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"sotto/secret"
)

// ErrDamaged says that something in the store is not what this device wrote
// there with this key.
var ErrDamaged = errors.New("sim: the store is damaged or belongs to another device key")

const (
	keySize     = 32
	nonceSize   = 12
	tagSize     = 16
	versionSize = 8
)

// branch is the key for one purpose under the device key.
func branch(key secret.Secret, purpose string) []byte {
	b, err := hkdf.Expand(sha256.New, key.Reveal(), "sotto sim "+purpose, keySize)
	if err != nil {
		panic("sim: " + err.Error()) // only for lengths that no hash can give
	}
	return b
}

// newAEAD is AES-256-GCM under a key of keySize bytes.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("sim: a key is not of 32 bytes")
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("sim: " + err.Error()) // never for AES
	}
	return aead
}

// entropy is the device's randomness. An error sticks, so that whoever draws
// looks once, before anything is kept or answered.
type entropy struct {
	source io.Reader
	err    error
}

func (e *entropy) fill(b []byte) {
	if e.err == nil {
		_, e.err = io.ReadFull(e.source, b)
	}
}

// seal writes nonce and sealed plain behind dst. The nonce is random: a counter
// could come back with other content after a commit that was cut off.
func seal(dst []byte, aead cipher.AEAD, random *entropy, plain, additional []byte) []byte {
	var nonce [nonceSize]byte
	random.fill(nonce[:])
	dst = append(dst, nonce[:]...)
	return aead.Seal(dst, nonce[:], plain, additional)
}

// open reads what seal wrote, behind dst.
func open(dst []byte, aead cipher.AEAD, sealed, additional []byte) ([]byte, error) {
	if len(sealed) < nonceSize+tagSize {
		return nil, ErrDamaged
	}
	plain, err := aead.Open(dst, sealed[:nonceSize], sealed[nonceSize:], additional)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// safe opens and seals the objects of one applet under its credential (B3). The
// additional data is AID ‖ version ‖ name, and the version counts up with every
// change of the object, so that no object can take the place of another or of
// its own past within one commit.
type safe struct {
	aead cipher.AEAD
	aid  []byte
}

func (s safe) additional(dst, version, name []byte) []byte {
	dst = append(dst, s.aid...)
	dst = append(dst, version...)
	return append(dst, name...)
}

// version of an object in the store; 0 is none yet.
func versionOf(value []byte) uint64 {
	if len(value) < versionSize {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// open reads an object: version ‖ nonce ‖ sealed.
func (s safe) open(dst, value, name []byte) ([]byte, error) {
	if len(value) < versionSize {
		return nil, ErrDamaged
	}
	var room [64]byte
	return open(dst, s.aead, value[versionSize:], s.additional(room[:0], value[:versionSize], name))
}

// seal writes an object whose last value was old.
func (s safe) seal(random *entropy, old, plain, name []byte) []byte {
	value := make([]byte, 0, versionSize+nonceSize+len(plain)+tagSize)
	value = binary.BigEndian.AppendUint64(value, versionOf(old)+1)
	var room [64]byte
	return seal(value, s.aead, random, plain, s.additional(room[:0], value, name))
}
