package bankhttp_test

import (
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// dispatched is the newest message about a payment or binding.
func (w *world) dispatched(subject string) bank.Dispatch {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.outbox) - 1; i >= 0; i-- {
		if w.outbox[i].Subject == subject {
			return w.outbox[i]
		}
	}
	w.t.Fatalf("nothing was sent for %s", subject)
	return bank.Dispatch{}
}

// code opens what the bank has sent, as phone and card would together.
func (w *world) code(subject string) string {
	w.t.Helper()
	d := w.dispatched(subject)
	card, phone, id := raw(w.t, ident.Card, d.Card), raw(w.t, ident.Phone, d.Phone), raw(w.t, ident.Dispatch, d.ID)
	body := d.Body
	if bankapi.DispatchKind(d.Kind) == bankapi.DispatchPair {
		opened, err := dyncode.NewBox(dyncode.PhoneKey(w.keys.PhoneTransport, phone), phone).Open(card, id, body)
		if err != nil {
			w.t.Fatal(err)
		}
		pairing, err := bankapi.ParsePairing(opened)
		if err != nil {
			w.t.Fatal(err)
		}
		body = pairing.BankPart
	}
	part, err := dyncode.ParseBankPart(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if body, err = w.seal(card).Open(nil, dyncode.CardSealed, id, part); err != nil {
		w.t.Fatal(err)
	}
	c, err := dyncode.ParseContent(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(c.Code)
}

func (w *world) seal(card ident.Raw) dyncode.Inner {
	return dyncode.NewInner(dyncode.CardKey(w.keys.IssuerMaster, card), card)
}

// wrong is a code that is not the payment's.
func (w *world) wrong(payment string) string {
	w.t.Helper()
	code := []byte(w.code(payment))
	code[0] = '0' + (code[0]-'0'+1)%10
	return string(code)
}

// shows lets the card answer that it shows the newest code.
func (w *world) shows(payment string) {
	w.t.Helper()
	d := w.dispatched(payment)
	answer := w.seal(raw(w.t, ident.Card, d.Card)).AppendReceipt(nil, dyncode.Receipt{
		Result: dyncode.Shown, Message: raw(w.t, ident.Dispatch, d.ID), Counter: d.Counter,
	})
	w.report(d, answer)
}

func (w *world) report(d bank.Dispatch, answer []byte) {
	w.t.Helper()
	op := bank.Report{Report: bankapi.Report{Dispatch: d.ID, Answer: answer}}
	if a, err := w.bank.Do(w.t.Context(), bank.Call{Op: op, Actor: bank.PhoneActor(d.Phone)}); err != nil || !a.OK() {
		w.t.Fatal(err, string(a.Body))
	}
}

func raw(t testing.TB, kind ident.Kind, id string) ident.Raw {
	t.Helper()
	r, err := ident.Parse(kind, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
