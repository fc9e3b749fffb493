package service

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sotto/bank"
)

// sender is what the carrier wants of the bus.
type sender interface {
	Send(phoneID, dispatchID string, body []byte) error
}

// outbox sends all that waits for a phone.
type outbox func(ctx context.Context, phone string, send func(dispatchID string, body []byte)) error

// carrier takes dispatches from the committer to the bus. To a phone that does
// not acknowledge it sends again what is still in the outbox, so that a payment
// which was cancelled meanwhile is not shown. The carrier may forget everything:
// the outbox is the truth, and a phone asks for what waits when it connects.
type carrier struct {
	outbox outbox
	log    *slog.Logger
	now    func() time.Time
	wake   chan struct{}

	mu    sync.Mutex
	fresh []bank.Dispatch
	debts map[string]*debt // by phone
	owed  int              // dispatches in debts
	lost  int              // since the last repetition; there was no room for them
}

// debt is what one phone has not acknowledged.
type debt struct {
	dispatches []string
	next       time.Time
	pause      time.Duration
}

const (
	pauseFirst = 2 * time.Second // a phone that listens acknowledges in milliseconds
	pauseMax   = 30 * time.Second
	againEvery = time.Second

	freshMax = 10_000  // bodies that wait for a bus that is slow; the rest come out of the outbox
	owedMax  = 200_000 // dispatches remembered, 100 bytes each
)

func newCarrier(o outbox, log *slog.Logger, now func() time.Time) *carrier {
	return &carrier{outbox: o, log: log, now: now, wake: make(chan struct{}, 1), debts: map[string]*debt{}}
}

// carry never blocks.
func (c *carrier) carry(dispatches []bank.Dispatch) {
	if len(dispatches) == 0 {
		return
	}
	next := c.now().Add(pauseFirst)
	c.mu.Lock()
	for i := range dispatches {
		c.owe(dispatches[i].Phone, dispatches[i].ID, next)
	}
	c.fresh = append(c.fresh, dispatches[:min(len(dispatches), freshMax-len(c.fresh))]...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *carrier) owe(phone, dispatch string, next time.Time) {
	if c.owed >= owedMax {
		c.lost++
		return
	}
	d := c.debts[phone]
	if d == nil {
		d = &debt{}
		c.debts[phone] = d
	}
	d.dispatches = append(d.dispatches, dispatch)
	d.next, d.pause = next, pauseFirst
	c.owed++
}

// arrived ends the repetitions of one dispatch. A phone can name its own only.
func (c *carrier) arrived(phone, dispatch string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgive(phone, func(id string) bool { return id == dispatch })
}

// forgive takes dispatches off a phone's debt.
func (c *carrier) forgive(phone string, paid func(dispatch string) bool) {
	d := c.debts[phone]
	if d == nil {
		return
	}
	before := len(d.dispatches)
	d.dispatches = slices.DeleteFunc(d.dispatches, paid)
	c.owed -= before - len(d.dispatches)
	if len(d.dispatches) == 0 {
		delete(c.debts, phone)
	}
}

// sendFresh sends what the committer has left, as it comes, until ctx ends.
func (c *carrier) sendFresh(ctx context.Context, bus sender) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			c.sendBatch(bus)
		}
	}
}

// sendBatch says once how much of it failed: when the bus is away that is all.
func (c *carrier) sendBatch(bus sender) {
	c.mu.Lock()
	batch := c.fresh
	c.fresh = nil
	c.mu.Unlock()
	failed, last := 0, error(nil)
	for i := range batch {
		body, err := batch[i].Wire()
		if err == nil {
			err = bus.Send(batch[i].Phone, batch[i].ID, body)
		}
		if err != nil {
			failed, last = failed+1, err
		}
	}
	if failed > 0 {
		c.log.Warn("dispatches could not be sent; they wait in the outbox", "dispatches", failed, "err", last)
	}
}

// sendAgain looks after the phones that do not acknowledge, until ctx ends.
func (c *carrier) sendAgain(ctx context.Context, bus sender) {
	tick := time.NewTicker(againEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.repeat(ctx, bus)
		}
	}
}

// repeat serves the phones whose pause is over.
func (c *carrier) repeat(ctx context.Context, bus sender) {
	phones, lost := c.due()
	if lost > 0 {
		c.log.Warn("too many dispatches are not acknowledged; some are sent only when their phone connects", "dispatches", lost)
	}
	for _, phone := range phones {
		if err := c.remind(ctx, bus, phone); err != nil {
			if ctx.Err() == nil {
				c.log.Warn("what waits could not be sent again", "phone", phone, "err", err)
			}
			return // the store or the bus is away: they are all tried again
		}
	}
}

func (c *carrier) due() (phones []string, lost int) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for phone, d := range c.debts {
		if now.Before(d.next) {
			continue
		}
		d.pause = min(2*d.pause, pauseMax)
		d.next = now.Add(d.pause)
		phones = append(phones, phone)
	}
	lost, c.lost = c.lost, 0
	return phones, lost
}

// remind sends a phone what it owes an acknowledgement for and is still in the
// outbox. What is not there any more is over.
func (c *carrier) remind(ctx context.Context, bus sender, phone string) error {
	over := c.of(phone)
	var failed error
	err := c.outbox(ctx, phone, func(id string, body []byte) {
		if over[id] && failed == nil {
			failed = bus.Send(phone, id, body)
		}
		delete(over, id)
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgive(phone, func(id string) bool { return over[id] })
	return failed
}

// of is what a phone owes now.
func (c *carrier) of(phone string) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	owed := map[string]bool{}
	if d := c.debts[phone]; d != nil {
		for _, id := range d.dispatches {
			owed[id] = true
		}
	}
	return owed
}
