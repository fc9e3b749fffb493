package sqlite

import (
	"context"
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"

	"sotto/bank"
)

// errBroken: a commit failed in a way that leaves open what the disk holds.
var errBroken = errors.New("the disk failed during a commit; look at it, and start the bank again")

// tx is a transaction. In a file, rows are loaded by a connection of their own,
// so that one tx may load while the one before is being committed; only Commit
// takes the turn to write. In memory, where a reader would have to wait for the
// writer anyway, a tx has the turn from its begin to its end.
type tx struct {
	s     *Store
	turn  bool // to be given back
	begun bool // SQLite has heard of it
	ended bool
}

// Begin opens a transaction.
func (s *Store) Begin(ctx context.Context) (bank.Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.closed:
		return nil, errClosed
	default:
	}
	t := &tx{s: s}
	if s.loader == nil {
		return t, t.take(ctx)
	}
	return t, s.writable()
}

// take waits until no other transaction writes.
func (t *tx) take(ctx context.Context) error {
	select {
	case <-t.s.turn:
	case <-t.s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	t.turn = true
	if err := t.s.writable(); err != nil {
		t.end()
		return err
	}
	return nil
}

func (s *Store) writable() error {
	if s.readOnly {
		return errReadOnly
	}
	if s.broken.Load() {
		return fmt.Errorf("%w: %w", bank.ErrLost, errBroken)
	}
	return nil
}

func (t *tx) begin() error {
	if t.begun {
		return nil
	}
	if err := t.s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return classify(err)
	}
	t.begun = true
	return nil
}

func (t *tx) end() {
	t.ended = true
	if t.turn {
		t.turn = false
		t.s.turn <- struct{}{}
	}
}

// Rollback ends the transaction with nothing changed.
func (t *tx) Rollback() {
	if t.ended {
		return
	}
	t.rollback()
	t.end()
}

// rollback takes back what SQLite has not rolled back by itself.
func (t *tx) rollback() {
	c := t.s.writer
	if t.begun && lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 {
		if err := c.exec("ROLLBACK"); err != nil {
			t.s.broken.Store(true)
		}
	}
}

// Load puts the rows of these keys into the view. A batch whose rows are all in
// memory costs no SQL.
func (t *tx) Load(ctx context.Context, want []bank.Key, into *bank.View) error {
	l := loading{t: t}
	var err error
	for i := 0; err == nil && i < len(want); i++ {
		err = l.load(ctx, want[i], into)
	}
	return classify(errors.Join(err, l.end()))
}

// loading is one call of Load: what it reads is of one instant.
type loading struct {
	t *tx
	c *conn // the store's loader, while it is lent
}

// conn is the connection to read with, ready for it.
func (l *loading) conn() (*conn, error) {
	s := l.t.s
	if s.loader == nil {
		return s.writer, l.t.begin()
	}
	if l.c != nil {
		return l.c, nil
	}
	select {
	case l.c = <-s.loader:
		return l.c, l.c.exec("BEGIN")
	case <-s.closed:
		return nil, errClosed
	}
}

func (l *loading) end() error {
	if l.c == nil {
		return nil
	}
	defer func() { l.t.s.loader <- l.c }()
	if lib.Xsqlite3_get_autocommit(l.c.tls, l.c.db) != 0 {
		return nil // BEGIN itself failed, and the error is known
	}
	return l.c.exec("COMMIT")
}

func (l *loading) load(ctx context.Context, k bank.Key, into *bank.View) error {
	s := l.t.s
	switch k.Kind {
	case bank.KindMerchant:
		return put(ctx, l, s.merchants, &into.Merchants, k.ID)
	case bank.KindAPIKey:
		return put(ctx, l, s.apiKeys, &into.APIKeys, k.ID)
	case bank.KindAccount:
		return put(ctx, l, s.accounts, &into.Accounts, k.ID)
	case bank.KindCard:
		return put(ctx, l, s.cards, &into.Cards, k.ID)
	case bank.KindPhone:
		return put(ctx, l, s.phones, &into.Phones, k.ID)
	case bank.KindBinding:
		return put(ctx, l, s.bindings, &into.Bindings, k.ID)
	case bank.KindPayment:
		return put(ctx, l, s.payments, &into.Payments, k.ID)
	case bank.KindTransfer:
		return put(ctx, l, s.transfers, &into.Transfers, k.ID)
	case bank.KindDispatch:
		return put(ctx, l, s.dispatches, &into.Dispatches, k.ID)
	case bank.KindPace:
		return put(ctx, l, s.paces, &into.Paces, k.ID)
	case bank.KindIdempotency:
		return put(ctx, l, s.idempotency, &into.Idempotency, k.ID)
	case bank.KindWebhook:
		return put(ctx, l, s.webhooks, &into.Webhooks, k.ID)
	case bank.KindApplet:
		return put(ctx, l, s.applets, &into.Applets, k.ID)
	case bank.KindTap:
		return put(ctx, l, s.taps, &into.Taps, k.ID)
	case bank.KindLoad:
		return put(ctx, l, s.loads, &into.Loads, k.ID)
	case bank.KindBatch:
		return put(ctx, l, s.batches, &into.Batches, k.ID)
	case bank.KindBook:
		return put(ctx, l, s.books, &into.Books, k.ID)
	case bank.ByPAN:
		return find(ctx, l, s.cards, &into.Cards, into, k, byPAN)
	case bank.ByTicket:
		return find(ctx, l, s.phones, &into.Phones, into, k, byTicket)
	case bank.ByKey:
		return find(ctx, l, s.phones, &into.Phones, into, k, byKey)
	case bank.ByChip:
		return find(ctx, l, s.applets, &into.Applets, into, k, byChip)
	}
	return fmt.Errorf("there are no rows of kind %d", k.Kind)
}

func put[T any](ctx context.Context, l *loading, from *table[T], into *bank.Table[T], id string) error {
	row, err := load(ctx, l, from, id)
	if err == nil {
		into.Put(id, row)
	}
	return err
}

// load is a row from memory or else from SQLite, nil if there is none.
func load[T any](ctx context.Context, l *loading, from *table[T], id string) (*T, error) {
	if row, known := from.rows.get(id); known {
		return row, nil
	}
	c, err := l.conn()
	if err != nil {
		return nil, err
	}
	row, err := from.find(ctx, c, from.Columns[0], id)
	if err == nil {
		from.rows.put(id, row)
	}
	return row, err
}

// Commit writes what has changed, and the link.
func (t *tx) Commit(ctx context.Context, changed *bank.View, link bank.Link) error {
	defer t.end()
	if !t.turn {
		if err := t.take(ctx); err != nil {
			return err
		}
	}
	err := t.begin()
	if err == nil {
		err = t.write(changed, link)
	}
	if err != nil {
		t.rollback()
		t.s.forget()
		return classify(err)
	}
	if err := t.s.writer.exec("COMMIT"); err != nil {
		t.rollback()
		t.s.forget()
		return t.s.lost(err)
	}
	t.s.remember(changed)
	if t.s.keeper != nil {
		t.s.keeper.count(t.s.writer)
	}
	return nil
}

// lost tells what a failed COMMIT means. When the disk failed, the commit may
// still come up when the file is opened anew.
func (s *Store) lost(err error) error {
	switch primary(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_CONSTRAINT:
		return classify(err)
	case lib.SQLITE_FULL: // nothing was committed; HasLink will say so
	default:
		s.broken.Store(true)
	}
	return fmt.Errorf("%w: %w", bank.ErrLost, err)
}

// classify tells what may be tried again.
func classify(err error) error {
	switch primary(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", bank.ErrConflict, err)
	}
	return err
}

func (t *tx) write(v *bank.View, link bank.Link) error {
	s, c := t.s, t.s.writer
	for _, write := range []func() error{
		func() error { return s.merchants.write(c, &v.Merchants) },
		func() error { return s.apiKeys.write(c, &v.APIKeys) },
		func() error { return s.accounts.write(c, &v.Accounts) },
		func() error { return s.cards.write(c, &v.Cards) },
		func() error { return s.phones.write(c, &v.Phones) },
		func() error { return s.bindings.write(c, &v.Bindings) },
		func() error { return s.payments.write(c, &v.Payments) },
		func() error { return s.transfers.write(c, &v.Transfers) },
		func() error { return s.dispatches.write(c, &v.Dispatches) },
		func() error { return s.paces.write(c, &v.Paces) },
		func() error { return s.idempotency.write(c, &v.Idempotency) },
		func() error { return s.webhooks.write(c, &v.Webhooks) },
		func() error { return s.applets.write(c, &v.Applets) },
		func() error { return s.taps.write(c, &v.Taps) },
		func() error { return s.loads.write(c, &v.Loads) },
		func() error { return s.batches.write(c, &v.Batches) },
		func() error { return s.books.write(c, &v.Books) },
		func() error { return s.links.add(c, &link) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// remember takes over the rows of a commit.
func (s *Store) remember(v *bank.View) {
	s.merchants.remember(&v.Merchants)
	s.apiKeys.remember(&v.APIKeys)
	s.accounts.remember(&v.Accounts)
	s.cards.remember(&v.Cards)
	s.phones.remember(&v.Phones)
	s.bindings.remember(&v.Bindings)
	s.payments.remember(&v.Payments)
	s.dispatches.remember(&v.Dispatches)
	s.paces.remember(&v.Paces)
	s.webhooks.remember(&v.Webhooks)
	s.applets.remember(&v.Applets)
	s.loads.remember(&v.Loads)
	s.batches.remember(&v.Batches)
	s.books.remember(&v.Books)
}

// forget drops all rows in memory: after a failure only the file is believed.
func (s *Store) forget() {
	s.merchants.rows.clear()
	s.apiKeys.rows.clear()
	s.accounts.rows.clear()
	s.cards.rows.clear()
	s.phones.rows.clear()
	s.bindings.rows.clear()
	s.payments.rows.clear()
	s.dispatches.rows.clear()
	s.paces.rows.clear()
	s.webhooks.rows.clear()
	s.applets.rows.clear()
	s.loads.rows.clear()
	s.batches.rows.clear()
	s.books.rows.clear()
	s.found.clear()
}
