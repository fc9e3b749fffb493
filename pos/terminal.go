package pos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sotto/link"
)

// Options are what a terminal is made of. Acquirer and Trace may be left out.
type Options struct {
	Settings Settings
	Reader   link.Reader
	Journal  Journal
	// Acquirer is the bank; a terminal without one approves offline alone.
	Acquirer Acquirer
	// LastBatch is the highest batch that the bank has of this terminal, 0 for
	// none. It may be left out: then the terminal tries one batch after the other.
	LastBatch func(context.Context) (int, error)
	Now       func() time.Time
	// Random is where unpredictable numbers come from. It must be what they are
	// called.
	Random io.Reader
	// Trace is told everything that happens, one event after the other.
	Trace func(Event)
}

// Terminal is one terminal. Its methods may be called from many goroutines; it
// takes one tap at a time, and speaks to the bank about batches meanwhile.
type Terminal struct {
	o        Options
	settings Settings
	book     *book
	trace    tracer

	taps    sync.Mutex // one chip at a time
	batches sync.Mutex // one upload at a time
}

// New makes a terminal and reads its journal. It starts nothing: what the bank
// is to be told still waits for Upload.
func New(o Options) (*Terminal, error) {
	if o.Reader == nil || o.Journal == nil || o.Now == nil || o.Random == nil {
		return nil, errors.New("pos: Reader, Journal, Now and Random are all needed")
	}
	settings, err := o.Settings.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Terminal{o: o, settings: settings, trace: tracer{tell: o.Trace, money: settings.Currency}}
	if t.book, err = openBook(o.Journal, string(settings.Currency), settings.FirstBatch); err != nil {
		return nil, fmt.Errorf("pos: %w", err)
	}
	return t, nil
}

// online reports whether there is a bank to ask.
func (t *Terminal) online() bool { return t.o.Acquirer != nil }

// Entries are the journal, oldest first, in all states or in these. The card
// numbers are taken out.
func (t *Terminal) Entries(states ...State) []Entry {
	list := t.book.in(states...)
	for i := range list {
		list[i].Chip, list[i].Proof = nil, nil
	}
	return list
}

// Abandon gives an open tap up: it will not be looked for any more. If the chip
// did make its debit final, the holder has paid for nothing, and the bank will
// see it in the purse's next balance.
func (t *Terminal) Abandon(reference string) error {
	for _, e := range t.book.in(Open) {
		if e.Receipt.Reference == reference {
			return t.book.drop(e.Number)
		}
	}
	return errors.New("pos: no open tap has this reference")
}

// Unpaid are the entries that somebody has to look at: Disputed, Refused and
// Stuck. They stay until Acknowledge.
func (t *Terminal) Unpaid() []Entry { return t.Entries(Disputed, Refused, Stuck) }

// Acknowledge takes an unpaid entry out of the journal: somebody has looked at it.
// Before its batch is settled it stays, for what belongs to a batch is said by the
// journal alone.
func (t *Terminal) Acknowledge(reference string) error {
	for _, e := range t.book.in(Disputed, Refused, Stuck) {
		switch {
		case e.Receipt.Reference != reference:
		case t.book.unsettled(e.Batch):
			return fmt.Errorf("pos: batch %d, which %s is of, is not settled yet: settle first", e.Batch, reference)
		default:
			return t.book.drop(e.Number)
		}
	}
	return errors.New("pos: nothing that waits for somebody to look at it has this reference")
}
