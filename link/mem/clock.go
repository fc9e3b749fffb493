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
	mu     sync.Mutex
	now    time.Time
	alarms []*alarm
}

// NewClock begins at a time.
func NewClock(start time.Time) *Clock { return &Clock{now: start} }

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
	c.turn(until)
	return ctx.Err()
}

// turn sets the time and ends the contexts whose time is over, in their order.
func (c *Clock) turn(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.now) {
		c.now = to
	}
	c.alarms = slices.DeleteFunc(c.alarms, func(a *alarm) bool {
		if a.end.After(c.now) {
			return false
		}
		a.finish(context.DeadlineExceeded)
		return true
	})
}

// Timeout is context.WithTimeout by this clock.
func (c *Clock) Timeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	a := &alarm{Context: parent, end: c.Now().Add(d), done: make(chan struct{})}
	if end, limited := parent.Deadline(); limited && end.Before(a.end) {
		a.end = end
	}
	c.mu.Lock()
	c.alarms = append(c.alarms, a)
	c.mu.Unlock()
	stop := context.AfterFunc(parent, func() { a.finish(parent.Err()) })
	return a, func() {
		stop()
		a.finish(context.Canceled)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.alarms = slices.DeleteFunc(c.alarms, func(other *alarm) bool { return other == a })
	}
}

// alarm is a context that a Clock ends.
type alarm struct {
	context.Context

	end  time.Time
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func (a *alarm) Deadline() (time.Time, bool) { return a.end, true }
func (a *alarm) Done() <-chan struct{}       { return a.done }

func (a *alarm) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		return a.Context.Err()
	}
	return a.err
}

func (a *alarm) finish(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
		close(a.done)
	}
}
