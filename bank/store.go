package bank

import (
	"context"
	"errors"
)

// Errors a Store answers with.
var (
	// ErrConflict: the database chose to fail this transaction; nothing was
	// changed and the same ops may be tried again.
	ErrConflict = errors.New("bank: the store asks to try again")
	// ErrLost: the connection was lost, and whether the commit happened is
	// unknown until HasLink answers.
	ErrLost = errors.New("bank: the store was lost while committing")
	// ErrNoRow: there is no such row.
	ErrNoRow = errors.New("bank: no such row")
)

// Store is the database as the bank wants it. What Commit has returned from
// survives any crash.
type Store interface {
	// Begin opens a transaction. There may be two: one that is being committed,
	// and the next, which asks for no row that the first has loaded or changed.
	// A store that cannot have two lets Begin wait until the first has ended.
	Begin(ctx context.Context) (Tx, error)
	// LastLink is the newest link of the audit chain; Seq 0 means none.
	LastLink(ctx context.Context) (Link, error)
	// HasLink reports whether this link is durable.
	HasLink(ctx context.Context, seq int64, mac []byte) (bool, error)
	Reader
}

// Tx is one batch at work.
type Tx interface {
	// Load puts the rows of these keys into the view: those that are not there
	// as nothing.
	Load(ctx context.Context, want []Key, into *View) error
	// Commit writes every changed row and the link, durably, and ends the
	// transaction, whatever it answers.
	Commit(ctx context.Context, changed *View, link Link) error
	// Rollback ends the transaction with nothing changed.
	Rollback()
}

// Page asks for a part of a list, newest first: at most Limit rows with ids
// below Before (all, if empty).
type Page struct {
	Before string
	Limit  int
}

// Reader reads what is committed. Rows it returns are the caller's own.
type Reader interface {
	Payment(ctx context.Context, id string) (Payment, error)
	Account(ctx context.Context, id string) (Account, error)
	Card(ctx context.Context, id string) (Card, error)
	Phone(ctx context.Context, id string) (Phone, error)
	PhoneByKey(ctx context.Context, publicKey string) (Phone, error)
	Binding(ctx context.Context, id string) (Binding, error)
	Merchant(ctx context.Context, id string) (Merchant, error)
	APIKey(ctx context.Context, id string) (APIKey, error)
	Transfer(ctx context.Context, id string) (Transfer, error)
	Webhook(ctx context.Context, id string) (Webhook, error)
	Applet(ctx context.Context, id string) (Applet, error)
	Load(ctx context.Context, id string) (Load, error)
	Batch(ctx context.Context, id string) (Batch, error)
	Book(ctx context.Context, id string) (Book, error)

	// Payments lists one merchant's, or all if merchant is empty.
	Payments(ctx context.Context, merchant string, p Page) ([]Payment, error)
	Accounts(ctx context.Context, p Page) ([]Account, error)
	Cards(ctx context.Context, p Page) ([]Card, error)
	Phones(ctx context.Context, p Page) ([]Phone, error)
	Bindings(ctx context.Context, p Page) ([]Binding, error)
	Merchants(ctx context.Context, p Page) ([]Merchant, error)
	// Transfers lists those of one account, or all.
	Transfers(ctx context.Context, account string, p Page) ([]Transfer, error)
	// Webhooks lists those not deleted: one merchant's, or all.
	Webhooks(ctx context.Context, merchant string, p Page) ([]Webhook, error)
	Applets(ctx context.Context, p Page) ([]Applet, error)
	Loads(ctx context.Context, p Page) ([]Load, error)
	// Batches lists one merchant's, or all, by their ids.
	Batches(ctx context.Context, merchant string, p Page) ([]Batch, error)
	// Taps lists those of one applet, by counter.
	Taps(ctx context.Context, applet string, p Page) ([]Tap, error)
	// Disputes lists disputed taps: one merchant's, or all.
	Disputes(ctx context.Context, merchant string, p Page) ([]Tap, error)

	// Waiting is the outbox of one phone, oldest first, without what has expired.
	Waiting(ctx context.Context, phone string, nowMillis int64) ([]Dispatch, error)
	// Links reads audit links after seq, oldest first.
	Links(ctx context.Context, afterSeq int64, limit int) ([]Link, error)
	// Due finds what the sweeper has to end: up to limit of each.
	Due(ctx context.Context, nowMillis, idempotencyBefore int64, limit int) (Due, error)
	// Sums adds up the ledger for the audit: stored balances and those that
	// follow from the transfers.
	Sums(ctx context.Context) ([]Sum, error)
}

// Due is what has run out: ids.
type Due struct {
	Payments, Bindings, Dispatches, Idempotency []string
}

// Sum compares one account's balances, in minor units.
type Sum struct {
	Account         string
	Currency        string
	Debits, Credits int64 // as stored
	// DebitsMoved and CreditsMoved are the sums over its transfers.
	DebitsMoved, CreditsMoved int64
	Held                      int64
	// HeldByPayments is the sum of the payments that hold money of it.
	HeldByPayments int64
}
