package bank

import (
	"context"
	"errors"
	"maps"
	"strings"

	"sotto/bankapi"
)

// owed is what the accounts of the tap must hold: every float account what its
// purses hold and what is on its way into them, every settlement account what
// its batches add up to.
type owed map[string]int64

func addUpTaps(ctx context.Context, store Reader) (owed, error) {
	sum := owed{}
	floats := map[string]string{} // by applet
	err := each(func(p Page) ([]Applet, error) { return store.Applets(ctx, p) }, func(a *Applet) string {
		floats[a.ID] = a.Float
		sum[a.Float] += a.Balance
		sum[a.Settlement] += 0
		return a.ID
	})
	if err != nil {
		return nil, err
	}
	if err := each(func(p Page) ([]Load, error) { return store.Loads(ctx, p) }, func(l *Load) string {
		if l.EndedAt == 0 {
			sum[floats[l.Applet]] += l.Amount
		}
		return l.ID
	}); err != nil {
		return nil, err
	}
	pending := map[string]int64{} // by currency
	if err := each(func(p Page) ([]Batch, error) { return store.Batches(ctx, "", p) }, func(b *Batch) string {
		if b.SettledAt == 0 {
			pending[b.Currency] += b.Amount
		}
		return b.ID
	}); err != nil {
		return nil, err
	}
	return sum, sum.settlements(ctx, store, pending)
}

func (sum owed) settlements(ctx context.Context, store Reader, pending map[string]int64) error {
	for currency, amount := range pending {
		b, err := store.Book(ctx, bookID("settlement", currency))
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
		sum[b.Account] += amount
	}
	return nil
}

// checkTaps holds the accounts of the tap against what they must hold.
func (v *verifier) checkTaps(sums []Sum, want owed) {
	for _, s := range sums {
		if amount, ok := want[s.Account]; ok && s.Credits-s.Debits != amount {
			v.fault("account %s holds %d, but purses, loads in flight and batches add up to %d", s.Account, s.Credits-s.Debits, amount)
		}
	}
}

// batches are those of one merchant in one currency.
type batches struct{ merchant, currency string }

// tap adds up what the chain says that a merchant is to be paid for taps.
func (s *states) tap(e *bankapi.Event) {
	switch of := (batches{s.text(e.Merchant), s.text(e.Currency)}); e.Type {
	case "taps.posted", "tap.approved":
		s.posted[of] += e.Amount
	case "tap.reversed", "tap.torn":
		s.posted[of] -= e.Amount
	case "tap.disputed":
		s.disputes[e.Object] = dispute{merchant: of.merchant, amount: e.Amount}
	case "tap.owed":
		s.disputes[e.Object] = dispute{merchant: of.merchant, amount: e.Amount, owed: e.Amount}
	case "tap.accepted", "tap.rejected":
		delete(s.disputes, e.Object)
	}
}

// dispute is a tap that is in dispute, and what its merchant owes for it.
type dispute struct {
	merchant     string
	amount, owed int64
}

// compareDisputes holds the taps in dispute against the chain: none was slipped
// in to be accepted, or taken away to owe nothing.
func (s *states) compareDisputes(ctx context.Context, store Reader, suspect suspect) error {
	missing := maps.Clone(s.disputes)
	err := each(func(p Page) ([]Tap, error) { return store.Disputes(ctx, "", p) }, func(t *Tap) string {
		if want, ok := s.disputes[t.ID]; !ok || want != (dispute{t.Merchant, t.Amount, t.Owed}) {
			suspect(t.ID, "tap %s: its dispute is not that of the audit chain", t.ID)
		}
		delete(missing, t.ID)
		return t.ID
	})
	for id := range missing {
		suspect(id, "tap %s is in dispute in the audit chain, and not in the database", id)
	}
	return err
}

// addUpBatches is what merchants' batches add up to, settled or not. Whose a
// batch is, its id says as well.
func addUpBatches(ctx context.Context, store Reader) (map[batches]int64, error) {
	sum := map[batches]int64{}
	return sum, each(func(p Page) ([]Batch, error) { return store.Batches(ctx, "", p) }, func(b *Batch) string {
		if strings.HasPrefix(b.ID, b.Merchant+"|") {
			sum[batches{b.Merchant, b.Currency}] += b.Amount
		}
		return b.ID
	})
}

// checkBatches holds the batches against the chain, so that none takes from
// another merchant's.
func (v *verifier) checkBatches(got map[batches]int64) {
	for of, want := range v.states.posted {
		if got[of] != want {
			v.fault("merchant %s: batches in %s add up to %d, but %d in the audit chain", of.merchant, of.currency, got[of], want)
		}
		delete(got, of)
	}
	for of, amount := range got {
		if amount != 0 {
			v.fault("merchant %s: batches in %s add up to %d, and the audit chain knows of none", of.merchant, of.currency, amount)
		}
	}
}
