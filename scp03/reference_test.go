package scp03_test

import (
	"crypto/aes"
	"crypto/cipher"
	"slices"

	"sotto/apdu"
	"sotto/isomac"
)

// reference is what a host or card knows of a session that domainOf's keys
// made, written down once more and straight from the standard, so that tests
// can sign what no honest end would.
type reference struct {
	enc, mac, rmac []byte
	proof          []byte // the host cryptogram
	chain          [16]byte
}

func newReference(size int, host, card [8]byte) *reference {
	context := slices.Concat(host[:], card[:])
	bits := byte(8 * size) // 128, 192, or 256 that wraps to zero
	high := byte(8 * size >> 8)
	kdf := func(key []byte, constant, high, low byte, size int) []byte {
		var out []byte
		for i := byte(1); len(out) < size; i++ {
			label := append(make([]byte, 11), constant, 0, high, low, i)
			out = append(out, cmac(key, append(label, context...))...)
		}
		return out[:size]
	}
	r := &reference{
		enc:  kdf(run(0x10, size), 4, high, bits, size),
		mac:  kdf(run(0x50, size), 6, high, bits, size),
		rmac: kdf(run(0x50, size), 7, high, bits, size),
	}
	r.proof = kdf(r.mac, 1, 0, 64, 8)
	return r
}

// signed adds the C-MAC that comes after the chaining value, and leaves that
// as it is.
func (r *reference) signed(c apdu.Command) apdu.Command {
	head := []byte{byte(c.CLA)&0x80 | 0x04, c.INS, c.P1, c.P2, byte(len(c.Data) + 8)}
	mac := cmac(r.mac, slices.Concat(r.chain[:], head, c.Data))
	c.CLA |= 0x04
	c.Data = slices.Concat(c.Data, mac[:8])
	return c
}

// sealed adds the R-MAC.
func (r *reference) sealed(data []byte, status apdu.Status) apdu.Response {
	mac := cmac(r.rmac, slices.Concat(r.chain[:], data, []byte{byte(status >> 8), byte(status)}))
	return apdu.Response{Data: slices.Concat(data, mac[:8]), Status: status}
}

// crypt encrypts whole blocks for the first command (0x00) or its response
// (0x80).
func (r *reference) crypt(direction byte, plain []byte) []byte {
	icv := make([]byte, 16)
	icv[0], icv[15] = direction, 1
	block(r.enc).Encrypt(icv, icv)
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block(r.enc), icv).CryptBlocks(out, plain)
	return out
}

func cmac(key, message []byte) []byte { return isomac.CMAC(block(key), message) }

func block(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return b
}
