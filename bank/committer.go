package bank

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
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
	// Committed is called after each commit, in order, while the next one
	// waits: it must not block.
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

// Limits of the queue, in ops, and of one batch, in the weight of its ops.
const (
	queueMax = 4096
	batchMax = 512
)

// weighty is an op that counts for more than one in a batch.
type weighty interface{ weight() int }

func weightOf(op Op) int {
	if w, ok := op.(weighty); ok {
		return w.weight()
	}
	return 1
}

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

	// Whoever commits owns these; only one batch is being committed at a time.
	head  Link
	stale bool // head may not be the newest link any more
}

type call struct {
	Call
	idem   string
	answer chan Answer
	broken bool // it panicked when asked for its rows
}

// Stats counts what the committer has done since it started.
type Stats struct {
	// Applied counts ops that were judged, Ops those whose outcome is durable.
	Applied, Ops, Batches, Commits, Conflicts, Poisoned int64
	Queue                                               int
	// Sizes counts commits by their ops: of 1, of 2 to 3, of 4 to 7 and so on.
	Sizes [sizesMax]int64
}

// sizesMax has room for batchMax.
const sizesMax = 10

type stats struct {
	applied, ops, batches, commits, conflicts, poisoned atomic.Int64
	sizes                                               [sizesMax]atomic.Int64
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
		ended: make(chan struct{}), head: head,
	}
	go b.run(context.WithoutCancel(ctx))
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
		Applied: b.stats.applied.Load(), Ops: b.stats.ops.Load(), Batches: b.stats.batches.Load(), Commits: b.stats.commits.Load(),
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
