package mem

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock is a time that goes on only when somebody waits, and then at once. It is
// for one goroutine that simulates all; others may look at it.
type Clock struct {
	last   func(ctx context.Context, d time.Duration) error
	mu     sync.Mutex
	now    time.Time
	alarms []*alarm
}

// alarm is something that happens at a time.
type alarm struct {
	at   time.Time
	ring func()
}

// NewClock begins at a time.
func NewClock(start time.Time) *Clock {
	return NewPacedClock(start, func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
}

// NewPacedClock is a Clock for onlookers: last is called for each wait and makes
// it last for them. What happens by the clock is the same at any pace.
func NewPacedClock(start time.Time, last func(ctx context.Context, d time.Duration) error) *Clock {
	return &Clock{now: start, last: last}
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Waiter is the clock for a Wire or Field.
func (c *Clock) Waiter() Waiter { return Waiter{Now: c.Now, Wait: c.Wait} }

// Wait lets so much time pass, or as much as ctx has left if it is one of
// Timeout's.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	until := c.Now().Add(d)
	if end, limited := ctx.Deadline(); limited && end.Before(until) {
		until = end
	}
	if err := c.last(ctx, until.Sub(c.Now())); err != nil {
		return err
	}
	c.turn(until)
	return ctx.Err()
}

// At lets something happen when the time has come. It must not use the clock.
// Cancel, and it does not happen any more.
func (c *Clock) At(t time.Time, ring func()) (cancel func()) {
	a := &alarm{t, ring}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = append(c.alarms, a)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.alarms = slices.DeleteFunc(c.alarms, func(other *alarm) bool { return other == a })
	}
}

// turn sets the time and rings the alarms whose time it is, in the order in which
// they were set.
func (c *Clock) turn(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.now) {
		c.now = to
	}
	c.alarms = slices.DeleteFunc(c.alarms, func(a *alarm) bool {
		if a.at.After(c.now) {
			return false
		}
		a.ring()
		return true
	})
}

// Timeout is context.WithTimeout by this clock.
func (c *Clock) Timeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	x := &limited{Context: parent, end: c.Now().Add(d), done: make(chan struct{})}
	if end, bounded := parent.Deadline(); bounded && end.Before(x.end) {
		x.end = end
	}
	cancel := c.At(x.end, func() { x.finish(context.DeadlineExceeded) })
	stop := context.AfterFunc(parent, func() { x.finish(parent.Err()) })
	return x, func() {
		stop()
		x.finish(context.Canceled)
		cancel()
	}
}

// limited is a context that a Clock ends.
type limited struct {
	context.Context

	end  time.Time
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func (x *limited) Deadline() (time.Time, bool) { return x.end, true }
func (x *limited) Done() <-chan struct{}       { return x.done }

func (x *limited) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		return x.Context.Err()
	}
	return x.err
}

func (x *limited) finish(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		x.err = err
		close(x.done)
	}
}
