package oda

import (
	"sotto/emv"
	"sotto/tlv"
)

// Overhead of signed dynamic data: all but the ICC dynamic data and the pad
// pattern (Book 2, table 15).
const dynamicOverhead = 4 + tailSize

// A dynamic number has two to eight bytes (Book 2, 6.5.1).
const (
	numberMin = 2
	numberMax = 8
)

// dynamicData cuts the ICC dynamic data out of a recovered block.
func dynamicData(block []byte) ([]byte, error) {
	n := int(block[3])
	if n > len(block)-dynamicOverhead {
		return nil, ErrDynamicData
	}
	return block[4 : 4+n], nil
}

// dynamicNumber reads the number with which all ICC dynamic data begins.
func dynamicNumber(data []byte) (number, rest []byte, err error) {
	if len(data) == 0 {
		return nil, nil, ErrDynamicData
	}
	n := int(data[0])
	if n < numberMin || n > numberMax || n > len(data)-1 {
		return nil, nil, ErrDynamicData
	}
	return data[1 : 1+n], data[1+n:], nil
}

// VerifyDDA verifies signed dynamic application data (9F4B) that answers
// INTERNAL AUTHENTICATE with these DDOL values (Book 2, 6.5.2), and returns the
// ICC dynamic number (9F4C).
func (i ICC) VerifyDDA(sdad, ddol []byte) (number []byte, err error) {
	number, err = i.dynamic(sdad, ddol)
	return number, in(partSDAD, err)
}

// dynamic is DDA, and what fast DDA has in common with it.
func (i ICC) dynamic(sdad []byte, terminal ...[]byte) ([]byte, error) {
	block, err := i.Key.open(sdad, formatDynamic)
	if err != nil {
		return nil, err
	}
	if err := checkHash(block, block[2], terminal...); err != nil {
		return nil, err
	}
	data, err := dynamicData(block)
	if err != nil {
		return nil, err
	}
	number, _, err := dynamicNumber(data)
	return number, err
}

// SignDDA answers INTERNAL AUTHENTICATE: it signs a dynamic number of the card
// and the DDOL values of the terminal (Book 2, 6.5.1).
func (k PrivateKey) SignDDA(number, ddol []byte, random [RandomSize]byte) ([]byte, error) {
	if len(number) < numberMin || len(number) > numberMax {
		return nil, in(partSDAD, ErrMake)
	}
	return k.signDynamic(append([]byte{byte(len(number))}, number...), random, ddol)
}

func (k PrivateKey) signDynamic(data []byte, random [RandomSize]byte, terminal ...[]byte) ([]byte, error) {
	size := k.Public().Size()
	if len(data) > size-dynamicOverhead {
		return nil, in(partSDAD, ErrMake)
	}
	block := append([]byte{header, formatDynamic, hashSHA1, byte(len(data))}, data...)
	signature, err := k.seal(fillUp(block, size-tailSize), random, terminal...)
	return signature, in(partSDAD, err)
}

// Combined is what a combined DDA/AC signature states (Book 2, table 18).
type Combined struct {
	Number      []byte         // ICC dynamic number (9F4C), two to eight bytes
	CID         emv.CID        // the kind of the cryptogram, as in 9F27
	AC          [8]byte        // the cryptogram, which the answer has not beside it
	Transaction [hashSize]byte // see TransactionHash
}

// combinedSize is the dynamic data of CDA without the number.
const combinedSize = 1 + 8 + hashSize

// TransactionHash is the transaction data hash code of CDA (Book 2, 6.6.1). The
// values are those that the terminal has sent: for PDOL and CDOL1, and with the
// second GENERATE AC for CDOL2. The response is what stands in template 77, of
// which 9F4B, if it is there already, does not count.
func TransactionHash(response []byte, values ...[]byte) (sum [hashSize]byte, err error) {
	var counted []byte
	for rest := response; ; {
		o, next, ok, err := tlv.Next(rest)
		switch {
		case err != nil:
			return sum, ErrDynamicData
		case !ok:
			return hashOf(nil, append(append([][]byte(nil), values...), counted)...), nil
		case o.Tag != emv.TagSDAD:
			counted = append(counted, rest[:len(rest)-len(next)]...)
		}
		rest = next
	}
}

// VerifyCDA verifies the signature in the answer to a GENERATE AC (Book 2,
// 6.6.2): un is the unpredictable number (9F37) that was sent, cid the 9F27
// that came back beside it, and transaction what TransactionHash says. The
// cryptogram is in what is returned.
func (i ICC) VerifyCDA(sdad []byte, un [4]byte, cid emv.CID, transaction [hashSize]byte) (Combined, error) {
	c, err := i.combined(sdad, un, cid, transaction)
	if err != nil {
		return Combined{}, in(partSDAD, err)
	}
	return c, nil
}

func (i ICC) combined(sdad []byte, un [4]byte, cid emv.CID, transaction [hashSize]byte) (Combined, error) {
	block, err := i.Key.open(sdad, formatDynamic)
	if err != nil {
		return Combined{}, err
	}
	data, err := dynamicData(block)
	if err != nil {
		return Combined{}, err
	}
	c, err := parseCombined(data)
	switch {
	case err != nil:
		return Combined{}, err
	case c.CID != cid:
		return Combined{}, ErrCID
	}
	if err := checkHash(block, block[2], un[:]); err != nil {
		return Combined{}, err
	}
	if c.Transaction != transaction {
		return Combined{}, ErrTransaction
	}
	return c, nil
}

func parseCombined(data []byte) (c Combined, err error) {
	number, rest, err := dynamicNumber(data)
	if err != nil || len(rest) < combinedSize {
		return Combined{}, ErrDynamicData
	}
	c.Number, c.CID = number, emv.CID(rest[0])
	copy(c.AC[:], rest[1:9])
	copy(c.Transaction[:], rest[9:])
	return c, nil
}

// SignCDA signs a cryptogram together with the transaction it is about (Book 2,
// 6.6.1).
func (k PrivateKey) SignCDA(c Combined, un [4]byte, random [RandomSize]byte) ([]byte, error) {
	if len(c.Number) < numberMin || len(c.Number) > numberMax {
		return nil, in(partSDAD, ErrMake)
	}
	data := append([]byte{byte(len(c.Number))}, c.Number...)
	data = append(append(data, byte(c.CID)), c.AC[:]...)
	data = append(data, c.Transaction[:]...)
	return k.signDynamic(data, random, un[:])
}
