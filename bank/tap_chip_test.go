package bank_test

import (
	"encoding/hex"

	"sotto/apdu"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/tlv"
)

// chip is an honest card application, written from the standards and not from
// the bank's rules: it counts, debits itself, makes cryptograms, and believes
// the bank alone. Tests may lie about it to the bank, but it does not.
type chip struct {
	t        tester
	id       string // of its applet
	digits   string
	pan      emv.PAN
	psn      byte
	aid      []byte
	cvn      emv.CVN
	ac, mac  emv.MasterKey
	currency string
	number   emv.Numeric // of the currency
	purse    bool
	most     int64

	atc        uint16
	balance    int64 // of a purse; of an account what the bank has said last
	scripts    int   // executed ever
	failed     bool  // the last script was refused
	incomplete bool  // the last ARQC was not answered by the bank

	// The transaction that waits for the bank.
	asked   *bankapi.ChipData
	listens bool // to scripts
	barred  bool
	done    map[[4]byte]bool
}

// pay debits the purse offline, if it has the money.
func (c *chip) pay(amount int64) (d bankapi.ChipData, ok bool) {
	if !c.purse || c.balance < amount {
		return d, false
	}
	c.balance -= amount
	return c.cryptogram(emv.TC, emv.TypePurchase, amount), true
}

// tear debits the purse as pay does, for a reader that does not read the last
// record: what the purse then does next, it does with its old balance.
func (c *chip) tear(amount int64) (d bankapi.ChipData, ok bool) {
	if d, ok = c.pay(amount); ok {
		c.balance += amount
	}
	return d, ok
}

// mustPay is pay of a purse that has it.
func (c *chip) mustPay(amount int64) bankapi.ChipData {
	c.t.Helper()
	d, ok := c.pay(amount)
	if !ok {
		c.t.Fatalf("a purse of %d cannot pay %d", c.balance, amount)
	}
	return d
}

// ask makes an ARQC.
func (c *chip) ask(kind byte, amount int64) bankapi.ChipData {
	d := c.cryptogram(emv.ARQC, kind, amount)
	c.asked, c.incomplete, c.done = &d, true, map[[4]byte]bool{}
	return d
}

// decline makes an AAC, which moves nothing but the counter.
func (c *chip) decline() bankapi.ChipData { return c.cryptogram(emv.AAC, emv.TypePurchase, 0) }

// hear is EXTERNAL AUTHENTICATE: the chip believes who answers its ARQC with an
// ARPC, once.
func (c *chip) hear(issuerAuth string) (arc emv.ARC, ok bool) {
	c.t.Helper()
	if c.asked == nil || !c.incomplete {
		return 0, false
	}
	arc, ok = c.ac.VerifyIssuerAuth1(c.atc, c.asked.AC, unhex(c.t, issuerAuth))
	if ok {
		c.incomplete, c.listens = false, arc.Approved() || !c.purse
	}
	return arc, ok
}

// run executes an issuer script and reports whether the chip took all of it. A
// script works in its own transaction, after the bank has answered, a purse with a
// yes, and once; after one that fails the chip listens to no other.
func (c *chip) run(script string) bool {
	c.t.Helper()
	s, err := emv.ParseScript(unhex(c.t, script))
	if err != nil || c.asked == nil || !c.listens || c.barred {
		return false
	}
	for _, raw := range s.Commands {
		command, err := apdu.Parse(raw)
		if err != nil || len(command.Data) < 4 {
			return false
		}
		mac := [4]byte(command.Data[len(command.Data)-4:])
		if c.done[mac] {
			return false
		}
		if !c.set(command) {
			c.failed, c.barred = true, true
			return false
		}
		c.done[mac], c.failed = true, false
		c.scripts++
	}
	return true
}

// set is PUT DATA of the amount that this kind of chip has.
func (c *chip) set(command apdu.Command) bool {
	tag := emv.TagAvailable
	if c.purse {
		tag = emv.TagBalance
	}
	value, ok := c.mac.VerifyScript(command, c.atc, c.asked.AC)
	if !ok || command.INS != emv.INSPutData || tlv.Tag(command.P1)<<8|tlv.Tag(command.P2) != tag {
		return false
	}
	amount, err := emv.ParseAmount(value)
	if err != nil {
		return false
	}
	minor, err := amount.Minor()
	if err != nil || c.purse && minor > c.most {
		return false
	}
	c.balance = minor
	return true
}

// cryptogram begins the next transaction with what the chip says of it.
func (c *chip) cryptogram(kind emv.CID, transaction byte, amount int64) bankapi.ChipData {
	c.t.Helper()
	c.atc++
	c.asked, c.listens, c.barred, c.done = nil, false, false, nil
	first := map[emv.CID]emv.CVR{emv.TC: emv.CVRFirstTC, emv.ARQC: emv.CVRFirstARQC, emv.AAC: emv.CVRFirstAAC}[kind]
	cvr := (emv.CVRSecondNone | first).WithScripts(c.scripts % 16)
	if c.failed {
		cvr |= emv.CVRScriptFailed
	}
	if c.incomplete {
		cvr |= emv.CVRLastIncomplete
	}
	d := bankapi.ChipData{
		PAN: c.pan, Sequence: c.psn, AID: c.aid, CID: kind,
		IAD: emv.IAD{DKI: 1, CVN: c.cvn, CVR: cvr, Algorithm: emv.AlgorithmTDES},
		Input: emv.ACInput{
			Amount: amountField(c.t, amount), Country: emv.Numeric{0x01, 0x56}, Currency: c.number, Date: emv.Date{0x27, 0x01, 0x15},
			Type: transaction, Unpredictable: [4]byte{0xA0, c.psn, byte(c.atc >> 8), byte(c.atc)}, AIP: emv.AIPDDA | emv.AIPIssuerAuth, ATC: c.atc,
		},
	}
	if c.purse {
		d.IAD.IDD = c.told(c.atc, c.balance)
	}
	c.sign(&d)
	return d
}

// told is the discretionary data in which a purse tells its balance.
func (c *chip) told(atc uint16, minor int64) []byte {
	c.t.Helper()
	balance := amountField(c.t, minor)
	idd, err := emv.PurseIDD{Balance: balance, MAC: c.mac.BalanceMAC(atc, balance)}.Append(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return idd
}

// sign makes the cryptogram of d as it is now.
func (c *chip) sign(d *bankapi.ChipData) { c.signAs(d, c.ac) }

// signAs is sign with another chip's key.
func (c *chip) signAs(d *bankapi.ChipData, key emv.MasterKey) {
	c.t.Helper()
	d.Input.CVN, d.Input.CVR = d.IAD.CVN, d.IAD.CVR
	ac, err := key.AC(d.Input)
	if err != nil {
		c.t.Fatal(err)
	}
	d.AC = ac
}

// tornTap is what a till keeps that cheats.
func (c *chip) tornTap(reference string, amount int64) bankapi.Tap {
	c.t.Helper()
	d, ok := c.tear(amount)
	if !ok {
		c.t.Fatalf("a purse of %d cannot pay %d", c.balance, amount)
	}
	return bankapi.Tap{Reference: reference, Amount: amount, Currency: c.currency, ChipData: d.Hex()}
}

// tap is what a till keeps of a debit.
func (c *chip) tap(reference string, amount int64) bankapi.Tap {
	c.t.Helper()
	d := c.mustPay(amount)
	return bankapi.Tap{Reference: reference, Amount: amount, Currency: c.currency, ChipData: d.Hex()}
}

func amountField(t tester, minor int64) emv.Amount {
	t.Helper()
	a, err := emv.NewAmount(minor)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func unhex(t tester, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
