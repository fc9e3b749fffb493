package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// load is one loop of payments.
type load struct {
	site *site
	town *town
	o    Options

	tally        *tally
	acknowledged *ledger
	from, to     time.Time // what is measured

	rate  int // of an open loop
	start time.Time
	begun atomic.Int64 // payments of the open loop
}

// ledger is what the bank has acknowledged, over all loops.
type ledger struct {
	payments, amount atomic.Int64
}

// run pays on so many connections until the time is over, finishes what is
// under way, and answers with what happened in the measured part.
func (l *load) run(ctx context.Context, connections int) (Loop, error) {
	payers, err := l.payers(ctx, connections)
	defer func() {
		for _, p := range payers {
			p.wire.close()
		}
	}()
	if err != nil {
		return Loop{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	l.start = time.Now()
	l.from = l.start.Add(l.o.WarmUp)
	l.to = l.from.Add(l.o.Duration)
	l.tally = newTally(l.o.Duration)
	var group sync.WaitGroup
	for _, p := range payers {
		group.Go(func() {
			if err := l.buy(ctx, p); err != nil {
				cancel(err)
			}
		})
	}
	before, after := l.watch(ctx)
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return Loop{}, err
	}
	loop := l.tally.loop(before, after)
	loop.Connections, loop.Merchants, loop.Rate = connections, min(connections, len(l.town.merchants)), l.rate
	return loop, nil
}

// payers shares the cards out.
func (l *load) payers(ctx context.Context, n int) ([]*payer, error) {
	var all []*payer
	for i := range n {
		m := l.town.merchants[i%len(l.town.merchants)]
		w, err := dialWire(ctx, l.site.address, m.key)
		if err != nil {
			return all, err
		}
		var cards []*card
		for at := i; at < len(l.town.cards); at += n {
			cards = append(cards, l.town.cards[at])
		}
		all = append(all, newPayer(w, cards))
	}
	return all, nil
}

// buy pays until the time is over.
func (l *load) buy(ctx context.Context, p *payer) error {
	for {
		began, ok := l.next(ctx)
		if !ok {
			return nil
		}
		r, err := p.pay(ctx, began)
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return nil // another payer has said why
			}
			return fmt.Errorf("payment %d of a payer: %w", p.count, err)
		}
		l.acknowledged.payments.Add(1)
		l.acknowledged.amount.Add(r.amount)
		if ended := began.Add(r.whole); !ended.Before(l.from) && ended.Before(l.to) {
			l.tally.record(ended.Sub(l.from), r)
		}
	}
}

// next is when the next payment begins. In an open loop that is its place in a
// schedule that waits for nobody: a payment that starts late, because all
// connections were waiting for the bank, is measured from when it was due.
func (l *load) next(ctx context.Context) (began time.Time, ok bool) {
	if l.rate == 0 {
		began = time.Now()
		return began, began.Before(l.to) && ctx.Err() == nil
	}
	n := l.begun.Add(1) - 1
	began = l.start.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	if !began.Before(l.to) {
		return began, false
	}
	timer := time.NewTimer(time.Until(began))
	defer timer.Stop()
	select {
	case <-timer.C:
		return began, true
	case <-ctx.Done():
		return began, false
	}
}

// watch waits for the begin and the end of what is measured, and notes the
// counters of bank and machine at both.
func (l *load) watch(ctx context.Context) (before, after reading) {
	wait(ctx, l.from)
	before = l.site.reading()
	wait(ctx, l.to)
	return before, l.site.reading()
}

func wait(ctx context.Context, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
