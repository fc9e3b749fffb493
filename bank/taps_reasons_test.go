package bank_test

import (
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

// attempt is one tap on its way, to be spoiled.
type attempt struct {
	c      *chip
	batch  int
	amount int64
	tap    bankapi.Tap
	before func(*bankapi.ChipData) // the chip signs what it changes
	after  func(*bankapi.ChipData) // nobody does
	text   string                  // in place of chip data
}

func (a attempt) made() bankapi.Tap {
	a.c.t.Helper()
	a.c.balance += a.amount + 1_000 // these chips lie about what they have, and not as one that was torn
	d := a.c.mustPay(a.amount)
	a.before(&d)
	if d.IAD.IDD != nil {
		d.IAD.IDD = a.c.told(d.Input.ATC, a.c.balance)
	}
	a.c.sign(&d)
	a.after(&d)
	tap := a.tap
	if tap.ChipData = d.Hex(); a.text != "" {
		tap.ChipData = a.text
	}
	return tap
}

func (a *attempt) signed(f func(*bankapi.ChipData)) {
	was := a.before
	a.before = func(d *bankapi.ChipData) { was(d); f(d) }
}

func (a *attempt) altered(f func(*bankapi.ChipData)) {
	was := a.after
	a.after = func(d *bankapi.ChipData) { was(d); f(d) }
}

// Reasons have an order. Each row is spoiled in its own way and in those of the
// other reasons below, and the bank names its own.
func TestReasonsOfTapsInOrder(t *testing.T) {
	w := newTapWorld(t)
	// A counter that was used, a batch that is settled, and a purse that is empty.
	used := w.filled(1, 100)
	w.post(used.tap("1", 100))
	w.settle(1, 100)
	usedATC := used.atc
	account := w.accountApplet(2)

	for i, c := range reasonsOfTaps {
		t.Run(c.name, func(t *testing.T) {
			a := attempt{
				c: used, batch: 2, amount: 100, tap: bankapi.Tap{Reference: "r", Amount: 100, Currency: "CNY"},
				before: func(*bankapi.ChipData) {}, after: func(*bankapi.ChipData) {},
			}
			for _, below := range reasonsOfTaps[i+1:] {
				if !below.apart && below.want != c.want {
					below.spoil(&a, usedATC, account)
				}
			}
			c.spoil(&a, usedATC, account)
			defer w.in(t, used, account)()
			before, disputes := len(w.storedTaps(used)), len(w.disputes(""))
			p := w.postBy(w.shop(), a.batch, a.made())
			w.wantResult(p, 0, c.status, c.want, false)
			kept := c.status == bankapi.TapDisputed
			if got := len(w.disputes("")) - disputes; (got == 1) != kept || len(w.storedTaps(used))-before != got {
				t.Errorf("%d more disputes, %d more taps", got, len(w.storedTaps(used))-before)
			}
			if (p.Results[0].Tap != "") != kept {
				t.Errorf("got the id %q", p.Results[0].Tap)
			}
		})
	}
	w.wantMoney(99_900, 0, 0, 100)
}

// reasonsOfTaps are in order of precedence. Those apart cannot be combined with
// the others.
var reasonsOfTaps = []struct {
	name   string
	status bankapi.TapStatus
	want   bankapi.Reason
	apart  bool
	spoil  func(a *attempt, usedATC uint16, account *chip)
}{
	{"no hex", bankapi.TapRefused, bankapi.Malformed, true, func(a *attempt, _ uint16, _ *chip) { a.text = "no hex" }},
	{"nothing", bankapi.TapRefused, bankapi.Malformed, true, func(a *attempt, _ uint16, _ *chip) { a.text = "00" }},
	{"reference of 33 bytes", bankapi.TapRefused, bankapi.Malformed, true, func(a *attempt, _ uint16, _ *chip) {
		a.tap.Reference = "123456789012345678901234567890123"
	}},
	{"no reference", bankapi.TapRefused, bankapi.Malformed, false, func(a *attempt, _ uint16, _ *chip) { a.tap.Reference = "" }},
	{"unknown PAN", bankapi.TapRefused, bankapi.NotFound, true, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.PAN, _ = emv.NewPAN(pursePAN(77)) })
	}},
	{"unknown sequence number", bankapi.TapRefused, bankapi.NotFound, false, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.Sequence = 2 })
	}},
	{"cryptogram", bankapi.TapRefused, bankapi.NotGenuine, false, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.AC[7] ^= 1 })
	}},
	{"another counter than its cryptogram's", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.Input.ATC++ })
	}},
	{"another amount than its cryptogram's", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, _ *chip) {
		a.tap.Amount = 200
		a.altered(func(d *bankapi.ChipData) { d.Input.Amount[4] = 2 })
	}},
	{"another balance than its MAC's", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.IAD.IDD[5] ^= 0x10 })
	}},
	{"unknown cryptogram version", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) { d.IAD.CVN = 0x22 })
	}},
	{"an account's applet", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, account *chip) {
		a.signed(func(d *bankapi.ChipData) { *d = account.cryptogram(emv.TC, 0, 100) })
		a.altered(func(d *bankapi.ChipData) { account.sign(d) })
	}},
	{"a purse with an account's cryptogram", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, _ *chip) {
		a.altered(func(d *bankapi.ChipData) {
			d.IAD.CVN = emv.CVN17
			a.c.signAs(d, bank.NewKeys(tapKeys).AppletKeys(emv.Common).AC.Master(d.PAN, d.Sequence))
		})
	}},
	{"an account with a purse's cryptogram", bankapi.TapRefused, bankapi.NotGenuine, true, func(a *attempt, _ uint16, account *chip) {
		a.altered(func(d *bankapi.ChipData) {
			d.PAN, d.Sequence = account.pan, account.psn
			a.c.signAs(d, bank.NewKeys(tapKeys).AppletKeys(emv.PBOC).AC.Master(d.PAN, d.Sequence))
		})
	}},
	{"ARQC", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.CID = emv.ARQC; d.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstARQC })
	}},
	{"ARQC that the till calls a TC", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstARQC })
	}},
	{"AAC that the till calls a TC", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstAAC })
	}},
	{"TC that the till calls an AAC", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.CID = emv.AAC })
	}},
	{"a load", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.Input.Type = emv.TypeLoad })
	}},
	{"a refund", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.Input.Type = emv.TypeRefund })
	}},
	{"amount of the till", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) { a.tap.Amount++ }},
	{"amount that is no number", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.Input.Amount[5] = 0xAA })
	}},
	{"nothing to pay", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) { a.amount, a.tap.Amount = 0, 0 }},
	{"less than nothing", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) { a.tap.Amount = -100 }},
	{"currency of the till", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) { a.tap.Currency = "JPY" }},
	{"no currency", bankapi.TapRefused, bankapi.Invalid, true, func(a *attempt, _ uint16, _ *chip) {
		a.tap.Currency = ""
		a.signed(func(d *bankapi.ChipData) { d.Input.Currency = emv.Numeric{} })
	}},
	{"currency that the purse does not have", bankapi.TapRefused, bankapi.Invalid, false, func(a *attempt, _ uint16, _ *chip) {
		a.tap.Currency = "JPY"
		a.signed(func(d *bankapi.ChipData) { d.Input.Currency = emv.Numeric{0x03, 0x92} })
	}},
	{"a counter that was used", bankapi.TapDisputed, bankapi.Duplicate, false, func(a *attempt, usedATC uint16, _ *chip) {
		a.signed(func(d *bankapi.ChipData) { d.Input.ATC = usedATC })
	}},
	{"a batch that is settled", bankapi.TapRefused, bankapi.WrongState, false, func(a *attempt, _ uint16, _ *chip) { a.batch = batchOne }},
	{"an empty purse", bankapi.TapDisputed, bankapi.InsufficientFunds, false, func(*attempt, uint16, *chip) {}},
}

// What is wrong with the upload itself is told before any tap is looked at.
func TestReasonsOfUploads(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	tap := c.tap("1", 100)
	op := func(terminal string, batch int) bank.Op {
		return w.bank.Keys().NewPostTaps(bankapi.PostTaps{Terminal: terminal, Batch: batch, Taps: []bankapi.Tap{tap}})
	}
	for _, actor := range w.noShops() {
		w.refused(bankapi.Forbidden, actor, op("TILL1", 1))
	}
	w.refused(bankapi.Forbidden, bank.Actor{Role: bankapi.RoleMerchant, Merchant: "mer_gone"}, op("TILL1", 1))
	for _, terminal := range []string{"", "123456789", "TILL 1", "TILL|1", "TILL-1", "tíll", "TILL\x00"} {
		if p := w.refused(bankapi.Invalid, w.shop(), op(terminal, 1)); p.Field != "terminal" {
			t.Errorf("%q: the bank complains of %q", terminal, p.Field)
		}
	}
	for _, batch := range []int{0, -1, 1_000_000, 1 << 40} {
		if p := w.refused(bankapi.Invalid, w.shop(), op("TILL1", batch)); p.Field != "batch" {
			t.Errorf("%d: the bank complains of %q", batch, p.Field)
		}
	}
	w.wantMoney(99_000, 1_000, 0, 0)
	w.must(w.shop(), op("A1b2C3d4", 999_999), nil)
	w.wantMoney(99_000, 900, 100, 0)
}
