package world

import (
	"context"
	"errors"
	"maps"

	"sotto/money"
	"sotto/pos"
	"sotto/pos/mem"
)

// Till is a terminal whose power goes when it is told to, and a memory of all
// that it ever said was sold.
type Till struct {
	*pos.Terminal

	// Sold is by reference what the till has sold, as somebody saw it who reads
	// every receipt, and the till's own list after each start.
	Sold map[string]pos.Receipt

	world   *World
	memory  *memory
	options pos.Options
}

// memory is the journal of a till that can lose its power.
type memory struct {
	pos.Journal
	saves int
	cutAt int
	after bool
	gone  bool
}

var errPower = errors.New("the till has no power")

// Save implements pos.Journal.
func (m *memory) Save(changes ...pos.Change) error {
	m.saves++
	cut := m.saves == m.cutAt
	if m.gone || cut && !m.after {
		m.gone = true
		return errPower
	}
	err := m.Journal.Save(changes...)
	if cut {
		m.gone = true
		return errPower
	}
	return err
}

func newTill(ctx context.Context, w *World) (*Till, error) {
	journal := w.options.Journal
	if journal == nil {
		journal = &mem.Journal{}
	}
	t := &Till{Sold: map[string]pos.Receipt{}, world: w, memory: &memory{Journal: journal}}
	t.options = pos.Options{
		Settings: pos.Settings{
			Terminal: "TILL1", Merchant: "TEAHOUSE", Name: "Tea House", Country: china, Currency: Currency,
			Applications: []pos.Application{{AID: pos.OurAID}},
		},
		Reader: w.Reader, Journal: t.memory, Acquirer: w.Bank.Shop, Now: w.options.Now, Random: w.options.Random,
	}
	trusted, err := w.Bank.Shop.CAKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range trusted.Data {
		ca, err := k.Authority()
		if err != nil {
			return nil, err
		}
		t.options.Settings.Authorities.CAs = append(t.options.Settings.Authorities.CAs, ca)
	}
	return t, t.Restart(false, false)
}

// CutPower lets the power go at the n-th write from now.
func (t *Till) CutPower(n int, after bool) {
	t.memory.saves, t.memory.cutAt, t.memory.after = 0, n, after
}

// Restart starts the till from its journal, with SEND POI INFORMATION or
// without, and with its line to the bank or without.
func (t *Till) Restart(withoutSPI, offline bool) (err error) {
	t.memory.gone, t.memory.cutAt = false, 0
	o := t.options
	o.Settings.WithoutSPI = withoutSPI
	if offline {
		o.Acquirer = nil
	}
	t.Terminal, err = pos.New(o)
	if err == nil {
		t.note()
	}
	return err
}

// note keeps what the till's list says is sold.
func (t *Till) note() {
	for _, e := range t.Entries(pos.StateApproved, pos.Authorized, pos.Posted, pos.Disputed, pos.Refused) {
		t.Sold[e.Receipt.Reference] = e.Receipt
	}
}

// Upload and Settle are the terminal's, with an eye on what they find.
func (t *Till) Upload(ctx context.Context) (pos.Uploaded, error) {
	done, err := t.Terminal.Upload(ctx)
	t.found(done.Found)
	return done, err
}

// Settle is the terminal's.
func (t *Till) Settle(ctx context.Context) (pos.Settled, error) {
	done, err := t.Terminal.Settle(ctx)
	t.found(done.Found)
	return done, err
}

func (t *Till) found(list []pos.Receipt) {
	for _, r := range list {
		t.Sold[r.Reference] = r
	}
}

// Sell takes one payment, and keeps what it learns.
func (t *Till) Sell(ctx context.Context, order string, minor int64) (pos.Result, error) {
	r, err := t.Tap(ctx, pos.Sale{Order: order, Amount: money.Amount{Minor: minor, Currency: Currency}})
	if err != nil {
		return r, err
	}
	t.note()
	if r.Outcome == pos.Approved {
		t.Sold[r.Receipt.Reference] = *r.Receipt
	}
	t.found(r.Found)
	return r, nil
}

// Orders are what was sold, by order.
func (t *Till) Orders() map[string][]pos.Receipt {
	orders := map[string][]pos.Receipt{}
	for r := range maps.Values(t.Sold) {
		orders[r.Order] = append(orders[r.Order], r)
	}
	return orders
}
