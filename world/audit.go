package world

import (
	"context"
	"errors"
	"fmt"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/link"
	"sotto/pos"
)

// Audit adds up what everybody has, at an end at which every batch is settled
// and nothing is torn or in flight. It compares numbers that three parties keep
// each for itself, and asks none of them how it came by them.
//
//   - The payer's money is in his account, in his purses, or with the merchant.
//   - Each purse holds what the bank says that it holds.
//   - What the merchant was paid is what the till has sold, receipt by receipt,
//     and no order was sold twice.
func (w *World) Audit(ctx context.Context) error {
	payer, err1 := w.balance(ctx, w.Bank.Payer)
	merchant, err2 := w.balance(ctx, w.Bank.Takings)
	purses, err3 := w.purses(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if payer+purses+merchant != w.Bank.Given {
		fault("of %d there are %d in the account, %d in purses, and %d with the merchant", w.Bank.Given, payer, purses, merchant)
	}
	var sold int64
	for _, r := range w.Till.Sold {
		sold += r.Amount.Minor
	}
	if sold != merchant {
		fault("the till has sold for %d, and the merchant was paid %d", sold, merchant)
	}
	for order, receipts := range w.Till.Orders() {
		if len(receipts) != 1 {
			fault("order %s was paid %d times", order, len(receipts))
		}
	}
	if n := len(w.Till.Entries()); n != 0 {
		fault("%d entries are left in the till: %s", n, w.Till.Entries()[0].State)
	}
	faults = append(faults, w.auditTaps(ctx), w.Bank.Verify(ctx))
	return errors.Join(faults...)
}

func (w *World) balance(ctx context.Context, account string) (int64, error) {
	a, err := w.Bank.Issuer.Account(ctx, account)
	return a.Balance, err
}

// purses is what is in the purses, in which bank and SIM must agree.
func (w *World) purses(ctx context.Context) (sum int64, err error) {
	for _, i := range w.Issued {
		shown, err := w.SIM.Device.Show(i.AID)
		if err != nil {
			return 0, err
		}
		if i.Kind != bankapi.AppletPurse {
			continue
		}
		known, err := w.Bank.Issuer.Applet(ctx, i.ID)
		if err != nil {
			return 0, err
		}
		if known.Balance != shown.Available || known.Load != "" || shown.Torn {
			return 0, fmt.Errorf("a purse has %d, torn %v, and the bank says %d, in flight %q", shown.Available, shown.Torn, known.Balance, known.Load)
		}
		sum += shown.Available
	}
	return sum, nil
}

// auditTaps compares the bank's list of taps with the till's receipts.
func (w *World) auditTaps(ctx context.Context) error {
	left := map[string]int64{}
	for reference, r := range w.Till.Sold {
		left[reference] = r.Amount.Minor
	}
	for _, i := range w.Issued {
		taps, err := w.taps(ctx, i.ID)
		if err != nil {
			return err
		}
		for _, tap := range taps {
			switch amount, ok := left[tap.Reference]; {
			case tap.Status == bankapi.TapDisputed || tap.Status == bankapi.TapRefused:
				return fmt.Errorf("the bank has %s a tap: %s", tap.Status, tap.Reason)
			case tap.Batch == 0 || tap.Status != bankapi.TapPosted && tap.Status != bankapi.TapApproved:
				// A load, or nothing was paid.
			case !ok || amount != tap.Amount:
				return fmt.Errorf("the bank has paid %d for %s, which the till has not sold so", tap.Amount, tap.Reference)
			default:
				delete(left, tap.Reference)
			}
		}
	}
	for reference := range left {
		return fmt.Errorf("the till has sold %s, and the bank does not know it", reference)
	}
	return nil
}

func (w *World) taps(ctx context.Context, applet string) (all []bankapi.TapRecord, err error) {
	for p := (client.Page{Limit: 100}); ; {
		list, err := w.Bank.Issuer.Taps(ctx, applet, p)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Data...)
		if p.Cursor = list.NextCursor; p.Cursor == "" {
			return all, nil
		}
	}
}

// Rest brings everything to an end: what was torn is looked for, loads are
// resolved, and batches are settled.
func (w *World) Rest(ctx context.Context) error {
	w.rests++
	w.Bank.Line.Lose(0, 0)
	w.Reader.Pull(0, false)
	w.SIM.CutPower(0, false)
	for i, a := range w.Issued {
		if err := w.restOne(ctx, i, a); err != nil {
			return fmt.Errorf("applet %d: %w", i+1, err)
		}
	}
	if err := w.Till.Restart(false, false); err != nil {
		return err
	}
	for range 2 { // a tap may have gone over to the next batch
		if _, err := w.Till.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// restOne has one applet pay and be loaded a little, undisturbed: whatever was
// left of it at till and bank then comes to its end.
func (w *World) restOne(ctx context.Context, n int, a Issued) error {
	if err := w.Till.Restart(false, false); err != nil {
		return err
	}
	if err := w.SIM.Device.Prefer(a.AID); err != nil {
		return err
	}
	w.Reader.Face = link.Contact
	for range 5 {
		r, err := w.Till.Sell(ctx, fmt.Sprintf("rest-%d-%d", w.rests, n), 1)
		if err != nil {
			return err
		}
		if r.Outcome != pos.TryAgain {
			break
		}
	}
	for _, e := range w.Till.Entries(pos.Open) {
		if e.Receipt.AID == fmt.Sprintf("%X", a.AID) {
			// It would have been found: the audit will tell if it should have been.
			if err := w.Till.Abandon(e.Receipt.Reference); err != nil {
				return err
			}
		}
	}
	if _, err := w.Till.Upload(ctx); err != nil || a.Kind != bankapi.AppletPurse {
		return err
	}
	_, err := w.Load(ctx, a, 1)
	return err
}
