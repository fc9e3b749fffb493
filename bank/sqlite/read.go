package sqlite

import (
	"context"
	"fmt"
	"strings"

	"sotto/bank"
	"sotto/bank/sqltable"
)

// pageMax is the most rows of one page. A limit outside of 1 to pageMax is taken
// for the nearest.
const pageMax = 1000

// read hands a connection to f.
func (s *Store) read(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return f(c)
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rows are those of a table that the clauses after FROM choose.
func rows[T any](ctx context.Context, s *Store, t *sqltable.Table[T], clauses string, args ...any) (found []T, err error) {
	err = s.read(ctx, func(c *conn) error {
		var fields []sqltable.Field
		return c.query(ctx, "SELECT "+t.List()+" FROM "+t.Name+" "+clauses, args, func(st *stmt) error {
			var row T
			fields = t.Fields(&row, fields[:0])
			st.scan(fields)
			found = append(found, row)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name, err)
	}
	return found, nil
}

func one[T any](ctx context.Context, s *Store, t *sqltable.Table[T], column, value string) (row T, err error) {
	found, err := rows(ctx, s, t, "WHERE "+column+" = ?", value)
	if err == nil && len(found) == 0 {
		err = bank.ErrNoRow
	}
	if err != nil {
		return row, err
	}
	return found[0], nil
}

// page lists newest first; each of the conditions takes one of the args.
func page[T any](ctx context.Context, s *Store, t *sqltable.Table[T], p bank.Page, conditions []string, args ...any) ([]T, error) {
	if p.Before != "" {
		conditions, args = append(conditions, "id < ?"), append(args, p.Before)
	}
	where := ""
	if len(conditions) > 0 {
		where = "WHERE " + strings.Join(conditions, " AND ")
	}
	return rows(ctx, s, t, where+" ORDER BY id DESC LIMIT ?", append(args, clamp(p.Limit))...)
}

func clamp(limit int) int64 { return int64(min(max(limit, 1), pageMax)) }

// Payment reads one row.
func (s *Store) Payment(ctx context.Context, id string) (bank.Payment, error) {
	return one(ctx, s, sqltable.Payments, "id", id)
}

// Account reads one row.
func (s *Store) Account(ctx context.Context, id string) (bank.Account, error) {
	return one(ctx, s, sqltable.Accounts, "id", id)
}

// Card reads one row.
func (s *Store) Card(ctx context.Context, id string) (bank.Card, error) {
	return one(ctx, s, sqltable.Cards, "id", id)
}

// Phone reads one row.
func (s *Store) Phone(ctx context.Context, id string) (bank.Phone, error) {
	return one(ctx, s, sqltable.Phones, "id", id)
}

// PhoneByKey reads the phone that enrolled with this key.
func (s *Store) PhoneByKey(ctx context.Context, publicKey string) (bank.Phone, error) {
	if publicKey == "" { // phones that have not enrolled have none
		return bank.Phone{}, bank.ErrNoRow
	}
	return one(ctx, s, sqltable.Phones, "public_key", publicKey)
}

// Binding reads one row.
func (s *Store) Binding(ctx context.Context, id string) (bank.Binding, error) {
	return one(ctx, s, sqltable.Bindings, "id", id)
}

// Merchant reads one row.
func (s *Store) Merchant(ctx context.Context, id string) (bank.Merchant, error) {
	return one(ctx, s, sqltable.Merchants, "id", id)
}

// APIKey reads one row.
func (s *Store) APIKey(ctx context.Context, id string) (bank.APIKey, error) {
	return one(ctx, s, sqltable.APIKeys, "id", id)
}

// Transfer reads one row.
func (s *Store) Transfer(ctx context.Context, id string) (bank.Transfer, error) {
	return one(ctx, s, sqltable.Transfers, "id", id)
}

// Webhook reads one row.
func (s *Store) Webhook(ctx context.Context, id string) (bank.Webhook, error) {
	return one(ctx, s, sqltable.Webhooks, "id", id)
}

// Payments lists one merchant's, or all.
func (s *Store) Payments(ctx context.Context, merchant string, p bank.Page) ([]bank.Payment, error) {
	if merchant == "" {
		return page(ctx, s, sqltable.Payments, p, nil)
	}
	return page(ctx, s, sqltable.Payments, p, []string{"merchant = ?"}, merchant)
}

// Accounts lists all.
func (s *Store) Accounts(ctx context.Context, p bank.Page) ([]bank.Account, error) {
	return page(ctx, s, sqltable.Accounts, p, nil)
}

// Cards lists all.
func (s *Store) Cards(ctx context.Context, p bank.Page) ([]bank.Card, error) {
	return page(ctx, s, sqltable.Cards, p, nil)
}

// Phones lists all.
func (s *Store) Phones(ctx context.Context, p bank.Page) ([]bank.Phone, error) {
	return page(ctx, s, sqltable.Phones, p, nil)
}

// Bindings lists all.
func (s *Store) Bindings(ctx context.Context, p bank.Page) ([]bank.Binding, error) {
	return page(ctx, s, sqltable.Bindings, p, nil)
}

// Merchants lists all.
func (s *Store) Merchants(ctx context.Context, p bank.Page) ([]bank.Merchant, error) {
	return page(ctx, s, sqltable.Merchants, p, nil)
}

// Transfers lists those of one account, or all.
func (s *Store) Transfers(ctx context.Context, account string, p bank.Page) ([]bank.Transfer, error) {
	if account == "" {
		return page(ctx, s, sqltable.Transfers, p, nil)
	}
	before := ""
	args := []any{account}
	if p.Before != "" {
		before, args = " AND id < ?", append(args, p.Before)
	}
	t := sqltable.Transfers
	return rows(ctx, s, t, "WHERE debit = ?"+before+" UNION ALL SELECT "+t.List()+" FROM "+t.Name+
		" WHERE credit = ?"+before+" ORDER BY id DESC LIMIT ?", append(append(args, args...), clamp(p.Limit))...)
}

// Webhooks lists those not deleted: one merchant's, or all.
func (s *Store) Webhooks(ctx context.Context, merchant string, p bank.Page) ([]bank.Webhook, error) {
	if merchant == "" {
		return page(ctx, s, sqltable.Webhooks, p, []string{"deleted_at = 0"})
	}
	return page(ctx, s, sqltable.Webhooks, p, []string{"deleted_at = 0", "merchant = ?"}, merchant)
}

// Applet reads one row.
func (s *Store) Applet(ctx context.Context, id string) (bank.Applet, error) {
	return one(ctx, s, sqltable.Applets, "id", id)
}

// Load reads one row.
func (s *Store) Load(ctx context.Context, id string) (bank.Load, error) {
	return one(ctx, s, sqltable.Loads, "id", id)
}

// Batch reads one row.
func (s *Store) Batch(ctx context.Context, id string) (bank.Batch, error) {
	return one(ctx, s, sqltable.Batches, "id", id)
}

// Book reads one row.
func (s *Store) Book(ctx context.Context, id string) (bank.Book, error) {
	return one(ctx, s, sqltable.Books, "id", id)
}

// Applets lists all.
func (s *Store) Applets(ctx context.Context, p bank.Page) ([]bank.Applet, error) {
	return page(ctx, s, sqltable.Applets, p, nil)
}

// Loads lists all.
func (s *Store) Loads(ctx context.Context, p bank.Page) ([]bank.Load, error) {
	return page(ctx, s, sqltable.Loads, p, nil)
}

// Batches lists one merchant's, or all, by their ids.
func (s *Store) Batches(ctx context.Context, merchant string, p bank.Page) ([]bank.Batch, error) {
	if merchant == "" {
		return page(ctx, s, sqltable.Batches, p, nil)
	}
	return page(ctx, s, sqltable.Batches, p, []string{"merchant = ?"}, merchant)
}

// Taps lists those of one applet, by counter.
func (s *Store) Taps(ctx context.Context, applet string, p bank.Page) ([]bank.Tap, error) {
	return page(ctx, s, sqltable.Taps, p, []string{"id > ?", "id < ?"}, applet+".", applet+"/")
}

// Disputes lists disputed taps: one merchant's, or all.
func (s *Store) Disputes(ctx context.Context, merchant string, p bank.Page) ([]bank.Tap, error) {
	if merchant == "" {
		return page(ctx, s, sqltable.Taps, p, []string{"status = 'disputed'"})
	}
	return page(ctx, s, sqltable.Taps, p, []string{"status = 'disputed'", "merchant = ?"}, merchant)
}
