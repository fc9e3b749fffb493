package bankhttp_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

const (
	pursePAN   = "6217000020000000010"
	accountPAN = "6217000030000000019"
)

// chip is one card application as a terminal meets it: it makes the cryptograms
// of a real one.
type chip struct {
	t       testing.TB
	applet  bankapi.Applet
	pan     emv.PAN
	keys    bank.AppletKeys
	cvn     emv.CVN
	atc     uint16
	balance int64
	scripts int
}

// issue has the bank issue an applet, and makes its chip.
func (w *world) issue(kind bankapi.AppletKind, number string) *chip {
	w.t.Helper()
	r := bankapi.IssueApplet{
		Kind: kind, Account: w.customer, PAN: number, Sequence: 1, AID: "f0736f74746f010001", Label: "Test", Priority: 1, Expires: "2049-12",
	}
	suite, cvn := emv.Common, emv.CVN17
	if kind == bankapi.AppletPurse {
		suite, cvn = emv.PBOC, emv.CVN01
		r.BalanceMax, r.TapMax = 200_000, 100_000
	}
	c := &chip{t: w.t, keys: w.bank.Keys().AppletKeys(suite), cvn: cvn}
	var err error
	if c.pan, err = emv.NewPAN(number); err != nil {
		w.t.Fatal(err)
	}
	w.must(201, w.issuer, "/v1/applets", r, &c.applet)
	return c
}

// asked answers with a cryptogram of the next transaction.
func (c *chip) asked(kind emv.CID, what byte, amount int64) bankapi.ChipData {
	c.t.Helper()
	c.atc++
	var idd []byte
	if c.cvn == emv.CVN01 {
		purse := emv.PurseIDD{Balance: minor(c.t, c.balance)}
		purse.MAC = c.keys.MAC.Master(c.pan, 1).BalanceMAC(c.atc, purse.Balance)
		idd = must(purse.Append(nil))(c.t)
	}
	first := map[emv.CID]emv.CVR{emv.TC: emv.CVRFirstTC, emv.ARQC: emv.CVRFirstARQC, emv.AAC: emv.CVRFirstAAC}[kind]
	d := bankapi.ChipData{
		PAN: c.pan, Sequence: 1, AID: must(hex.DecodeString(c.applet.AID))(c.t), CID: kind,
		IAD: emv.IAD{DKI: 1, CVN: c.cvn, CVR: (emv.CVRSecondNone | first).WithScripts(c.scripts), Algorithm: emv.AlgorithmTDES, IDD: idd},
		Input: emv.ACInput{
			Country: emv.Numeric{0x01, 0x56}, Currency: emv.Numeric{0x01, 0x56}, Date: emv.Date{0x26, 0x11, 0x22}, Type: what, ATC: c.atc,
			Amount: minor(c.t, amount), Unpredictable: [4]byte{byte(c.atc >> 8), byte(c.atc), 3, 4},
		},
	}
	d.Input.CVN, d.Input.CVR = d.IAD.CVN, d.IAD.CVR
	d.AC = must(c.keys.AC.Master(c.pan, 1).AC(d.Input))(c.t)
	return d
}

// taps debits the purse offline, and is what a terminal uploads.
func (c *chip) taps(amount int64, reference string) bankapi.Tap {
	c.t.Helper()
	c.balance -= amount
	d := c.asked(emv.TC, 0, amount)
	return bankapi.Tap{Reference: reference, Amount: amount, Currency: "CNY", ChipData: d.Hex()}
}

// arqc asks for a decision online.
func (c *chip) arqc(amount int64) string {
	c.t.Helper()
	d := c.asked(emv.ARQC, 0, amount)
	return d.Hex()
}

// load asks the bank for a load, and executes its script.
func (w *world) load(c *chip, amount int64) bankapi.Load {
	w.t.Helper()
	d := c.asked(emv.ARQC, 0x63, amount)
	var l bankapi.Load
	w.must(201, w.issuer, "/v1/loads", bankapi.CreateLoad{Amount: amount, Currency: "CNY", ChipData: d.Hex()}, &l)
	script := must(emv.ParseScript(must(hex.DecodeString(l.Script))(w.t)))(w.t)
	command := must(apdu.Parse(script.Commands[0]))(w.t)
	value, ok := c.keys.MAC.Master(c.pan, 1).VerifyScript(command, d.Input.ATC, d.AC)
	if !ok {
		w.t.Fatal("the bank's script has a wrong MAC")
	}
	c.balance = must(must(emv.ParseAmount(value))(w.t).Minor())(w.t)
	c.scripts++
	return l
}

// funded is a purse with this in it, of which the bank knows.
func (w *world) funded(number string, amount int64) *chip {
	w.t.Helper()
	c := w.issue(bankapi.AppletPurse, number)
	l := w.load(c, amount)
	d := c.asked(emv.AAC, 0, 0)
	w.must(200, w.issuer, "/v1/loads/"+l.ID+"/resolve", bankapi.ResolveLoad{ChipData: d.Hex()}, &l)
	if l.Status != bankapi.LoadCompleted {
		w.t.Fatalf("got load %+v", l)
	}
	return c
}

func minor(t testing.TB, n int64) emv.Amount {
	t.Helper()
	return must(emv.NewAmount(n))(t)
}

// must is a value without its error, which ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// upload is n taps of a purse.
func (c *chip) upload(n int, amount int64) bankapi.PostTaps {
	c.t.Helper()
	r := bankapi.PostTaps{Terminal: "TILL1", Batch: 7}
	for range n {
		r.Taps = append(r.Taps, c.taps(amount, "R-"+hex.EncodeToString([]byte{byte(c.atc >> 8), byte(c.atc)})))
	}
	return r
}

// appletData stands for package issuer.
func appletData(a bank.Applet) ([]byte, error) {
	if a.Label == "Broken" {
		return nil, errors.New("no data for " + pursePAN)
	}
	return []byte("data of " + a.ID), nil
}

var caKeys = []bankapi.CAKey{{RID: "f0736f7474", Index: 1, Modulus: "c5", Exponent: 3, Expires: "2049-12"}}
