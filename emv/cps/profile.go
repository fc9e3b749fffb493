package cps

import (
	"bytes"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/secret"
)

// Profile is all that a bank decides of an applet, each field with its type.
type Profile struct {
	AID      []byte // 5 to 16 bytes
	Label    string // 50
	Kind     Kind
	Priority byte // 87; 0 is none

	Track2   emv.Track2  // 57; its PAN is that of the applet, its expiry that of Expiry
	PSN      byte        // 5F34, two digits
	Expiry   emv.Date    // 5F24
	Currency emv.Numeric // 9F51 and 9F42

	// Balance is that of a purse (9F79), or what an account may be believed to
	// have (9F5D).
	Balance    emv.Amount
	BalanceMax emv.Amount    // 9F77
	TapMax     emv.Amount    // 9F78: limit of one transaction
	Reserve    emv.Amount    // 9F6D: what a reader that can go online leaves
	Processes  emv.Processes // 9F68
	CTQ        emv.CTQ       // 9F6C

	Suite emv.Suite // DF51
	CVN   emv.CVN   // of 9F10
	DKI   byte      // of 9F10
	Keys  Keys

	Offline Offline // a purse must have it
	Contact Contact
}

// Keys are the card's own master keys, 16 bytes each.
type Keys struct {
	AC  secret.Secret // cryptograms
	MAC secret.Secret // scripts and balances
	ENC secret.Secret // encrypted scripts
}

// Offline is what offline data authentication needs. The zero Offline is none.
type Offline struct {
	CAIndex byte            // 8F
	Issuer  oda.Certificate // 90, 92, 9F32
	// ICC covers no static data (9F46, 9F48, 9F47): in a tap no record is read
	// for it.
	ICC oda.Certificate
	// ContactICC is of the same key and covers record 0201 and the AIP; see
	// StaticData. It may be absent.
	ContactICC oda.Certificate
	Key        oda.CRT
	// Code is the issuer authorisation code of a purse (9F74), six letters or
	// digits. An account has none.
	Code string
}

// Wipe overwrites the keys of the profile. Applets made of it keep theirs.
func (p Profile) Wipe() {
	k := p.Offline.Key
	for _, s := range []secret.Secret{p.Keys.AC, p.Keys.MAC, p.Keys.ENC, k.P, k.Q, k.DP, k.DQ, k.QInv} {
		s.Wipe()
	}
}

// absent reports whether there is no offline data authentication at all.
func (o Offline) absent() bool {
	for _, b := range [][]byte{
		o.Issuer.Signature, o.Issuer.Remainder, o.Issuer.Exponent,
		o.ICC.Signature, o.ICC.Remainder, o.ICC.Exponent,
		o.ContactICC.Signature, o.ContactICC.Remainder, o.ContactICC.Exponent,
		o.Key.P.Reveal(), o.Key.Q.Reveal(), o.Key.DP.Reveal(), o.Key.DQ.Reveal(), o.Key.QInv.Reveal(),
	} {
		if len(b) > 0 {
			return false
		}
	}
	return o.CAIndex == 0 && o.Code == ""
}

// covered reports whether there is a certificate over record 0201.
func (o Offline) covered() bool { return len(o.ContactICC.Signature) > 0 }

// Contact is what a transaction with GENERATE AC needs: record 0201 and 9104.
type Contact struct {
	AIP        emv.AIP     // 82; also of a tap
	Country    emv.Numeric // 5F28
	Usage      emv.AUC     // 9F07
	Version    emv.Version // 9F08
	CDOL1      emv.DOL     // 8C
	CDOL2      emv.DOL     // 8D
	CVMList    []byte      // 8E
	IACDefault emv.TVR     // 9F0D
	IACDenial  emv.TVR     // 9F0E
	IACOnline  emv.TVR     // 9F0F
}

// A CVM list is two amounts and at least one rule (EMV 4.4 Book 3, 10.5).
const (
	cvmListMin = 10
	cvmListMax = 252
)

// The sizes of what personalization fixes.
const (
	keySize  = 16
	codeSize = 6
)

// check finds what is not possible, or contradicts itself.
func (p Profile) check() error {
	switch {
	case !(Applet{AID: p.AID, Label: p.Label, Kind: p.Kind, Priority: p.Priority}).named():
		return in(FCI, ErrName)
	case !p.keyed():
		return in(CardKeys, ErrKeys)
	case !p.possible():
		return in(AccountData, ErrAccount)
	case !p.Contact.possible():
		return in(ContactRecord, ErrObjects)
	case p.Offline.absent():
		if p.Kind == Purse {
			return in(IssuerRecord, ErrMissing)
		}
		return nil
	}
	return p.checkOffline()
}

func (p Profile) keyed() bool {
	for _, k := range []secret.Secret{p.Keys.AC, p.Keys.MAC, p.Keys.ENC} {
		if len(k.Reveal()) != keySize {
			return false
		}
	}
	return p.Suite.Valid() && (p.CVN == emv.CVN01 || p.CVN == emv.CVN17)
}

// possible reports whether the account data is what it should be.
func (p Profile) possible() bool {
	balance, err1 := p.Balance.Minor()
	most, err2 := p.BalanceMax.Minor()
	_, err3 := p.TapMax.Minor()
	_, err4 := p.Reserve.Minor()
	_, err5 := p.Currency.Number()
	_, _, _, err6 := p.Expiry.YMD()
	_, err7 := p.Track2.Append(nil)
	for _, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if err != nil {
			return false
		}
	}
	digits := p.PSN>>4 <= 9 && p.PSN&0xF <= 9
	return digits && balance <= most && (p.Kind != Purse || most <= emv.PurseMax) &&
		bytes.Equal(p.Track2.Expiry[:], p.Expiry[:2])
}

func (c Contact) possible() bool {
	_, err := c.Country.Number()
	n := len(c.CVMList)
	return err == nil && writable(c.CDOL1) && writable(c.CDOL2) && n >= cvmListMin && n <= cvmListMax && n%2 == 0
}

// writable reports whether a list can be written and asks for something.
func writable(d emv.DOL) bool {
	for _, e := range d {
		if e.Length < 0 || e.Length > emv.DOLDataMax || e.Tag == 0 || e.Tag > 0xFFFF {
			return false
		}
	}
	_, err := emv.ParseDOL(d.Append(nil))
	return err == nil && len(d) > 0
}

// checkOffline looks at the private key and at how it fits the certificates.
// What is inside of those only the terminal can see.
func (p Profile) checkOffline() error {
	o := p.Offline
	code := len(o.Code) == 0
	if p.Kind == Purse {
		code = len(o.Code) == codeSize && alphanumeric(o.Code)
	}
	key, err := oda.NewPrivateKey(o.Key, o.ICC.Exponent)
	switch {
	case !code:
		return in(LastRecord, ErrObjects)
	case !sized(o.Issuer):
		return in(IssuerRecord, ErrObjects)
	case !sized(o.ICC):
		return in(ICCRecord, ErrObjects)
	case o.covered() && !sized(o.ContactICC):
		return in(ContactICCRecord, ErrObjects)
	case err != nil:
		return in(KeyP, ErrRSA)
	}
	defer key.Wipe()
	if !fits(key.Public(), o.ICC) {
		return in(ICCRecord, ErrRSA)
	}
	c := o.ContactICC
	if o.covered() && (!fits(key.Public(), c) || len(c.Signature) != len(o.ICC.Signature)) ||
		!o.covered() && len(c.Remainder)+len(c.Exponent) > 0 {
		return in(ContactICCRecord, ErrRSA)
	}
	return nil
}

// sized reports whether the parts of a certificate have lengths that any key
// could give them.
func sized(c oda.Certificate) bool {
	n, e := len(c.Signature), len(c.Exponent)
	return n >= oda.KeySizeMin && n <= oda.KeySizeMax && len(c.Remainder) <= oda.KeySizeMax && e >= 1 && e <= 3
}

func alphanumeric(text string) bool {
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// iccOverhead is what of an ICC public key certificate is not key (EMV 4.4 Book
// 2, table 14).
const iccOverhead = 42

// fits reports whether the certificate can be one of this key, as far as can be
// seen from outside: by the exponent, the remainder, and the room for the rest.
func fits(k oda.PublicKey, c oda.Certificate) bool {
	inside := min(len(c.Signature)-iccOverhead, k.Size()) // above 0: see sized
	return k.Size() <= len(c.Signature) && bytes.Equal(c.Exponent, k.Exponent()) &&
		bytes.Equal(c.Remainder, k.Modulus()[inside:])
}
