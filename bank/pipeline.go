package bank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"runtime"
	"time"

	"sotto/bankapi"
)

// pipeline is the committer. It works on two batches: while one is written and
// synced, the other is open, and ops are applied to it as they come, on top of
// the rows the first is about to store. When the first has landed its callers
// are answered, and the open one follows at once. Nobody hears of an op before
// it is durable, nor of what rests on one that is not.
//
// A batch that fails takes the open one along, which was built on it: both are
// done again, one after the other.
type pipeline struct {
	*Bank
	ctx     context.Context
	queue   <-chan *call // nil when it has been closed
	open    *batch
	flying  *batch // nil when nothing is being committed
	spare   *batch // nil while one is flying
	arrived []*call
}

func (b *Bank) run(ctx context.Context) {
	defer close(b.ended)
	p := pipeline{Bank: b, ctx: ctx, queue: b.queue, open: b.newBatch(), spare: b.newBatch()}
	for p.step() {
	}
}

// step does what is next, and reports whether there is more to come.
func (p *pipeline) step() bool {
	if p.flying == nil && len(p.open.calls) > 0 {
		p.launch()
	}
	if p.flying == nil && p.queue == nil {
		return false
	}
	select {
	case first, more := <-p.intake():
		if !more {
			p.queue = nil
			break
		}
		p.gather(first)
		if err := p.apply(p.ctx, p.open, p.flying, p.arrived); err != nil {
			p.fail(err)
		}
	case err := <-p.landing():
		p.land(err)
	}
	return true
}

// intake is where ops come from while the open batch has room.
func (p *pipeline) intake() <-chan *call {
	if p.open.weight >= batchMax {
		return nil
	}
	return p.queue
}

func (p *pipeline) landing() <-chan error {
	if p.flying == nil {
		return nil
	}
	return p.flying.landed
}

// gather takes what waits. When nothing is being committed it lets whoever is
// ready to run do so once, and takes what waits then: callers who have just been
// answered come back at almost the same time, and the first of them would have
// a commit of his own while all others wait for it. It waits for no time to
// pass, and costs nothing when nobody else is there.
func (p *pipeline) gather(first *call) {
	p.arrived = append(p.arrived[:0], first)
	room := p.take(batchMax - p.open.weight - weightOf(first.Op))
	if p.flying == nil {
		runtime.Gosched()
		p.take(room)
	}
}

// take takes ops until one fills the room; it returns what is left of that.
func (p *pipeline) take(room int) int {
	for room > 0 {
		select {
		case next, more := <-p.queue:
			if !more {
				p.queue = nil
				return 0
			}
			p.arrived = append(p.arrived, next)
			room -= weightOf(next.Op)
		default:
			return room
		}
	}
	return room
}

// launch commits the open batch beside, and opens the other.
func (p *pipeline) launch() {
	t := p.open
	p.open, p.flying, p.spare = p.spare, t, nil
	p.stats.batches.Add(1)
	go func() { t.landed <- p.finish(p.ctx, t) }()
}

// land ends the flying batch. If it has failed, so has what is open.
func (p *pipeline) land(err error) {
	t := p.flying
	p.flying, p.spare = nil, t
	if err == nil {
		t.reset()
		return
	}
	first, second := t.abandon(), p.open.abandon()
	p.again(first, err)
	p.commit(second)
}

// fail does again what could not even be applied.
func (p *pipeline) fail(err error) {
	if p.flying != nil {
		p.land(<-p.flying.landed)
	}
	p.again(p.open.abandon(), err)
}

// commit makes one transaction of the ops, with nothing beside.
func (p *pipeline) commit(calls []*call) {
	if len(calls) > 0 {
		p.stats.batches.Add(1)
		p.again(calls, p.try(calls))
	}
}

func (p *pipeline) try(calls []*call) error {
	t := p.newBatch()
	if err := p.apply(p.ctx, t, nil, calls); err != nil {
		t.abandon()
		return err
	}
	return p.finish(p.ctx, t)
}

// again goes on after err. What the store may take later is tried again; when it
// refuses what is written, the ops are halved until the one that poisons them
// stands alone.
func (p *pipeline) again(calls []*call, err error) {
	for attempt := 1; errors.Is(err, ErrConflict) && attempt <= 10; attempt++ {
		p.stats.conflicts.Add(1)
		p.c.Pause(p.jitter(attempt))
		err = p.try(calls)
	}
	switch {
	case err == nil || len(calls) == 0:
	case errors.Is(err, ErrLost):
		p.c.Log.Error("the store was lost while committing", "err", err, "ops", len(calls))
		answerAll(calls, no(bankapi.OutcomeUnknown, "ask again with the same idempotency key"))
	case len(calls) == 1:
		p.stats.poisoned.Add(1)
		p.c.Log.Error("an op cannot be committed", "op", fmt.Sprintf("%T", calls[0].Op), "err", err)
		answerAll(calls, no(bankapi.Internal, ""))
	default:
		half := len(calls) / 2
		p.commit(calls[:half])
		p.commit(calls[half:])
	}
}

func answerAll(calls []*call, a Answer) {
	for _, c := range calls {
		c.answer <- a
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

// finish makes the batch durable, tells what is to be carried on, and answers.
// After an error nobody has been told anything.
func (b *Bank) finish(ctx context.Context, t *batch) error {
	if err := b.store(ctx, t); err != nil {
		return err
	}
	b.stats.ops.Add(int64(len(t.calls)))
	b.c.Committed(Committed{Dispatches: t.o.sent, Events: t.o.events})
	for i, c := range t.calls {
		c.answer <- t.answers[i]
	}
	return nil
}

// store writes the batch and its audit link. A batch that changed nothing is
// not written at all.
func (b *Bank) store(ctx context.Context, t *batch) error {
	if !t.o.changed() {
		t.tx.Rollback()
		return nil
	}
	if err := b.findHead(ctx); err != nil {
		t.tx.Rollback()
		return err
	}
	link := b.keys.nextLink(b.head, &t.o)
	b.stale = true
	err := t.tx.Commit(ctx, t.o.View, link)
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
	b.stats.sizes[bits.Len(uint(len(t.calls)))-1].Add(1)
	b.head = link
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

// lookFor finds out whether a commit whose answer was lost has happened: its
// audit link is there or it is not.
func (b *Bank) lookFor(ctx context.Context, link Link) (bool, error) {
	var err error
	for attempt := 1; attempt <= 20; attempt++ {
		var there bool
		if there, err = b.c.Store.HasLink(ctx, link.Seq, link.MAC); err == nil {
			return there, nil
		}
		b.c.Pause(time.Duration(attempt) * 10 * time.Millisecond)
	}
	return false, fmt.Errorf("%w: %w", ErrLost, err)
}
