package bank_test

import (
	"bytes"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

func (w *world) binding(id string) bank.Binding {
	w.t.Helper()
	b, err := w.store.Binding(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) storedCard() bank.Card {
	w.t.Helper()
	c, err := w.store.Card(w.t.Context(), w.card.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// A new phone takes the place of the old one only when the payer has typed the
// code from the card, and its binding is active with the first payment message
// that the card accepts.
func TestRebind(t *testing.T) {
	w := newWorld(t)
	old := w.storedCard().Binding
	second := w.newPhone("A new phone", 2)
	b := w.bind(second)
	d := w.dispatched(b.ID)
	c := w.content(d)
	if d.Phone != second.ID || string(c.PhoneName) != "A new phone" || c.Phone != raw(t, ident.Phone, second.ID) ||
		len(c.Pairing) != 32 || !bytes.Equal(c.KeySource, bytes.Repeat([]byte{2}, 32)) {
		t.Errorf("the binding message says %q to %s", c.PhoneName, d.Phone)
	}
	w.report(d, w.receipt(d, dyncode.Bound))
	if got := w.binding(b.ID); got.Status != string(bankapi.BindingPending) || got.Delivery != string(bankapi.DeliveryOnCard) {
		t.Errorf("a receipt alone made it %s, %s", got.Status, got.Delivery)
	}
	if p := w.pay(100); w.dispatched(p.ID).Phone != w.phone.ID {
		t.Error("an unconfirmed binding is used already")
	}
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: string(c.Code)}, nil)
	if got := w.binding(old).Status; got != string(bankapi.BindingRevoked) {
		t.Errorf("the old binding is %s", got)
	}
	p := w.pay(100)
	d = w.dispatched(p.ID)
	if d.Phone != second.ID || w.binding(b.ID).Status != string(bankapi.BindingConfirmed) {
		t.Errorf("sent to %s, binding %s", d.Phone, w.binding(b.ID).Status)
	}
	w.report(d, w.receipt(d, dyncode.Shown))
	if got := w.binding(b.ID).Status; got != string(bankapi.BindingActive) {
		t.Errorf("after the first receipt: %s", got)
	}
}

func TestBindingCodeAttemptsAndExpiry(t *testing.T) {
	w := newWorld(t)
	before := w.storedCard().Binding
	b := w.bind(w.newPhone("A new phone", 2))
	for range 4 {
		w.refused(bankapi.WrongCode, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.wrong(b.ID)})
	}
	w.refused(bankapi.TooManyAttempts, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.wrong(b.ID)})
	w.refused(bankapi.WrongState, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.code(b.ID)})

	late := w.bind(w.newPhone("A late phone", 3))
	w.wait(10 * time.Minute)
	w.refused(bankapi.PaymentExpired, bank.Issuer, bank.ConfirmBinding{Binding: late.ID, Code: w.code(late.ID)})
	if got := w.storedCard(); got.Binding != before || got.Failures != 5 {
		t.Errorf("binding %s, %d failures", got.Binding, got.Failures)
	}
	// A code for a binding is none for a payment, and its failures count for
	// the card.
	w.refused(bankapi.NotFound, bank.Issuer, bank.ConfirmBinding{Binding: "bind_nothing", Code: "123456"})
}

func TestRevokeBinding(t *testing.T) {
	w := newWorld(t)
	id := w.storedCard().Binding
	w.must(bank.Issuer, bank.RevokeBinding{Binding: id}, nil)
	d := w.dispatched(id)
	if bankapi.DispatchKind(d.Kind) != bankapi.DispatchRelease || w.content(d).Kind != dyncode.Release {
		t.Error("the card is not told")
	}
	w.report(d, w.receipt(d, dyncode.Released))
	w.refused(bankapi.CardUnbound, w.shop(), w.bank.Keys().NewCreatePayment(w.request(100)))
	w.refused(bankapi.WrongState, bank.Issuer, bank.RevokeBinding{Binding: id})
}

// Only the card's own receipt for this very message counts.
func TestReportsThatProveNothing(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	d := w.dispatched(p.ID)
	good := w.receipt(d, dyncode.Shown)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	other := d
	other.Counter++
	foreign := d
	foreign.Card = ident.Make(ident.Card, 7, [10]byte{7})
	for name, answer := range map[string][]byte{
		"empty": {}, "garbage": []byte("hello"), "flipped": flipped, "another counter": w.receipt(other, dyncode.Shown),
		"another card": w.receipt(foreign, dyncode.Shown), "another result": w.receipt(d, dyncode.Bound),
		"no MAC":              dyncode.AppendBareReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: raw(t, ident.Dispatch, d.ID), Counter: d.Counter}),
		"refusal of another":  dyncode.Refusal{Reason: dyncode.RefusedSeal, Message: raw(t, ident.Phone, w.phone.ID)}.Append(nil),
		"receipt of a former": w.receipt(w.dispatched(w.storedCard().Binding), dyncode.Bound),
	} {
		w.report(d, answer)
		if got := w.payment(p.ID).Delivery; got != string(bankapi.DeliverySending) {
			t.Fatalf("%s: delivery is %s", name, got)
		}
	}
	stranger := w.newPhone("Stranger", 4)
	w.must(bank.PhoneActor(stranger.ID), bank.Report{Report: bankapi.Report{Dispatch: d.ID, Answer: good}}, nil)
	if got := w.payment(p.ID).Delivery; got != string(bankapi.DeliverySending) {
		t.Error("another phone reported it")
	}
	refusal := dyncode.Refusal{Reason: dyncode.RefusedCounter, Message: raw(t, ident.Dispatch, d.ID)}
	w.report(d, refusal.Append(nil))
	if got := w.payment(p.ID).Delivery; got != string(bankapi.DeliveryFailed) {
		t.Errorf("a refusal left it %s", got)
	}
	w.report(d, good) // too late, and twice: the dispatch is gone
	w.report(d, good)
}

// Each code has a higher counter and another message id, and neither leads to
// the payment.
func TestCountersRise(t *testing.T) {
	w := newWorld(t)
	last := w.storedCard().Counter
	seen := map[string]bool{}
	for range 5 {
		p := w.pay(100)
		d := w.dispatched(p.ID)
		if d.Counter <= last || d.Counter < uint64(w.now().UnixMilli())<<20 || seen[d.ID] || d.ID[4:] == p.ID[4:] {
			t.Errorf("counter %d after %d, id %s", d.Counter, last, d.ID)
		}
		last, seen[d.ID] = d.Counter, true
	}
}

func TestEnrolment(t *testing.T) {
	w := newWorld(t)
	mac := []byte("ticket")
	source := bytes.Repeat([]byte{5}, 32)
	w.refused(bankapi.Forbidden, bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UX", BoxKey: source, KeySource: source})
	w.must(bank.Issuer, bank.InvitePhone{InvitePhone: bankapi.InvitePhone{Name: "x"}, TicketMAC: mac}, nil)
	w.refused(bankapi.Invalid, bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UX", BoxKey: source, KeySource: source[:31]})
	w.refused(bankapi.Duplicate, bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "U1", BoxKey: source, KeySource: source})
	w.must(bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UX", BoxKey: source, KeySource: source}, nil)
	w.must(bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UX", BoxKey: source, KeySource: source}, nil) // the answer was lost
	// Who has ticket and public key, but not the phone's box key, gets nothing.
	w.refused(bankapi.Forbidden, bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UX", BoxKey: bytes.Repeat([]byte{6}, 32), KeySource: source})
	w.refused(bankapi.Forbidden, bank.Self, bank.EnrolPhone{TicketMAC: mac, PublicKey: "UY", BoxKey: source, KeySource: source})
}

func TestIssuingCards(t *testing.T) {
	w := newWorld(t)
	issue := func(change func(*bankapi.IssueCard)) bank.IssueCard {
		r := bankapi.IssueCard{Account: w.customer, PAN: "4000000000000002", Holder: "LI WEI"}
		change(&r)
		return w.bank.Keys().NewIssueCard(r)
	}
	w.refused(bankapi.Duplicate, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.PAN = testPAN }))
	w.refused(bankapi.Invalid, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.PAN = "4000000000000003" }))
	w.refused(bankapi.Invalid, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.Profile = "none" }))
	w.refused(bankapi.Invalid, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.Language = "fr" }))
	w.refused(bankapi.Invalid, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.Holder = "\x1b[2J" }))
	w.refused(bankapi.Invalid, bank.Issuer, issue(func(r *bankapi.IssueCard) { r.Account = w.merchant.Account }))
	w.must(bank.Issuer, issue(func(*bankapi.IssueCard) {}), nil)
}

// A receipt for a code that was sealed under the binding before, for the same
// phone, does not make the new one active; that of the next code does.
func TestRebindingTheSamePhoneIsProvedAnew(t *testing.T) {
	w := newWorld(t)
	before := w.dispatched(w.pay(100).ID)
	shown := w.receipt(before, dyncode.Shown)
	b := w.bind(w.phone)
	d := w.dispatched(b.ID)
	w.report(d, w.receipt(d, dyncode.Bound))
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: string(w.content(d).Code)}, nil)
	w.report(before, shown)
	if got := w.binding(b.ID).Status; got != string(bankapi.BindingConfirmed) {
		t.Errorf("after a receipt from before: %s", got)
	}
	next := w.dispatched(w.pay(200).ID)
	w.report(next, w.receipt(next, dyncode.Shown))
	if got := w.binding(b.ID).Status; got != string(bankapi.BindingActive) {
		t.Errorf("after the next receipt: %s", got)
	}
}
