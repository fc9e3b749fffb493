package emv

import (
	"crypto/aes"
	"crypto/cipher"

	"sotto/isomac"
)

// Suite says how session keys are derived and MACs computed. An applet has one
// for life.
type Suite byte

// The suites. All keys have 16 bytes.
const (
	// PBOC is TDES with the session key of JR/T 0025.7: of the ATC for
	// everything.
	PBOC Suite = iota + 1
	// Common is TDES with the common session key of Book 2, A1.3: of the ATC
	// for cryptograms, of the ARQC for scripts.
	Common
	// AES is AES-128 with the common session key, CMAC in place of the retail
	// MAC, and master keys of option C.
	AES
)

// Valid reports whether s is one of them.
func (s Suite) Valid() bool { return s >= PBOC && s <= AES }

// String is the name of the suite.
func (s Suite) String() string {
	switch s {
	case PBOC:
		return "PBOC session keys, TDES"
	case Common:
		return "common session keys, TDES"
	case AES:
		return "common session keys, AES"
	}
	return "no suite"
}

// Algorithm is the cipher that a card names at the end of the fixed part of
// 9F10.
type Algorithm byte

// The algorithms. JR/T 0025.5 has no number for AES; 81 is ours.
const (
	AlgorithmTDES Algorithm = 0x01
	AlgorithmAES  Algorithm = 0x81
)

// Algorithm is the suite's cipher.
func (s Suite) Algorithm() Algorithm {
	if s == AES {
		return AlgorithmAES
	}
	return AlgorithmTDES
}

// expanded is a key with its cipher: expanding a DES key costs more than a dozen
// blocks, so it is done once.
type expanded struct {
	suite Suite
	raw   [16]byte
	tdes  isomac.RetailKey
	aes   cipher.Block
}

func expand(s Suite, raw [16]byte) expanded {
	e := expanded{suite: s, raw: raw}
	if s != AES {
		e.tdes = isomac.NewRetailKey(raw)
		return e
	}
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		panic("emv: " + err.Error()) // AES has keys of 16 bytes
	}
	e.aes = block
	return e
}

// block8 encrypts one block with TDES: the retail MAC of one block is encrypted,
// decrypted and encrypted under left, right and left half, and so is the block.
func (e *expanded) block8(in [8]byte) [8]byte { return e.tdes.MAC(in[:]) }

// block16 encrypts one block with AES.
func (e *expanded) block16(in [16]byte) (out [16]byte) {
	e.aes.Encrypt(out[:], in[:])
	return out
}

// mac is the whole MAC of a message of any length: with TDES algorithm 3 after
// padding method 2, with AES the left half of the CMAC (Book 2, A1.2).
func (e *expanded) mac(message []byte) [8]byte {
	if e.suite == AES {
		return [8]byte(isomac.CMAC(e.aes, message)[:8])
	}
	var short [64]byte // enough for all but long scripts
	if len(message) >= len(short) {
		return e.tdes.MAC(isomac.Pad2(message, 8))
	}
	n := copy(short[:], message)
	short[n] = 0x80
	return e.tdes.MAC(short[:(n+8)/8*8])
}

// left4 is how EMV truncates the MACs of scripts and balances.
func left4(mac [8]byte) [4]byte { return [4]byte(mac[:4]) }
