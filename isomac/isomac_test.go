package isomac_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"sotto/isomac"
)

// Either padding fills whole blocks, at least one, with no block too many;
// leaves the data as it was; and method 2 can be taken off again.
func TestPadding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
		block := rapid.SampledFrom([]int{1, 8, 16}).Draw(t, "block")
		given := bytes.Clone(b)

		one, two := isomac.Pad1(b, block), isomac.Pad2(b, block)
		for i, padded := range [][]byte{one, two} {
			if len(padded) == 0 || len(padded)%block != 0 || len(padded) > len(b)+block || !bytes.HasPrefix(padded, b) {
				t.Fatalf("method %d: %x became %x", i+1, b, padded)
			}
			clear(padded[:len(b)])
			if !bytes.Equal(b, given) {
				t.Fatalf("method %d shares memory with the data", i+1)
			}
		}
		if len(b) > 0 && len(one) >= len(b)+block {
			t.Errorf("method 1 added a block: %x", one)
		}
		if tail := bytes.TrimRight(two, "\x00"); len(tail) != len(b)+1 || tail[len(b)] != 0x80 {
			t.Errorf("method 2 cannot be taken off: %x", two[len(b):])
		}
	})
}

// The retail MAC is CBC under the left half, and over the last block two-key
// TDES: here by the block modes of the standard library.
func FuzzRetail(f *testing.F) {
	f.Add(make([]byte, 16), []byte{})
	f.Add([]byte("0123456789abcdef"), []byte("a message of three blocks"))
	f.Fuzz(func(t *testing.T, key, message []byte) {
		if len(key) != 16 {
			return
		}
		padded := isomac.Pad2(message, 8)
		head, last := padded[:len(padded)-8], bytes.Clone(padded[len(padded)-8:])
		iv := make([]byte, 8)
		if len(head) > 0 {
			out := make([]byte, len(head))
			cipher.NewCBCEncrypter(must(des.NewCipher(key[:8])), iv).CryptBlocks(out, head)
			iv = out[len(out)-8:]
		}
		triple := must(des.NewTripleDESCipher(append(bytes.Clone(key), key[:8]...)))
		cipher.NewCBCEncrypter(triple, iv).CryptBlocks(last, last)

		before := bytes.Clone(padded)
		if got := isomac.Retail([16]byte(key), padded); !bytes.Equal(got[:], last) {
			t.Errorf("got %x, want %x", got, last)
		}
		if !bytes.Equal(padded, before) {
			t.Error("the message was changed")
		}
	})
}

// CMAC is CBC whose last block is masked with K1 or K2: here by the standard
// library's CBC, and with the field arithmetic done on big integers.
func FuzzCMAC(f *testing.F) {
	f.Add(make([]byte, 16), []byte{})
	f.Add([]byte("0123456789abcdef01234567"), []byte("one block more th"))
	f.Add([]byte("0123456789abcdef0123456789abcdef"), make([]byte, 32))
	f.Fuzz(func(t *testing.T, key, message []byte) {
		var ciphers []cipher.Block
		if block, err := aes.NewCipher(key); err == nil {
			ciphers = append(ciphers, block)
		}
		if block, err := des.NewTripleDESCipher(key); err == nil {
			ciphers = append(ciphers, block)
		}
		before := bytes.Clone(message)
		for _, block := range ciphers {
			if got, want := isomac.CMAC(block, message), slowCMAC(block, message); !bytes.Equal(got, want) {
				t.Errorf("block of %d: got %x, want %x", block.BlockSize(), got, want)
			}
		}
		if !bytes.Equal(message, before) {
			t.Error("the message was changed")
		}
	})
}

func slowCMAC(block cipher.Block, message []byte) []byte {
	n := block.BlockSize()
	l := make([]byte, n)
	block.Encrypt(l, l)
	mask := timesX(new(big.Int).SetBytes(l), n)
	whole := bytes.Clone(message)
	if len(message) == 0 || len(message)%n != 0 {
		mask, whole = timesX(mask, n), isomac.Pad2(message, n)
	}
	last := new(big.Int).SetBytes(whole[len(whole)-n:])
	last.Xor(last, mask).FillBytes(whole[len(whole)-n:])
	cipher.NewCBCEncrypter(block, make([]byte, n)).CryptBlocks(whole, whole)
	return whole[len(whole)-n:]
}

// timesX multiplies by x modulo the polynomial of the field of this many bytes.
func timesX(v *big.Int, n int) *big.Int {
	polynomial := map[int]int64{8: 0x1B, 16: 0x87}[n]
	doubled := new(big.Int).Lsh(v, 1)
	if doubled.Bit(8*n) == 1 {
		doubled.SetBit(doubled, 8*n, 0)
		doubled.Xor(doubled, big.NewInt(polynomial))
	}
	return doubled
}

// What only a program can get wrong stops it.
func TestPanics(t *testing.T) {
	key := isomac.NewRetailKey([16]byte{1})
	for name, do := range map[string]func(){
		"retail, no message":   func() { key.MAC(nil) },
		"retail, not padded":   func() { key.MAC(make([]byte, 9)) },
		"pad 1, no block":      func() { isomac.Pad1(nil, 0) },
		"pad 2, no block":      func() { isomac.Pad2(nil, -1) },
		"CMAC, block of seven": func() { isomac.CMAC(strange{7}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("went on")
				}
			}()
			do()
		})
	}
}

type strange struct{ size int }

func (s strange) BlockSize() int      { return s.size }
func (strange) Encrypt(dst, _ []byte) { clear(dst) }
func (strange) Decrypt(dst, _ []byte) { clear(dst) }

// 25,000 cryptograms a second are verified where taps are posted.
func BenchmarkRetail(b *testing.B) {
	message := make([]byte, 40)
	b.ReportAllocs()
	for b.Loop() {
		isomac.Retail([16]byte{1, 15: 2}, message)
	}
}

func BenchmarkRetailKey(b *testing.B) {
	key, message := isomac.NewRetailKey([16]byte{1, 15: 2}), make([]byte, 40)
	b.ReportAllocs()
	for b.Loop() {
		key.MAC(message)
	}
}

func BenchmarkCMAC(b *testing.B) {
	block, message := must(aes.NewCipher(make([]byte, 16))), make([]byte, 40)
	b.ReportAllocs()
	for b.Loop() {
		isomac.CMAC(block, message)
	}
}
