package bankapi

import (
	"encoding/hex"
	"errors"
	"strings"

	"sotto/emv"
	"sotto/tlv"
)

// ChipData is what a cryptogram is checked with: the chip's card number and
// answer, and what the terminal told it (field 55 of ISO 8583, and 5A).
type ChipData struct {
	PAN      emv.PAN
	Sequence byte // 5F34
	AID      []byte
	CID      emv.CID
	AC       [8]byte
	IAD      emv.IAD
	Input    emv.ACInput
}

// ErrChipData says that chip data is not as it must be.
var ErrChipData = errors.New("bankapi: malformed chip data")

// Hex writes the chip data, objects in ascending order of their tags.
func (d *ChipData) Hex() string {
	in := &d.Input
	b := make([]byte, 0, 160)
	b = tlv.Append(b, emv.TagPAN, d.PAN.Append(nil))
	b = tlv.Append(b, emv.TagAIP, in.AIP.Append(nil))
	b = tlv.Append(b, emv.TagDFName, d.AID)
	b = tlv.Append(b, emv.TagTVR, in.TVR.Append(nil))
	b = tlv.Append(b, emv.TagDate, in.Date[:])
	b = tlv.Append(b, emv.TagType, []byte{in.Type})
	b = tlv.Append(b, emv.TagCurrency, in.Currency[:])
	b = tlv.Append(b, emv.TagPSN, []byte{d.Sequence})
	b = tlv.Append(b, emv.TagAmount, in.Amount[:])
	b = tlv.Append(b, emv.TagAmountOther, in.Other[:])
	b = tlv.Append(b, emv.TagIAD, d.IAD.Append(nil))
	b = tlv.Append(b, emv.TagCountry, in.Country[:])
	b = tlv.Append(b, emv.TagAC, d.AC[:])
	b = tlv.Append(b, emv.TagCID, []byte{byte(d.CID)})
	b = tlv.Append(b, emv.TagATC, emv.AppendATC(nil, in.ATC))
	b = tlv.Append(b, emv.TagUnpredictable, in.Unpredictable[:])
	return strings.ToUpper(hex.EncodeToString(b))
}

// ChipDataMax is the length limit of chip data in hex digits.
const ChipDataMax = 510

// ParseChipData reads chip data. Objects may come in any order, each once; those
// it does not know are passed over.
func ParseChipData(text string) (ChipData, error) {
	var buffer [ChipDataMax / 2]byte // on the stack, as long as object keeps nothing of it
	defer clear(buffer[:])
	if len(text) > ChipDataMax {
		return ChipData{}, ErrChipData
	}
	n, err := hex.Decode(buffer[:], []byte(text))
	if err != nil {
		return ChipData{}, ErrChipData
	}
	var r chipReader
	for rest := buffer[:n]; ; {
		o, after, more, err := tlv.Next(rest)
		if err != nil {
			return ChipData{}, ErrChipData
		}
		if !more {
			break
		}
		if !r.object(o) {
			return ChipData{}, ErrChipData
		}
		rest = after
	}
	if r.seen != allObjects {
		return ChipData{}, ErrChipData
	}
	r.d.Input.CVN, r.d.Input.CVR = r.d.IAD.CVN, r.d.IAD.CVR
	return r.d, nil
}

// chipReader collects objects; seen has a bit for each.
type chipReader struct {
	d    ChipData
	seen uint32
}

// allObjects are the bits that object gives.
const allObjects = 1<<16 - 1

// object reads one object, and reports whether it is well-formed and the first of
// its tag. It keeps copies alone.
func (r *chipReader) object(o tlv.Object) bool {
	var bit uint
	var err error
	d, in, b := &r.d, &r.d.Input, o.Value
	switch o.Tag {
	case emv.TagPAN:
		bit = 0
		d.PAN, err = emv.ParsePAN(b)
	case emv.TagAIP:
		bit = 1
		in.AIP, err = emv.ParseAIP(b)
	case emv.TagDFName:
		bit = 2
		d.AID, err = copyAID(b)
	case emv.TagTVR:
		bit = 3
		in.TVR, err = emv.ParseTVR(b)
	case emv.TagDate:
		bit, err = 4, fill(in.Date[:], b)
	case emv.TagType:
		bit, err = 5, fillByte(&in.Type, b)
	case emv.TagCurrency:
		bit, err = 6, fill(in.Currency[:], b)
	case emv.TagPSN:
		bit, err = 7, fillByte(&d.Sequence, b)
	case emv.TagAmount:
		bit, err = 8, fill(in.Amount[:], b)
	case emv.TagAmountOther:
		bit, err = 9, fill(in.Other[:], b)
	case emv.TagIAD:
		bit = 10
		d.IAD, err = emv.ParseIAD(append([]byte(nil), b...))
	case emv.TagCountry:
		bit, err = 11, fill(in.Country[:], b)
	case emv.TagAC:
		bit, err = 12, fill(d.AC[:], b)
	case emv.TagCID:
		bit, err = 13, fillByte((*byte)(&d.CID), b)
	case emv.TagATC:
		bit = 14
		in.ATC, err = emv.ParseATC(b)
	case emv.TagUnpredictable:
		bit, err = 15, fill(in.Unpredictable[:], b)
	default:
		return true
	}
	first := r.seen&(1<<bit) == 0
	r.seen |= 1 << bit
	return err == nil && first
}

func copyAID(b []byte) ([]byte, error) {
	if len(b) < 5 || len(b) > 16 {
		return nil, ErrChipData
	}
	return append([]byte(nil), b...), nil
}

func fill(to, from []byte) error {
	if len(to) != len(from) {
		return ErrChipData
	}
	copy(to, from)
	return nil
}

func fillByte(to *byte, from []byte) error {
	if len(from) != 1 {
		return ErrChipData
	}
	*to = from[0]
	return nil
}
