package issuer_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/issuer"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/secret"
)

const pan = "6217000010000000011"

// A terminal that has the bank's public key verifies what an applet was given,
// up to a signature with the applet's key; the keys in it are those that the
// bank checks cryptograms with.
func TestWhatAnAppletIsGiven(t *testing.T) {
	maker, keys, one := world(t, bankapi.IssueApplet{Kind: bankapi.AppletPurse, BalanceMax: 100000, TapMax: 30000})
	p := profileOf(t, maker, one)
	if p.Kind != cps.Purse || p.Label != "Purse" || hex.EncodeToString(p.AID) != "f0736f74746f010001" {
		t.Errorf("got %v %q %X", p.Kind, p.Label, p.AID)
	}
	if tap, _ := p.TapMax.Minor(); tap != 30000 {
		t.Errorf("got a limit of %d a tap", tap)
	}
	today := emv.Date{0x26, 0x11, 0x22}
	presented := oda.Presented{RID: issuer.RID, Index: p.Offline.CAIndex, PAN: p.Track2.PAN, Issuer: p.Offline.Issuer, ICC: p.Offline.ICC}
	icc, err := trust(t, maker).Verify(presented, today)
	if err != nil {
		t.Fatal(err)
	}
	presented.ICC = p.Offline.ContactICC
	if presented.Static, err = p.StaticData(); err != nil {
		t.Fatal(err)
	}
	if _, err := trust(t, maker).Verify(presented, today); err != nil {
		t.Errorf("the certificate for contact readers: %v", err)
	}
	key, err := oda.NewPrivateKey(p.Offline.Key, icc.Key.Exponent())
	if err != nil || !key.Public().Equal(icc.Key) {
		t.Errorf("the certificate is not that of the applet's key: %v", err)
	}
	number, err := emv.NewPAN(pan)
	if err != nil {
		t.Fatal(err)
	}
	if want := keys.AppletKeys(emv.PBOC).AC.Master(number, 0x01).Secret(); !p.Keys.AC.Equal(want) {
		t.Error("the applet's key is not the bank's")
	}
	if again := profileOf(t, maker, one); bytes.Equal(again.Offline.ICC.Signature, p.Offline.ICC.Signature) {
		t.Error("two personalizations have one RSA key")
	}
}

// An account's money is at the bank: it has no key for offline terminals, and
// another suite.
func TestAccountApplet(t *testing.T) {
	maker, _, one := world(t, bankapi.IssueApplet{Kind: bankapi.AppletAccount})
	p := profileOf(t, maker, one)
	if p.Kind != cps.Account || p.CVN != emv.CVN17 || p.Suite != emv.Common || p.Offline.CAIndex != 0 {
		t.Errorf("got %v, version %v, %v", p.Kind, p.CVN, p.Suite)
	}
	if has, _ := p.Balance.Minor(); has != 12345 {
		t.Errorf("it believes in %d, and its account has 12345", has)
	}
}

// Who can write to the database cannot have keys made for another's card.
func TestTamperedRow(t *testing.T) {
	maker, _, one := world(t, bankapi.IssueApplet{Kind: bankapi.AppletPurse, BalanceMax: 100000})
	one.Account = "acct_other"
	if _, err := maker.Data(one); err == nil {
		t.Error("a row with another account was personalised")
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	if _, err := issuer.New(issuer.Config{Authority: secret.New([]byte("no key")), Issuer: secret.New([]byte("no key"))}); err == nil {
		t.Error("got an issuer")
	}
}

func world(t *testing.T, r bankapi.IssueApplet) (*issuer.Issuer, *bank.Keys, bank.Applet) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	root := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	b, err := bank.Open(t.Context(), bank.Config{
		Store: store, Now: time.Now, Random: rand.Reader, Policy: bank.DefaultPolicy(),
		Keys: bank.Secrets{
			IssuerMaster: root(1), CodePepper: root(2), PANEncryption: root(3), PANLookup: root(4), PhoneTransport: root(5),
			APIKeys: root(6), Audit: root(7), AppletAC: root(8), AppletMAC: root(9), AppletENC: root(10),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	account := bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "x", Kind: bankapi.AccountCustomer, Currency: "CNY"}}
	do := func(op bank.Op) {
		if a, err := b.Do(t.Context(), bank.Call{Op: op, Actor: bank.Issuer}); err != nil || !a.OK() {
			t.Fatalf("%s %v", a.Body, err)
		}
	}
	do(account)
	accounts, err := store.Accounts(t.Context(), bank.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.Account, r.PAN, r.Sequence, r.AID, r.Label, r.Expires = accounts[0].ID, pan, 1, "f0736f74746f010001", "Purse", "2031-12"
	do(b.Keys().NewIssueApplet(r))
	applets, err := store.Applets(t.Context(), bank.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	maker, err := issuer.New(issuer.Config{
		Authority: newKey(t, issuer.AuthorityBits), Issuer: newKey(t, issuer.IssuerBits), Keys: b.Keys(),
		Country: emv.Numeric{0x01, 0x56}, Random: rand.Reader, Now: time.Now,
		Available: func(string) (int64, error) { return 12345, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return maker, b.Keys(), applets[0]
}

func newKey(t *testing.T, bits int) secret.Secret {
	t.Helper()
	key, err := issuer.NewKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func profileOf(t *testing.T, maker *issuer.Issuer, a bank.Applet) cps.Profile {
	t.Helper()
	file, err := maker.Data(a)
	if err != nil {
		t.Fatal(err)
	}
	applet, err := cps.ParseApplet(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := applet.Profile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// trust is what a terminal makes of the bank's public keys.
func trust(t *testing.T, maker *issuer.Issuer) oda.Authorities {
	t.Helper()
	var a oda.Authorities
	for _, k := range maker.CAKeys() {
		modulus, err := hex.DecodeString(k.Modulus)
		if err != nil {
			t.Fatal(err)
		}
		key, err := oda.NewPublicKey(modulus, big.NewInt(int64(k.Exponent)).Bytes())
		if err != nil {
			t.Fatal(err)
		}
		rid, err := hex.DecodeString(k.RID)
		if err != nil {
			t.Fatal(err)
		}
		a.CAs = append(a.CAs, oda.CA{RID: [5]byte(rid), Index: byte(k.Index), Key: key})
	}
	return a
}
