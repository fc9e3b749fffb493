package bank_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

// online is a till that asks the bank about one tap.
type online struct {
	amount int64
	data   bankapi.ChipData
}

func (w *world) authorizeOp(batch int, o online, currency string) bank.Op {
	return w.bank.Keys().NewAuthorize(bankapi.Authorize{
		Terminal: "TILL1", Batch: batch, Reference: "R-1", Amount: o.amount, Currency: currency, ChipData: o.data.Hex(),
	})
}

func (w *world) authorize(o online) bankapi.Authorization {
	w.t.Helper()
	var a bankapi.Authorization
	w.must(w.shop(), w.authorizeOp(batchOne, o, "CNY"), &a)
	return a
}

func (w *world) reverseOp(batch int, o online) bank.Op {
	return w.bank.Keys().NewReverse(bankapi.Reverse{Terminal: "TILL1", Batch: batch, ChipData: o.data.Hex()})
}

func (w *world) reverse(o online) bankapi.TapRecord {
	w.t.Helper()
	var r bankapi.TapRecord
	w.must(w.shop(), w.reverseOp(batchOne, o), &r)
	return r
}

// purchase is an ARQC.
func (c *chip) purchase(amount int64) online {
	c.t.Helper()
	return online{amount, c.ask(emv.TypePurchase, amount)}
}

// wantDecision is an answer that the chip believes, with this response code.
func (w *world) wantDecision(c *chip, a bankapi.Authorization, status bankapi.TapStatus, reason bankapi.Reason, code string) {
	w.t.Helper()
	if a.Status != status || a.Reason != reason || a.ResponseCode != code {
		w.t.Errorf("got %s %q %s, want %s %q %s", a.Status, a.Reason, a.ResponseCode, status, reason, code)
	}
	tells := code == "00" || code == "51" || code == "05" && reason == bankapi.AppletBlockedNow
	if (a.Script != "") != tells {
		w.t.Errorf("%s with the script %q", a.Status, a.Script)
	}
	if arc, ok := c.hear(a.IssuerAuth); !ok || arc.String() != code {
		w.t.Errorf("the chip hears %v (believed: %v), want %s", arc, ok, code)
	}
}

// An online tap: the bank decides, the money moves at once, the chip believes
// the answer and knows from then on what is left.
func TestAuthorize(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	a := w.authorize(c.purchase(30_000))
	w.wantDecision(c, a, bankapi.TapApproved, "", "00")
	if !c.run(a.Script) || c.balance != 70_000 {
		t.Errorf("the chip takes %d to be left", c.balance)
	}
	if c.run(a.Script) {
		t.Error("the chip took the script twice")
	}
	w.wantMoney(70_000, 0, 30_000, 0)
	if got := w.applet(c).ATC; got != int64(c.atc) {
		t.Errorf("the highest counter seen is %d, want %d", got, c.atc)
	}
	tap := w.storedTap(c, c.atc)
	if tap.ID != a.Tap || tap.Status != string(bankapi.TapApproved) || tap.Reference != "R-1" || tap.Amount != 30_000 || tap.Merchant != w.merchant.ID {
		t.Errorf("got %+v", tap)
	}
	// What is held for others is not available.
	r := w.request(20_000)
	r.Capture = bankapi.CaptureManual
	p := w.payWith(r)
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
	a = w.authorize(c.purchase(50_001))
	w.wantDecision(c, a, bankapi.TapDeclined, bankapi.InsufficientFunds, "51")
	a = w.authorize(c.purchase(10_000))
	w.wantDecision(c, a, bankapi.TapApproved, "", "00")
	if !c.run(a.Script) || c.balance != 40_000 {
		t.Errorf("the chip takes %d to be left", c.balance)
	}
	w.must(w.shop(), bank.CancelPayment{Payment: p.ID}, nil)
	b := w.settle(2, 40_000)
	w.wantBatch(b, 2, 40_000, 0)
	w.wantMoney(60_000, 0, 0, 40_000)
}

// A cryptogram that was kept back is worth nothing once the bank has heard a
// later one of that chip, whatever became of that. What was approved before
// stays approved.
func TestStaleCryptogram(t *testing.T) {
	for _, later := range []struct {
		name  string
		hear  func(*world, online)
		moved int64
	}{
		{"approved", func(w *world, q online) { w.authorize(q) }, 200},
		{"reversed", func(w *world, q online) { w.authorize(q); w.reverse(q) }, 0},
		{"reversed before it came", func(w *world, q online) { w.reverse(q) }, 0},
	} {
		t.Run(later.name, func(t *testing.T) {
			w := newTapWorld(t)
			c := w.accountApplet(1)
			first := c.purchase(100)
			w.wantDecision(c, w.authorize(first), bankapi.TapApproved, "", "00")
			held := c.purchase(300)
			later.hear(w, c.purchase(200))
			a := w.authorize(held)
			if a.Status != bankapi.TapDeclined || a.Reason != bankapi.WrongState || a.ResponseCode != "05" || a.Script != "" {
				t.Errorf("got %+v, want it declined", a)
			}
			w.refused(bankapi.Duplicate, w.shop(), w.authorizeOp(batchOne, first, "CNY"))
			w.wantMoney(100_000-100-later.moved, 0, 100+later.moved, 0)
			if r := w.reverse(held); r.Status != bankapi.TapDeclined {
				t.Errorf("reversed, it is %s", r.Status)
			}
			w.wantDecision(c, w.authorize(c.purchase(1)), bankapi.TapApproved, "", "00")
		})
	}
}

// The chip of one answer does not believe it for another question.
func TestAnswerIsForOneQuestion(t *testing.T) {
	w := newTapWorld(t)
	c, other := w.accountApplet(1), w.accountApplet(2)
	first := w.authorize(c.purchase(100))
	c.purchase(100)
	other.purchase(100)
	for name, chip := range map[string]*chip{"the next question": c, "another chip": other} {
		if _, ok := chip.hear(first.IssuerAuth); ok {
			t.Errorf("%s: believed", name)
		}
		chip.listens = true
		if chip.run(first.Script) {
			t.Errorf("%s: the script was executed", name)
		}
	}
}

// A decline tells the chip why it cannot pay, so that it is not chosen again: what
// the account has, or nothing while it is blocked at the bank.
func TestADeclineTellsWhatIsLeft(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	c.balance = 500_000 // so it believes
	hears := func(amount int64, reason bankapi.Reason, code string, want int64) {
		t.Helper()
		a := w.authorize(c.purchase(amount))
		w.wantDecision(c, a, bankapi.TapDeclined, reason, code)
		if !c.run(a.Script) || c.balance != want || c.run(a.Script) {
			t.Errorf("the chip takes %d to be available, want %d, told once", c.balance, want)
		}
	}
	hears(100_001, bankapi.InsufficientFunds, "51", 100_000)
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletBlocked}, nil)
	hears(100, bankapi.AppletBlockedNow, "05", 0)
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletActive}, nil)
	hears(100_001, bankapi.InsufficientFunds, "51", 100_000)
	w.wantMoney(100_000, 0, 0, 0)
}

// Declines are answers: each has its code, uses the counter up, and moves
// nothing.
func TestDeclines(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	block := func(s bankapi.AppletStatus) {
		w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: s}, nil)
	}
	ask := func(amount int64, reason bankapi.Reason, code string) {
		t.Helper()
		q := c.purchase(amount)
		w.wantDecision(c, w.authorize(q), bankapi.TapDeclined, reason, code)
		w.refused(bankapi.Duplicate, w.shop(), w.authorizeOp(batchOne, q, "CNY"))
		if r := w.reverse(q); r.Status != bankapi.TapDeclined {
			t.Errorf("reversed, a decline is %s", r.Status)
		}
	}
	ask(100_001, bankapi.InsufficientFunds, "51")
	block(bankapi.AppletBlocked)
	ask(100, bankapi.AppletBlockedNow, "05")
	block(bankapi.AppletActive)
	w.wantDecision(c, w.authorize(c.purchase(100)), bankapi.TapApproved, "", "00")
	w.wait(5 * 366 * 24 * 3600 * 1e9) // past the last month, which it is still good for
	ask(100, bankapi.AppletBlockedNow, "54")
	block(bankapi.AppletBlocked)
	ask(100, bankapi.AppletBlockedNow, "54")
	w.wantMoney(99_900, 0, 100, 0)
	w.settle(1, 100)
}

// An applet is good until its last month is over.
func TestLastMonth(t *testing.T) {
	w := newTapWorld(t) // in January 2027
	r := w.purseRequest(1)
	r.Kind, r.BalanceMax, r.Expires = bankapi.AppletAccount, 0, "2027-01"
	c := w.issue(r)
	w.wait(16*24*3600*1e9 + 13*3600*1e9) // to the evening of the 31st
	w.wantDecision(c, w.authorize(c.purchase(100)), bankapi.TapApproved, "", "00")
	w.wait(6 * 3600 * 1e9)
	w.wantDecision(c, w.authorize(c.purchase(100)), bankapi.TapDeclined, bankapi.AppletBlockedNow, "54")
}

// Whoever did not hear the answer asks again under the same key, and the chip
// takes that one.
func TestAuthorizationReplayed(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	q := c.purchase(100)
	call := bank.Call{Op: w.authorizeOp(batchOne, q, "CNY"), Actor: w.shop(), IdempotencyKey: "a-1", Request: sha256.Sum256([]byte(q.data.Hex()))}
	first := w.call(call)
	again := w.call(call)
	if !again.Replayed || !bytes.Equal(first.Body, again.Body) {
		t.Errorf("got %s", again.Body)
	}
	a := read[bankapi.Authorization](t, again)
	w.wantDecision(c, a, bankapi.TapApproved, "", "00")
	if !c.run(a.Script) {
		t.Error("the chip does not take the script")
	}
	w.refused(bankapi.Duplicate, w.shop(), w.authorizeOp(batchOne, q, "CNY"))
	w.refused(bankapi.Duplicate, actorOf(w.newMerchant("Thief")), w.authorizeOp(batchOne, q, "CNY"))
	w.wantMoney(99_900, 0, 100, 0)
}

// A reversal takes the money back, once, and before the batch is settled. When
// it comes before the authorisation, that one is declined.
func TestReversal(t *testing.T) {
	w := newTapWorld(t)
	c := w.accountApplet(1)
	thief := actorOf(w.newMerchant("Thief"))

	q := c.purchase(500)
	kept := c.purchase(70)
	w.authorize(q)
	a := w.authorize(kept)
	w.wantMoney(99_430, 0, 570, 0)
	w.refused(bankapi.NotFound, thief, w.reverseOp(batchOne, q))
	other := q // under the same counter
	other.data.Input.Amount = amountField(t, 501)
	c.sign(&other.data)
	w.refused(bankapi.NotFound, w.shop(), w.reverseOp(batchOne, other))
	for range 3 {
		if r := w.reverse(q); r.Status != bankapi.TapReversed || r.Amount != 500 || r.Reference != "R-1" {
			t.Errorf("got %+v", r)
		}
		w.wantMoney(99_930, 0, 70, 0)
	}
	// From a till that has begun its next batch meanwhile, too.
	late := c.purchase(40)
	w.authorize(late)
	w.must(w.shop(), w.reverseOp(9, late), nil)
	w.wantMoney(99_930, 0, 70, 0)

	// Before the authorisation.
	early := c.purchase(300)
	if r := w.reverse(early); r.Status != bankapi.TapReversed || r.Amount != 300 || r.ATC != int(c.atc) {
		t.Errorf("got %+v", r)
	}
	if got := w.applet(c).ATC; got != int64(c.atc) {
		t.Errorf("the highest counter seen is %d, want %d", got, c.atc)
	}
	w.refused(bankapi.Duplicate, thief, w.authorizeOp(batchOne, early, "CNY"))
	w.refused(bankapi.NotFound, thief, w.reverseOp(batchOne, early))
	for range 2 {
		w.wantDecision(&chip{
			t: t, ac: c.ac, atc: c.atc, asked: c.asked, incomplete: true,
		}, w.authorize(early), bankapi.TapDeclined, "", "05")
	}
	w.wantMoney(99_930, 0, 70, 0)
	// A late authorisation after a reversal of what was approved is no other.
	if a := w.authorize(q); a.Status != bankapi.TapDeclined || a.ResponseCode != "05" || a.Script != "" {
		t.Errorf("got %+v", a)
	}

	w.settle(1, 70)
	w.refused(bankapi.WrongState, w.shop(), w.reverseOp(batchOne, kept))
	if got := w.storedTap(c, kept.data.Input.ATC); got.ID != a.Tap || got.Status != string(bankapi.TapApproved) {
		t.Errorf("got %+v", got)
	}
	w.wantMoney(99_930, 0, 0, 70)
	// What was reversed before stays so after the settlement.
	if r := w.reverse(q); r.Status != bankapi.TapReversed {
		t.Errorf("got %+v", r)
	}
	w.refused(bankapi.WrongState, w.shop(), w.authorizeOp(batchOne, c.purchase(1), "CNY"))
}

// Authorisation, reversal and settlement of one tap in any order leave the money
// at one place.
func TestReversalsAtOnce(t *testing.T) {
	for round := range 12 {
		w := newTapWorld(t)
		c := w.accountApplet(1)
		q := c.purchase(500)
		answers := map[string]bank.Answer{}
		for name, a := range w.atOnce(map[string]bank.Call{
			"authorize": {Op: w.authorizeOp(batchOne, q, "CNY"), Actor: w.shop()},
			"reverse":   {Op: w.reverseOp(batchOne+round%2, q), Actor: w.shop()},
			"again":     {Op: w.reverseOp(batchOne, q), Actor: w.shop()},
			"settle":    {Op: w.settleOp(batchOne, 1, 500), Actor: w.shop()},
		}) {
			answers[name] = a
		}
		settled, reversed := answers["settle"].OK(), answers["reverse"].OK()
		if reversed != answers["again"].OK() || settled == reversed {
			t.Errorf("round %d: settled %v, reversed %v, %v", round, settled, reversed, answers["again"].OK())
		}
		if settled {
			w.wantMoney(99_500, 0, 0, 500)
		} else {
			w.wantMoney(100_000, 0, 0, 0)
		}
	}
}

// atOnce asks all of them at the same time.
func (w *world) atOnce(calls map[string]bank.Call) map[string]bank.Answer {
	w.t.Helper()
	type named struct {
		name   string
		answer bank.Answer
	}
	all := make(chan named, len(calls))
	for name, c := range calls {
		go func() { all <- named{name, w.call(c)} }()
	}
	answers := map[string]bank.Answer{}
	for range calls {
		n := <-all
		answers[n.name] = n.answer
	}
	return answers
}

func TestReasonsOfAuthorizeInOrder(t *testing.T) {
	w := newTapWorld(t)
	c, purse := w.accountApplet(1), w.filled(2, 1_000)
	used := c.purchase(100)
	w.authorize(used)
	w.settle(1, 100)
	type request struct {
		bankapi.Authorize
		data   bankapi.ChipData
		signed bool
	}
	spoils := []struct {
		name  string
		want  bankapi.Reason
		field string
		apart bool
		spoil func(*request)
	}{
		{"no hex", bankapi.Invalid, "chip_data", false, func(r *request) { r.ChipData = "no hex" }},
		{"unknown PAN", bankapi.NotFound, "", false, func(r *request) { r.data.PAN, _ = emv.NewPAN(pursePAN(77)) }},
		{"cryptogram", bankapi.NotGenuine, "", false, func(r *request) { r.signed = false; r.data.AC[0] ^= 1 }},
		{"cryptogram of another version", bankapi.NotGenuine, "", true, func(r *request) { r.signed = false; r.data.IAD.CVN = emv.CVN01 }},
		{"purse's cryptogram", bankapi.NotGenuine, "", true, func(r *request) {
			r.signed = false
			r.data.IAD.CVN = emv.CVN01
			c.signAs(&r.data, w.masterKey(emv.PBOC, 0xAC, c))
		}},
		{"a purse", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.signed = false
			r.data = purse.ask(emv.TypePurchase, 100)
		}},
		{"terminal", bankapi.Invalid, "terminal", false, func(r *request) { r.Terminal = "TILL 1" }},
		{"batch", bankapi.Invalid, "batch", false, func(r *request) { r.Batch = 0 }},
		{"reference", bankapi.Invalid, "reference", false, func(r *request) { r.Reference = "\n" }},
		{"TC", bankapi.Invalid, "chip_data", true, func(r *request) { r.data.CID = emv.TC }},
		{"AAC that the till calls an ARQC", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.data.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstAAC
		}},
		{"TC that the till calls an ARQC", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.data.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstTC
		}},
		{"end of a transaction that the till calls its beginning", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.data.IAD.CVR = emv.CVRSecondAAC | emv.CVRFirstARQC
		}},
		{"nothing to pay", bankapi.Invalid, "chip_data", true, func(r *request) { r.Amount, r.data.Input.Amount = 0, emv.Amount{} }},
		{"a load", bankapi.Invalid, "chip_data", true, func(r *request) { r.data.Input.Type = emv.TypeLoad }},
		{"amount", bankapi.Invalid, "chip_data", false, func(r *request) { r.Amount++ }},
		{"currency", bankapi.Invalid, "chip_data", true, func(r *request) { r.Currency = "JPY" }},
		{"the account's currency", bankapi.Invalid, "currency", false, func(r *request) {
			r.Currency, r.data.Input.Currency = "JPY", emv.Numeric{0x03, 0x92}
		}},
		{"a batch that is settled", bankapi.WrongState, "", false, func(r *request) { r.Batch = batchOne }},
		{"a counter that was used", bankapi.Duplicate, "", false, func(r *request) { r.data.Input.ATC = used.data.Input.ATC }},
	}
	for i, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			defer w.in(t, c, purse)()
			r := request{bankapi.Authorize{Terminal: "TILL1", Batch: 2, Reference: "r", Amount: 100, Currency: "CNY"}, c.purchase(100).data, true}
			if !s.apart {
				for _, below := range spoils[i+1:] {
					if !below.apart {
						below.spoil(&r)
					}
				}
			}
			s.spoil(&r)
			if r.signed {
				c.sign(&r.data)
			}
			if r.ChipData == "" {
				r.ChipData = r.data.Hex()
			}
			if p := w.refused(s.want, w.shop(), w.bank.Keys().NewAuthorize(r.Authorize)); p.Field != s.field {
				t.Errorf("the bank complains of %q, want %q", p.Field, s.field)
			}
		})
	}
	w.wantMoney(98_900, 1_000, 0, 100)
	q := c.purchase(100)
	for _, actor := range w.noShops() {
		w.refused(bankapi.Forbidden, actor, w.authorizeOp(2, q, "CNY"))
		w.refused(bankapi.Forbidden, actor, w.reverseOp(2, q))
	}
	w.refused(bankapi.Forbidden, bank.Actor{Role: bankapi.RoleMerchant, Merchant: "mer_gone"}, w.authorizeOp(2, q, "CNY"))
	w.refused(bankapi.Invalid, w.shop(), w.reverseOp(0, q))
	w.refused(bankapi.Invalid, w.shop(), w.reverseOp(2, online{100, purse.ask(0, 100)}))
}

// A merchant who is paid in another currency is told so.
func TestAuthorizeInABatchOfAnotherCurrency(t *testing.T) {
	w := newTapWorld(t)
	ramen := w.merchantIn("JPY", 9)
	c := w.accountApplet(1)
	w.refused(bankapi.WrongState, actorOf(ramen), w.authorizeOp(batchOne, c.purchase(100), "CNY"))
	w.wantMoney(100_000, 0, 0, 0)
}

// Offline and online taps share a batch.
func TestMixedBatch(t *testing.T) {
	w := newTapWorld(t)
	c, purse := w.accountApplet(1), w.filled(2, 1_000)
	w.authorize(c.purchase(100))
	p := w.post(purse.tap("1", 30))
	w.wantBatch(p.Batch, 2, 130, 0)
	back := c.purchase(50)
	w.authorize(back)
	w.reverse(back)
	w.wantMoney(98_900, 970, 130, 0)
	w.settle(2, 130)
	w.wantMoney(98_900, 970, 0, 130)
	if got := fmt.Sprint(len(w.storedTaps(c)), len(w.storedTaps(purse))); got != "2 2" {
		t.Errorf("got %s taps", got)
	}
}
