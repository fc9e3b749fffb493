package pos

import (
	"context"
	"errors"
	"fmt"

	"sotto/link"
)

// Tap takes one payment: it waits for a chip until ctx ends, and goes with it
// through everything up to the outcome. An error means that the terminal itself
// could not do its work, or that no chip came; whatever a chip does is a Result.
//
// After TryAgain, call it again with the same sale.
func (t *Terminal) Tap(ctx context.Context, sale Sale) (Result, error) {
	if err := t.settings.checkSale(sale); err != nil {
		return Result{}, err
	}
	t.taps.Lock()
	defer t.taps.Unlock()
	if e, ok := t.book.paid(sale.Order); ok {
		return t.alreadyPaid(sale, e)
	}
	x, err := t.newTransaction(sale)
	if err != nil {
		return Result{}, err
	}
	if x.chip, err = t.activate(ctx); err != nil {
		return Result{}, err
	}
	defer x.chip.link.Close()
	x.chipTime = func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, t.settings.ChipTimeMax) }
	x.bankTime = func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, t.settings.BankTimeMax) }
	chip, cancel := x.chipTime()
	defer cancel()
	return x.result(x.pay(chip))
}

func (t *Terminal) alreadyPaid(sale Sale, e Entry) (Result, error) {
	if e.Receipt.Amount != sale.Amount {
		return Result{}, errors.New("pos: this order was paid before, with another amount: give the new sale another number")
	}
	t.trace.step("This order was paid before; nothing is debited.")
	receipt := e.Receipt
	return Result{Outcome: Approved, Reason: AlreadyPaid, Receipt: &receipt, Label: receipt.Label}, nil
}

// pay goes through the steps. How it ended is the error.
func (x *transaction) pay(ctx context.Context) error {
	combinations := x.settings.preprocess(x.sale.Amount.Minor, x.online())
	if err := x.recoverTorn(ctx); err != nil {
		return err
	}
	if x.contact() {
		return x.payContact(ctx)
	}
	if !anyAllowed(combinations) { // EMV Contactless Book B, 3.1.1, 13
		return end(AboveLimit)
	}
	list, err := x.findCandidates(ctx, combinations)
	if err != nil {
		return err
	}
	return x.tryAll(ctx, list, x.kernel)
}

func (x *transaction) contact() bool { return x.chip.link.Interface() == link.Contact }

// result makes a result of how it ended.
func (x *transaction) result(ended error) (Result, error) {
	var s stop
	if !errors.As(ended, &s) {
		if ended == nil {
			ended = errors.New("a tap has ended without an outcome")
		}
		return Result{}, fmt.Errorf("pos: tap: %w", ended)
	}
	r := Result{
		Outcome: s.reason.Outcome(), Reason: s.reason, Status: s.status,
		Interface: x.chip.link.Interface(), AID: x.aid, Label: x.label, Found: x.found,
	}
	if x.receipt.Terminal != "" && (r.Outcome == Approved || r.Outcome == Declined) {
		receipt := x.receipt
		receipt.Approved, receipt.Reason = r.Outcome == Approved, s.reason
		r.Receipt = &receipt
	}
	x.trace.end(r)
	return r, nil
}
