package bankbus

import (
	"context"
	"sync"
	"time"
)

// gate bounds how many handlers run at once, in all and for one phone. A
// handler is a goroutine of its own, so an idle bus holds none.
type gate struct {
	slots    chan struct{}
	phoneMax int

	mu       sync.Mutex
	inFlight map[string]int
}

func newGate(max, phoneMax int) *gate {
	return &gate{slots: make(chan struct{}, max), phoneMax: phoneMax, inFlight: map[string]int{}}
}

// run waits for a free slot and then calls f on its own goroutine. It returns
// false, and calls nothing, if this phone has its share already.
func (g *gate) run(phone string, f func()) bool {
	if !g.enter(phone) {
		return false
	}
	g.slots <- struct{}{}
	go func() {
		defer func() {
			g.leave(phone)
			<-g.slots
		}()
		f()
	}()
	return true
}

func (g *gate) enter(phone string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inFlight[phone] >= g.phoneMax {
		return false
	}
	g.inFlight[phone]++
	return true
}

func (g *gate) leave(phone string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inFlight[phone]--; g.inFlight[phone] == 0 {
		delete(g.inFlight, phone)
	}
}

// wait returns when no handler runs; none may be started meanwhile. It takes
// all slots and gives them back.
func (g *gate) wait(ctx context.Context) error {
	taken := 0
	defer func() {
		for range taken {
			<-g.slots
		}
	}()
	for taken < cap(g.slots) {
		select {
		case g.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pace counts each phone's messages in windows of one second.
type pace struct {
	max int
	now func() time.Time

	mu    sync.Mutex
	since time.Time
	seen  map[string]int
}

// verdict of pace on one message.
type verdict int

const (
	fine   verdict = iota
	ignore         // above the rate
	evict          // above the rate for the first time in this window
)

func newPace(max int, now func() time.Time) *pace {
	return &pace{max: max, now: now, seen: map[string]int{}}
}

func (p *pace) judge(phone string) verdict {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := now.Sub(p.since); d >= time.Second || d < 0 {
		p.since = now
		clear(p.seen)
	}
	p.seen[phone]++
	switch n := p.seen[phone]; {
	case n <= p.max:
		return fine
	case n == p.max+1:
		return evict
	}
	return ignore
}
