package service

import (
	"log/slog"
	"sync"
	"time"

	"sotto/bank"
)

// sender is what the carrier wants of the bus.
type sender interface {
	Send(phoneID, dispatchID string, body []byte) error
}

// carrier takes dispatches from the committer to the bus and sends them again
// until the phone has taken them. It may forget everything: the outbox is the
// truth, and a phone asks for what waits when it connects.
type carrier struct {
	bus sender
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	fresh   []bank.Dispatch
	waiting map[string]*unheard // by dispatch
	wake    chan struct{}
	done    chan struct{}
	ended   chan struct{}
	opened  bool
}

// unheard is a dispatch that its phone has not taken yet.
type unheard struct {
	dispatch bank.Dispatch
	next     time.Time
	pause    time.Duration
}

const (
	pauseFirst = 2 * time.Second // a phone that listens acknowledges in milliseconds
	pauseMax   = 30 * time.Second
	waitingMax = 50_000
)

func newCarrier(bus sender, log *slog.Logger, now func() time.Time) *carrier {
	c := &carrier{
		bus: bus, log: log, now: now, waiting: map[string]*unheard{},
		wake: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{}),
	}
	return c
}

// open begins to send, once the bus is there.
func (c *carrier) open() {
	c.opened = true
	go c.run()
}

// carry never blocks.
func (c *carrier) carry(dispatches []bank.Dispatch) {
	if len(dispatches) == 0 {
		return
	}
	c.mu.Lock()
	c.fresh = append(c.fresh, dispatches...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// arrived ends the repetitions of one dispatch.
func (c *carrier) arrived(id string) {
	c.mu.Lock()
	delete(c.waiting, id)
	c.mu.Unlock()
}

func (c *carrier) close() {
	close(c.done)
	if c.opened {
		<-c.ended
	}
}

func (c *carrier) run() {
	defer close(c.ended)
	again := time.NewTicker(pauseFirst / 2)
	defer again.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
			c.sendFresh()
		case <-again.C:
			c.sendAgain()
		}
	}
}

func (c *carrier) sendFresh() {
	now := c.now()
	c.mu.Lock()
	fresh := c.fresh
	c.fresh = nil
	for _, d := range fresh {
		if len(c.waiting) < waitingMax {
			c.waiting[d.ID] = &unheard{dispatch: d, next: now.Add(pauseFirst), pause: pauseFirst}
		}
	}
	c.mu.Unlock()
	for _, d := range fresh {
		c.send(d)
	}
}

func (c *carrier) sendAgain() {
	now := c.now()
	var due []bank.Dispatch
	c.mu.Lock()
	for id, u := range c.waiting {
		switch {
		case now.UnixMilli() >= u.dispatch.ExpiresAt:
			delete(c.waiting, id)
		case now.After(u.next):
			u.pause = min(2*u.pause, pauseMax)
			u.next = now.Add(u.pause)
			due = append(due, u.dispatch)
		}
	}
	c.mu.Unlock()
	for _, d := range due {
		c.send(d)
	}
}

func (c *carrier) send(d bank.Dispatch) {
	body, err := d.Wire()
	if err == nil {
		err = c.bus.Send(d.Phone, d.ID, body)
	}
	if err != nil {
		c.log.Warn("a dispatch could not be sent; it waits in the outbox", "dispatch", d.ID, "phone", d.Phone, "err", err)
	}
}
