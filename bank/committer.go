package bank

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sotto/bankapi"
)

// Config is what a Bank is made of.
type Config struct {
	Store  Store
	Keys   Secrets
	Policy Policy
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
	// Pause waits before the store is asked again; nil does not wait.
	Pause func(time.Duration)
	// Committed is called after each commit, in order, by the committer
	// itself: it must not block.
	Committed func(Committed)
}

// Committed is what a batch leaves to be carried on.
type Committed struct {
	Dispatches []Dispatch
	Events     []bankapi.Event
}

// Call is one op with what surrounds it.
type Call struct {
	Op    Op
	Actor Actor
	// IdempotencyKey makes the op happen once for this actor; Request is the
	// digest of what was asked, so that a key cannot be used for two things.
	IdempotencyKey string
	Request        [sha256.Size]byte
}

// Limits of the queue and of one batch, in ops.
const (
	queueMax = 4096
	batchMax = 512
)

// Bank applies ops. Its one committer takes what waits, without a timer:
// batches grow with load, and an idle op costs one commit.
type Bank struct {
	c     Config
	keys  *Keys
	queue chan *call
	stats stats

	closing sync.RWMutex
	closed  bool
	ended   chan struct{}

	// The committer's own.
	head  Link
	stale bool // head may not be the newest link any more
	view  *View
	names names
}

type call struct {
	Call
	idem   string
	answer chan Answer
}

// Stats counts what the committer has done since it started.
type Stats struct {
	Ops, Batches, Commits, Conflicts, Poisoned int64
	Queue                                      int
	// Sizes counts commits by their ops: of 1, of 2 to 3, of 4 to 7 and so on.
	Sizes [sizesMax]int64
}

// sizesMax has room for batchMax.
const sizesMax = 10

type stats struct {
	ops, batches, commits, conflicts, poisoned atomic.Int64
	sizes                                      [sizesMax]atomic.Int64
}

// Open reads the end of the audit chain and starts the committer. Close ends it.
func Open(ctx context.Context, c Config) (*Bank, error) {
	head, err := c.Store.LastLink(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the end of the audit chain: %w", err)
	}
	if c.Committed == nil {
		c.Committed = func(Committed) {}
	}
	if c.Pause == nil {
		c.Pause = func(time.Duration) {}
	}
	b := &Bank{
		c: c, keys: NewKeys(c.Keys), queue: make(chan *call, queueMax),
		ended: make(chan struct{}), head: head, view: NewView(),
	}
	b.names = names{view: b.view, seen: map[Key]struct{}{}}
	go b.run()
	return b, nil
}

// Close refuses further ops, finishes those that wait, and returns when the
// committer has ended.
func (b *Bank) Close() {
	b.closing.Lock()
	if !b.closed {
		b.closed = true
		close(b.queue)
	}
	b.closing.Unlock()
	<-b.ended
}

// Do answers when the op's outcome is durable. A full queue answers Busy at
// once. When ctx ends first the outcome is unknown to the caller, and an op
// with an idempotency key can simply be asked again.
func (b *Bank) Do(ctx context.Context, c Call) (Answer, error) {
	one := &call{Call: c, answer: make(chan Answer, 1)}
	if c.IdempotencyKey != "" {
		one.idem = string(c.Actor.Role) + ":" + c.Actor.Merchant + "|" + c.IdempotencyKey
	}
	if a, refused := b.enqueue(one); refused {
		return a, nil
	}
	select {
	case a := <-one.answer:
		return a, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

func (b *Bank) enqueue(c *call) (Answer, bool) {
	b.closing.RLock()
	defer b.closing.RUnlock()
	if b.closed {
		return no(bankapi.Unavailable, "the bank is shutting down"), true
	}
	select {
	case b.queue <- c:
		return Answer{}, false
	default:
		return wait(bankapi.Busy, "try again in a moment", 1000), true
	}
}

// Stats tells what the committer has done.
func (b *Bank) Stats() Stats {
	s := Stats{
		Ops: b.stats.ops.Load(), Batches: b.stats.batches.Load(), Commits: b.stats.commits.Load(),
		Conflicts: b.stats.conflicts.Load(), Poisoned: b.stats.poisoned.Load(), Queue: len(b.queue),
	}
	for i := range s.Sizes {
		s.Sizes[i] = b.stats.sizes[i].Load()
	}
	return s
}

// Policy is the policy in force.
func (b *Bank) Policy() Policy { return b.c.Policy }

// Keys makes what callers draw or hash before they ask: PANs, tickets, API keys.
// Only its methods without a card or phone may be used outside the committer.
func (b *Bank) Keys() *Keys { return b.keys }

// Store gives readers their door.
func (b *Bank) Store() Reader { return b.c.Store }

func (b *Bank) run() {
	defer close(b.ended)
	batch := make([]*call, 0, batchMax)
	for first := range b.queue {
		batch = b.gather(append(batch[:0], first))
		b.commit(batch)
	}
}

// gather takes what waits, lets whoever is ready to run do so once, and takes
// what waits then. Callers who have just been answered come back at almost the
// same time: without this the first of them would have a commit of his own, and
// all others would wait for it. It waits for no time to pass, and costs nothing
// when nobody else is there.
func (b *Bank) gather(batch []*call) []*call {
	batch = b.take(batch)
	runtime.Gosched()
	return b.take(batch)
}

// take adds what waits in the queue, up to batchMax.
func (b *Bank) take(batch []*call) []*call {
	for len(batch) < batchMax {
		select {
		case next, ok := <-b.queue:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// commit makes one transaction of the batch. When the store refuses what it
// writes, the batch is halved until the op that poisons it stands alone.
func (b *Bank) commit(batch []*call) {
	ctx := context.Background()
	b.stats.batches.Add(1)
	err := b.try(ctx, batch)
	for attempt := 1; errors.Is(err, ErrConflict) && attempt <= 10; attempt++ {
		b.stats.conflicts.Add(1)
		b.c.Pause(b.jitter(attempt))
		err = b.try(ctx, batch)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrLost):
		b.c.Log.Error("the store was lost while committing", "err", err, "ops", len(batch))
		answerAll(batch, no(bankapi.OutcomeUnknown, "ask again with the same idempotency key"))
	case len(batch) == 1:
		b.stats.poisoned.Add(1)
		b.c.Log.Error("an op cannot be committed", "op", fmt.Sprintf("%T", batch[0].Op), "err", err)
		answerAll(batch, no(bankapi.Internal, ""))
	default:
		half := len(batch) / 2
		b.commit(batch[:half])
		b.commit(batch[half:])
	}
}

// jitter spreads the retries of replicas that stand in each other's way.
func (b *Bank) jitter(attempt int) time.Duration {
	var r [1]byte
	if _, err := io.ReadFull(b.c.Random, r[:]); err != nil {
		r[0] = 0
	}
	return time.Duration(attempt)*time.Millisecond + time.Duration(r[0])*10*time.Microsecond
}

func answerAll(batch []*call, a Answer) {
	for _, c := range batch {
		c.answer <- a
	}
}

// try applies the batch in one transaction, commits it, and answers.
func (b *Bank) try(ctx context.Context, batch []*call) error {
	if err := b.findHead(ctx); err != nil {
		return err
	}
	tx, err := b.c.Store.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	b.view.reset()
	if err := b.load(ctx, tx, batch); err != nil {
		tx.Rollback()
		return fmt.Errorf("load: %w", err)
	}
	o := &opContext{
		View: b.view, now: b.c.Now().UnixMilli(), random: b.c.Random, keys: b.keys, policy: b.c.Policy,
		events: make([]bankapi.Event, 0, 2*len(batch)),
	}
	answers := make([]Answer, len(batch))
	for i, c := range batch {
		answers[i] = b.one(o, c)
	}
	if err := b.finish(ctx, tx, o, len(batch)); err != nil {
		return err
	}
	b.stats.ops.Add(int64(len(batch)))
	b.c.Committed(Committed{Dispatches: o.sent, Events: o.events})
	for i, c := range batch {
		c.answer <- answers[i]
	}
	return nil
}

// findHead reads the end of the audit chain again after a commit that failed:
// it may have happened all the same, or another replica may have been first.
func (b *Bank) findHead(ctx context.Context) error {
	if !b.stale {
		return nil
	}
	head, err := b.c.Store.LastLink(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the audit chain: %w", err)
	}
	b.head, b.stale = head, false
	return nil
}

// load asks every op for the rows it needs until none names a new one.
func (b *Bank) load(ctx context.Context, tx Tx, batch []*call) error {
	n := &b.names
	clear(n.seen)
	for {
		n.want = n.want[:0]
		for _, c := range batch {
			n.actor = c.Actor
			n.row(KindIdempotency, c.idem)
			c.Op.names(b.view, n)
		}
		if len(n.want) == 0 {
			return nil
		}
		if err := tx.Load(ctx, n.want, b.view); err != nil {
			return err
		}
	}
}

// one applies one op, or replays the answer kept for its key. An op that
// panics changes nothing and fails alone.
func (b *Bank) one(o *opContext, c *call) (answer Answer) {
	o.actor = c.Actor
	events, sent, log := len(o.events), len(o.sent), len(o.log)
	defer func() {
		if r := recover(); r != nil {
			b.stats.poisoned.Add(1)
			b.c.Log.Error("an op failed", "op", fmt.Sprintf("%T", c.Op), "panic", r)
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

// finish writes the batch and its audit link. A batch that changed nothing is
// not written at all.
func (b *Bank) finish(ctx context.Context, tx Tx, o *opContext, ops int) error {
	if !o.changed() {
		tx.Rollback()
		return nil
	}
	link := b.keys.nextLink(b.head, o)
	b.stale = true
	err := tx.Commit(ctx, o.View, link)
	if errors.Is(err, ErrLost) {
		var there bool
		if there, err = b.lookFor(ctx, link); err == nil && !there {
			return ErrConflict // it did not happen: do it again
		}
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	b.stale = false
	b.stats.commits.Add(1)
	b.stats.sizes[bits.Len(uint(ops))-1].Add(1)
	b.head = link
	return nil
}

// lookFor finds out whether a commit whose answer was lost has happened: its
// audit link is there or it is not.
func (b *Bank) lookFor(ctx context.Context, link Link) (bool, error) {
	var err error
	for attempt := 1; attempt <= 20; attempt++ {
		var there bool
		if there, err = b.c.Store.HasLink(ctx, link.Seq, link.MAC); err == nil {
			return there, nil
		}
		b.c.Pause(b.jitter(attempt * 10))
	}
	return false, fmt.Errorf("%w: %w", ErrLost, err)
}
