// Package storetest is what every bank.Store must pass, and one load to measure
// them with.
//
// Start with Run. It knows no database: rows are put through Begin, Load and
// Commit and read back through those and bank.Reader. Fields of rows are walked
// by reflection, so that one added later is tested without a word here. Bench
// tells how fast payments become durable.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"sotto/bank"
)

// Run puts a store through the suite. Open gives an empty one that is closed
// with the test.
func Run(t *testing.T, open func(*testing.T) bank.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*book)
	}{
		{"an empty store has nothing", testEmpty},
		{"rows come back as they went in", testRows},
		{"each field can change alone", testFields},
		{"rows go", testDeletes},
		{"rollback leaves no trace", testRollback},
		{"a batch is written whole or not at all", testAtomic},
		{"a link's number is used once", testLinkTwice},
		{"lookups follow what is written", testLookups},
		{"lists are newest first", testLists},
		{"lists keep to whose they are", testOwners},
		{"taps are listed by applet", testTaps},
		{"limits are bounded", testLimits},
		{"outbox", testWaiting},
		{"due", testDue},
		{"due answers at most so many", testDueLimit},
		{"links", testLinks},
		{"sums", testSums},
		{"sums show what was tampered with", testTampering},
		{"a batch of thousands", testBigBatch},
		{"readers see whole commits", testSnapshots},
		{"what was read belongs to the reader", testOwnCopies},
		{"a context that has ended", testContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Helper()
			test.run(&book{T: t, store: open(t)})
		})
	}
}

// book writes batches to a store and fails the test when one is refused.
type book struct {
	*testing.T
	store bank.Store
	head  bank.Link
}

var background = context.Background()

func (b *book) begin() bank.Tx {
	b.Helper()
	tx, err := b.store.Begin(background)
	if err != nil {
		b.Fatal("begin: ", err)
	}
	return tx
}

// load is a view of these rows, with their transaction still open.
func (b *book) load(keys ...bank.Key) (bank.Tx, *bank.View) {
	b.Helper()
	tx, v := b.begin(), bank.NewView()
	if err := tx.Load(background, keys, v); err != nil {
		tx.Rollback()
		b.Fatal("load: ", err)
	}
	return tx, v
}

func (b *book) nextLink() bank.Link {
	n := b.head.Seq + 1
	return bank.Link{Seq: n, At: 1000 + n, Prev: b.head.MAC, Body: fmt.Appendf(nil, "{\"n\":%d}\n", n), MAC: fmt.Appendf(nil, "mac %d", n)}
}

// commit writes what change does to the rows of these keys.
func (b *book) commit(change func(*bank.View), keys ...bank.Key) {
	b.Helper()
	if err := b.try(change, keys...); err != nil {
		b.Fatal("commit: ", err)
	}
}

func (b *book) try(change func(*bank.View), keys ...bank.Key) error {
	b.Helper()
	tx, v := b.load(keys...)
	change(v)
	link := b.nextLink()
	err := tx.Commit(background, v, link)
	if err == nil {
		b.head = link
	}
	return err
}

// refuse commits what the store must refuse for good.
func (b *book) refuse(change func(*bank.View), keys ...bank.Key) {
	b.Helper()
	switch err := b.try(change, keys...); {
	case err == nil:
		b.Fatal("the store took what breaks a constraint")
	case errors.Is(err, bank.ErrConflict), errors.Is(err, bank.ErrLost):
		b.Fatalf("got %v, want an error that says neither to try again nor that the outcome is unknown", err)
	}
}

// must is for reads.
func must[T any](b *book, got T, err error) T {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	return got
}
