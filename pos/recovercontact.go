package pos

import (
	"context"

	"sotto/emv"
)

// recoverContact is about an offline approval over contacts whose answer was not
// heard. The log has its counter and cryptogram, and not the signature that
// would prove them here. The bank can check a cryptogram: it is asked to post the
// payment now, and what it posts is approved.
//
// What the bank needs besides is in 9F10, and the log does not have that either.
// A chip tells it in any cryptogram: one is asked for that ends a transaction
// before it has begun (AAC), and which differs in one field.
func (x *transaction) recoverContact(ctx context.Context, e Entry, l logged, selected []byte) error {
	x.trace.step("The chip's log has " + e.Receipt.Reference + ", a debit over contacts; the bank is to say whether it is genuine.")
	err := end(Unproved)
	if e.State == Found || x.contact() && x.online() {
		err = x.postTorn(ctx, e, l, selected)
	}
	if isStop(err, Unproved) && !x.mine(e) {
		return nil // it stays in the journal
	}
	return err
}

// postTorn has the bank post a torn tap, and takes it as paid if the bank does.
func (x *transaction) postTorn(ctx context.Context, e Entry, l logged, selected []byte) (err error) {
	if e.State == Open {
		if e, err = x.completed(ctx, e, l, selected); err != nil {
			return err
		}
	}
	x.batches.Lock()
	defer x.batches.Unlock()
	bank, cancel := x.bankTime()
	defer cancel()
	var done Uploaded
	if err := x.post(bank, e.Batch, []Entry{e}, &done); err != nil {
		x.trace.step("The bank does not answer; it will be asked again.")
		return end(Unproved)
	}
	posted, ok := x.book.entry(e.Number)
	if !ok || posted.State != Posted {
		x.trace.step("The bank does not confirm it.")
		return end(Unproved)
	}
	return x.recovered(e, posted)
}

// completed is an open entry with the cryptogram of the log, written down before
// the bank is asked: from now on Upload asks too.
func (x *transaction) completed(ctx context.Context, e Entry, l logged, selected []byte) (Entry, error) {
	iad, err := x.fieldsOf(ctx, e, selected)
	if err != nil {
		return Entry{}, err
	}
	chip := *e.Chip
	chip.AC, chip.IAD, chip.CID = l.ac, iad, emv.TC
	chip.Input.ATC, chip.Input.CVN, chip.Input.CVR = l.atc, iad.CVN, iad.CVR
	e.State, e.Chip = Found, &chip
	e.Receipt.AC, e.Receipt.ATC = hexOf(l.ac[:]), int(l.atc)
	return x.book.set(e)
}

// fieldsOf has the application make a cryptogram, for what stands in 9F10 beside
// it: as it stood beside the approval.
func (x *transaction) fieldsOf(ctx context.Context, e Entry, selected []byte) (emv.IAD, error) {
	if err := x.enter(candidate{aid: e.Chip.AID}, selected); err != nil {
		return emv.IAD{}, err
	}
	if _, err := x.begin(ctx); err != nil {
		return emv.IAD{}, err
	}
	if !x.card.pan.Equal(e.Chip.PAN) {
		return emv.IAD{}, end(Unproved)
	}
	list, err := x.list(emv.TagCDOL1)
	if err != nil {
		return emv.IAD{}, err
	}
	c, err := x.generate(ctx, emv.AAC, false, list, x.fill(list))
	if err != nil {
		return emv.IAD{}, err
	}
	c.iad.CVR |= emv.CVRFirstTC
	c.iad.IDD = nil
	return c.iad, nil
}
