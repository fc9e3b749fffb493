package dyncode

import (
	"crypto/sha256"

	"sotto/tlv"
)

// KeySource is the preset key-source data of one phone (A3): any combination
// of the device's identifier, a datum of the account, and biometric templates,
// but not none.
//
// It binds a pairing to what the phone and its owner are; it gives no strength,
// because biometrics and identifiers are no secrets. The random pairing secret
// does that.
type KeySource struct {
	Device      []byte // the phone's device identifier
	Account     []byte // a specific account datum
	Fingerprint []byte // fingerprint template
	Face        []byte // face template
}

// KeySourceItemMax is the largest item, in bytes. Four of them with their
// headers fit one object.
const KeySourceItemMax = 16000

const (
	tagKeySourceData tlv.Tag = 0xE7
	tagDevice        tlv.Tag = 0x80
	tagAccountDatum  tlv.Tag = 0x81
	tagFingerprint   tlv.Tag = 0x82
	tagFace          tlv.Tag = 0x83
)

// Encode writes the canonical TLV: present items in ascending tag order.
func (k KeySource) Encode() ([]byte, error) {
	size := len(k.Device) + len(k.Account) + len(k.Fingerprint) + len(k.Face)
	value := make([]byte, 0, size+overheadMax) // growing would leave copies of a template
	defer func() { clear(value) }()
	for _, item := range []struct {
		tag   tlv.Tag
		bytes []byte
	}{{tagDevice, k.Device}, {tagAccountDatum, k.Account}, {tagFingerprint, k.Fingerprint}, {tagFace, k.Face}} {
		switch {
		case len(item.bytes) > KeySourceItemMax:
			return nil, ErrContent
		case len(item.bytes) > 0:
			value = tlv.Append(value, item.tag, item.bytes)
		}
	}
	if len(value) == 0 {
		return nil, ErrContent
	}
	return append(tlv.AppendHeader(make([]byte, 0, len(value)+4), tagKeySourceData, len(value)), value...), nil
}

// ParseKeySource reads what Encode wrote.
func ParseKeySource(b []byte) (KeySource, error) {
	f := template(b, tagKeySourceData)
	var k KeySource
	k.Device, _ = f.optional(tagDevice, 1, KeySourceItemMax)
	k.Account, _ = f.optional(tagAccountDatum, 1, KeySourceItemMax)
	k.Fingerprint, _ = f.optional(tagFingerprint, 1, KeySourceItemMax)
	k.Face, _ = f.optional(tagFace, 1, KeySourceItemMax)
	if !f.end() || f.last == 0 {
		return KeySource{}, ErrMalformed
	}
	return k, nil
}

// Digest is what the card is told of the key source, and what enters the key.
func (k KeySource) Digest() ([sha256.Size]byte, error) {
	b, err := k.Encode()
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	defer clear(b)
	return sha256.Sum256(b), nil
}
