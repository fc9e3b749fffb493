package bank_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// All texts at their limits, in letters of several bytes, reach the card whole
// in every profile, and no message is larger than the bus carries.
func TestLongestTexts(t *testing.T) {
	fill := func(n int) string { return strings.Repeat("龍", n/3) + "éé"[:n%3/2*2] + strings.Repeat("x", n%3%2) }
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain} {
		t.Run(profile.String(), func(t *testing.T) {
			w := newWorld(t, withProfile(profile))
			w.merchant = w.newMerchant(fill(100))
			r := w.request(999_999_999_999)
			r.Payee, r.Order, r.Description, r.ReturnURL = fill(200), fill(64), fill(200), "https://x/"+strings.Repeat("y", 490)
			p := w.payWith(r)
			d := w.dispatched(p.ID)
			c := w.content(d)
			if string(c.Payee) != r.Payee || string(c.Platform) != fill(100) || string(c.Order) != r.Order || string(c.Description) != r.Description || len(c.Code) != 8 {
				t.Error("the card gets other texts")
			}
			if wire, err := d.Wire(); err != nil || len(wire) > bankapi.MessageMax {
				t.Errorf("a message of %d bytes: %v", len(wire), err)
			}
			b := w.bind(w.newPhone(fill(64), 2))
			if wire, err := w.dispatched(b.ID).Wire(); err != nil || len(wire) > bankapi.MessageMax {
				t.Errorf("a message of %d bytes: %v", len(wire), err)
			}
			for field, spoil := range map[string]func(*bankapi.CreatePayment){
				"payee":       func(r *bankapi.CreatePayment) { r.Payee = fill(201) },
				"order":       func(r *bankapi.CreatePayment) { r.Order = fill(65) },
				"description": func(r *bankapi.CreatePayment) { r.Description = fill(201) },
				"return_url":  func(r *bankapi.CreatePayment) { r.ReturnURL += "y" },
			} {
				more := r
				spoil(&more)
				if got := w.refused(bankapi.Invalid, w.shop(), w.bank.Keys().NewCreatePayment(more)); got.Field != field {
					t.Errorf("%s: the bank complains of %s", field, got.Field)
				}
			}
		})
	}
}

// No id, however it looks, makes an op fail: every one is told that there is no
// such thing.
func TestIdsThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	for _, id := range []string{
		"", "x", "\x00", "pay_\x00", "\xff\xfe", "|", strings.Repeat("a", 70_000), "'; DROP TABLE card; --", p.ID, p.ID + " ",
		strings.ToLower(p.ID), w.customer, ident.Make(ident.Payment, 1, [10]byte{}), ident.Make(ident.Card, 1, [10]byte{}),
		ident.Make(ident.Binding, 1, [10]byte{}), ident.Make(ident.Dispatch, 1, [10]byte{}),
	} {
		foreign := bank.Actor{Role: bankapi.RoleMerchant, Merchant: id}
		for _, c := range []struct {
			actor bank.Actor
			op    bank.Op
		}{
			{foreign, bank.ConfirmPayment{Payment: id, Code: "123456"}}, {foreign, bank.ResendCode{Payment: id}},
			{foreign, bank.CancelPayment{Payment: id}}, {foreign, bank.CapturePayment{Payment: id}}, {foreign, bank.RefundPayment{Payment: id}},
			{foreign, w.bank.Keys().NewCreatePayment(w.request(100))}, {foreign, bank.DeleteWebhook{Webhook: id}},
			{foreign, bank.CreateWebhook{CreateWebhook: bankapi.CreateWebhook{URL: id}}},
			{w.shop(), w.bank.Keys().NewCreatePayment(bankapi.CreatePayment{Card: id + "_", Amount: 1, Currency: "CNY"})},
			{w.shop(), bank.DeleteWebhook{Webhook: id}},
			{bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: id, Phone: w.phone.ID}}},
			{bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: w.card.ID, Phone: id}}},
			{bank.Issuer, bank.ConfirmBinding{Binding: id, Code: "123456"}}, {bank.Issuer, bank.RevokeBinding{Binding: id}},
			{bank.Issuer, bank.RevokePhone{Phone: id}}, {bank.Issuer, bank.RevokeKey{Key: id}}, {bank.Issuer, bank.CreateKey{Merchant: id + "_"}},
			{bank.Issuer, bank.SetCardStatus{Card: id + "_", Status: bankapi.CardBlocked}},
			{bank.Issuer, bank.SetCardStatus{Card: w.card.ID, Status: bankapi.CardStatus(id)}}, {bank.Issuer, bank.Personalize{Card: id + "_"}},
			{bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: id, Credit: w.customer, Amount: 1, Currency: "CNY"}}},
			{bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: w.customer, Credit: id, Amount: 1, Currency: "CNY"}}},
			{bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: w.customer, Credit: w.internal, Amount: 1, Currency: id}}},
			{bank.Issuer, w.bank.Keys().NewIssueCard(bankapi.IssueCard{Account: id, PAN: id, Holder: id})},
			{bank.Issuer, bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: "x", Currency: id}}},
			{bank.Self, bank.EnrolPhone{TicketMAC: []byte(id), PublicKey: id, BoxKey: make([]byte, 32), KeySource: make([]byte, 32)}},
			{bank.Self, bank.EnrolPhone{TicketMAC: []byte("x"), BoxKey: make([]byte, 32), KeySource: make([]byte, 32)}},
		} {
			if a := w.do(c.actor, c.op); a.OK() || a.Reason == bankapi.Internal {
				t.Errorf("%T of %.20q by %.30q: %s", c.op, id, c.actor, a.Body)
			}
		}
		if id != p.ID {
			w.must(bank.Self, bank.Expire{Payments: []string{id}, Bindings: []string{id}}, nil)
		}
		w.must(bank.Self, bank.Forget{Idempotency: []string{id}, Dispatches: []string{id}}, nil)
		w.must(bank.Self, bank.AdvanceWebhook{Webhook: id}, nil)
		w.must(bank.PhoneActor(id), bank.Report{Report: bankapi.Report{Dispatch: id, Answer: []byte(id)}}, nil)
	}
	w.wantBalance(w.customer, 100_000, 0)
}

// The bank's own work is the bank's alone.
func TestOnlyTheBankSweeps(t *testing.T) {
	w := newWorld(t)
	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.Issuer, bank.PhoneActor(w.phone.ID)} {
		for _, op := range []bank.Op{bank.Expire{}, bank.Forget{}, bank.AdvanceWebhook{}} {
			w.refused(bankapi.Forbidden, actor, op)
		}
	}
}

// A binding to a phone that was revoked meanwhile, or of a card that was
// blocked, does not take the place of the one in use.
func TestBindingThatCameTooLate(t *testing.T) {
	w := newWorld(t)
	second := w.newPhone("A new phone", 2)
	b, in := w.bind(second), w.storedCard().Binding
	w.must(bank.Issuer, bank.SetCardStatus{Card: w.card.ID, Status: bankapi.CardBlocked}, nil)
	w.refused(bankapi.CardBlockedNow, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.code(b.ID)})
	w.must(bank.Issuer, bank.SetCardStatus{Card: w.card.ID, Status: bankapi.CardActive}, nil)
	w.must(bank.Issuer, bank.RevokePhone{Phone: second.ID}, nil)
	w.refused(bankapi.PhoneUnavailable, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.code(b.ID)})
	if got := w.storedCard(); got.Binding != in || got.Phone != w.phone.ID {
		t.Errorf("the card is bound to %s", got.Phone)
	}
	if got := w.binding(b.ID); got.Status != string(bankapi.BindingFailed) || got.CodeMAC != nil {
		t.Errorf("the new binding is %s", got.Status)
	}
	w.pay(100)
}

// Of two bindings under way each has its own code, and the one that is confirmed
// last is in use.
func TestTwoBindingsAtOnce(t *testing.T) {
	w := newWorld(t)
	first, second := w.bind(w.newPhone("First", 2)), w.bind(w.newPhone("Second", 3))
	w.refused(bankapi.WrongCode, bank.Issuer, bank.ConfirmBinding{Binding: first.ID, Code: w.code(second.ID)})
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: second.ID, Code: w.code(second.ID)}, nil)
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: first.ID, Code: w.code(first.ID)}, nil)
	if w.storedCard().Binding != first.ID || w.binding(second.ID).Status != string(bankapi.BindingRevoked) {
		t.Errorf("in use: %+v", w.storedCard())
	}
	third := w.bind(w.newPhone("Third", 4))
	w.must(bank.Issuer, bank.RevokeBinding{Binding: third.ID}, nil)
	w.refused(bankapi.WrongState, bank.Issuer, bank.ConfirmBinding{Binding: third.ID, Code: w.code(third.ID)})
	if w.storedCard().Binding != first.ID {
		t.Error("revoking a binding that was not in use has ended the one that is")
	}
}

// A message that was on its way through the old phone does not prove the new
// one.
func TestOldPhoneProvesNothing(t *testing.T) {
	w := newWorld(t)
	old := w.dispatched(w.pay(100).ID)
	b := w.bind(w.newPhone("A new phone", 2))
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.code(b.ID)}, nil)
	w.report(old, w.receipt(old, dyncode.Shown))
	if got := w.binding(b.ID).Status; got != string(bankapi.BindingConfirmed) {
		t.Errorf("the new binding is %s", got)
	}
}

// Whoever can write to the database, but not make the code, cannot lead the
// money elsewhere, nor change what the payer has seen.
func TestCodeIsVoidForAnAlteredRow(t *testing.T) {
	for _, c := range []struct {
		column, value string
		want          bankapi.Reason
	}{
		{"amount", "1", bankapi.WrongCode},
		{"payee", "'Thief'", bankapi.WrongCode},
		{"merchant_account", "payer", bankapi.WrongCode},
		{"payer", "merchant_account", bankapi.WrongCode},
		{"description", "'another'", ""}, // the control: that is no part of it
	} {
		t.Run(c.column, func(t *testing.T) {
			w := newWorld(t)
			p := w.pay(100)
			b := w.reopened(w.tampered(t, "UPDATE payment SET "+c.column+" = "+c.value))
			defer b.Close()
			a, err := b.Do(t.Context(), bank.Call{Op: bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, Actor: bank.Payer})
			if err != nil || a.Reason != c.want {
				t.Errorf("got %s, %v", a.Body, err)
			}
		})
	}
}

// Nobody pays from another account, or has codes sent in another form, with a
// card whose row was altered.
func TestAlteredCardPaysNothing(t *testing.T) {
	for change, want := range map[string]bankapi.Reason{
		"account = (SELECT id FROM account WHERE id <> card.account LIMIT 1)": bankapi.CardBlockedNow,
		"profile = 'plain'": bankapi.CardBlockedNow,
		"holder = 'X'":      "", // the control
	} {
		w := newWorld(t)
		b := w.reopened(w.tampered(t, "UPDATE card SET "+change))
		a, err := b.Do(t.Context(), bank.Call{Op: b.Keys().NewCreatePayment(w.request(100)), Actor: w.shop()})
		if err != nil || a.Reason != want {
			t.Errorf("%s: got %s, %v", change, a.Body, err)
		}
		b.Close()
	}
}

// reopened is a bank on another store.
func (w *world) reopened(store bank.Store) *bank.Bank {
	w.t.Helper()
	b, err := bank.Open(w.t.Context(), bank.Config{
		Store: store, Keys: w.keys, Policy: bank.DefaultPolicy(), Now: w.now,
		Random: rand.NewChaCha8([32]byte{1}), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// What merchants, payers and the sweeper do to one payment at the same time
// happens in some order: the money moves once, and every answer fits the end.
func TestEverythingAtOnceOnOnePayment(t *testing.T) {
	for round := range 20 {
		w := newWorld(t)
		r := w.request(1_000)
		if round%2 == 1 {
			r.Capture = bankapi.CaptureManual
		}
		p := w.payWith(r)
		code := w.code(p.ID)
		var mu sync.Mutex
		done := map[string]int64{}
		try := func(name string, amount int64, actor bank.Actor, op bank.Op) {
			if w.do(actor, op).OK() {
				mu.Lock()
				done[name] += amount
				mu.Unlock()
			}
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() { try("confirm", 1, bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: code}) })
			all.Go(func() {
				try("capture", 600, w.shop(), bank.CapturePayment{Payment: p.ID, Request: bankapi.Capture{Amount: 600}})
			})
			all.Go(func() {
				try("refund", 250, w.shop(), bank.RefundPayment{Payment: p.ID, Request: bankapi.RefundPayment{Amount: 250}})
			})
			all.Go(func() { w.do(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.wrong(p.ID)}) })
			all.Go(func() { w.must(bank.Self, bank.Expire{Payments: []string{p.ID}}, nil) })
		}
		all.Go(func() { try("cancel", 1, w.shop(), bank.CancelPayment{Payment: p.ID}) })
		all.Wait()
		end := w.payment(p.ID)
		moved := int64(0)
		switch {
		case r.Capture == bankapi.CaptureManual:
			moved = done["capture"]
		case done["confirm"] == 1:
			moved = 1_000
		}
		if done["confirm"] > 1 || done["capture"] > 600 || done["cancel"] > 1 || moved > 0 && done["cancel"] > 0 ||
			end.Captured != moved || end.Refunded != done["refund"] || end.Refunded > end.Captured {
			t.Errorf("round %d: %v, and %+v", round, done, end)
		}
		held := int64(0)
		if end.Status == string(bankapi.Authorized) {
			held = 1_000
		}
		w.wantBalance(w.customer, 100_000-moved+done["refund"], held)
		w.wantBalance(w.merchant.Account, moved-done["refund"], 0)
	}
}

// The audit finds nothing wrong with a bank that is at work meanwhile.
func TestAuditOfABankAtWork(t *testing.T) {
	w := newWorld(t, withPolicy(func(p *bank.Policy) { p.PairInterval, p.CardInterval = 0, 0 }))
	end := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				p := w.pay(10)
				w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
				w.must(w.shop(), bank.RefundPayment{Payment: p.ID}, nil)
				w.must(bank.Issuer, bank.SetCardStatus{Card: w.card.ID, Status: bankapi.CardActive}, nil)
			}
		}
	})
	for until := time.Now().Add(500 * time.Millisecond); time.Now().Before(until); {
		w.verify()
	}
	close(end)
	all.Wait()
}

// What the issuer's station writes into a card is for that card, in its profile.
func TestPersonalization(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain} {
		w := newWorld(t, withProfile(profile))
		w.must(bank.Issuer, bank.Personalize{Card: w.card.ID}, nil)
		data, err := w.bank.Keys().Personalization(w.storedCard())
		if err != nil {
			t.Fatal(err)
		}
		p, err := dyncode.ParsePersonalization(data)
		if err != nil || p.Card != raw(t, ident.Card, w.card.ID) || p.Holder != "LI WEI" || p.Profile != profile {
			t.Errorf("%s: %+v, %v", profile, p, err)
		}
		key := dyncode.CardKey(w.keys.IssuerMaster, p.Card)
		if want := profile != dyncode.Plain; bytes.Equal(p.Key.Reveal(), key.Reveal()) != want {
			t.Errorf("%s: the card's key is there: %v", profile, !want)
		}
	}
}

// Keys are made by the issuer, and once by the bank for itself; each has the
// role of whom it was made for.
func TestCreateKey(t *testing.T) {
	w := newWorld(t)
	draw := func(n byte) bank.NewKey {
		_, key, err := w.bank.Keys().DrawKey(w.now().UnixMilli(), bytes.NewReader(bytes.Repeat([]byte{n}, 100)))
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.PhoneActor(w.phone.ID)} {
		w.refused(bankapi.Forbidden, actor, bank.CreateKey{Key: draw(10)})
	}
	var k bankapi.APIKey
	w.must(bank.Self, bank.CreateKey{Key: draw(11)}, &k)
	if k.Role != bankapi.RoleIssuer || k.Merchant != "" || k.Secret != "" {
		t.Errorf("got %+v", k)
	}
	w.must(bank.Issuer, bank.CreateKey{Merchant: w.merchant.ID, Key: draw(12)}, &k)
	if k.Role != bankapi.RoleMerchant || k.Merchant != w.merchant.ID {
		t.Errorf("got %+v", k)
	}
	w.must(bank.Issuer, bank.RevokeKey{Key: k.ID}, nil)
	w.must(bank.Issuer, bank.RevokeKey{Key: k.ID}, &k)
	if _, ok, err := w.bank.NewGate().Enter(t.Context(), secret.New([]byte("sk_x"))); ok || err != nil || k.RevokedAt == 0 {
		t.Errorf("got %+v, %v, %v", k, ok, err)
	}
}
