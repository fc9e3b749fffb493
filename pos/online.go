package pos

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/emv"
)

// wantsBank is an ARQC over the air: the application leaves the decision to the
// bank. The chip may be gone when the answer comes, and need not hear it; if it
// is still there it is told, and gets what the bank has for it.
func (x *transaction) wantsBank(ctx context.Context, c cryptogram) error {
	if x.told[emv.TagAFL] != nil {
		afl, err := x.locator()
		if err != nil {
			return err
		}
		if err := x.readRecords(ctx, afl, func() error { return nil }); err != nil {
			return err
		}
	}
	var err error
	if x.card, err = x.readCard(); err != nil {
		return err
	}
	if err := x.wasTold(); err != nil {
		return err
	}
	if !x.online() {
		return end(OfflineOnly)
	}
	if err := x.verifyHolder(); err != nil {
		return err
	}
	a, e, err := x.askBank(c)
	if err != nil {
		x.deliver(a) // a decline may tell the chip what is left
		return err
	}
	if err := x.book.put(e.authorized(x.receipt)); err != nil {
		return err
	}
	x.receipt.Approved, x.receipt.Reason = true, BankApproved
	x.deliver(a)
	return end(BankApproved)
}

func (e Entry) authorized(r Receipt) Entry {
	r.Approved, r.Reason = true, BankApproved
	e.State, e.Receipt, e.Chip = Authorized, r, nil
	return e
}

// answer is what the bank has said.
type answer struct {
	arc        emv.ARC
	issuerAuth []byte
	script     []byte
}

// askBank asks the bank for a decision. The question is in the journal before it
// leaves: if the answer is not heard, for whatever cause and be it a power
// failure here, the bank is told to take it back. It returns without an error if
// the bank approves.
func (x *transaction) askBank(c cryptogram) (answer, Entry, error) {
	x.receipt = x.newReceipt(c)
	chip := x.chipData(c)
	e, err := x.book.add(Entry{State: Asked, Receipt: x.receipt, Chip: &chip})
	if err != nil {
		return answer{}, Entry{}, err
	}
	x.receipt.Reference = e.Receipt.Reference
	x.trace.step("Written down as " + e.Receipt.Reference + ".")
	return x.ask(e)
}

// ask does one authorisation. What comes of it, but for an approval, is in the
// journal when it returns.
func (x *transaction) ask(e Entry) (answer, Entry, error) {
	bank, cancel := x.bankTime()
	defer cancel()
	x.reverseBefore(bank)
	x.trace.step("The bank is asked to decide.")
	said, err := x.authorize(bank, e)
	if batchOver(err) {
		x.trace.step("The bank has settled batch " + strconv.Itoa(e.Batch) + " before: this terminal's identification had another till, or another journal. Another batch is begun.")
		if err := x.leaveBatch(bank, e.Batch); err != nil {
			return answer{}, Entry{}, err
		}
		e.Batch = 0
		if e, err = x.book.set(e); err != nil {
			return answer{}, Entry{}, err
		}
		said, err = x.authorize(bank, e)
	}
	a, err := x.heard(e, said, err)
	return a, e, err
}

// batchOver reports whether the bank has done nothing because the batch is
// settled, or in another currency.
func batchOver(err error) bool {
	p, ok := errors.AsType[*bankapi.Problem](err)
	return ok && p.Reason() == bankapi.WrongState
}

func (x *transaction) authorize(ctx context.Context, e Entry) (bankapi.Authorization, error) {
	return x.o.Acquirer.Authorize(ctx, x.key(e), bankapi.Authorize{
		Terminal: x.settings.Terminal, Batch: e.Batch, Reference: e.Receipt.Reference,
		Amount: e.Receipt.Amount.Minor, Currency: string(e.Receipt.Amount.Currency), ChipData: e.Chip.Hex(),
	})
}

// heard is what comes of the bank's answer, or of none.
func (x *transaction) heard(e Entry, said bankapi.Authorization, err error) (answer, error) {
	if err != nil {
		why, no := clearNo(err)
		if batchOver(err) {
			why, no = bankapi.WrongState, true
		}
		if no {
			x.trace.step("The bank does not take it: " + why.Title() + ".")
			return answer{}, x.without(e, BankDeclined)
		}
		x.trace.step("No answer from the bank: whatever it decided will be reversed.")
		return answer{}, x.reverseLater(e, NoAnswer)
	}
	a, ok := readAnswer(said)
	x.reply = bankReply{a.arc, a.issuerAuth}
	if a.arc != 0 {
		x.receipt.ResponseCode = a.arc.String()
	}
	switch {
	case said.Status == bankapi.TapApproved && ok && a.arc.Approved():
		x.trace.step("The bank approves: " + a.arc.String() + ".")
		return a, nil
	case said.Status == bankapi.TapApproved:
		x.trace.step("The bank's answer contradicts itself; it will be reversed.")
		return answer{}, x.reverseLater(e, NoAnswer)
	}
	x.trace.step("The bank declines.")
	if !ok {
		a = answer{arc: a.arc}
	}
	return a, x.without(e, BankDeclined)
}

// key is the idempotency key of a question: the number in it is fresh.
func (x *transaction) key(e Entry) string {
	return e.Receipt.Reference + "-" + hexOf(x.number[:]) + "-" + strconv.Itoa(e.Batch)
}

// without ends a tap of which nothing is left to do.
func (x *transaction) without(e Entry, why Reason) error {
	if err := x.book.drop(e.Number); err != nil {
		return err
	}
	return end(why)
}

// reverseTimeMax bounds what the reversals of others may cost a payer who waits.
const reverseTimeMax = 2 * time.Second

// reverseBefore tells the bank what it is still to take back, before it is asked
// for more: the money may be what this payment needs. If it does not hear that
// in a moment, it is told later. While an upload is under way, that does it.
func (x *transaction) reverseBefore(ctx context.Context) {
	if len(x.book.in(Reversing)) == 0 || !x.batches.TryLock() {
		return
	}
	defer x.batches.Unlock()
	ctx, cancel := context.WithTimeout(ctx, reverseTimeMax)
	defer cancel()
	if err := x.reverseAll(ctx, new(Uploaded)); err != nil {
		x.trace.step("What is to be reversed has to wait: the bank does not answer.")
		return
	}
	x.trace.step("The bank has heard what was to be reversed.")
}

// reverseLater leaves it to Reverse, Upload or the next question to tell the
// bank.
func (x *transaction) reverseLater(e Entry, why Reason) error {
	e.State = Reversing
	if err := x.book.put(e); err != nil {
		return err
	}
	return end(why)
}

// readAnswer reads the parts of an authorisation that are for the chip.
func readAnswer(said bankapi.Authorization) (a answer, ok bool) {
	arc, err1 := emv.ParseARC([]byte(said.ResponseCode))
	auth, err2 := hex.DecodeString(strings.TrimSpace(said.IssuerAuth))
	script, err3 := hex.DecodeString(strings.TrimSpace(said.Script))
	if err1 != nil {
		return answer{}, false
	}
	return answer{arc: arc, issuerAuth: auth, script: script}, err2 == nil && err3 == nil && len(auth) <= 16
}
