package pos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sotto/bankapi"
	"sotto/emv"
)

// Uploaded is what one Upload has done.
type Uploaded struct {
	Posted   int // taps that will be paid
	Moved    int // taps of a batch that the bank had settled without them: they are of the one at hand now
	Reversed int // authorisations that were taken back
	// Found are taps that were torn and, as the bank now says, are paid: their
	// orders need no other payment.
	Found []Receipt
	// Disputed, Refused and Stuck are what somebody has to look at: taps that
	// the bank keeps without paying, that are not genuine to it, and what it
	// will neither take back nor pay.
	Disputed, Refused, Stuck []Receipt
}

// Upload tells the bank what it does not know: first the reversals, then the
// offline approvals, oldest first, in parts. It may be interrupted at any point
// and called again: nothing is posted twice. An error says that something is
// still to be told; what is done is done.
func (t *Terminal) Upload(ctx context.Context) (Uploaded, error) {
	t.batches.Lock()
	defer t.batches.Unlock()
	var done Uploaded
	return done, t.uploadAll(ctx, &done)
}

// Reverse tells the bank only what it is to take back. It is the part of Upload
// that somebody waits for, whose account was debited for nothing: call it when a
// payer has gone.
func (t *Terminal) Reverse(ctx context.Context) (Uploaded, error) {
	t.batches.Lock()
	defer t.batches.Unlock()
	var done Uploaded
	if !t.online() {
		return done, errOffline
	}
	return done, t.reverseAll(ctx, &done)
}

func (t *Terminal) uploadAll(ctx context.Context, done *Uploaded) error {
	if !t.online() {
		return errOffline
	}
	return errors.Join(t.reverseAll(ctx, done), t.postAll(ctx, done))
}

var errOffline = errors.New("pos: this terminal has no bank to speak to")

// reverseAll takes back what the bank may have decided unheard.
func (t *Terminal) reverseAll(ctx context.Context, done *Uploaded) error {
	for _, e := range t.book.in(Reversing) {
		one, cancel := context.WithTimeout(ctx, t.settings.BankTimeMax)
		_, err := t.o.Acquirer.Reverse(one, bankapi.Reverse{Terminal: t.settings.Terminal, Batch: e.Batch, ChipData: e.Chip.Hex()})
		cancel()
		reason, no := neverReversed(err)
		switch {
		case no: // there is nothing to reverse, or nothing that can be
			e.State, e.Reason, e.Chip = Stuck, reason, nil
			done.Stuck = append(done.Stuck, e.Receipt)
			err = t.book.put(e)
		case err == nil:
			done.Reversed++
			err = t.book.drop(e.Number)
		}
		if err != nil {
			return fmt.Errorf("reverse %s: %w", e.Receipt.Reference, err)
		}
	}
	return nil
}

// neverReversed reports whether a reversal will never be acknowledged.
func neverReversed(err error) (bankapi.Reason, bool) {
	var p *bankapi.Problem
	if errors.As(err, &p) && p.Reason() == bankapi.WrongState {
		return bankapi.WrongState, true // the batch is settled
	}
	return clearNo(err)
}

// postAll uploads what was approved offline, batch by batch.
func (t *Terminal) postAll(ctx context.Context, done *Uploaded) error {
	var failed error
	for _, e := range t.book.in(Found) {
		failed = errors.Join(failed, t.postFound(ctx, e, done))
	}
	waiting := t.book.in(StateApproved)
	slices.SortStableFunc(waiting, func(a, b Entry) int { return a.Batch - b.Batch })
	for len(waiting) > 0 {
		batch := waiting[0].Batch
		n := slices.IndexFunc(waiting, func(e Entry) bool { return e.Batch != batch })
		if n < 0 {
			n = len(waiting)
		}
		part := waiting[:min(n, tapsMax)]
		failed = errors.Join(failed, t.post(ctx, batch, part, done))
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		waiting = waiting[len(part):]
	}
	return failed
}

// post uploads one part. If the bank cannot take it as a whole, it is halved
// until the tap that spoils it stands alone.
func (t *Terminal) post(ctx context.Context, batch int, part []Entry, done *Uploaded) error {
	one, cancel := context.WithTimeout(ctx, t.settings.BankTimeMax)
	said, err := t.o.Acquirer.PostTaps(one, t.upload(batch, part))
	cancel()
	if _, no := clearNo(err); no && len(part) > 1 {
		half := len(part) / 2
		return errors.Join(t.post(ctx, batch, part[:half], done), t.post(ctx, batch, part[half:], done))
	}
	switch {
	case err != nil:
		return fmt.Errorf("upload %s and %d more: %w", part[0].Receipt.Reference, len(part)-1, err)
	case len(said.Results) != len(part):
		return errAnswer
	}
	changed := make([]Entry, 0, len(part))
	for i, e := range part {
		if said.Results[i].Reference != e.Receipt.Reference {
			return errAnswer
		}
		changed = append(changed, t.judgePosted(e, said.Results[i], done))
	}
	return t.putPosted(ctx, batch, changed...)
}

// putPosted writes down what the bank has said to taps of a batch. If it had
// settled that one before, another is begun for them.
func (t *Terminal) putPosted(ctx context.Context, batch int, changed ...Entry) error {
	if slices.ContainsFunc(changed, func(e Entry) bool { return e.Batch == 0 }) {
		if err := t.leaveBatch(ctx, batch); err != nil {
			return err
		}
	}
	return t.book.put(changed...)
}

// leaveBatch goes on behind a batch that the bank has settled, and behind all
// others that it has: they are of a terminal that had this one's identification
// before, or of a journal that was lost.
func (t *Terminal) leaveBatch(ctx context.Context, batch int) error {
	last := batch
	if t.o.LastBatch != nil {
		one, cancel := context.WithTimeout(ctx, t.settings.BankTimeMax)
		defer cancel()
		if n, err := t.o.LastBatch(one); err == nil {
			last = max(last, n)
		}
	}
	return t.book.skip(min(last+1, batchMax))
}

// errAnswer says that an answer of the bank is not about what it was asked.
var errAnswer = errors.New("pos: the bank's answer to an upload is about something else")

func (t *Terminal) upload(batch int, part []Entry) bankapi.PostTaps {
	r := bankapi.PostTaps{Terminal: t.settings.Terminal, Batch: batch, Taps: make([]bankapi.Tap, len(part))}
	for i, e := range part {
		r.Taps[i] = bankapi.Tap{
			Reference: e.Receipt.Reference, Amount: e.Receipt.Amount.Minor, Currency: string(e.Receipt.Amount.Currency),
			ChipData: e.Chip.Hex(),
		}
	}
	return r
}

// judgePosted is an entry with what the bank says of it. With that the card
// number is needed no longer.
func (t *Terminal) judgePosted(e Entry, r bankapi.TapResult, done *Uploaded) Entry {
	switch {
	case r.Status == bankapi.TapRefused && r.Reason == bankapi.WrongState:
		e.Batch = 0 // that batch is settled: it is of the one at hand now
		done.Moved++
		return e
	case r.Status == bankapi.TapPosted:
		e.State = Posted
		done.Posted++
	case r.Status == bankapi.TapDisputed:
		e.State = Disputed
		done.Disputed = append(done.Disputed, e.Receipt)
	default:
		e.State = Refused
		done.Refused = append(done.Refused, e.Receipt)
	}
	e.Reason, e.Chip, e.Proof = r.Reason, nil, nil
	return e
}

// postFound uploads an approval over contacts in all the forms that it may have
// had. What the bank does not post was sold to nobody, and somebody has to look
// at it: the chip says that its holder has paid.
func (t *Terminal) postFound(ctx context.Context, e Entry, done *Uploaded) error {
	forms, asked := e.variants(), e.Batch
	one, cancel := context.WithTimeout(ctx, t.settings.BankTimeMax)
	defer cancel()
	said, err := t.o.Acquirer.PostTaps(one, t.upload(e.Batch, forms))
	switch {
	case err != nil:
		return fmt.Errorf("upload %s: %w", e.Receipt.Reference, err)
	case len(said.Results) != len(forms):
		return errAnswer
	}
	var judged Uploaded
	best := slices.MinFunc(said.Results, func(a, b bankapi.TapResult) int { return rank(a) - rank(b) })
	e = t.judgePosted(e, best, &judged)
	if e.State == Disputed || e.State == Refused {
		e.State = Stuck
		done.Stuck = append(done.Stuck, e.Receipt)
	}
	if e.State == Posted {
		e.Receipt.Approved, e.Receipt.Reason = true, Recovered
		e.Receipt.ResponseCode = emv.ARCOfflineApproved.String()
		done.Posted++
		done.Found = append(done.Found, e.Receipt)
	}
	done.Moved += judged.Moved
	return t.putPosted(ctx, asked, e)
}

// rank puts first what the bank says of the one form that is genuine.
func rank(r bankapi.TapResult) int {
	switch {
	case r.Status == bankapi.TapPosted:
		return 0
	case r.Status == bankapi.TapDisputed:
		return 1
	case r.Reason == bankapi.WrongState:
		return 2
	}
	return 3
}

// Settled is what one Settle has done.
type Settled struct {
	Uploaded
	Batches []bankapi.Batch
}

// Settle closes the batch at hand, so that the next tap is of the next, uploads
// what is missing, and settles every batch that is closed: its totals are
// compared, and the merchant is paid. It may be interrupted and called again.
func (t *Terminal) Settle(ctx context.Context) (Settled, error) {
	t.batches.Lock()
	defer t.batches.Unlock()
	var done Settled
	if !t.online() {
		return done, errOffline
	}
	if err := t.closeUploaded(ctx, &done.Uploaded); err != nil {
		return done, err
	}
	for _, batch := range t.book.toSettle() {
		settled, err := t.settle(ctx, batch)
		if err != nil {
			return done, err
		}
		done.Batches = append(done.Batches, settled...)
	}
	return done, nil
}

// movesMax is how often taps may go over to another batch in one settlement.
const movesMax = 3

// closeUploaded closes the batch at hand and uploads what is missing, again if
// taps went over to another batch meanwhile.
func (t *Terminal) closeUploaded(ctx context.Context, done *Uploaded) error {
	for range movesMax {
		if err := t.book.close(); err != nil {
			return err
		}
		moved := done.Moved
		if err := t.uploadAll(ctx, done); err != nil || done.Moved == moved {
			return err
		}
	}
	return errors.New("pos: the bank takes these taps in no batch: is the merchant's account in this terminal's currency?")
}

// settle settles one batch, if all that is in it has come to an end.
func (t *Terminal) settle(ctx context.Context, batch int) ([]bankapi.Batch, error) {
	r := bankapi.SettleBatch{Terminal: t.settings.Terminal, Batch: batch}
	for _, e := range t.book.in() {
		switch {
		case e.Batch != batch:
		case !e.State.settles():
			return nil, fmt.Errorf("pos: batch %d cannot be settled while %s is %s: upload again", batch, e.Receipt.Reference, e.State)
		default:
			r.Currency = string(e.Receipt.Amount.Currency)
			if e.State.counts() {
				r.Count++
				r.Amount += e.Receipt.Amount.Minor
			}
		}
	}
	if r.Currency == "" { // everything in it was moved or reversed
		return nil, t.book.settled(batch)
	}
	one, cancel := context.WithTimeout(ctx, t.settings.BankTimeMax)
	defer cancel()
	settled, err := t.o.Acquirer.SettleBatch(one, r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("settle batch %d: %w", batch, err)
	case !settled.Settled:
		return nil, fmt.Errorf("pos: the bank has not settled batch %d", batch)
	}
	return []bankapi.Batch{settled}, t.book.settled(batch)
}
