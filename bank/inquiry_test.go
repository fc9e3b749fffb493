package bank_test

import (
	"crypto/sha256"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

func (w *world) inquireOp(d bankapi.ChipData) bank.Op {
	return w.bank.Keys().NewInquire(bankapi.Inquire{ChipData: d.Hex()})
}

// inquires has the chip ask what is available, and hear the answer.
func (w *world) inquires(c *chip) bankapi.Inquiry {
	w.t.Helper()
	var a bankapi.Inquiry
	w.must(bank.Issuer, w.inquireOp(c.ask(emv.TypeBalance, 0)), &a)
	if arc, ok := c.hear(a.IssuerAuth); !ok || arc.String() != a.ResponseCode {
		w.t.Errorf("the chip hears %v (believed: %v), want %s", arc, ok, a.ResponseCode)
	}
	if !c.run(a.Script) || c.run(a.Script) {
		w.t.Error("the chip does not take the script once")
	}
	return a
}

// What was not told with a tap, an inquiry tells: nothing moves, and the counter
// is used up.
func TestInquire(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	wants := func(available int64, code string) {
		t.Helper()
		a := w.inquires(c)
		if want := (bankapi.Inquiry{
			Applet: c.id, Available: available, Currency: "CNY", ResponseCode: code, IssuerAuth: a.IssuerAuth, Script: a.Script,
		}); a != want || c.balance != available {
			t.Errorf("got %+v, and the chip knows of %d; want %+v", a, c.balance, want)
		}
		if got := w.applet(c).ATC; got != int64(c.atc) {
			t.Errorf("the highest counter seen is %d, want %d", got, c.atc)
		}
	}
	status := func(s bankapi.AppletStatus) { w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: s}, nil) }
	wants(100_000, "00")
	w.must(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{
		Debit: w.customer, Credit: w.internal, Amount: 99_000, Currency: "CNY",
	}}, nil)
	wants(1_000, "00")
	r := w.request(400) // what is held for others is not available
	r.Capture = bankapi.CaptureManual
	p := w.payWith(r)
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
	wants(600, "00")
	w.must(w.shop(), bank.CancelPayment{Payment: p.ID}, nil)
	status(bankapi.AppletBlocked)
	wants(0, "05")
	status(bankapi.AppletActive)
	wants(1_000, "00")
	w.wantMoney(1_000, 0, 0, 0)
	if taps := w.storedTaps(c); len(taps) != 0 {
		t.Errorf("got the taps %+v", taps)
	}
	w.wait(5 * 366 * 24 * 3600 * 1e9)
	wants(0, "54")
	status(bankapi.AppletBlocked)
	wants(0, "54")
}

// An answer is given once, or again under the key of the question; and whatever
// the chip did before, it has ended.
func TestInquireOnce(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	held := c.purchase(100)
	d := c.ask(emv.TypeBalance, 0)
	call := bank.Call{Op: w.inquireOp(d), Actor: bank.Issuer, IdempotencyKey: "i-1", Request: sha256.Sum256([]byte("i"))}
	first := w.call(call)
	if again := w.call(call); !first.OK() || !again.Replayed || string(again.Body) != string(first.Body) {
		t.Errorf("got %s, then %s", first.Body, again.Body)
	}
	w.refused(bankapi.WrongState, bank.Issuer, w.inquireOp(d))
	if a := w.authorize(held); a.Reason != bankapi.WrongState || a.Script != "" {
		t.Errorf("a cryptogram that was kept back: %+v", a)
	}
	late := c.ask(emv.TypeBalance, 0)
	w.authorize(c.purchase(100))
	w.refused(bankapi.WrongState, bank.Issuer, w.inquireOp(late))
	w.wantMoney(99_900, 0, 100, 0)
}

// What the bank complains of first, from the top.
func TestReasonsOfInquireInOrder(t *testing.T) {
	w := newTapWorld(t)
	c, purse := w.accountApplet(1), w.filled(2, 1_000)
	other := w.accountApplet(3)
	used := c.purchase(100)
	w.authorize(used)
	d := func(change func(*bankapi.ChipData)) bankapi.ChipData {
		d := c.ask(emv.TypeBalance, 0)
		change(&d)
		c.sign(&d)
		return d
	}
	foreign := c.ask(emv.TypeBalance, 0)
	c.signAs(&foreign, other.ac)
	for _, tt := range []struct {
		name string
		want bankapi.Reason
		data bankapi.ChipData
	}{
		{"unknown PAN", bankapi.NotFound, d(func(d *bankapi.ChipData) { d.PAN, _ = emv.NewPAN(pursePAN(77)) })},
		{"another chip's key", bankapi.NotGenuine, foreign},
		{"a purse", bankapi.Invalid, purse.ask(emv.TypeBalance, 0)},
		{"a purchase of nothing", bankapi.Invalid, c.ask(emv.TypePurchase, 0)},
		{"a purchase", bankapi.Invalid, c.ask(emv.TypePurchase, 100)},
		{"a load", bankapi.Invalid, c.ask(emv.TypeLoad, 0)},
		{"an amount", bankapi.Invalid, c.ask(emv.TypeBalance, 1)},
		{"another amount", bankapi.Invalid, d(func(d *bankapi.ChipData) { d.Input.Other = amountField(t, 1) })},
		{"another currency", bankapi.Invalid, d(func(d *bankapi.ChipData) { d.Input.Currency = emv.Numeric{0x03, 0x92} })},
		{"AAC", bankapi.Invalid, c.cryptogram(emv.AAC, emv.TypeBalance, 0)},
		{"AAC that the reader calls an ARQC", bankapi.Invalid, d(func(d *bankapi.ChipData) { d.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstAAC })},
		{"TC that the reader calls an ARQC", bankapi.Invalid, d(func(d *bankapi.ChipData) { d.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstTC })},
		{"the end of a transaction", bankapi.Invalid, d(func(d *bankapi.ChipData) { d.IAD.CVR = emv.CVRSecondAAC | emv.CVRFirstARQC })},
		{"a counter that was used", bankapi.WrongState, d(func(d *bankapi.ChipData) { d.Input.ATC = used.data.Input.ATC })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer w.in(t, c, purse)()
			field := ""
			if tt.want == bankapi.Invalid {
				field = "chip_data"
			}
			if p := w.refused(tt.want, bank.Issuer, w.inquireOp(tt.data)); p.Field != field {
				t.Errorf("the bank complains of %q, want %q", p.Field, field)
			}
		})
	}
	w.refused(bankapi.Invalid, bank.Issuer, w.bank.Keys().NewInquire(bankapi.Inquire{ChipData: "no hex"}))
	q := c.ask(emv.TypeBalance, 0)
	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.Self, bank.PhoneActor(w.phone.ID)} {
		w.refused(bankapi.Forbidden, actor, w.inquireOp(q))
	}
	w.refused(bankapi.Invalid, w.shop(), w.authorizeOp(2, online{0, q}, "CNY"))
	w.wantMoney(98_900, 1_000, 100, 0)
	w.must(bank.Issuer, w.inquireOp(q), nil)
}
