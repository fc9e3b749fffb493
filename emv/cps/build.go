package cps

import (
	"bytes"
	"slices"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/secret"
	"sotto/tlv"
)

// RecordMax is the largest record, in bytes: more does not fit a READ RECORD
// (EMV 4.4 Book 1, 7.1).
const RecordMax = 254

// tagSuite is our own, of the range that EMV leaves to issuers: 9F10 names the
// cipher, and two suites share one.
const tagSuite tlv.Tag = 0xDF51

// The files of the records.
const (
	tapFile     = 1
	contactFile = 2
)

// Applet puts the profile into groups, in ascending order. It keeps nothing of
// the profile, which may be wiped afterwards.
func (p Profile) Applet() (Applet, error) {
	if err := p.check(); err != nil {
		return Applet{}, err
	}
	a := Applet{AID: bytes.Clone(p.AID), Label: p.Label, Kind: p.Kind, Priority: p.Priority}
	put := func(id ID, data []byte) {
		a.Groups = append(a.Groups, Group{ID: id, Data: secret.New(data)})
		clear(data)
	}
	if o := p.Offline; !o.absent() {
		issuer, beside := o.issuerObjects()
		put(IssuerRecord, record(issuer))
		put(ICCRecord, record(slices.Concat(beside, iccObjects(o.ICC))))
		if p.Kind == Purse {
			// With the 9F69 that the applet adds these are 22 bytes; 32 are
			// allowed (JR/T 0025.12, 7.7.19).
			put(LastRecord, record(tlv.Append(nil, emv.TagPurseCode, []byte(o.Code))))
		}
	}
	put(ContactRecord, p.contactRecord())
	if p.Offline.covered() {
		_, beside := p.Offline.issuerObjects()
		put(ContactICCRecord, record(slices.Concat(beside, iccObjects(p.Offline.ContactICC))))
	}
	put(AccountData, p.accountData())
	keys, values := p.keys()
	put(CardKeys, keys)
	for _, part := range p.Offline.keyParts() {
		put(part.ID, part.Data.Reveal())
	}
	put(CheckValues, values)
	put(FCI, p.fci())
	put(Processing, p.processing())
	for _, g := range a.Groups {
		n := len(g.Data.Reveal())
		if _, _, isRecord := g.ID.Record(); isRecord && n > RecordMax {
			return Applet{}, in(g.ID, ErrRecord)
		}
	}
	return a, nil
}

// StaticData is what Offline.ContactICC has to cover: record 0201 and the AIP.
// Neither depends on it. (EMV 4.4 Book 3, 10.3)
func (p Profile) StaticData() ([]byte, error) {
	if !p.possible() || !p.Contact.possible() {
		return nil, in(ContactRecord, ErrObjects)
	}
	p.Offline.ContactICC.Signature = []byte{0} // it will be there
	return oda.StaticData([]oda.Record{{SFI: contactFile, Data: p.contactRecord()}}, aipAlone, [2]byte(p.Contact.AIP.Append(nil)))
}

// aipAlone is the only value that 9F4A may have.
var aipAlone = []byte{byte(emv.TagAIP)}

func record(objects []byte) []byte { return tlv.Append(nil, emv.TagRecord, objects) }

// issuerObjects are the certificate of the issuer, and what belongs to it. They
// share a record; but of a certificate by a large CA key nothing else fits, and
// the rest goes where the card's certificate is. Terminals do not mind.
func (o Offline) issuerObjects() (with, beside []byte) {
	certificate := tlv.Append(nil, emv.TagIssuerCertificate, o.Issuer.Signature)
	rest := tlv.Append(nil, emv.TagCAIndex, []byte{o.CAIndex})
	rest = tlv.Append(rest, emv.TagIssuerExponent, o.Issuer.Exponent)
	if len(o.Issuer.Remainder) > 0 {
		rest = tlv.Append(rest, emv.TagIssuerRemainder, o.Issuer.Remainder)
	}
	if whole := slices.Concat(certificate, rest); len(record(whole)) <= RecordMax {
		return whole, nil
	}
	return certificate, rest
}

func iccObjects(c oda.Certificate) []byte {
	b := tlv.Append(nil, emv.TagICCCertificate, c.Signature)
	b = tlv.Append(b, emv.TagICCExponent, c.Exponent)
	if len(c.Remainder) > 0 {
		b = tlv.Append(b, emv.TagICCRemainder, c.Remainder)
	}
	return b
}

func (p Profile) contactRecord() []byte {
	c := p.Contact
	b := tlv.Append(nil, emv.TagPAN, p.Track2.PAN.Append(nil))
	b = tlv.Append(b, emv.TagExpiry, p.Expiry[:])
	b = tlv.Append(b, emv.TagIssuerCountry, c.Country[:])
	b = tlv.Append(b, emv.TagPSN, []byte{p.PSN})
	b = tlv.Append(b, emv.TagCDOL1, c.CDOL1.Append(nil))
	b = tlv.Append(b, emv.TagCDOL2, c.CDOL2.Append(nil))
	b = tlv.Append(b, emv.TagCVMList, c.CVMList)
	b = tlv.Append(b, emv.TagAUC, c.Usage.Append(nil))
	b = tlv.Append(b, emv.TagVersion, c.Version.Append(nil))
	b = tlv.Append(b, emv.TagIACDefault, c.IACDefault.Append(nil))
	b = tlv.Append(b, emv.TagIACDenial, c.IACDenial.Append(nil))
	b = tlv.Append(b, emv.TagIACOnline, c.IACOnline.Append(nil))
	b = tlv.Append(b, emv.TagApplicationCurrency, p.Currency[:])
	if p.Offline.covered() {
		b = tlv.Append(b, emv.TagSDATagList, aipAlone)
	}
	return record(b)
}

// balanceTag is where an applet of this kind keeps what it has.
func (k Kind) balanceTag() tlv.Tag {
	if k == Purse {
		return emv.TagBalance
	}
	return emv.TagAvailable
}

func (p Profile) accountData() []byte {
	track2, err := p.Track2.Append(nil)
	if err != nil {
		panic("cps: a track 2 that check has passed cannot be written")
	}
	iad := emv.IAD{DKI: p.DKI, CVN: p.CVN, Algorithm: p.Suite.Algorithm()}
	b := tlv.Append(nil, emv.TagTrack2, track2)
	b = tlv.Append(b, emv.TagExpiry, p.Expiry[:])
	b = tlv.Append(b, emv.TagPSN, []byte{p.PSN})
	b = tlv.Append(b, emv.TagIAD, iad.Append(nil))
	b = tlv.Append(b, emv.TagPurseCurrency, p.Currency[:])
	if p.Kind == Account {
		b = tlv.Append(b, p.Kind.balanceTag(), p.Balance[:])
	}
	b = tlv.Append(b, emv.TagProcesses, p.Processes.Append(nil))
	b = tlv.Append(b, emv.TagCTQ, p.CTQ.Append(nil))
	b = tlv.Append(b, emv.TagPurseReset, p.Reserve[:])
	b = tlv.Append(b, emv.TagBalanceMax, p.BalanceMax[:])
	b = tlv.Append(b, emv.TagPurseTapMax, p.TapMax[:])
	if p.Kind == Purse {
		b = tlv.Append(b, p.Kind.balanceTag(), p.Balance[:])
	}
	return tlv.Append(b, tagSuite, []byte{byte(p.Suite)})
}

// keys are the three keys and their check values.
func (p Profile) keys() (keys, values []byte) {
	keys = make([]byte, 0, 3*keySize)
	for _, k := range []secret.Secret{p.Keys.AC, p.Keys.MAC, p.Keys.ENC} {
		master, err := emv.NewMasterKey(p.Suite, k)
		if err != nil {
			panic("cps: a key that check has passed is none")
		}
		value := master.CheckValue()
		keys, values = append(keys, k.Reveal()...), append(values, value[:]...)
	}
	return keys, values
}

// keyParts are the groups of the private key, all as long as a prime.
func (o Offline) keyParts() []Group {
	if o.absent() {
		return nil
	}
	size := len(bytes.TrimLeft(o.Key.P.Reveal(), "\x00"))
	var groups []Group
	for _, part := range []struct {
		id ID
		s  secret.Secret
	}{{KeyQInv, o.Key.QInv}, {KeyDQ, o.Key.DQ}, {KeyDP, o.Key.DP}, {KeyQ, o.Key.Q}, {KeyP, o.Key.P}} {
		number := bytes.TrimLeft(part.s.Reveal(), "\x00")
		whole := make([]byte, size)
		copy(whole[size-len(number):], number)
		groups = append(groups, Group{ID: part.id, Data: secret.New(whole)})
		clear(whole)
	}
	return groups
}

func (p Profile) fci() []byte {
	b := tlv.Append(nil, emv.TagLabel, []byte(p.Label))
	if p.Priority != 0 {
		b = tlv.Append(b, emv.TagPriority, []byte{p.Priority})
	}
	return tlv.Append(nil, emv.TagFCIProprietary, b)
}

// processing is what GET PROCESSING OPTIONS answers a contact terminal with.
func (p Profile) processing() []byte {
	b := tlv.Append(nil, emv.TagAIP, p.Contact.AIP.Append(nil))
	return tlv.Append(b, emv.TagAFL, p.contactAFL().Append(nil))
}

// contactAFL names the certificates and record 0201, which is signed if there is
// a certificate over it.
func (p Profile) contactAFL() emv.AFL {
	plain := emv.AFLEntry{SFI: contactFile, First: 1, Last: 1}
	signed := emv.AFLEntry{SFI: contactFile, First: 1, Last: 2, Signed: 1}
	switch {
	case p.Offline.absent():
		return emv.AFL{plain}
	case !p.Offline.covered():
		return emv.AFL{{SFI: tapFile, First: 1, Last: 2}, plain}
	}
	issuer := emv.AFLEntry{SFI: tapFile, First: 1, Last: 1}
	return emv.AFL{issuer, signed}
}
