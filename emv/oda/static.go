package oda

import (
	"bytes"

	"sotto/emv"
	"sotto/tlv"
)

// Record is a record that the AFL names for offline data authentication, as
// READ RECORD answered it.
type Record struct {
	SFI  byte
	Data []byte
}

// StaticData puts together what an issuer has signed of a card (EMV 4.4 Book 3,
// 10.3): the records in the order of the AFL, then the AIP if 9F4A asks for it.
// A card without 9F4A has a nil tagList.
func StaticData(records []Record, tagList []byte, aip [2]byte) ([]byte, error) {
	var data []byte
	for _, r := range records {
		value, err := tlv.Only(r.Data, emv.TagRecord)
		if err != nil {
			return nil, in(partStatic, ErrStatic)
		}
		// Files 11 to 30 count with tag and length, 1 to 10 without.
		if r.SFI > 10 {
			value = r.Data
		}
		data = append(data, value...)
	}
	switch {
	case len(tagList) == 0:
		return data, nil
	case bytes.Equal(tagList, []byte{byte(emv.TagAIP)}):
		return append(data, aip[:]...), nil
	}
	return nil, in(partStatic, ErrStatic)
}

// VerifySSAD verifies signed static application data (93; Book 2, 5.4) and
// returns the data authentication code (9F45).
func (i Issuer) VerifySSAD(ssad, static []byte) (dac [2]byte, err error) {
	block, err := i.Key.open(ssad, formatStatic)
	if err != nil {
		return dac, in(partSSAD, err)
	}
	if err := checkHash(block, block[2], static); err != nil {
		return dac, in(partSSAD, err)
	}
	return [2]byte(block[3:5]), nil
}

// SignSSAD makes signed static application data with an issuer's key.
func (k PrivateKey) SignSSAD(dac [2]byte, static []byte, random [RandomSize]byte) ([]byte, error) {
	block := []byte{header, formatStatic, hashSHA1, dac[0], dac[1]}
	block = fillUp(block, k.Public().Size()-tailSize)
	signature, err := k.seal(block, random, static)
	return signature, in(partSSAD, err)
}
