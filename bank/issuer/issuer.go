// Package issuer makes what goes into a fresh applet: its RSA key, its EMV
// certificates, and the keys that the bank derives for it.
//
// The bank certifies itself: the authority's key is its own, and terminals are
// given the public half (CAKeys). An issuer that belongs to a payment system
// would have its certificate from there.
//
// Nothing that it makes is kept. Keys are drawn with crypto/rsa, which is the
// reason why this is an adapter; the formats are those of packages emv/oda and
// emv/cps.
package issuer

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/secret"
)

// Sizes of the keys, in bits: an authority's certificate of an issuer fits one
// record, and a signature of an applet fits the answer to GET PROCESSING OPTIONS
// beside all else (JR/T 0025.12 allows 1024).
const (
	AuthorityBits = 1408
	IssuerBits    = 1152
	appletBits    = 1024
)

// RID is how the AIDs of this project's own applets begin.
var RID = [5]byte{0xF0, 's', 'o', 't', 't'}

const (
	caIndex   = 1
	caExpires = 2049
	dki       = 1
	amountMax = 999_999_999_999 // what twelve digits can say
	// authorisationCode stands on the receipts of offline debits (9F74).
	authorisationCode = "SOTTO1"
)

// Config is what an Issuer is made of.
type Config struct {
	Authority, Issuer secret.Secret // RSA private keys as PKCS #1 DER; see NewKey
	Keys              *bank.Keys
	Country           emv.Numeric // of the bank, ISO 3166-1
	RIDs              [][5]byte   // of the AIDs that are issued; RID if none
	// Available is what an account has, in minor units: its applet begins with
	// that as the last known amount.
	Available func(account string) (int64, error)
	Random    io.Reader
	Now       func() time.Time
}

// Issuer makes applets. Goroutines may share it, if Random may be shared.
type Issuer struct {
	c                 Config
	authority, issuer oda.PrivateKey
}

// New reads the keys.
func New(c Config) (*Issuer, error) {
	if len(c.RIDs) == 0 {
		c.RIDs = [][5]byte{RID}
	}
	i := &Issuer{c: c}
	for _, one := range []struct {
		der  secret.Secret
		into *oda.PrivateKey
	}{{c.Authority, &i.authority}, {c.Issuer, &i.issuer}} {
		key, err := x509.ParsePKCS1PrivateKey(one.der.Reveal())
		if err != nil {
			return nil, errors.New("an RSA key of the key store cannot be read; restore a copy of the key store")
		}
		if *one.into, err = privateKey(key); err != nil {
			return nil, fmt.Errorf("take an RSA key from the key store: %w", err)
		}
	}
	return i, nil
}

// NewKey draws an RSA private key, as PKCS #1 DER.
func NewKey(random io.Reader, bits int) (secret.Secret, error) {
	key, err := rsa.GenerateKey(random, bits)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("draw an RSA key: %w", err)
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	defer clear(der)
	return secret.New(der), nil
}

func crtOf(key *rsa.PrivateKey) oda.CRT {
	number := func(n *big.Int) secret.Secret { return secret.New(n.Bytes()) }
	return oda.CRT{
		P: number(key.Primes[0]), Q: number(key.Primes[1]),
		DP: number(key.Precomputed.Dp), DQ: number(key.Precomputed.Dq), QInv: number(key.Precomputed.Qinv),
	}
}

func privateKey(key *rsa.PrivateKey) (oda.PrivateKey, error) {
	return oda.NewPrivateKey(crtOf(key), big.NewInt(int64(key.E)).Bytes())
}

// CAKeys are the public keys with which terminals check the applets.
func (i *Issuer) CAKeys() []bankapi.CAKey {
	public := i.authority.Public()
	var all []bankapi.CAKey
	for _, rid := range i.c.RIDs {
		all = append(all, bankapi.CAKey{
			RID: hex.EncodeToString(rid[:]), Index: caIndex, Modulus: hex.EncodeToString(public.Modulus()),
			Exponent: int(new(big.Int).SetBytes(public.Exponent()).Int64()), Expires: strconv.Itoa(caExpires) + "-12",
		})
	}
	return all
}

// Data is the personalization of an applet (cps.Applet), with keys in clear:
// the caller encrypts it to the personalising station and wipes it. Each call
// draws another RSA key.
func (i *Issuer) Data(a bank.Applet) ([]byte, error) {
	p, err := i.profile(&a)
	if err != nil {
		return nil, fmt.Errorf("make the data of an applet: %w", err)
	}
	applet, err := p.Applet()
	if err != nil {
		return nil, fmt.Errorf("put the data of an applet into groups: %w", err)
	}
	defer cps.Wipe(applet.Groups)
	return applet.Append(nil)
}

func (i *Issuer) profile(a *bank.Applet) (p cps.Profile, err error) {
	digits, ok := i.c.Keys.AppletPAN(a)
	if !ok {
		return p, errors.New("its row was changed by somebody else")
	}
	pan, err := emv.NewPAN(string(digits.Reveal()))
	if err != nil {
		return p, err
	}
	aid, err := hex.DecodeString(a.AID)
	if err != nil {
		return p, err
	}
	p = cps.Profile{
		AID: aid, Label: a.Label, Kind: cps.Account, Priority: byte(a.Priority), PSN: byte(a.Sequence/10<<4 | a.Sequence%10),
		Suite: bank.SuiteOf(emv.CVN17), CVN: emv.CVN17, DKI: dki, Contact: i.contact(),
	}
	if a.Kind == string(bankapi.AppletPurse) {
		p.Kind, p.Suite, p.CVN = cps.Purse, bank.SuiteOf(emv.CVN01), emv.CVN01
		p.Processes = emv.ProcessesLowValue | emv.ProcessesAvailable
		p.Contact.AIP |= emv.AIPDDA | emv.AIPCDA
	}
	keys := i.c.Keys.AppletKeys(p.Suite)
	p.Keys = cps.Keys{
		AC: keys.AC.Master(pan, p.PSN).Secret(), MAC: keys.MAC.Master(pan, p.PSN).Secret(), ENC: keys.ENC.Master(pan, p.PSN).Secret(),
	}
	if err := i.money(&p, a); err != nil {
		return p, err
	}
	if err := expiry(&p, a, pan); err != nil {
		return p, err
	}
	if p.Kind == cps.Purse {
		err = i.certify(&p, a, pan)
	}
	return p, err
}

// money sets amounts and currency.
func (i *Issuer) money(p *cps.Profile, a *bank.Applet) (err error) {
	if p.Currency, err = bank.NumericOf(a.Currency); err != nil {
		return err
	}
	if p.Kind == cps.Account {
		has, err := i.c.Available(a.Account)
		if err != nil {
			return err
		}
		if p.Balance, err = emv.NewAmount(min(max(has, 0), amountMax)); err != nil {
			return err
		}
		p.BalanceMax, err = emv.NewAmount(amountMax) // the bank decides
		p.TapMax = p.BalanceMax
		return err
	}
	if p.BalanceMax, err = emv.NewAmount(a.BalanceMax); err != nil {
		return err
	}
	p.TapMax, err = emv.NewAmount(a.TapMax)
	return err
}

// expiry sets what ends with the applet's last month.
func expiry(p *cps.Profile, a *bank.Applet, pan emv.PAN) (err error) {
	year, month := int(a.Expires/100), int(a.Expires%100)
	last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC)
	if p.Expiry, err = emv.NewDate(year, month, last.Day()); err != nil {
		return err
	}
	p.Track2 = emv.Track2{PAN: pan, Expiry: [2]byte(p.Expiry[:2]), Service: emv.Numeric{0x02, 0x01}}
	return nil
}

// contact is what a transaction with GENERATE AC needs.
func (i *Issuer) contact() cps.Contact {
	terminal := emv.DOL{
		{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagAmountOther, Length: 6}, {Tag: emv.TagCountry, Length: 2}, {Tag: emv.TagTVR, Length: 5},
		{Tag: emv.TagCurrency, Length: 2}, {Tag: emv.TagDate, Length: 3}, {Tag: emv.TagType, Length: 1}, {Tag: emv.TagUnpredictable, Length: 4},
	}
	return cps.Contact{
		AIP: emv.AIPIssuerAuth, Country: i.c.Country, Version: emv.VersionPBOC,
		Usage: emv.AUCGoodsDomestic | emv.AUCGoodsInternational | emv.AUCServicesDomestic | emv.AUCServicesInternational | emv.AUCOther,
		CDOL1: terminal, CDOL2: append(emv.DOL{{Tag: emv.TagARC, Length: 2}}, terminal...),
		CVMList: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0x1F, 0x00}, // no verification, always (Book 3, 10.5)
	}
}

// certify draws the applet's key and makes the chain to it.
func (i *Issuer) certify(p *cps.Profile, a *bank.Applet, pan emv.PAN) error {
	key, err := rsa.GenerateKey(i.c.Random, appletBits)
	if err != nil {
		return err
	}
	applet, err := privateKey(key)
	if err != nil {
		return err
	}
	end, err := oda.NewMonth(int(a.Expires/100), int(a.Expires%100))
	if err != nil {
		return err
	}
	identifier := string(pan.Reveal()[:6])
	p.Offline = cps.Offline{CAIndex: caIndex, Key: crtOf(key), Code: authorisationCode}
	issuer := oda.Issuer{Identifier: identifier, Expiry: end, Serial: i.serial(), Key: i.issuer.Public()}
	if p.Offline.Issuer, err = i.authority.CertifyIssuer(issuer, i.random()); err != nil {
		return err
	}
	icc := oda.ICC{Expiry: end, Serial: i.serial(), Key: applet.Public()}
	if p.Offline.ICC, err = i.issuer.CertifyICC(icc, pan, nil, i.random()); err != nil {
		return err
	}
	static, err := p.StaticData()
	if err != nil {
		return err
	}
	p.Offline.ContactICC, err = i.issuer.CertifyICC(icc, pan, static, i.random())
	return err
}

func (i *Issuer) serial() (b [3]byte) {
	i.draw(b[:])
	return b
}

func (i *Issuer) random() (b [oda.RandomSize]byte) {
	i.draw(b[:])
	return b
}

// draw takes randomness. A source that fails is none to issue with.
func (i *Issuer) draw(b []byte) {
	if _, err := io.ReadFull(i.c.Random, b); err != nil {
		panic("issuer: the random source failed: " + err.Error())
	}
}
