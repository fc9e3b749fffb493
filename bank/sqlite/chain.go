package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"sotto/bank"
	"sotto/bank/sqltable"
)

// LastLink is the newest link of the audit chain; Seq 0 means none.
func (s *Store) LastLink(ctx context.Context) (bank.Link, error) {
	found, err := rows(ctx, s, sqltable.Links, "ORDER BY seq DESC LIMIT 1")
	if err != nil || len(found) == 0 {
		return bank.Link{}, err
	}
	return found[0], nil
}

// HasLink reports whether this link is durable.
func (s *Store) HasLink(ctx context.Context, seq int64, mac []byte) (bool, error) {
	if s.broken.Load() {
		return false, errBroken
	}
	found, err := rows(ctx, s, sqltable.Links, "WHERE seq = ?", seq)
	return err == nil && len(found) == 1 && bytes.Equal(found[0].MAC, mac), err
}

// Links reads audit links after seq, oldest first.
func (s *Store) Links(ctx context.Context, afterSeq int64, limit int) ([]bank.Link, error) {
	return rows(ctx, s, sqltable.Links, "WHERE seq > ? ORDER BY seq LIMIT ?", afterSeq, clamp(limit))
}

// Waiting is the outbox of one phone, in the order in which it was filled.
func (s *Store) Waiting(ctx context.Context, phone string, nowMillis int64) ([]bank.Dispatch, error) {
	return rows(ctx, s, sqltable.Dispatches, "WHERE phone = ? AND expires_at > ? ORDER BY rowid", phone, nowMillis)
}

// oldestAnswers looks at the front of the table alone, which is in the order of
// arrival: so no index by age has to be kept at every answer. If the clock was
// set back, some are found later.
const oldestAnswers = "(SELECT id, created_at FROM idempotency ORDER BY rowid LIMIT 5000) WHERE created_at < ?"

// Due finds what the sweeper has to end: what expires now or has expired, and
// answers older than idempotencyBefore.
func (s *Store) Due(ctx context.Context, nowMillis, idempotencyBefore int64, limit int) (bank.Due, error) {
	var due bank.Due
	err := s.read(ctx, func(c *conn) error {
		for _, q := range []struct {
			into   *[]string
			choose string
			before int64
		}{
			{&due.Payments, "payment WHERE status IN ('awaiting_code', 'authorized') AND expires_at <= ? ORDER BY expires_at", nowMillis},
			{&due.Bindings, "binding WHERE status = 'pending' AND expires_at <= ? ORDER BY expires_at", nowMillis},
			{&due.Dispatches, "dispatch INDEXED BY dispatch_phone WHERE expires_at <= ?", nowMillis},
			{&due.Idempotency, oldestAnswers, idempotencyBefore},
		} {
			if err := c.query(ctx, "SELECT id FROM "+q.choose+" LIMIT ?", []any{q.before, clamp(limit)}, func(st *stmt) error {
				*q.into = append(*q.into, st.text(0))
				return nil
			}); err != nil {
				return fmt.Errorf("find what is due: %w", err)
			}
		}
		return nil
	})
	return due, err
}

var errOverflow = errors.New("the sums of an account are beyond what can be counted")

// Sums adds up the ledger for the audit. It walks the tables in their own
// order, in one snapshot, and adds here: SQLite would sort first. An account
// that only transfers or payments know of is reported too.
func (s *Store) Sums(ctx context.Context) (sums []bank.Sum, err error) {
	err = s.read(ctx, func(c *conn) error {
		if err := c.exec("SAVEPOINT sums"); err != nil {
			return err
		}
		sums, err = c.sums(ctx)
		return errors.Join(err, c.exec("RELEASE sums"))
	})
	if err != nil {
		return nil, fmt.Errorf("add up the ledger: %w", err)
	}
	return sums, nil
}

func (c *conn) sums(ctx context.Context) ([]bank.Sum, error) {
	var sums []bank.Sum
	place := map[string]int{}
	sum := func(account string) *bank.Sum {
		i, ok := place[account]
		if !ok {
			i = len(sums)
			place[account] = i
			sums = append(sums, bank.Sum{Account: account})
		}
		return &sums[i]
	}
	err := c.query(ctx, "SELECT id, currency, debits, credits, held FROM account ORDER BY id", nil, func(st *stmt) error {
		a := sum(st.text(0))
		a.Currency, a.Debits, a.Credits, a.Held = st.text(1), st.int(2), st.int(3), st.int(4)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, "SELECT debit, credit, amount FROM transfer NOT INDEXED", nil, func(st *stmt) error {
		amount := st.int(2)
		return errors.Join(add(&sum(st.text(0)).DebitsMoved, amount), add(&sum(st.text(1)).CreditsMoved, amount))
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, "SELECT payer, amount FROM payment WHERE status = 'authorized'", nil, func(st *stmt) error {
		return add(&sum(st.text(0)).HeldByPayments, st.int(1))
	})
	return sums, err
}

// add refuses to wrap around.
func add(to *int64, n int64) error {
	if n > 0 && *to > math.MaxInt64-n || n < 0 && *to < math.MinInt64-n {
		return errOverflow
	}
	*to += n
	return nil
}
