package emv

import (
	"crypto/subtle"
	"encoding/binary"

	"sotto/tlv"
)

// ACInput is what an application cryptogram covers, as it stood on the wire.
type ACInput struct {
	Amount        Amount  // 9F02
	Other         Amount  // 9F03
	Country       Numeric // 9F1A
	TVR           TVR     // 95
	Currency      Numeric // 5F2A
	Date          Date    // 9A
	Type          byte    // 9C
	Unpredictable [4]byte // 9F37
	AIP           AIP     // 82
	ATC           uint16  // 9F36
	CVN           CVN     // of 9F10; it decides which of the fields are covered
	CVR           CVR     // of 9F10
}

// ReadACInput takes what a terminal has told a card for a data object list: find
// is Values.Find of the list. What the list does not ask for is zeros; another
// length than the cryptogram has room for is ErrLength. The caller sets AIP,
// ATC, CVN and CVR, which are the card's.
func ReadACInput(find func(tlv.Tag) ([]byte, bool)) (in ACInput, err error) {
	var tvr [5]byte
	var kind [1]byte
	for _, field := range []struct {
		tag tlv.Tag
		to  []byte
	}{
		{TagAmount, in.Amount[:]}, {TagAmountOther, in.Other[:]}, {TagCountry, in.Country[:]},
		{TagTVR, tvr[:]}, {TagCurrency, in.Currency[:]}, {TagDate, in.Date[:]},
		{TagType, kind[:]}, {TagUnpredictable, in.Unpredictable[:]},
	} {
		value, ok := find(field.tag)
		if ok && len(value) != len(field.to) {
			return ACInput{}, ErrLength
		}
		copy(field.to, value)
	}
	in.Type = kind[0]
	in.TVR, err = ParseTVR(tvr[:])
	return in, err
}

// acDataMax is the longest of the forms that Append writes, with room for
// padding.
const acDataMax = 40

// Append writes the data that the cryptogram version covers behind dst (JR/T
// 0025.5, Annex D; JR/T 0025.12 for version 17), without padding.
//
// Reading: the CVR is covered with its length byte, as in the international
// version 10, from which version 01 comes; version 17 ends with byte 5 of
// 9F10, which is the first of the CVR behind the length.
func (in *ACInput) Append(dst []byte) ([]byte, error) {
	switch in.CVN {
	case CVN01:
		dst = append(dst, in.Amount[:]...)
		dst = append(dst, in.Other[:]...)
		dst = append(dst, in.Country[:]...)
		dst = in.TVR.Append(dst)
		dst = append(dst, in.Currency[:]...)
		dst = append(dst, in.Date[:]...)
		dst = append(dst, in.Type)
		dst = append(dst, in.Unpredictable[:]...)
		dst = in.AIP.Append(dst)
		dst = binary.BigEndian.AppendUint16(dst, in.ATC)
		dst = append(dst, 3)
		return in.CVR.Append(dst), nil
	case CVN17:
		dst = append(dst, in.Amount[:]...)
		dst = append(dst, in.Unpredictable[:]...)
		dst = binary.BigEndian.AppendUint16(dst, in.ATC)
		return append(dst, byte(in.CVR>>16)), nil
	}
	return dst, ErrCVN
}

// AC computes the application cryptogram (9F26; Book 2, 8.1) with a card's AC
// key. A CVN that is neither 01 nor 17 is ErrCVN.
func (k MasterKey) AC(in ACInput) ([8]byte, error) {
	var buffer [acDataMax]byte
	data, err := in.Append(buffer[:0])
	if err != nil {
		return [8]byte{}, err
	}
	return k.Cryptogram(in.ATC, data), nil
}

// VerifyAC reports, in constant time, whether ac is what AC computes.
func (k MasterKey) VerifyAC(in ACInput, ac [8]byte) bool {
	want, err := k.AC(in)
	return err == nil && equal(want[:], ac[:])
}

// Cryptogram is an application cryptogram over data that the caller has put
// together, for versions that this package does not know (Book 2, 8.1.2).
func (k MasterKey) Cryptogram(atc uint16, data []byte) [8]byte {
	session := k.reveal().session(atc)
	return session.mac(data)
}

// BalanceMAC is the MAC in the discretionary data of a purse (PurseIDD), with a
// card's MAC key: the left four bytes over the ATC, the five low bytes of the
// balance, and 00 (JR/T 0025.13).
//
// Reading: the eight bytes are padded by method 2 as every other message is.
func (k MasterKey) BalanceMAC(atc uint16, balance Amount) [4]byte {
	var data [8]byte
	binary.BigEndian.PutUint16(data[:], atc)
	copy(data[2:7], balance[1:])
	session := k.reveal().session(atc)
	return left4(session.mac(data[:]))
}

// VerifyBalance reports, in constant time, whether the discretionary data of a
// purse is genuine for this ATC.
func (k MasterKey) VerifyBalance(atc uint16, p PurseIDD) bool {
	want := k.BalanceMAC(atc, p.Balance)
	return p.Balance[0] == 0 && equal(want[:], p.MAC[:])
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
