package mobile

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sotto/bankapi/client"
	"sotto/dyncode"
	"sotto/link"
)

// carrier is the app's Link as the phone's rules see it.
type carrier struct {
	to    Link
	plain atomic.Bool

	mu   sync.Mutex
	busy map[string]bool // cards whose Exchange has not returned
}

func (c *carrier) allow() { c.plain.Store(true) }

// Exchange implements link.Reach.
func (c *carrier) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if !c.plain.Load() && !sealed(message) {
		return nil, link.ErrOutOfReach
	}
	if !c.take(card) {
		return nil, link.ErrLost
	}
	left := exchangeMax
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	done := make(chan result, 1)
	own := bytes.Clone(message) // the app may still read it when nobody waits any more
	go func() {
		answer, err := c.to.Exchange(card, own, left.Milliseconds())
		c.give(card)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.judged()
	case <-ctx.Done():
		return nil, link.ErrLost
	}
}

// exchangeMax is said to the app when the phone itself has set no limit.
const exchangeMax = time.Minute

func (c *carrier) take(card string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[card] {
		return false
	}
	c.busy[card] = true
	return true
}

func (c *carrier) give(card string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, card)
}

// result is what an app's Exchange came to.
type result struct {
	answer []byte
	err    error
}

func (r result) judged() ([]byte, error) {
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("%w: %w", link.ErrLost, r.err)
	case len(r.answer) == 0:
		return nil, link.ErrOutOfReach
	}
	return r.answer, nil
}

// sealed reports whether only a card can read this. What is no message of ours
// is not.
func sealed(message []byte) bool {
	m, err := dyncode.Parse(message)
	return err == nil && m.Profile != dyncode.Plain
}

// line is the phone's way to the bank before and after there is a bus: each
// needs the other first.
type line struct {
	up  chan struct{}
	bus *client.Bus
}

func (l *line) connect(b *client.Bus) {
	l.bus = b
	close(l.up)
}

// Send implements phone.Sender.
func (l *line) Send(ctx context.Context, body []byte) ([]byte, error) {
	select {
	case <-l.up:
		return l.bus.Send(ctx, body)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lines lets a Log hear what a logger writes.
type lines struct{ to Log }

func (l lines) Write(b []byte) (int, error) {
	l.to.Line(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}
