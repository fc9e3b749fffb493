package isomac

import (
	"crypto/cipher"
	"crypto/subtle"
)

// CMAC is MAC algorithm 5 of ISO/IEC 9797-1, 7.6 (NIST SP 800-38B, 6.2), of a
// message of any length, as long as a block of the cipher. It panics when that
// is not 8 or 16 bytes.
func CMAC(block cipher.Block, message []byte) []byte {
	n := block.BlockSize()
	mask := make([]byte, n, 2*n)
	mac := mask[n : 2*n]
	block.Encrypt(mask, mask)
	double(mask) // K1
	for len(message) > n {
		subtle.XORBytes(mac, mac, message)
		block.Encrypt(mac, mac)
		message = message[n:]
	}
	if len(message) < n {
		double(mask) // K2
		mac[len(message)] ^= 0x80
	}
	subtle.XORBytes(mac, mac, message)
	subtle.XORBytes(mac, mac, mask)
	block.Encrypt(mac, mac)
	return mac
}

// double multiplies by x in the field of 2 to the power of 64 or 128 (SP
// 800-38B, 5.3 and 6.1), in time that does not depend on the bits.
func double(b []byte) {
	reduction := byte(0x87)
	switch len(b) {
	case 16:
	case 8:
		reduction = 0x1B
	default:
		panic("isomac: CMAC takes a cipher with blocks of 8 or 16 bytes")
	}
	carry := b[0] >> 7
	for i := range b[:len(b)-1] {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[len(b)-1] = b[len(b)-1]<<1 ^ carry*reduction
}
