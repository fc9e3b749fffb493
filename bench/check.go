package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
)

// verify opens the database anew, as after a crash, and looks whether
// everything that was acknowledged is there.
func verify(ctx context.Context, s *site, t *town, sum *ledger) (Check, error) {
	began := time.Now()
	c := Check{Acknowledged: sum.payments.Load(), AcknowledgedAmount: sum.amount.Load(), Faults: []string{}}
	store, err := sqlite.Open(ctx, s.database(), sqlite.Options{})
	if err != nil {
		return c, fmt.Errorf("open the database anew: %w", err)
	}
	err = errors.Join(c.look(ctx, store, s.secrets, t), store.Close())
	if info, statErr := os.Stat(s.database()); statErr == nil {
		c.DatabaseBytes = info.Size()
	}
	c.Seconds = round(time.Since(began).Seconds(), 1)
	return c, err
}

func (c *Check) look(ctx context.Context, store bank.Store, secrets bank.Secrets, t *town) error {
	report, err := bank.Verify(ctx, store, secrets, nil)
	if err != nil {
		return err
	}
	c.Links, c.Events, c.Transfers, c.Accounts = report.Links, report.Events, report.Transfers, report.Accounts
	c.Faults = append(c.Faults, report.Faults...)
	for _, m := range t.merchants {
		account, err := store.Account(ctx, m.account)
		if err != nil {
			return err
		}
		c.MerchantsOwn += account.Credits - account.Debits
	}
	if err := c.count(ctx, store); err != nil {
		return err
	}
	if c.Succeeded != c.Acknowledged {
		c.Faults = append(c.Faults, fmt.Sprintf("%d payments were acknowledged and %d have succeeded", c.Acknowledged, c.Succeeded))
	}
	if c.MerchantsOwn != c.AcknowledgedAmount {
		c.Faults = append(c.Faults, fmt.Sprintf("%d were acknowledged and merchants own %d", c.AcknowledgedAmount, c.MerchantsOwn))
	}
	return nil
}

// count walks all payments.
func (c *Check) count(ctx context.Context, store bank.Store) error {
	for page := (bank.Page{Limit: 1000}); ; {
		payments, err := store.Payments(ctx, "", page)
		if err != nil {
			return err
		}
		for i := range payments {
			if payments[i].Status == string(bankapi.Succeeded) {
				c.Succeeded++
			}
		}
		if len(payments) < page.Limit {
			return nil
		}
		page.Before = payments[len(payments)-1].ID
	}
}

// err is a sentence when the books are not in order.
func (c *Check) err() error {
	if len(c.Faults) == 0 {
		return nil
	}
	return fmt.Errorf("the books are not in order after the load (%d faults): %s", len(c.Faults), c.Faults[0])
}
