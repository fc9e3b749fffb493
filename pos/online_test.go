package pos_test

import (
	"strings"
	"testing"
	"time"

	"sotto/apdu"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/pos"
)

// Whatever happens to question or answer, the bank ends up with what the till
// said: nothing.
func TestAnAnswerThatIsNotHeardIsReversed(t *testing.T) {
	for _, face := range []link.Interface{link.Contactless, link.Contact} {
		for name, trouble := range map[string]func(*bank){
			"question lost":        func(b *bank) { b.deaf = 1 },
			"answer lost":          func(b *bank) { b.dumb = 1 },
			"answer contradictory": func(b *bank) { b.contrary = true },
			"bank has failed":      func(b *bank) { b.problem = bankapi.OutcomeUnknown },
			"asked before":         func(b *bank) { b.problem = bankapi.Duplicate },
		} {
			w := newWorld(t, nil, newAccount(1, 5_000))
			w.reader.face = face
			trouble(w.bank)
			r := w.ends(yuan(1_234), pos.NoAnswer)
			if r.Outcome != pos.Declined || r.Receipt == nil || r.Receipt.Approved {
				t.Errorf("%s: %+v", name, r)
			}
			w.wantStates(pos.Reversing)
			w.bank.problem, w.bank.contrary = "", false

			w.bank.deaf = 1 // and again
			if _, err := w.Upload(t.Context()); err == nil {
				t.Errorf("%s: a reversal that was not heard is no error", name)
			}
			w.bank.dumb = 1
			if _, err := w.Upload(t.Context()); err == nil {
				t.Errorf("%s: a reversal without an answer is no error", name)
			}
			w.wantStates(pos.Reversing)
			w.start() // nor does a new start forget it
			done, err := w.Upload(t.Context())
			if err != nil || done.Reversed != 1 || len(w.bank.approved) != 0 || len(w.bank.reversed) != 1 {
				t.Errorf("%s: %+v, bank %v, %v: %v", name, done, w.bank.approved, w.bank.reversed, err)
			}
			w.wantStates()
		}
	}
}

// A no of the bank is the end; the chip hears of it, and what is left.
func TestABankThatSaysNo(t *testing.T) {
	for _, face := range []link.Interface{link.Contactless, link.Contact} {
		account := newAccount(1, 5_000)
		w := newWorld(t, nil, account)
		w.reader.face = face
		w.bank.says = emv.ARCInsufficient
		r := w.ends(yuan(1_234), pos.BankDeclined)
		if r.Receipt == nil || r.Receipt.ResponseCode != "51" || r.Receipt.Reason != pos.BankDeclined {
			t.Errorf("%s: receipt %+v", face, r.Receipt)
		}
		if account.heard != 1 || account.balance != 77 {
			t.Errorf("%s: the chip has carried out %d scripts, and knows of %d", face, account.heard, account.balance)
		}
		w.bank.problem = bankapi.NotGenuine
		account.balance = 5_000
		w.ends(yuan(1_234), pos.BankDeclined)
		if account.heard != 1 {
			t.Errorf("%s: a script of a bank that has not answered", face)
		}
		w.wantStates()
	}
}

// Over contacts the chip has the last word: what it does not agree to is taken
// back at the bank.
func TestAChipThatRefusesTheBank(t *testing.T) {
	gacs := 0
	for name, twist := range map[string]func(apdu.Command, apdu.Response) apdu.Response{
		"it does not believe the bank": func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == gac && c.P1 == byte(emv.TC) {
				return good(append([]byte{0x80, 30, 0x00}, r.Data[3:]...))
			}
			return r
		},
		"it fails": func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == gac && c.P1 == byte(emv.TC) {
				gacs++
				return word(apdu.StatusMemoryFailure)
			}
			return r
		},
	} {
		w := contact(newWorld(t, nil, newAccount(1, 5_000)))
		w.fake().twist = twist
		r := w.tap(yuan(1_234))
		if r.Outcome == pos.Approved {
			t.Fatalf("%s: approved", name)
		}
		if _, err := w.Upload(t.Context()); err != nil || len(w.bank.approved) != 0 {
			t.Errorf("%s: bank %v: %v", name, w.bank.approved, err)
		}
		w.wantStates()
	}
	if gacs == 0 {
		t.Error("nothing has failed")
	}
}

// The chip need not be there any more when the bank's answer comes over the air.
func TestAChipThatDoesNotWaitForTheBank(t *testing.T) {
	a := newAccount(1, 5_000)
	w := newWorld(t, nil, a)
	w.reader.cutAt = 5
	w.ends(yuan(1_234), pos.BankApproved)
	if a.heard != 0 || len(w.bank.approved) != 1 {
		t.Errorf("scripts %d, bank %v", a.heard, w.bank.approved)
	}
	w.reader.cutAt = 6 // it has heard the bank, and not the script
	w.ends(yuan(1_234), pos.BankApproved)
	w.wantStates(pos.Authorized, pos.Authorized)
}

// A chip that does not believe the bank gets no script, and the payment stands.
func TestAChipThatDoesNotBelieveGetsNoScript(t *testing.T) {
	a := newAccount(1, 5_000)
	w := newWorld(t, nil, a)
	w.fake().twist = func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == 0x82 {
			return word(apdu.StatusRefused)
		}
		return r
	}
	w.ends(yuan(1_234), pos.BankApproved)
	if a.heard != 0 {
		t.Error("a script was sent")
	}
}

// A terminal that stops while the bank is asked does not know the answer when it
// starts again, and takes it back.
func TestAQuestionThatWasUnderWayIsReversed(t *testing.T) {
	a := newAccount(1, 5_000)
	p := &power{at: 2} // the write after the bank's answer
	w := newWorld(t, nil, a)
	w.journal = p
	w.start()
	if _, err := w.Tap(t.Context(), yuan(1_234)); err == nil {
		t.Fatal("the terminal goes on without its journal")
	}
	if len(w.bank.approved) != 1 {
		t.Fatal("the bank was not asked")
	}
	p.lost, p.at = false, 0
	w.start()
	w.wantStates(pos.Reversing)
	if _, err := w.Upload(t.Context()); err != nil || len(w.bank.approved) != 0 {
		t.Errorf("bank %v: %v", w.bank.approved, err)
	}
}

// hurried is a bank that wants to know how long a reversal may take.
type hurried struct {
	*bank
	t testing.TB
}

func (h hurried) Reverse(ctx contextType, r bankapi.Reverse) (bankapi.TapRecord, error) {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > 2*time.Second {
		h.t.Error("a payer may wait for a reversal of somebody else")
	}
	return h.bank.Reverse(ctx, r)
}

// The bank hears what it is to take back before it is asked for more. If it does
// not, the payment goes on.
func TestAReversalGoesBeforeTheNextQuestion(t *testing.T) {
	w := newWorld(t, nil, newAccount(1, 5_000))
	w.options = func(o *pos.Options) { o.Acquirer = hurried{w.bank, t} }
	w.start()
	w.bank.dumb = 1
	w.ends(yuan(1_234), pos.NoAnswer)
	w.wantStates(pos.Reversing)
	w.bank.deaf = 1
	w.ends(yuan(10), pos.BankApproved)
	w.wantStates(pos.Reversing, pos.Authorized)
	w.ends(yuan(20), pos.BankApproved)
	w.wantStates(pos.Authorized, pos.Authorized)
	if got, want := strings.Join(w.bank.calls, ", "), "authorize, reverse, authorize, reverse, authorize"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(w.bank.approved) != 2 {
		t.Errorf("bank %v", w.bank.approved)
	}
}

// Reverse does it when the payer has gone, and nothing else.
func TestReverse(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000), newAccount(2, 9_000))
	w.ends(yuan(10), pos.OfflineProved)
	w.bank.dumb = 1
	w.ends(yuan(6_000), pos.NoAnswer)
	if done, err := w.Reverse(t.Context()); err != nil || done.Reversed != 1 || len(w.bank.approved) != 0 {
		t.Errorf("%+v: %v", done, err)
	}
	w.wantStates(pos.StateApproved)
}

// What the bank will not take back stands there for somebody to see.
func TestAReversalThatIsRefused(t *testing.T) {
	w := newWorld(t, nil, newAccount(1, 5_000))
	w.bank.dumb = 1
	w.ends(yuan(1_234), pos.NoAnswer)
	w.bank.problem = bankapi.WrongState
	done, err := w.Upload(t.Context())
	if err != nil || len(done.Stuck) != 1 {
		t.Errorf("%+v: %v", done, err)
	}
	w.wantStates(pos.Stuck)
	w.bank.problem = ""
	if settled, err := w.Settle(t.Context()); err != nil || len(settled.Batches) != 1 || settled.Batches[0].Count != 0 {
		t.Errorf("%+v: %v", settled, err)
	}
	w.wantStates(pos.Stuck)
	if err := w.Acknowledge(w.Unpaid()[0].Receipt.Reference); err != nil {
		t.Error(err)
	}
	w.wantStates()
}
