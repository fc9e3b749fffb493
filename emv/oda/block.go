package oda

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the one hash of Book 2, annex B3
)

// What every signed block has in common (Book 2, annex A2.1):
//
//	6A | format | ... | hash (20) | BC
const (
	header  = 0x6A
	trailer = 0xBC
	filler  = 0xBB

	hashSize = sha1.Size
	// tailSize is what stands behind the signed bytes: hash and trailer.
	tailSize = hashSize + 1
)

// The one hash and the one signature algorithm (Book 2, annexes B2.1 and B3).
const (
	hashSHA1 = 0x01
	keyRSA   = 0x01
)

// The formats of signed blocks.
const (
	formatIssuer  = 0x02
	formatStatic  = 0x03
	formatICC     = 0x04
	formatDynamic = 0x05
)

// open recovers a block: steps 1 to 4 of every verification in the book.
func (k PublicKey) open(signature []byte, format byte) ([]byte, error) {
	block, err := k.recoverBlock(signature)
	switch {
	case err != nil:
		return nil, err
	case block[len(block)-1] != trailer:
		return nil, ErrTrailer
	case block[0] != header:
		return nil, ErrHeader
	case block[1] != format:
		return nil, ErrFormat
	}
	return block, nil
}

// checkHash hashes the block from its format on, and what the terminal adds.
func checkHash(block []byte, algorithm byte, added ...[]byte) error {
	if algorithm != hashSHA1 {
		return ErrHashAlgorithm
	}
	at := len(block) - tailSize
	sum := hashOf(block[1:at], added...)
	// Nothing here is secret: whoever has the block can compute the hash.
	if !bytes.Equal(sum[:], block[at:at+hashSize]) {
		return ErrHash
	}
	return nil
}

// seal completes a block of which all but hash and trailer is written, and
// signs it.
func (k PrivateKey) seal(block []byte, random [RandomSize]byte, added ...[]byte) ([]byte, error) {
	sum := hashOf(block[1:], added...)
	block = append(block, sum[:]...)
	return k.sign(append(block, trailer), random)
}

func hashOf(first []byte, added ...[]byte) (sum [hashSize]byte) {
	h := sha1.New() //nolint:gosec // as above
	h.Write(first)
	for _, b := range added {
		h.Write(b)
	}
	h.Sum(sum[:0])
	return sum
}

// fillUp appends filler until n bytes are there.
func fillUp(b []byte, n int) []byte {
	for len(b) < n {
		b = append(b, filler)
	}
	return b
}
