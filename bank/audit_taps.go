package bank

import (
	"context"
	"errors"
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
