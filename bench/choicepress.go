package bench

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/money"
	"sotto/secret"
)

// press makes applets as an issuer's factory does: an authority, an issuer that
// it has certified, and card numbers with RSA keys of which each slot of a wallet
// has one. Slots are drawn once and shared by all wallets: RSA keys take longer
// to draw than a wallet takes to pay. Goroutines may share it.
type press struct {
	authority, issuer oda.PrivateKey
	certificate       oda.Certificate
	slots             []pressSlot
	masters           map[emv.Suite][3]emv.IssuerKey // AC, MAC, ENC

	mu        sync.Mutex
	certified map[certifiedFor]certificates
}

type pressSlot struct {
	pan    emv.PAN
	crt    oda.CRT
	public oda.PublicKey
}

// certifiedFor is what certificates depend on.
type certifiedFor struct {
	slot     int
	expiry   emv.Date
	currency emv.Numeric
}

type certificates struct{ tap, contact oda.Certificate }

// Sizes of RSA keys as the bank makes them (package bank/issuer).
const (
	pressAuthorityBits = 1408
	pressIssuerBits    = 1152
	pressAppletBits    = 1024
)

const (
	pressIdentifier = "621234" // of the issuer: how its card numbers begin
	pressIndex      = 0x05
	pressCode       = "SOTTO1"
)

var pressRID = [5]byte{0xF0, 's', 'o', 't', 't'}

// newPress draws keys for so many slots.
func newPress(slots int) (*press, error) {
	p := &press{masters: map[emv.Suite][3]emv.IssuerKey{}, certified: map[certifiedFor]certificates{}}
	var err error
	if p.authority, _, err = drawRSA(pressAuthorityBits); err != nil {
		return nil, err
	}
	if p.issuer, _, err = drawRSA(pressIssuerBits); err != nil {
		return nil, err
	}
	if p.certificate, err = p.authority.CertifyIssuer(oda.Issuer{
		Identifier: pressIdentifier, Expiry: endless(), Serial: [3]byte{1}, Key: p.issuer.Public(),
	}, blinding()); err != nil {
		return nil, err
	}
	for i := range slots {
		s := pressSlot{}
		var key oda.PrivateKey
		if key, s.crt, err = drawRSA(pressAppletBits); err != nil {
			return nil, err
		}
		s.public = key.Public()
		digits := fmt.Sprintf("%s%012d", pressIdentifier, i) // 19 with the check digit, as most cards in China
		if s.pan, err = emv.NewPAN(digits + string(emv.CheckDigit([]byte(digits)))); err != nil {
			return nil, err
		}
		p.slots = append(p.slots, s)
	}
	for _, suite := range []emv.Suite{emv.PBOC, emv.Common} {
		var keys [3]emv.IssuerKey
		for i := range keys {
			raw := make([]byte, 16)
			_, _ = rand.Read(raw) // never fails
			if keys[i], err = emv.NewIssuerKey(suite, secret.New(raw)); err != nil {
				return nil, err
			}
		}
		p.masters[suite] = keys
	}
	return p, nil
}

func drawRSA(bits int) (oda.PrivateKey, oda.CRT, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return oda.PrivateKey{}, oda.CRT{}, fmt.Errorf("draw an RSA key: %w", err)
	}
	number := func(n *big.Int) secret.Secret { return secret.New(n.Bytes()) }
	crt := oda.CRT{
		P: number(key.Primes[0]), Q: number(key.Primes[1]),
		DP: number(key.Precomputed.Dp), DQ: number(key.Precomputed.Dq), QInv: number(key.Precomputed.Qinv),
	}
	made, err := oda.NewPrivateKey(crt, big.NewInt(int64(key.E)).Bytes())
	return made, crt, err
}

// blinding is randomness for one signature.
func blinding() (b [oda.RandomSize]byte) {
	_, _ = rand.Read(b[:]) // never fails
	return b
}

// endless is the last month that a certificate can name.
func endless() oda.Month {
	m, err := oda.NewMonth(2049, 12)
	if err != nil {
		panic("bench: " + err.Error())
	}
	return m
}

// authorities are whom the tills trust.
func (p *press) authorities() oda.Authorities {
	return oda.Authorities{CAs: []oda.CA{{RID: pressRID, Index: pressIndex, Key: p.authority.Public(), Expiry: endless()}}}
}

// suite is how an applet of this kind makes cryptograms, as the bank issues it.
func (a appletPlan) suite() (emv.Suite, emv.CVN) {
	if a.account {
		return emv.Common, emv.CVN17
	}
	return emv.PBOC, emv.CVN01
}

// keys are the applet's own: for cryptograms, scripts, and encrypted scripts.
func (p *press) keys(slot int, a appletPlan) (keys [3]emv.MasterKey) {
	suite, _ := a.suite()
	for i, k := range p.masters[suite] {
		keys[i] = k.Master(p.slots[slot].pan, pressPSN)
	}
	return keys
}

const pressPSN = 0x01

// applet is the personalisation of an applet in a slot of a wallet.
func (p *press) applet(slot int, a appletPlan) (cps.Applet, error) {
	profile, err := p.profile(slot, a)
	if err != nil {
		return cps.Applet{}, fmt.Errorf("make an applet: %w", err)
	}
	return profile.Applet()
}

func (p *press) profile(slot int, a appletPlan) (cps.Profile, error) {
	suite, cvn := a.suite()
	keys := p.keys(slot, a)
	x := cps.Profile{
		AID: a.aid, Label: fmt.Sprintf("Metro %d", slot+1), Kind: cps.Purse, Priority: a.priority, PSN: pressPSN,
		Suite: suite, CVN: cvn, DKI: 1, Contact: pressContact(),
		Keys: cps.Keys{AC: keys[0].Secret(), MAC: keys[1].Secret(), ENC: keys[2].Secret()},
	}
	var errs [5]error
	x.Expiry, errs[0] = emv.NewDate(a.expiry/10000, a.expiry/100%100, a.expiry%100)
	x.Currency, errs[1] = emv.NewNumeric(a.currency.Numeric())
	x.Balance, errs[2] = emv.NewAmount(a.balance)
	x.BalanceMax, errs[3] = emv.NewAmount(a.most())
	x.TapMax, errs[4] = emv.NewAmount(a.tapMax)
	if err := errors.Join(errs[:]...); err != nil {
		return x, err
	}
	x.Track2 = emv.Track2{PAN: p.slots[slot].pan, Expiry: [2]byte(x.Expiry[:2]), Service: emv.Numeric{0x02, 0x01}}
	if a.account {
		x.Kind = cps.Account
		return x, nil
	}
	x.Processes = emv.ProcessesLowValue | emv.ProcessesAvailable
	x.Contact.AIP |= emv.AIPDDA | emv.AIPCDA
	return x, p.certify(slot, &x)
}

// pressContact is what a transaction with GENERATE AC needs, as the bank issues
// it.
func pressContact() cps.Contact {
	list := emv.DOL{
		{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagAmountOther, Length: 6}, {Tag: emv.TagCountry, Length: 2}, {Tag: emv.TagTVR, Length: 5},
		{Tag: emv.TagCurrency, Length: 2}, {Tag: emv.TagDate, Length: 3}, {Tag: emv.TagType, Length: 1}, {Tag: emv.TagUnpredictable, Length: 4},
	}
	home, err := emv.NewNumeric(money.CNY.Numeric())
	if err != nil {
		panic("bench: " + err.Error())
	}
	return cps.Contact{
		AIP: emv.AIPIssuerAuth, Country: home, Version: emv.VersionPBOC,
		Usage: emv.AUCGoodsDomestic | emv.AUCGoodsInternational | emv.AUCServicesDomestic | emv.AUCServicesInternational | emv.AUCOther,
		CDOL1: list, CDOL2: append(emv.DOL{{Tag: emv.TagARC, Length: 2}}, list...),
		CVMList: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0x1F, 0x00},
	}
}

// certify makes the certificates of a purse, or takes those that were made for
// another wallet.
func (p *press) certify(slot int, x *cps.Profile) error {
	s := p.slots[slot]
	x.Offline = cps.Offline{CAIndex: pressIndex, Issuer: p.certificate, Key: s.crt, Code: pressCode}
	static, err := x.StaticData()
	if err != nil {
		return err
	}
	what := certifiedFor{slot, x.Expiry, x.Currency}
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.certified[what]
	if !ok {
		icc := oda.ICC{Expiry: endless(), Serial: [3]byte{2}, Key: s.public}
		if c.tap, err = p.issuer.CertifyICC(icc, s.pan, nil, blinding()); err != nil {
			return err
		}
		if c.contact, err = p.issuer.CertifyICC(icc, s.pan, static, blinding()); err != nil {
			return err
		}
		p.certified[what] = c
	}
	x.Offline.ICC, x.Offline.ContactICC = c.tap, c.contact
	return nil
}
