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

// ParseChipData reads chip data. Objects may come in any order, each once; those
// it does not know are passed over.
func ParseChipData(text string) (ChipData, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return ChipData{}, ErrChipData
	}
	defer clear(b)
	var r chipReader
	for rest := b; ; {
		o, after, more, err := tlv.Next(rest)
		if err != nil {
			return ChipData{}, ErrChipData
		}
		if !more {
			break
		}
		r.object(o)
		rest = after
	}
	if r.bad || r.seen != allObjects {
		return ChipData{}, ErrChipData
	}
	r.d.Input.CVN, r.d.Input.CVR = r.d.IAD.CVN, r.d.IAD.CVR
	return r.d, nil
}

// chipReader collects objects; seen has a bit for each.
type chipReader struct {
	d    ChipData
	seen uint32
	bad  bool
}

// chipObjects are the objects, each with what it fills.
var chipObjects = map[tlv.Tag]struct {
	bit  uint
	read func(*ChipData, []byte) error
}{
	emv.TagPAN: {0, func(d *ChipData, b []byte) (err error) { d.PAN, err = emv.ParsePAN(b); return }},
	emv.TagAIP: {1, func(d *ChipData, b []byte) (err error) { d.Input.AIP, err = emv.ParseAIP(b); return }},
	emv.TagDFName: {2, func(d *ChipData, b []byte) error {
		if len(b) < 5 || len(b) > 16 {
			return ErrChipData
		}
		d.AID = append([]byte(nil), b...)
		return nil
	}},
	emv.TagTVR:         {3, func(d *ChipData, b []byte) (err error) { d.Input.TVR, err = emv.ParseTVR(b); return }},
	emv.TagDate:        {4, func(d *ChipData, b []byte) error { return fill(d.Input.Date[:], b) }},
	emv.TagType:        {5, func(d *ChipData, b []byte) error { return fillByte(&d.Input.Type, b) }},
	emv.TagCurrency:    {6, func(d *ChipData, b []byte) error { return fill(d.Input.Currency[:], b) }},
	emv.TagPSN:         {7, func(d *ChipData, b []byte) error { return fillByte(&d.Sequence, b) }},
	emv.TagAmount:      {8, func(d *ChipData, b []byte) error { return fill(d.Input.Amount[:], b) }},
	emv.TagAmountOther: {9, func(d *ChipData, b []byte) error { return fill(d.Input.Other[:], b) }},
	emv.TagIAD: {10, func(d *ChipData, b []byte) (err error) {
		d.IAD, err = emv.ParseIAD(append([]byte(nil), b...))
		return
	}},
	emv.TagCountry:       {11, func(d *ChipData, b []byte) error { return fill(d.Input.Country[:], b) }},
	emv.TagAC:            {12, func(d *ChipData, b []byte) error { return fill(d.AC[:], b) }},
	emv.TagCID:           {13, func(d *ChipData, b []byte) error { return fillByte((*byte)(&d.CID), b) }},
	emv.TagATC:           {14, func(d *ChipData, b []byte) (err error) { d.Input.ATC, err = emv.ParseATC(b); return }},
	emv.TagUnpredictable: {15, func(d *ChipData, b []byte) error { return fill(d.Input.Unpredictable[:], b) }},
}

const allObjects = 1<<16 - 1

func (r *chipReader) object(o tlv.Object) {
	object, known := chipObjects[o.Tag]
	if !known {
		return
	}
	if r.seen&(1<<object.bit) != 0 || object.read(&r.d, o.Value) != nil {
		r.bad = true
	}
	r.seen |= 1 << object.bit
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
