package sim_test

import (
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"

	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/secret"
)

// issuer is the bank of the tests, with the authority over it.
type issuer struct {
	authority   oda.PrivateKey
	key         oda.PrivateKey
	cardKey     oda.CRT
	card        oda.PrivateKey
	certificate oda.Certificate

	ac, mac, enc emv.IssuerKey
}

const (
	identifier = "621234"
	caIndex    = 0x05
)

var (
	theDay = emv.Date{0x26, 0x11, 0x22}
	cny    = emv.Numeric{0x01, 0x56}
	eur    = emv.Numeric{0x09, 0x78}
)

var readIssuer = sync.OnceValue(func() *issuer {
	text, err := os.ReadFile("testdata/keys.txt")
	if err != nil {
		panic(err)
	}
	b := &issuer{}
	for line := range strings.Lines(string(text)) {
		var name, p, q string
		if _, err := fmt.Sscan(line, &name, &p, &q); err != nil || name == "#" {
			continue
		}
		crt := crtOf(p, q)
		key, err := oda.NewPrivateKey(crt, []byte{3})
		if err != nil {
			panic(err)
		}
		switch name {
		case "ca":
			b.authority = key
		case "issuer":
			b.key = key
		case "icc":
			b.card, b.cardKey = key, crt
		}
	}
	b.certificate, err = b.authority.CertifyIssuer(oda.Issuer{
		Identifier: identifier, Expiry: oda.Month{0x12, 0x31}, Serial: [3]byte{0, 0, 1}, Key: b.key.Public(),
	}, random(1))
	if err != nil {
		panic(err)
	}
	for i, to := range []*emv.IssuerKey{&b.ac, &b.mac, &b.enc} {
		raw := make([]byte, 16)
		for j := range raw {
			raw[j] = byte(i*16 + j)
		}
		if *to, err = emv.NewIssuerKey(emv.PBOC, secret.New(raw)); err != nil {
			panic(err)
		}
	}
	return b
})

func random(seed byte) (r [oda.RandomSize]byte) {
	for i := range r {
		r[i] = seed + byte(i)
	}
	return r
}

// crtOf computes the five parts from two primes in hexadecimal.
func crtOf(hexP, hexQ string) oda.CRT {
	p, _ := new(big.Int).SetString(hexP, 16)
	q, _ := new(big.Int).SetString(hexQ, 16)
	one, e := big.NewInt(1), big.NewInt(3)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	part := func(x *big.Int) secret.Secret { return secret.New(x.Bytes()) }
	return oda.CRT{
		P: part(p), Q: part(q),
		DP: part(new(big.Int).ModInverse(e, p1)), DQ: part(new(big.Int).ModInverse(e, q1)),
		QInv: part(new(big.Int).ModInverse(q, p)),
	}
}

func amount(minor int64) emv.Amount {
	a, err := emv.NewAmount(minor)
	if err != nil {
		panic(err)
	}
	return a
}

// aid is the AID of an applet of ours.
func aid(kind cps.Kind, serial int) []byte {
	return append([]byte("\xF0sotto"), byte(kind), byte(serial>>8), byte(serial))
}

func panOf(serial int) emv.PAN {
	text := fmt.Sprintf("%s%09d", identifier, serial)
	pan, err := emv.NewPAN(text + string(emv.CheckDigit([]byte(text))))
	if err != nil {
		panic(err)
	}
	return pan
}

var cdol1 = emv.DOL{
	{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagAmountOther, Length: 6}, {Tag: emv.TagCountry, Length: 2},
	{Tag: emv.TagTVR, Length: 5}, {Tag: emv.TagCurrency, Length: 2}, {Tag: emv.TagDate, Length: 3},
	{Tag: emv.TagType, Length: 1}, {Tag: emv.TagUnpredictable, Length: 4},
}

var cdol2 = append(emv.DOL{{Tag: emv.TagARC, Length: 2}}, cdol1...)

// profile is an applet with this balance; vary changes what the test is about.
func (b *issuer) profile(kind cps.Kind, serial int, balance int64, vary func(*cps.Profile)) cps.Profile {
	pan := panOf(serial)
	p := cps.Profile{
		AID: aid(kind, serial), Label: fmt.Sprintf("CARD %d", serial), Kind: kind, Priority: 1,
		Track2: emv.Track2{PAN: pan, Expiry: [2]byte{0x31, 0x12}, Service: emv.Numeric{0x02, 0x20}},
		PSN:    0x01, Expiry: emv.Date{0x31, 0x12, 0x31}, Currency: cny,
		Balance: amount(balance), BalanceMax: amount(100_000), TapMax: amount(30_000), Reserve: amount(0),
		Processes: emv.ProcessesLowValue | emv.ProcessesAvailable,
		Suite:     emv.PBOC, CVN: emv.CVN01, DKI: 0x01,
		Contact: cps.Contact{
			AIP:     emv.AIPDDA | emv.AIPTerminalRisk | emv.AIPIssuerAuth | emv.AIPCDA,
			Country: cny, Usage: emv.AUCGoodsDomestic, Version: emv.VersionPBOC, CDOL1: cdol1, CDOL2: cdol2,
			CVMList: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0x1F, 0x00},
		},
	}
	if kind == cps.Account {
		p.CVN, p.Contact.AIP = emv.CVN17, emv.AIPTerminalRisk|emv.AIPIssuerAuth
	}
	if vary != nil {
		vary(&p)
	}
	b.fill(&p)
	return p
}

// fill makes keys and certificates for what the profile says.
func (b *issuer) fill(p *cps.Profile) {
	suite := func(k emv.IssuerKey) secret.Secret {
		of, err := emv.NewIssuerKey(p.Suite, k.Secret())
		if err != nil {
			panic(err)
		}
		return of.Master(p.Track2.PAN, p.PSN).Secret()
	}
	p.Keys = cps.Keys{AC: suite(b.ac), MAC: suite(b.mac), ENC: suite(b.enc)}
	if p.Kind == cps.Account {
		return
	}
	card := oda.ICC{Expiry: oda.Month{0x12, 0x31}, Serial: [3]byte{0, 0, 2}, Key: b.card.Public()}
	tap, err := b.key.CertifyICC(card, p.Track2.PAN, nil, random(2))
	if err != nil {
		panic(err)
	}
	p.Offline = cps.Offline{CAIndex: caIndex, Issuer: b.certificate, ICC: tap, Key: b.cardKey, Code: "SOTTO1"}
	static, err := p.StaticData()
	if err != nil {
		panic(err)
	}
	if p.Offline.ContactICC, err = b.key.CertifyICC(card, p.Track2.PAN, static, random(3)); err != nil {
		panic(err)
	}
}

func (b *issuer) applet(t testing.TB, p cps.Profile) cps.Applet {
	t.Helper()
	a, err := p.Applet()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// keys are the card's keys as the bank derives them.
func (b *issuer) keys(suite emv.Suite, pan emv.PAN, psn byte) (ac, mac emv.MasterKey) {
	of := func(k emv.IssuerKey) emv.MasterKey {
		issuerKey, err := emv.NewIssuerKey(suite, k.Secret())
		if err != nil {
			panic(err)
		}
		return issuerKey.Master(pan, psn)
	}
	return of(b.ac), of(b.mac)
}
