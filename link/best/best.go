// Package best is a link.Reach over several: it takes the cheapest way by which a
// card is in reach, falls over to the next when it is not, and goes on until its
// context ends.
//
// Ways are tried one after another in the order of their cost. One that did not
// reach a card rests for a while, longer each time, and is asked last meanwhile;
// one that has brought an answer is as fresh as new. A message that may have
// arrived is sent again, first on the same way, then on the others: the card
// knows a repetition, whichever way it comes.
//
// The error says what is true of the message after all tries: ErrOutOfReach if no
// way can have delivered it, ErrLost if one may have. No way holds up the others
// for longer than its TryMax; so it must end with its context. Nothing is
// remembered of a message.
package best

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sotto/link"
)

// Way is one link among several.
type Way struct {
	Name   string // for the Observer
	Reach  link.Reach
	Cost   int           // the least is tried first; among equals, the first
	TryMax time.Duration // how long one try may take; 0: TryMax of the Config
	// RestMax is the longest rest after it did not reach a card; 0: RestMax of
	// the Config. A way that waits for a hand must not rest long.
	RestMax time.Duration
}

// Config is what a Reach is made of. Only Ways is needed.
type Config struct {
	Ways []Way
	// TryMax is how long one try may take (4 s).
	TryMax time.Duration
	// PauseMin is the pause after the first round of tries in which all ways
	// failed (100 ms); it doubles up to PauseMax (2 s).
	PauseMin, PauseMax time.Duration
	// RestMin is how long a way rests that did not reach a card (1 s); it
	// doubles up to RestMax (30 s).
	RestMin, RestMax time.Duration
	// Observer is told of each try.
	Observer func(Try)
	// Now, Timeout and Wait stand in for the clock, context.WithTimeout and
	// waiting; a simulation turns its own.
	Now     func() time.Time
	Timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	Wait    func(ctx context.Context, d time.Duration) error
}

// Try is one try on one way.
type Try struct {
	Card, Way string
	Took      time.Duration
	Err       error
}

// cardsMax bounds what is remembered: more cards than a phone serves.
const cardsMax = 256

// Reach is the best of several ways. It is safe for concurrent use.
type Reach struct {
	c     Config
	ways  []Way // by cost
	mu    sync.Mutex
	cards map[string][]standing // by card, in the order of ways
}

// standing is how a way has done for a card.
type standing struct {
	failures int
	rests    time.Time // until then
}

// New makes a Reach.
func New(c Config) *Reach {
	c.TryMax = or(c.TryMax, 4*time.Second)
	c.PauseMin, c.PauseMax = or(c.PauseMin, 100*time.Millisecond), or(c.PauseMax, 2*time.Second)
	c.RestMin, c.RestMax = or(c.RestMin, time.Second), or(c.RestMax, 30*time.Second)
	if c.Observer == nil {
		c.Observer = func(Try) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout == nil {
		c.Timeout = context.WithTimeout
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	ways := slices.Clone(c.Ways)
	slices.SortStableFunc(ways, func(a, b Way) int { return a.Cost - b.Cost })
	for i := range ways {
		ways[i].TryMax = or(ways[i].TryMax, c.TryMax)
		ways[i].RestMax = or(ways[i].RestMax, c.RestMax)
	}
	return &Reach{c: c, ways: ways, cards: make(map[string][]standing)}
}

var errSize = errors.New("best: a message has 1 to link.MessageMax bytes")

// Exchange implements link.Reach.
func (r *Reach) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, errSize
	}
	// What a way keeps beyond its time is nobody's message.
	message = bytes.Clone(message)
	defer clear(message)
	x := exchange{Reach: r, card: card, message: message}
	pause := r.c.PauseMin
	for round := 0; ctx.Err() == nil; round++ {
		for _, i := range r.order(card, round == 0) {
			answer, err := x.tryTwice(ctx, i)
			if err == nil {
				return answer, nil
			}
			if ctx.Err() != nil {
				return nil, x.failed(ctx)
			}
		}
		if r.c.Wait(ctx, pause) != nil {
			break
		}
		pause = min(2*pause, r.c.PauseMax)
	}
	return nil, x.failed(ctx)
}

// order is the ways to try for a card: those that do not rest by their cost, and
// behind them, if all are asked for or there are no others, those that rest.
func (r *Reach) order(card string, all bool) (order []int) {
	now := r.c.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	standings := r.cards[card]
	var resting []int
	for i := range r.ways {
		if standings != nil && now.Before(standings[i].rests) {
			resting = append(resting, i)
		} else {
			order = append(order, i)
		}
	}
	if all || len(order) == 0 {
		slices.SortStableFunc(resting, func(a, b int) int { return standings[a].rests.Compare(standings[b].rests) })
		order = append(order, resting...)
	}
	return order
}

// note keeps how a way has done.
func (r *Reach) note(card string, way int, reached bool) {
	now := r.c.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	standings := r.cards[card]
	if standings == nil {
		if reached {
			return
		}
		if len(r.cards) >= cardsMax {
			clear(r.cards) // all begin anew, which costs each a try
		}
		standings = make([]standing, len(r.ways))
		r.cards[card] = standings
	}
	if reached {
		standings[way] = standing{}
		return
	}
	s := &standings[way]
	s.rests = now.Add(min(r.c.RestMin<<min(s.failures, 20), r.ways[way].RestMax))
	s.failures++
}

// exchange is one message on its way.
type exchange struct {
	*Reach

	card    string
	message []byte
	lost    bool // it may have arrived
}

// tryTwice tries a way, and once more when the message may have arrived: the card
// was in reach just now.
func (x *exchange) tryTwice(ctx context.Context, way int) (answer []byte, err error) {
	for range 2 {
		answer, err = x.try(ctx, way)
		if !errors.Is(err, link.ErrLost) || errors.Is(err, link.ErrOutOfReach) || ctx.Err() != nil {
			return answer, err
		}
	}
	return nil, err
}

func (x *exchange) try(ctx context.Context, i int) ([]byte, error) {
	way := x.ways[i]
	limited, cancel := x.c.Timeout(ctx, way.TryMax)
	defer cancel()
	began := x.c.Now()
	answer, err := way.Reach.Exchange(limited, x.card, x.message)
	x.c.Observer(Try{Card: x.card, Way: way.Name, Took: x.c.Now().Sub(began), Err: err})
	switch {
	case err == nil:
		x.note(x.card, i, true)
	case errors.Is(err, link.ErrOutOfReach):
		x.note(x.card, i, false)
	case errors.Is(err, link.ErrLost):
		x.lost = true
	default: // who says neither may have delivered it
		x.lost = true
		x.note(x.card, i, false)
	}
	return answer, err
}

// failed says what is true of the message, and that time was up.
func (x *exchange) failed(ctx context.Context) error {
	if x.lost {
		return fmt.Errorf("%w: %w", link.ErrLost, ctx.Err())
	}
	return fmt.Errorf("%w: %w", link.ErrOutOfReach, ctx.Err())
}

func or(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
