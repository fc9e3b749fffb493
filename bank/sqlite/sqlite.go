// Package sqlite keeps the bank in one SQLite file (bank.Store).
//
// Start with Open. The file is in WAL mode with synchronous=FULL: what Commit
// has returned from survives any crash. One process has the file at a time, and
// Open refuses a second; that process has one connection that writes, which the
// committer uses, and a few that read. Since nobody else writes, rows that were
// read or written are kept in memory and loaded from there.
//
// The package speaks to SQLite (modernc.org/sqlite/lib) directly; database/sql
// is used for migrations only. It promises that its errors hold no values of
// rows.
package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"sotto/bank"
	"sotto/bank/sqltable"
)

// Memory is the path of a bank that keeps nothing: it is gone when closed.
const Memory = ":memory:"

// Options may be left zero.
type Options struct {
	// Readers is how many reads run at once; 3 if zero.
	Readers int
	// Rows bounds the rows kept in memory; 24,000 if zero, none if negative.
	Rows int
	// ReadOnly opens the file for reading alone, also while a bank has it. All
	// that is read is of one instant, soon after Open.
	ReadOnly bool
}

var errClosed = errors.New("the store is closed")

// Store is a bank in a file.
type Store struct {
	path    string
	uri     string
	lock    *conn
	writer  *conn
	keeper  *keeper       // nil in memory
	turn    chan struct{} // holds one token: who takes it may write
	readers chan *conn
	loader  chan *conn // holds the one that loads rows of transactions; nil in memory
	// readOnly is set when there is no writer.
	readOnly bool
	tables
	// broken is set when it is unknown what the disk holds.
	broken  atomic.Bool
	closing sync.Once
	closed  chan struct{}
}

type tables struct {
	merchants   *table[bank.Merchant]
	apiKeys     *table[bank.APIKey]
	accounts    *table[bank.Account]
	cards       *table[bank.Card]
	phones      *table[bank.Phone]
	bindings    *table[bank.Binding]
	payments    *table[bank.Payment]
	transfers   *table[bank.Transfer]
	dispatches  *table[bank.Dispatch]
	paces       *table[bank.Pace]
	idempotency *table[bank.Idempotency]
	webhooks    *table[bank.Webhook]
	applets     *table[bank.Applet]
	taps        *table[bank.Tap]
	loads       *table[bank.Load]
	batches     *table[bank.Batch]
	books       *table[bank.Book]
	links       *table[bank.Link]
	found       *cache[string] // which ids lookups led to
}

// newTables shares rows out among the tables by how they are used: answers
// kept for replays and transfers are hardly ever loaded again.
func newTables(rows int) tables {
	return tables{
		merchants: newTable(sqltable.Merchants, rows/48), apiKeys: newTable(sqltable.APIKeys, rows/48),
		accounts: newTable(sqltable.Accounts, rows/8), cards: newTable(sqltable.Cards, rows/8),
		phones: newTable(sqltable.Phones, rows/12), bindings: newTable(sqltable.Bindings, rows/48),
		payments: newTable(sqltable.Payments, rows/12), dispatches: newTable(sqltable.Dispatches, rows/12),
		paces: newTable(sqltable.Paces, rows/12), webhooks: newTable(sqltable.Webhooks, rows/48),
		transfers: newTable(sqltable.Transfers, 0), idempotency: newTable(sqltable.Idempotency, 0),
		applets: newTable(sqltable.Applets, rows/2), taps: newTable(sqltable.Taps, 0), loads: newTable(sqltable.Loads, rows/48),
		batches: newTable(sqltable.Batches, rows/48), books: newTable(sqltable.Books, rows/48),
		links: newTable(sqltable.Links, 0), found: newCache[string](rows / 8),
	}
}

// Open opens the bank in the file at path, and makes it if there is none.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	switch {
	case o.ReadOnly:
		o.Readers = 1 // of one instant
	case o.Readers == 0:
		o.Readers = 3
	}
	if o.Rows == 0 {
		o.Rows = 24_000
	}
	s := &Store{
		path: path, turn: make(chan struct{}, 1), readers: make(chan *conn, o.Readers),
		closed: make(chan struct{}), tables: newTables(max(0, o.Rows)),
	}
	open := s.open
	if o.ReadOnly {
		open = s.openToRead
	}
	if err := open(ctx, o.Readers); err != nil {
		s.end()
		return nil, explain(path, err)
	}
	s.turn <- struct{}{}
	if s.keeper != nil {
		go s.keeper.run(s.turn, s.closed)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, readers int) (err error) {
	if err := s.claim(); err != nil {
		return err
	}
	if s.writer, err = openConn(s.uri); err != nil {
		return err
	}
	if err := s.writer.recognize(ctx); err != nil {
		return err
	}
	if err := s.writer.setUp(ctx, s.path == Memory); err != nil {
		return err
	}
	if err := s.writer.upToDate(ctx, s.uri); err != nil {
		return err
	}
	if s.path != Memory {
		if s.keeper, err = newKeeper(ctx, s.uri); err != nil {
			return err
		}
		s.loader = make(chan *conn, 1)
		if err := s.openReader(ctx, s.loader); err != nil {
			return err
		}
	}
	return s.openReaders(ctx, readers)
}

// openToRead leaves the lock to the bank that works, and the schema as it is.
func (s *Store) openToRead(ctx context.Context, readers int) error {
	if err := s.find(); err != nil {
		return err
	}
	s.readOnly = true
	if err := s.openReaders(ctx, readers); err != nil {
		return err
	}
	// A transaction that has read once sees nothing of later commits.
	c := <-s.readers
	defer func() { s.readers <- c }()
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	_, err := c.number(ctx, "SELECT count(*) FROM sqlite_schema")
	return err
}

func (s *Store) openReaders(ctx context.Context, readers int) error {
	for range readers {
		if err := s.openReader(ctx, s.readers); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) openReader(ctx context.Context, into chan<- *conn) error {
	c, err := openConn(s.uri)
	if err != nil {
		return err
	}
	into <- c // so that end closes it, whatever comes
	if err := c.setUp(ctx, s.path == Memory); err != nil {
		return err
	}
	return c.exec("PRAGMA query_only = 1")
}

// Close ends the store once what is being written or read has ended. What was
// committed stays.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		if s.keeper != nil {
			<-s.keeper.ended
		}
		<-s.turn
		for _, idle := range []chan *conn{s.readers, s.loader} {
			for range cap(idle) {
				c := <-idle
				c.close()
			}
		}
		s.end()
	})
	return nil
}

// end closes the connections that nobody uses, the one that holds the lock last.
func (s *Store) end() {
	for _, idle := range []chan *conn{s.readers, s.loader} {
		for len(idle) > 0 {
			c := <-idle
			c.close()
		}
	}
	if s.keeper != nil {
		s.keeper.c.close()
	}
	for _, c := range []*conn{s.writer, s.lock} {
		if c != nil {
			c.close()
		}
	}
}
