package cps

import (
	"bytes"
	"slices"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/secret"
	"sotto/tlv"
)

// Profile reads the groups, in whatever order they stand, and checks everything
// that the package document speaks of. It keeps no part of them.
func (a Applet) Profile() (Profile, error) {
	if _, err := check(a.Groups); err != nil {
		return Profile{}, err
	}
	if err := a.complete(); err != nil {
		return Profile{}, err
	}
	p := Profile{AID: bytes.Clone(a.AID), Label: a.Label, Kind: a.Kind, Priority: a.Priority}
	if err := p.readAccount(a.group(AccountData)); err != nil {
		return Profile{}, in(AccountData, err)
	}
	if err := p.readContact(a); err != nil {
		return Profile{}, err
	}
	if err := p.readKeys(a.group(CardKeys), a.group(CheckValues)); err != nil {
		return Profile{}, err
	}
	p.readOffline(a)
	if err := a.isWhat(p); err != nil {
		p.Wipe()
		return Profile{}, err
	}
	return p, nil
}

// isWhat writes the profile again and compares.
func (a Applet) isWhat(p Profile) error {
	again, err := p.Applet()
	if err != nil {
		return err
	}
	defer Wipe(again.Groups)
	return a.differs(again)
}

// complete reports which group is not known, hidden still, or missing.
func (a Applet) complete() error {
	for _, g := range a.Groups {
		switch {
		case g.Hidden:
			return in(g.ID, ErrHidden)
		case !slices.Contains(ids, g.ID):
			return in(g.ID, ErrUnknown)
		}
	}
	needed := []ID{ContactRecord, AccountData, CardKeys, CheckValues, FCI, Processing}
	if a.Kind == Purse {
		needed = append(needed, LastRecord)
	}
	if a.Kind == Purse || a.offline() {
		needed = append(needed, IssuerRecord, ICCRecord, KeyQInv, KeyDQ, KeyDP, KeyQ, KeyP)
	}
	for _, id := range needed {
		if !has(a.Groups, id) {
			return in(id, ErrMissing)
		}
	}
	return nil
}

// offline reports whether there is any group of offline data authentication.
func (a Applet) offline() bool {
	return slices.ContainsFunc(a.Groups, func(g Group) bool {
		return g.ID>>8 == tapFile || g.ID == ContactICCRecord || g.ID>>8 == KeyP>>8
	})
}

// differs names the first group that the profile would be written into
// otherwise: a group in another form, or one that contradicts another.
func (a Applet) differs(again Applet) error {
	for _, g := range a.Groups {
		if !bytes.Equal(g.Data.Reveal(), again.group(g.ID)) {
			return in(g.ID, ErrDiffers)
		}
	}
	if len(a.Groups) != len(again.Groups) {
		return in(IssuerRecord, ErrMissing)
	}
	return nil
}

// objects reads data objects in any order. It remembers what was not there or
// not readable; what is there beyond is found when the group is written again.
type objects struct {
	b   []byte
	bad bool
}

func (o *objects) value(tag tlv.Tag) []byte {
	v, ok := tlv.Find(o.b, tag)
	if !ok || len(v) == 0 {
		o.bad = true
	}
	return v
}

// byte1 reads an object of one byte.
func (o *objects) byte1(tag tlv.Tag) byte {
	if v := o.value(tag); len(v) == 1 {
		return v[0]
	}
	o.bad = true
	return 0
}

// read reads an object with the parser of its type.
func read[T any](o *objects, tag tlv.Tag, parse func([]byte) (T, error)) T {
	v, err := parse(o.value(tag))
	if err != nil {
		o.bad = true
	}
	return v
}

func (o *objects) err() error {
	if o.bad {
		return ErrObjects
	}
	return nil
}

// opened is what stands in a template.
func opened(b []byte, template tlv.Tag) objects {
	inner, err := tlv.Only(b, template)
	return objects{inner, err != nil}
}

func (p *Profile) readAccount(b []byte) error {
	o := objects{b: b}
	p.Track2 = read(&o, emv.TagTrack2, emv.ParseTrack2)
	p.Expiry = read(&o, emv.TagExpiry, emv.ParseDate)
	p.PSN = o.byte1(emv.TagPSN)
	iad := read(&o, emv.TagIAD, emv.ParseIAD)
	p.DKI, p.CVN = iad.DKI, iad.CVN
	p.Currency = read(&o, emv.TagPurseCurrency, emv.ParseNumeric)
	p.Balance = read(&o, p.Kind.balanceTag(), emv.ParseAmount)
	p.Processes = read(&o, emv.TagProcesses, emv.ParseProcesses)
	p.CTQ = read(&o, emv.TagCTQ, emv.ParseCTQ)
	p.Reserve = read(&o, emv.TagPurseReset, emv.ParseAmount)
	p.BalanceMax = read(&o, emv.TagBalanceMax, emv.ParseAmount)
	p.TapMax = read(&o, emv.TagPurseTapMax, emv.ParseAmount)
	p.Suite = emv.Suite(o.byte1(tagSuite))
	return o.err()
}

func (p *Profile) readContact(a Applet) error {
	o := opened(a.group(ContactRecord), emv.TagRecord)
	c := &p.Contact
	c.Country = read(&o, emv.TagIssuerCountry, emv.ParseNumeric)
	c.CDOL1 = read(&o, emv.TagCDOL1, emv.ParseDOL)
	c.CDOL2 = read(&o, emv.TagCDOL2, emv.ParseDOL)
	c.CVMList = bytes.Clone(o.value(emv.TagCVMList))
	c.Usage = read(&o, emv.TagAUC, emv.ParseAUC)
	c.Version = read(&o, emv.TagVersion, emv.ParseVersion)
	c.IACDefault = read(&o, emv.TagIACDefault, emv.ParseTVR)
	c.IACDenial = read(&o, emv.TagIACDenial, emv.ParseTVR)
	c.IACOnline = read(&o, emv.TagIACOnline, emv.ParseTVR)
	processing := objects{b: a.group(Processing)}
	c.AIP = read(&processing, emv.TagAIP, emv.ParseAIP)
	if o.bad {
		return in(ContactRecord, ErrObjects)
	}
	return in(Processing, processing.err())
}

// readKeys reads the three keys and compares their check values.
func (p *Profile) readKeys(keys, values []byte) error {
	if len(keys) != 3*keySize || !p.Suite.Valid() {
		return in(CardKeys, ErrKeys)
	}
	p.Keys = Keys{
		AC:  secret.New(keys[:keySize]),
		MAC: secret.New(keys[keySize : 2*keySize]),
		ENC: secret.New(keys[2*keySize:]),
	}
	whole, want := p.keys()
	clear(whole)
	if !bytes.Equal(values, want) {
		return in(CheckValues, ErrCheckValue)
	}
	return nil
}

// readOffline reads what is there; whether it is enough and fits is found by
// writing it again.
func (p *Profile) readOffline(a Applet) {
	if !a.offline() {
		return
	}
	first, _ := tlv.Only(a.group(IssuerRecord), emv.TagRecord)
	second, _ := tlv.Only(a.group(ICCRecord), emv.TagRecord)
	third, _ := tlv.Only(a.group(ContactICCRecord), emv.TagRecord)
	last, _ := tlv.Only(a.group(LastRecord), emv.TagRecord)
	issuer := slices.Concat(first, second) // see issuerObjects
	part := func(id ID) secret.Secret { return secret.New(a.group(id)) }
	code, _ := tlv.Find(last, emv.TagPurseCode)
	p.Offline = Offline{
		CAIndex:    find1(issuer, emv.TagCAIndex),
		Issuer:     certificate(issuer, emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent),
		ICC:        certificate(second, emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent),
		ContactICC: certificate(third, emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent),
		Key:        oda.CRT{P: part(KeyP), Q: part(KeyQ), DP: part(KeyDP), DQ: part(KeyDQ), QInv: part(KeyQInv)},
		Code:       string(code),
	}
}

func certificate(b []byte, signature, remainder, exponent tlv.Tag) (c oda.Certificate) {
	for tag, field := range map[tlv.Tag]*[]byte{signature: &c.Signature, remainder: &c.Remainder, exponent: &c.Exponent} {
		if v, ok := tlv.Find(b, tag); ok && len(v) > 0 {
			*field = bytes.Clone(v)
		}
	}
	return c
}
