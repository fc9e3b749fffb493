package pos

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// book is the journal at work: all of it in memory, and the only one who writes
// it. What is in memory is on the disk.
type book struct {
	mu      sync.Mutex
	journal Journal
	ledger  ledger
	entries map[uint64]Entry
	broken  bool
}

// openBook reads the journal. Questions to the bank that were under way when the
// terminal stopped were not heard: they are to be reversed.
func openBook(j Journal, currency string, firstBatch int) (*book, error) {
	b := &book{journal: j, entries: map[uint64]Entry{}, ledger: ledger{Version: entryVersion, Next: 1, Batch: 1, Money: currency}}
	err := j.Each(func(number uint64, value []byte) (err error) {
		if number == 0 {
			b.ledger, err = parseLedger(value)
			return err
		}
		b.entries[number], err = parseEntry(number, value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	for number := range b.entries {
		if number >= b.ledger.Next {
			return nil, ErrEntry
		}
	}
	if err := b.takeUp(currency); err != nil {
		return nil, err
	}
	return b, b.skip(firstBatch)
}

func (b *book) takeUp(currency string) error {
	var changed []Entry
	for _, e := range b.list(Asked) {
		e.State = Reversing
		changed = append(changed, e)
	}
	next := b.ledger
	if next.Money != currency {
		next = b.closed(next)
		next.Money = currency
	}
	if len(changed) == 0 && next.Money == b.ledger.Money {
		return nil
	}
	return b.save(next, changed...)
}

// save writes the ledger if it has changed, and entries; an entry without a
// state is taken out. The caller holds the lock, or nobody else is there yet.
func (b *book) save(next ledger, entries ...Entry) error {
	if b.broken {
		return ErrJournal
	}
	var changes []Change
	if code := next.encode(); string(code) != string(b.ledger.encode()) {
		changes = append(changes, Change{Number: 0, Value: code})
	}
	for _, e := range entries {
		c := Change{Number: e.Number}
		if e.State != "" {
			c.Value = e.encode()
		}
		changes = append(changes, c)
	}
	err := b.journal.Save(changes...)
	for _, c := range changes {
		clear(c.Value)
	}
	if err != nil {
		b.broken = true
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	b.ledger = next
	for _, e := range entries {
		if e.State == "" {
			delete(b.entries, e.Number)
			continue
		}
		b.entries[e.Number] = e
	}
	return nil
}

// openMax bounds the open entries: whoever tears taps all day shall not fill the
// disk. The oldest go first.
const openMax = 64

// add writes a new entry, and gives it its number and reference. One that the
// bank is asked about is of the batch at hand.
func (b *book) add(e Entry) (Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.ledger
	e.Number = next.Next
	e.Receipt.Reference = reference(e.Receipt.Terminal, e.Number)
	next.Next++
	if e.State != Open {
		e.Batch = next.Batch
	}
	changes := []Entry{e}
	if open := b.list(Open); e.State == Open && len(open) >= openMax {
		changes = append(changes, Entry{Number: open[0].Number})
	}
	return e, b.save(next, changes...)
}

// put writes entries that are there already. One that has just become part of a
// batch is of the batch at hand.
func (b *book) put(entries ...Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range entries {
		if entries[i].Batch == 0 && entries[i].State != Open && entries[i].State != "" {
			entries[i].Batch = b.ledger.Batch
		}
	}
	return b.save(b.ledger, entries...)
}

// set is put for one entry, and returns it with its batch.
func (b *book) set(e Entry) (Entry, error) {
	entries := []Entry{e}
	err := b.put(entries...)
	return entries[0], err
}

// drop takes an entry out: nothing has come of it.
func (b *book) drop(number uint64) error { return b.put(Entry{Number: number}) }

// list are the entries in these states, oldest first. The caller holds the lock,
// or nobody else is there yet.
func (b *book) list(states ...State) (list []Entry) {
	for _, number := range slices.Sorted(maps.Keys(b.entries)) {
		if e := b.entries[number]; len(states) == 0 || slices.Contains(states, e.State) {
			list = append(list, e)
		}
	}
	return list
}

func (b *book) in(states ...State) []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list(states...)
}

func (b *book) entry(number uint64) (Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.entries[number]
	return e, ok
}

// paid is the entry by which an order was paid. Of a batch that is settled there
// may be entries yet, which somebody has to look at: their orders are over.
func (b *book) paid(order string) (Entry, bool) {
	if order == "" {
		return Entry{}, false
	}
	for _, e := range b.in() {
		if e.State.sold() && e.Receipt.Order == order && b.unsettled(e.Batch) {
			return e, true
		}
	}
	return Entry{}, false
}

// closed is the ledger with the batch at hand closed, if there is anything in
// it.
func (b *book) closed(l ledger) ledger {
	for _, e := range b.entries {
		if e.Batch == l.Batch {
			l.Closed = append(slices.Clone(l.Closed), l.Batch)
			l.Batch = l.Batch%batchMax + 1
			return l
		}
	}
	return l
}

// close closes the batch at hand: what is approved from now on is of the next.
func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.closed(b.ledger)
	if next.Batch == b.ledger.Batch {
		return nil
	}
	return b.save(next)
}

// skip goes on with this batch, or one behind it: the bank has settled those
// before.
func (b *book) skip(to int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ledger.Batch >= to {
		return nil
	}
	next := b.closed(b.ledger)
	next.Batch = to
	return b.save(next)
}

// toSettle are the closed batches.
func (b *book) toSettle() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ledger.Closed)
}

// unsettled reports whether a batch is the one at hand or waits to be settled.
func (b *book) unsettled(batch int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return batch == b.ledger.Batch || slices.Contains(b.ledger.Closed, batch)
}

// settled takes a batch out, with all that was in it but what somebody has to
// look at.
func (b *book) settled(batch int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.ledger
	next.Closed = slices.DeleteFunc(slices.Clone(next.Closed), func(n int) bool { return n == batch })
	var gone []Entry
	for _, e := range b.list() {
		if e.Batch == batch && !e.State.waits() {
			gone = append(gone, Entry{Number: e.Number})
		}
	}
	return b.save(next, gone...)
}
