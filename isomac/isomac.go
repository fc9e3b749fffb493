// Package isomac computes the message authentication codes of ISO/IEC
// 9797-1:2011 that EMV and GlobalPlatform use: MAC algorithm 3 with DES, called
// the retail MAC, and algorithm 5, called CMAC (NIST SP 800-38B, RFC 4493).
//
// Use Retail for one MAC under a key, RetailKey for many, CMAC with any
// cipher.Block of 8 or 16 bytes, Pad1 and Pad2 for the padding methods. Every
// MAC comes whole; the caller truncates it, and compares in constant time.
//
// It pads nothing by itself except as CMAC demands, and never writes to its
// arguments. A length that is no multiple of the block is an error of the
// program and panics: no length is ever taken from the data.
package isomac

// Pad1 is padding method 1 (ISO/IEC 9797-1, 6.3.2): as few zero bytes behind b
// as make it a whole number of blocks, but one block at least. The slice is
// fresh. Data of different lengths may become equal; a format that does not
// fix the length takes Pad2.
func Pad1(b []byte, block int) []byte {
	return pad(b, wholeBlocks(max(len(b), 1), block))
}

// Pad2 is padding method 2 (ISO/IEC 9797-1, 6.3.3; ISO/IEC 7816-4): the byte
// 80 behind b, then as Pad1. The slice is fresh.
func Pad2(b []byte, block int) []byte {
	padded := pad(b, wholeBlocks(len(b)+1, block))
	padded[len(b)] = 0x80
	return padded
}

func pad(b []byte, n int) []byte {
	padded := make([]byte, n)
	copy(padded, b)
	return padded
}

// wholeBlocks is n rounded up to a multiple of block.
func wholeBlocks(n, block int) int {
	if block < 1 {
		panic("isomac: a block has at least one byte")
	}
	return (n + block - 1) / block * block
}
