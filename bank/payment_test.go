package bank_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// One payment in each profile: the bank sends code and facts, the card's
// receipt arrives, the payer types the code, the money moves (A5, A6, A8–A11).
func TestOnePayment(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain} {
		t.Run(profile.String(), func(t *testing.T) {
			w := newWorld(t, withProfile(profile))
			p := w.pay(12_800)
			if p.Status != bankapi.AwaitingCode || p.Payee != "Tea House" || p.CardNumber != "621700*********0011" {
				t.Errorf("got %+v", p)
			}
			d := w.dispatched(p.ID)
			c := w.content(d)
			if c.Amount != 12_800 || string(c.Currency) != "CNY" || string(c.Payee) != "Tea House" ||
				string(c.Order) != "A-1001" || string(c.Description) != "Green tea" || string(c.Account) != p.CardNumber || len(c.Code) != 6 {
				t.Errorf("the card would show other facts: %q %d", c.Payee, c.Amount)
			}
			w.report(d, w.receipt(d, dyncode.Shown))
			if got := w.payment(p.ID); got.Delivery != string(bankapi.DeliveryOnCard) {
				t.Errorf("delivery: got %s", got.Delivery)
			}
			var paid bankapi.Payment
			w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, &paid)
			if paid.Status != bankapi.Succeeded || paid.Captured != 12_800 || paid.EndedAt == 0 {
				t.Errorf("got %+v", paid)
			}
			w.wantBalance(w.customer, 87_200, 0)
			w.wantBalance(w.merchant.Account, 12_800, 0)
			w.refused(bankapi.WrongState, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
		})
	}
}

// Nothing the bank says, stores in clear, logs or emits has the code, the PAN or
// a key in it.
func TestNoSecretLeavesTheBank(t *testing.T) {
	w := newWorld(t)
	var said bytes.Buffer
	ask := func(actor bank.Actor, op bank.Op) bank.Answer {
		a := w.do(actor, op)
		said.Write(a.Body)
		return a
	}
	r := w.request(2_000_000)
	r.Card = testPAN
	var p bankapi.Payment
	if err := json.Unmarshal(ask(w.shop(), w.bank.Keys().NewCreatePayment(r)).Body, &p); err != nil {
		t.Fatal(err)
	}
	code := w.code(p.ID)
	if len(code) != 8 {
		t.Errorf("a large amount got a code of %d digits", len(code))
	}
	ask(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.wrong(p.ID)})
	ask(bank.Payer, bank.ResendCode{Payment: p.ID})
	ask(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: code}) // the old one
	ask(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})

	links, err := w.store.Links(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		said.Write(l.Body)
	}
	said.WriteString(w.log.String())
	for name, leak := range map[string]string{"first code": code, "second code": w.code(p.ID), "PAN": testPAN, "key": string(w.keys.IssuerMaster.Reveal())} {
		if strings.Contains(said.String(), leak) {
			t.Errorf("the %s was said", name)
		}
	}
	for _, d := range w.outbox {
		if bytes.Contains(d.Body, []byte("Tea House")) || bytes.Contains(d.Body, []byte(code)) {
			t.Error("the outbox holds a payment fact in clear")
		}
	}
}

// Reasons have an order. Each row breaks one thing more to the front of it.
func TestReasonsOfCreateInOrder(t *testing.T) {
	good := func(w *world) bankapi.CreatePayment { return w.request(100) }
	for _, c := range []struct {
		name  string
		want  bankapi.Reason
		field string
		setup func(w *world)
		spoil func(r *bankapi.CreatePayment)
	}{
		{"amount zero", bankapi.Invalid, "amount", nil, func(r *bankapi.CreatePayment) { r.Amount = 0 }},
		{"amount negative", bankapi.Invalid, "amount", nil, func(r *bankapi.CreatePayment) { r.Amount = -1 }},
		{"amount above n12", bankapi.Invalid, "amount", nil, func(r *bankapi.CreatePayment) { r.Amount = 1_000_000_000_000 }},
		{"amount at the end of int64", bankapi.Invalid, "amount", nil, func(r *bankapi.CreatePayment) { r.Amount = 1<<63 - 1 }},
		{"currency unknown", bankapi.Invalid, "currency", nil, func(r *bankapi.CreatePayment) { r.Currency = "ZZZ" }},
		{"currency without minor units", bankapi.Invalid, "currency", nil, func(r *bankapi.CreatePayment) { r.Currency = "XAU" }},
		{"another currency", bankapi.Invalid, "currency", nil, func(r *bankapi.CreatePayment) { r.Currency = "JPY" }},
		{"no card", bankapi.Invalid, "card", nil, func(r *bankapi.CreatePayment) { r.Card = "" }},
		{"card that never was", bankapi.Invalid, "card", nil, func(r *bankapi.CreatePayment) { r.Card = ident.Make(ident.Card, 1, [10]byte{}) }},
		{"PAN with a wrong check digit", bankapi.Invalid, "card", nil, func(r *bankapi.CreatePayment) { r.Card = "6217000010000000012" }},
		{"payee with a control character", bankapi.Invalid, "payee", nil, func(r *bankapi.CreatePayment) { r.Payee = "Tea\u202eHouse" }},
		{"payee too long", bankapi.Invalid, "payee", nil, func(r *bankapi.CreatePayment) { r.Payee = strings.Repeat("x", 201) }},
		{"order too long", bankapi.Invalid, "order", nil, func(r *bankapi.CreatePayment) { r.Order = strings.Repeat("x", 65) }},
		{"description not UTF-8", bankapi.Invalid, "description", nil, func(r *bankapi.CreatePayment) { r.Description = "\xff" }},
		{"capture unknown", bankapi.Invalid, "capture", nil, func(r *bankapi.CreatePayment) { r.Capture = "later" }},
		{"return URL that runs", bankapi.Invalid, "return_url", nil, func(r *bankapi.CreatePayment) { r.ReturnURL = "javascript:alert(1)" }},
		{"card blocked", bankapi.CardBlockedNow, "", func(w *world) {
			w.must(bank.Issuer, bank.SetCardStatus{Card: w.card.ID, Status: bankapi.CardBlocked}, nil)
		}, nil},
		{"phone revoked", bankapi.PhoneUnavailable, "", func(w *world) {
			w.must(bank.Issuer, bank.RevokePhone{Phone: w.phone.ID}, nil)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.setup != nil {
				c.setup(w)
			}
			sent := len(w.outbox)
			r := good(w)
			if c.spoil != nil {
				c.spoil(&r)
			}
			problem := w.refused(c.want, w.shop(), w.bank.Keys().NewCreatePayment(r))
			if problem.Field != c.field || problem.Type != bankapi.ProblemType+string(c.want) {
				t.Errorf("got field %q, type %q", problem.Field, problem.Type)
			}
			if len(w.outbox) != sent {
				t.Error("a code was sent all the same")
			}
		})
	}
}

func TestPANOfEveryWrongLength(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 40; n++ {
		r := w.request(100)
		r.Card = strings.Repeat("0", n) // the check digit is right at every length
		w.refused(bankapi.Invalid, w.shop(), w.bank.Keys().NewCreatePayment(r))
	}
	r := w.request(100)
	r.Card = testPAN
	if p := w.payWith(r); p.Card != w.card.ID {
		t.Errorf("the PAN led to %s", p.Card)
	}
}

func TestWrongCodes(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	right, wrong := w.code(p.ID), w.wrong(p.ID)
	for left := 4; left >= 1; left-- {
		problem := w.refused(bankapi.WrongCode, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: wrong})
		if problem.AttemptsLeft == nil || *problem.AttemptsLeft != left {
			t.Errorf("got %v attempts left, want %d", problem.AttemptsLeft, left)
		}
	}
	w.refused(bankapi.Invalid, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: "12a456"}) // costs no attempt
	w.refused(bankapi.TooManyAttempts, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: wrong})
	w.refused(bankapi.WrongState, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: right})
	if got := w.payment(p.ID); got.Status != string(bankapi.Declined) || got.Reason != string(bankapi.TooManyAttempts) || got.CodeMAC != nil {
		t.Errorf("got %s %s", got.Status, got.Reason)
	}
	w.wantBalance(w.customer, 100_000, 0)
}

// confirmWrong types wrong codes.
func (w *world) confirmWrong(p bankapi.Payment, n int) {
	w.t.Helper()
	for range n {
		if a := w.do(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.wrong(p.ID)}); a.OK() {
			w.t.Fatal("a wrong code was taken")
		}
	}
}

// payAt is pay at another merchant.
func (w *world) payAt(m bankapi.Merchant, amount int64) (p bankapi.Payment) {
	w.t.Helper()
	w.must(bank.Actor{Role: bankapi.RoleMerchant, Merchant: m.ID}, w.bank.Keys().NewCreatePayment(w.request(amount)), &p)
	return p
}

func unpaced(p *bank.Policy) { p.PairBurst, p.CardBurst = 100, 100 }

// A new code and a new payment do not reset the card's count; the right code
// does; a lock ends by itself.
func TestCardLocks(t *testing.T) {
	w := newWorld(t, withPolicy(unpaced))
	second, third := w.newMerchant("Second"), w.newMerchant("Third")
	p := w.pay(100)
	w.confirmWrong(p, 4)
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil) // resets

	w.confirmWrong(w.pay(100), 5)
	p = w.payAt(second, 100)
	w.confirmWrong(p, 2)
	w.must(bank.Payer, bank.ResendCode{Payment: p.ID}, nil)
	w.confirmWrong(p, 2)
	last := w.payAt(third, 100)
	w.confirmWrong(last, 1) // the tenth in a row
	problem := w.refused(bankapi.CodeLocked, bank.Payer, bank.ConfirmPayment{Payment: last.ID, Code: w.code(last.ID)})
	if problem.RetryAfter != 1800 {
		t.Errorf("retry after: got %d s", problem.RetryAfter)
	}
	w.refused(bankapi.CodeLocked, w.shop(), w.bank.Keys().NewCreatePayment(w.request(100)))
	w.refused(bankapi.CodeLocked, bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: w.card.ID, Phone: w.phone.ID}})
	w.wait(30*time.Minute + time.Second)
	p = w.payAt(third, 100)
	w.confirmWrong(p, 1) // locks again at once
	w.refused(bankapi.CodeLocked, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
}

// A merchant that types wrong codes itself, however long it goes on, locks out
// nobody but itself.
func TestNoMerchantLocksACard(t *testing.T) {
	w := newWorld(t, withPolicy(unpaced))
	w.confirmWrong(w.pay(100), 5)
	problem := w.refused(bankapi.CodeLocked, w.shop(), w.bank.Keys().NewCreatePayment(w.request(100)))
	if problem.RetryAfter != 1800 {
		t.Errorf("retry after: got %d s", problem.RetryAfter)
	}
	for range 20 {
		w.wait(30 * time.Minute)
		p := w.pay(100)
		w.confirmWrong(p, 1)
		w.refused(bankapi.CodeLocked, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
		w.refused(bankapi.CodeLocked, w.shop(), bank.ResendCode{Payment: p.ID})
	}
	if got := w.storedCard().Failures; got != 5 {
		t.Errorf("the card counts %d wrong codes, want 5", got)
	}
	other := w.newMerchant("Book Shop")
	p := w.payAt(other, 100)
	w.confirmWrong(p, 4) // the payer may still mistype
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)

	w.wait(30 * time.Minute) // a right code clears the merchant's count too
	p = w.pay(100)
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
	w.confirmWrong(w.pay(100), 4)
	w.pay(100)
}

// The code is void for any other payment, and after a resend.
func TestCodeBelongsToOnePayment(t *testing.T) {
	w := newWorld(t)
	first, second := w.pay(100), w.pay(100)
	code := w.code(first.ID)
	if code == w.code(second.ID) {
		t.Fatal("the seed gave two equal codes; choose another")
	}
	w.refused(bankapi.WrongCode, bank.Payer, bank.ConfirmPayment{Payment: second.ID, Code: code})
	w.must(bank.Payer, bank.ResendCode{Payment: first.ID}, nil)
	w.refused(bankapi.WrongCode, bank.Payer, bank.ConfirmPayment{Payment: first.ID, Code: code})
	w.must(bank.Payer, bank.ConfirmPayment{Payment: first.ID, Code: " " + w.code(first.ID)[:3] + "-" + w.code(first.ID)[3:]}, nil)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	code := w.code(p.ID)
	w.wait(180 * time.Second)
	w.refused(bankapi.PaymentExpired, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: code})
	if got := w.payment(p.ID); got.Status != string(bankapi.Expired) {
		t.Errorf("got %s", got.Status)
	}
	// The sweeper does the same for those that nobody asks about, and does
	// nothing to those whose time is not over.
	swept := w.pay(100)
	w.wait(time.Minute)
	alive := w.pay(100).ID
	w.wait(2 * time.Minute)
	w.must(bank.Self, bank.Expire{Payments: []string{swept.ID, alive}}, nil)
	if got := w.payment(swept.ID).Status; got != string(bankapi.Expired) {
		t.Errorf("swept: got %s", got)
	}
	if got := w.payment(alive).Status; got != string(bankapi.AwaitingCode) {
		t.Errorf("alive: got %s", got)
	}
	// Resending prolongs, but not past ten minutes in all.
	p = w.pay(100)
	for range 4 {
		w.wait(170 * time.Second)
		w.do(bank.Payer, bank.ResendCode{Payment: p.ID})
		if got := w.payment(p.ID); got.ExpiresAt > got.CreatedAt+600_000 {
			t.Errorf("a code lives until %d s after its payment was made", (got.ExpiresAt-got.CreatedAt)/1000)
		}
	}
	w.refused(bankapi.WrongState, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
}

func TestPacing(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.pay(100)
	}
	problem := w.refused(bankapi.Paced, w.shop(), w.bank.Keys().NewCreatePayment(w.request(100)))
	if problem.RetryAfter != 30 {
		t.Errorf("retry after: got %d s", problem.RetryAfter)
	}
	// One merchant's flood does not use up another's share.
	other := bank.Actor{Role: bankapi.RoleMerchant, Merchant: w.newMerchant("Book Shop").ID}
	w.must(other, w.bank.Keys().NewCreatePayment(w.request(100)), nil)
	w.wait(30 * time.Second)
	w.pay(100)
	w.refused(bankapi.Paced, w.shop(), w.bank.Keys().NewCreatePayment(w.request(100)))
}

func TestInsufficientFunds(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100_001)
	w.refused(bankapi.InsufficientFunds, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
	if got := w.payment(p.ID); got.Status != string(bankapi.Declined) || got.Reason != string(bankapi.InsufficientFunds) {
		t.Errorf("got %s %s", got.Status, got.Reason)
	}
	p = w.pay(100_000)
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
	w.wantBalance(w.customer, 0, 0)
}

func TestHoldCaptureRelease(t *testing.T) {
	w := newWorld(t)
	manual := func(amount int64) string {
		r := w.request(amount)
		r.Capture = bankapi.CaptureManual
		p := w.payWith(r)
		var held bankapi.Payment
		w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, &held)
		if held.Status != bankapi.Authorized {
			t.Fatalf("got %s", held.Status)
		}
		return p.ID
	}
	part := manual(60_000)
	w.wantBalance(w.customer, 100_000, 60_000)
	p := w.pay(50_000) // what is held cannot be spent
	w.refused(bankapi.InsufficientFunds, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)})
	w.refused(bankapi.Forbidden, bank.Payer, bank.CapturePayment{Payment: part})
	w.refused(bankapi.WrongState, bank.Payer, bank.CancelPayment{Payment: part})
	w.refused(bankapi.Invalid, w.shop(), bank.CapturePayment{Payment: part, Request: bankapi.Capture{Amount: 60_001}})
	w.must(w.shop(), bank.CapturePayment{Payment: part, Request: bankapi.Capture{Amount: 45_000}}, nil)
	w.wantBalance(w.customer, 55_000, 0)
	w.refused(bankapi.WrongState, w.shop(), bank.CapturePayment{Payment: part})

	w.must(w.shop(), bank.CancelPayment{Payment: manual(10_000)}, nil)
	w.wantBalance(w.customer, 55_000, 0)

	forgotten := manual(10_000)
	w.wait(7*24*time.Hour + time.Second)
	w.must(bank.Self, bank.Expire{Payments: []string{forgotten}}, nil)
	w.wantBalance(w.customer, 55_000, 0)
	w.wantBalance(w.merchant.Account, 45_000, 0)
}

func TestRefund(t *testing.T) {
	w := newWorld(t)
	p := w.pay(10_000)
	w.refused(bankapi.WrongState, w.shop(), bank.RefundPayment{Payment: p.ID})
	w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
	w.refused(bankapi.Forbidden, bank.Payer, bank.RefundPayment{Payment: p.ID})
	w.refused(bankapi.Invalid, w.shop(), bank.RefundPayment{Payment: p.ID, Request: bankapi.RefundPayment{Amount: 10_001}})
	w.must(w.shop(), bank.RefundPayment{Payment: p.ID, Request: bankapi.RefundPayment{Amount: 4_000}}, nil)
	w.wantBalance(w.customer, 94_000, 0)
	var back bankapi.Payment
	w.must(w.shop(), bank.RefundPayment{Payment: p.ID}, &back)
	if back.Status != bankapi.Refunded || back.RefundedSum != 10_000 {
		t.Errorf("got %s %d", back.Status, back.RefundedSum)
	}
	w.refused(bankapi.WrongState, w.shop(), bank.RefundPayment{Payment: p.ID})
	w.wantBalance(w.customer, 100_000, 0)
}

// Another merchant's payment does not exist, whatever is asked of it.
func TestMerchantsAreApart(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	thief := bank.Actor{Role: bankapi.RoleMerchant, Merchant: w.newMerchant("Thief").ID}
	for _, op := range []bank.Op{
		bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, bank.CancelPayment{Payment: p.ID}, bank.ResendCode{Payment: p.ID},
		bank.RefundPayment{Payment: p.ID}, bank.CapturePayment{Payment: p.ID},
	} {
		w.refused(bankapi.NotFound, thief, op)
		w.refused(bankapi.NotFound, bank.PhoneActor(w.phone.ID), bank.ConfirmPayment{Payment: p.ID})
	}
	for _, op := range []bank.Op{
		bank.CreateAccount{}, bank.CreateTransfer{}, bank.CreateMerchant{}, bank.IssueCard{}, bank.InvitePhone{},
		bank.Bind{}, bank.RevokeKey{}, bank.SetCardStatus{}, bank.CreateKey{},
	} {
		for _, actor := range []bank.Actor{thief, bank.Payer, bank.PhoneActor(w.phone.ID)} {
			if a := w.do(actor, op); a.Reason != bankapi.Forbidden {
				t.Errorf("%T by %s: got %q", op, actor.Role, a.Reason)
			}
		}
	}
}
