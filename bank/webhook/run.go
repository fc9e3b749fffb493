package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"sotto/bank"
	"sotto/bankapi"
)

// Limits of one run.
const (
	linksMax  = 20  // links read at a time
	eventsMax = 256 // events kept from them, though never a part of a link
	keepMax   = 100 // deliveries between two writes of the cursor
	// lagMax is how many links of others a cursor may lie behind: so many are
	// read when the bank starts anew after a crash. Runs look twice as often.
	lagMax     = 1000
	lookEvery  = lagMax / 2
	keepAfter  = 500 * time.Millisecond // of quiet
	closeMax   = 2 * time.Second
	pauseFirst = time.Second
	pauseMax   = 5 * time.Minute
)

// run is one endpoint being served. The courier's lock guards where it reads;
// the rest is its goroutine's own.
type run struct {
	cancel context.CancelFunc
	wake   chan struct{}

	next  int64 // the first link that may hold an event to deliver
	last  int64 // the newest link known to hold one
	whole bool  // last is not known: read to the end of the log

	hook    bank.Webhook // Cursor is how far deliveries have come
	kept    string       // the cursor in the store
	unkept  int          // deliveries since
	pause   time.Duration
	waiting time.Duration // as the endpoint has asked
}

func newRun(w bank.Webhook, cancel context.CancelFunc) *run {
	return &run{
		cancel: cancel, wake: make(chan struct{}, 1), hook: w, kept: w.Cursor, pause: pauseFirst,
		next: max(1, linkOf(w.Cursor)), whole: true,
	}
}

// announce takes note that a link has events for this endpoint.
func (r *run) announce(link int64) {
	if !r.whole && r.next > r.last {
		r.next = max(r.next, link) // what lies between is not for it
	}
	r.last = max(r.last, link)
	poke(r.wake)
}

// serve delivers to one endpoint until its context ends. After a failure it
// waits out the pause: new events do not shorten it.
func (c *Courier) serve(ctx context.Context, r *run) {
	defer c.leave(ctx, r)
	for ctx.Err() == nil {
		err := c.catchUp(ctx, r)
		if err == nil {
			c.rest(ctx, r)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		pause := min(max(r.pause, r.waiting), pauseMax)
		c.c.Log.Warn("a webhook failed", "webhook", r.hook.ID, "merchant", r.hook.Merchant, "retry_in", pause, "err", err)
		r.pause = min(2*r.pause, pauseMax)
		select {
		case <-ctx.Done():
		case <-c.c.After(pause):
		}
	}
}

// catchUp delivers all that there is. It goes over the log once: a try again
// begins at the link of the event that failed.
func (c *Courier) catchUp(ctx context.Context, r *run) error {
	for {
		from, n := c.ahead(r)
		if n == 0 {
			return nil
		}
		own, through, err := c.read(ctx, r, from, n)
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		for _, e := range own {
			if err := c.deliver(ctx, r, e); err != nil {
				return err
			}
		}
		c.pass(r, through)
	}
}

// ahead says which links to read next: n of them, from the first on.
func (c *Courier) ahead(r *run) (from int64, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.whole {
		return r.next, linksMax
	}
	return r.next, int(max(0, min(linksMax, r.last-r.next+1)))
}

var errNotThere = errors.New("the log ends before an event that it was said to have")

// read returns the endpoint's events in at most n links, and the last link that
// was read. Links that do not name its merchant are not parsed.
func (c *Courier) read(ctx context.Context, r *run, from int64, n int) (own []bankapi.Event, through int64, err error) {
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	links, err := c.c.Bank.Store().Links(ctx, from-1, n)
	if err != nil {
		return nil, 0, err
	}
	through = from - 1
	merchant := []byte(r.hook.Merchant)
	for _, l := range links {
		if len(own) >= eventsMax {
			return own, through, nil
		}
		if bytes.Contains(l.Body, merchant) {
			events, err := l.Events()
			if err != nil {
				return nil, 0, err
			}
			own = appendOwn(own, events, &r.hook)
		}
		through = l.Seq
	}
	if len(links) < n && !c.atEnd(r, through) {
		return nil, 0, errNotThere
	}
	return own, through, nil
}

func appendOwn(own, events []bankapi.Event, w *bank.Webhook) []bankapi.Event {
	for _, e := range events {
		if e.Merchant == w.Merchant && e.ID > w.Cursor {
			own = append(own, e)
		}
	}
	return own
}

// atEnd takes note that the log ends with this link. From here on Committed says
// what to read; what it has said meanwhile counts.
func (c *Courier) atEnd(r *run, link int64) (expected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	expected, r.whole = r.whole, false
	r.last = max(r.last, link) // its events are not delivered yet
	return expected
}

// pass takes note that all up to a link is delivered.
func (c *Courier) pass(r *run, link int64) {
	r.hook.Cursor = max(r.hook.Cursor, endOf(link))
	c.mu.Lock()
	defer c.mu.Unlock()
	r.next = max(r.next, link+1)
}

// deliver posts one event and moves the cursor behind it. An endpoint that has
// changed between failing and not is written at once.
func (c *Courier) deliver(ctx context.Context, r *run, e bankapi.Event) error {
	err := c.post(ctx, &r.hook, e)
	if ctx.Err() != nil {
		return ctx.Err() // the bank's doing, and not the endpoint's
	}
	failing := err != nil
	changed := failing != r.hook.Failing
	r.hook.Failing = failing
	if !failing {
		r.hook.Cursor = e.ID
		r.unkept++
		r.pause = pauseFirst
	}
	r.waiting = asked(err)
	if changed || failing && r.unkept > 0 || r.unkept >= keepMax {
		c.keep(ctx, r)
	}
	if failing {
		c.mu.Lock()
		r.next = max(r.next, linkOf(e.ID))
		c.mu.Unlock()
	}
	return err
}

// rest waits until there is something to deliver. Deliveries are written when
// it has been quiet for a moment; that only others' links were passed over,
// when they are many.
func (c *Courier) rest(ctx context.Context, r *run) {
	c.settle(r)
	var quiet <-chan time.Time
	switch {
	case linkOf(r.hook.Cursor)-linkOf(r.kept) >= lookEvery:
		c.keep(ctx, r)
	case r.unkept > 0:
		quiet = c.c.After(keepAfter)
	}
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-quiet:
		c.keep(ctx, r)
	}
}

// settle moves the cursor of a run that has nothing to deliver to the end of
// what is known of the log.
func (c *Courier) settle(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !r.whole && r.next > r.last {
		r.hook.Cursor = max(r.hook.Cursor, endOf(c.head))
	}
}

// leave writes the cursor once more.
func (c *Courier) leave(ctx context.Context, r *run) {
	c.settle(r)
	if r.hook.Cursor == r.kept {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeMax)
	defer cancel()
	c.keep(ctx, r)
}

// keep writes how far deliveries have come. When it fails events are delivered
// twice, which receivers expect; the next one writes it too.
func (c *Courier) keep(ctx context.Context, r *run) {
	w := &r.hook
	op := bank.AdvanceWebhook{Webhook: w.ID, Cursor: w.Cursor, Failing: w.Failing}
	answer, err := c.c.Bank.Do(ctx, bank.Call{Op: op, Actor: bank.Self})
	if err == nil && answer.OK() {
		r.kept, r.unkept = w.Cursor, 0
		return
	}
	if ctx.Err() == nil {
		c.c.Log.Warn("a webhook's cursor was not kept", "webhook", w.ID, "reason", string(answer.Reason), "err", err)
	}
}
