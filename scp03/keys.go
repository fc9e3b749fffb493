package scp03

import (
	"crypto/aes"
	"crypto/cipher"

	"sotto/secret"
)

// Keys is the key set of a security domain: Key-ENC, Key-MAC and Key-DEK
// (Amendment D, table 6-1). NewKeys makes it; the zero Keys opens nothing.
type Keys struct{ enc, mac, dek secret.Secret }

// NewKeys takes three AES keys of 16, 24 or 32 bytes.
//
// Reading: the standard gives each key its own length; here they share one, for
// a channel is as strong as its weakest key.
func NewKeys(enc, mac, dek secret.Secret) (Keys, error) {
	size := len(enc.Reveal())
	if size != 16 && size != 24 && size != 32 || len(mac.Reveal()) != size || len(dek.Reveal()) != size {
		return Keys{}, ErrKeys
	}
	return Keys{enc, mac, dek}, nil
}

// Encrypt hides sensitive data, such as keys, under Key-DEK: AES in CBC mode
// with an ICV of zeroes and no padding (Amendment D, 6.2.8). The data is 16, 32,
// 48 … bytes. The same data gives the same bytes each time, which is why only
// data that is itself random belongs here.
func (k Keys) Encrypt(data secret.Secret) ([]byte, error) {
	clear := data.Reveal()
	if len(clear) == 0 || len(clear)%blockSize != 0 {
		return nil, ErrData
	}
	var zeroes [blockSize]byte
	return encryptCBC(newBlock(k.dek), zeroes, clear), nil //nolint:gosec // as the standard has it
}

// Decrypt is the reverse of Encrypt.
func (k Keys) Decrypt(hidden []byte) (secret.Secret, error) {
	if len(hidden) == 0 || len(hidden)%blockSize != 0 {
		return secret.Secret{}, ErrData
	}
	var zeroes [blockSize]byte
	plain := decryptCBC(newBlock(k.dek), zeroes, hidden)
	defer clear(plain)
	return secret.New(plain), nil
}

// newBlock cannot fail: NewKeys has seen the size. Other Keys are an error of
// the program.
func newBlock(key secret.Secret) cipher.Block {
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		panic("scp03: keys that NewKeys has not made")
	}
	return block
}

func encryptCBC(block cipher.Block, icv [blockSize]byte, plain []byte) []byte {
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, icv[:]).CryptBlocks(out, plain)
	return out
}

func decryptCBC(block cipher.Block, icv [blockSize]byte, hidden []byte) []byte {
	out := make([]byte, len(hidden))
	cipher.NewCBCDecrypter(block, icv[:]).CryptBlocks(out, hidden)
	return out
}
