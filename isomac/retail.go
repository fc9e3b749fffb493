package isomac

import (
	"crypto/cipher"
	"crypto/des" //nolint:gosec // as below
	"encoding/binary"
)

// Retail is MAC algorithm 3 of ISO/IEC 9797-1, 7.4, with DES and both halves
// of the key: CBC under the left half, and at the end the result decrypted
// under the right half and encrypted under the left. The message is padded
// already: 8, 16, 24 bytes and so on.
func Retail(key [16]byte, padded []byte) [8]byte {
	return NewRetailKey(key).MAC(padded)
}

// RetailKey keeps the expanded key for many MACs; goroutines may share it.
type RetailKey struct{ left, right cipher.Block }

// NewRetailKey expands the key. Parity bits do not matter.
func NewRetailKey(key [16]byte) RetailKey {
	return RetailKey{single(key[:8]), single(key[8:])}
}

func single(half []byte) cipher.Block {
	b, err := des.NewCipher(half) //nolint:gosec // it is the cipher of the standard, and twice the key
	if err != nil {
		panic("isomac: " + err.Error()) // half a key has eight bytes
	}
	return b
}

// MAC is Retail under this key.
func (k RetailKey) MAC(padded []byte) (mac [8]byte) {
	if len(padded) == 0 || len(padded)%8 != 0 {
		panic("isomac: the message is not padded")
	}
	h := make([]byte, 8)
	for ; len(padded) > 0; padded = padded[8:] {
		binary.BigEndian.PutUint64(h, binary.BigEndian.Uint64(h)^binary.BigEndian.Uint64(padded))
		k.left.Encrypt(h, h)
	}
	k.right.Decrypt(h, h)
	k.left.Encrypt(h, h)
	return [8]byte(h)
}
