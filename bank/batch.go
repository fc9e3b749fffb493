package bank

import (
	"bytes"
	"context"
	"fmt"

	"sotto/bankapi"
)

// batch is the ops of one transaction: the rows they work on, what they have
// changed, and the answers that wait for the commit.
type batch struct {
	names   names
	o       opContext
	tx      Tx
	calls   []*call
	answers []Answer
	weight  int
	landed  chan error
}

func (b *Bank) newBatch() *batch {
	view := NewView()
	return &batch{
		names:  names{view: view, seen: map[Key]struct{}{}},
		o:      opContext{View: view, random: b.c.Random, keys: b.keys, policy: b.c.Policy},
		landed: make(chan error, 1),
	}
}

// reset empties the batch. Its room is used again, but for what others hold.
func (t *batch) reset() {
	t.o.View.reset()
	t.o.events, t.o.sent, t.o.log = nil, nil, t.o.log[:0]
	t.tx, t.weight = nil, 0
	clear(t.calls)
	clear(t.answers)
	t.calls, t.answers = t.calls[:0], t.answers[:0]
}

// abandon gives up what was applied, and returns whose ops they were.
func (t *batch) abandon() []*call {
	calls := append([]*call(nil), t.calls...)
	if t.tx != nil {
		t.tx.Rollback()
	}
	t.reset()
	return calls
}

// apply applies further ops to the batch. Rows that below is about to store, or
// has read, are taken from there.
func (b *Bank) apply(ctx context.Context, t, below *batch, calls []*call) (err error) {
	t.calls = append(t.calls, calls...)
	for _, c := range calls {
		t.weight += weightOf(c.Op)
	}
	if t.tx == nil {
		if t.tx, err = b.c.Store.Begin(ctx); err != nil {
			t.tx = nil
			return fmt.Errorf("begin: %w", err)
		}
	}
	t.names.below = nil
	if below != nil {
		t.names.below = below.o.View
	}
	if err := b.load(ctx, t, calls); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	t.o.now = b.c.Now().UnixMilli()
	for _, c := range calls {
		t.answers = append(t.answers, b.one(&t.o, c))
	}
	b.stats.applied.Add(int64(len(calls)))
	return nil
}

// load asks every op for the rows it needs until none names a new one.
func (b *Bank) load(ctx context.Context, t *batch, calls []*call) error {
	n := &t.names
	clear(n.seen)
	for {
		n.want = n.want[:0]
		for _, c := range calls {
			b.ask(n, c)
		}
		if len(n.want) == 0 {
			return nil
		}
		if err := t.tx.Load(ctx, n.want, t.o.View); err != nil {
			return err
		}
	}
}

// ask lets one op name its rows. An op that panics will not be applied.
func (b *Bank) ask(n *names, c *call) {
	if c.broken {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			c.broken = true
			b.report(c, r)
		}
	}()
	n.actor = c.Actor
	n.row(KindIdempotency, c.idem)
	c.Op.names(n.view, n)
}

// report tells of an op that panicked.
func (b *Bank) report(c *call, panicked any) {
	b.stats.poisoned.Add(1)
	b.c.Log.Error("an op failed", "op", fmt.Sprintf("%T", c.Op), "panic", panicked)
}

// one applies one op, or replays the answer kept for its key. An op that
// panics changes nothing and fails alone.
func (b *Bank) one(o *opContext, c *call) (answer Answer) {
	if c.broken {
		return no(bankapi.Internal, "")
	}
	o.actor = c.Actor
	events, sent, log := len(o.events), len(o.sent), len(o.log)
	defer func() {
		if r := recover(); r != nil {
			b.report(c, r)
			o.rollback()
			o.events, o.sent, o.log = o.events[:events], o.sent[:sent], o.log[:log]
			answer = no(bankapi.Internal, "")
		}
	}()
	if kept := o.Idempotency.get(c.idem); kept != nil {
		if !bytes.Equal(kept.Request, c.Request[:]) {
			return no(bankapi.IdempotencyReuse, "use a new key for a new request")
		}
		return Answer{Reason: bankapi.Reason(kept.Reason), Body: kept.Body, Replayed: true}
	}
	answer = c.Op.apply(o)
	// A refusal that changed nothing is not kept: asked again it is judged
	// again, and nobody can fill the store with what was never done.
	if c.idem != "" && (answer.OK() || o.touched()) {
		o.Idempotency.add(o.View, c.idem, Idempotency{
			ID: c.idem, Request: c.Request[:], Reason: string(answer.Reason), Body: answer.Body, CreatedAt: o.now,
		})
	}
	o.settle()
	return answer
}
