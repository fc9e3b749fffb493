// Package mem carries messages between phones and cards inside one process, and
// models the radios they would cross outside.
//
// Air is the link.Reach of any number of phones over any number of cards. Its
// switches put a card out of reach or lose its answers, its Model delays and
// loses what crosses, and its observer sees every crossing.
//
// A Radio is such a Model: a Technology over a distance, whose losses and delays
// come from one seed. Wire is a link.Reach that sends the frames of link/frame
// over a Radio, Field a link.Reader with a chip in reach of it, and Trial measures
// many deliveries over either. With a Clock they take no time.
package mem

import (
	"bytes"
	"context"
	"sync"
	"time"

	"sotto/link"
)

// Place is how a card stands to the phones.
type Place uint8

// The places.
const (
	InReach    Place = iota
	OutOfReach       // nothing crosses
	AnswerLost       // messages arrive, answers do not
)

// Way is the direction of a crossing.
type Way uint8

// The ways.
const (
	ToCard Way = iota
	FromCard
)

// Model says what the air does to one crossing of n bytes. It is called by many
// goroutines.
type Model interface {
	Cross(way Way, n int) (delay time.Duration, lost bool)
}

// Crossing is what an observer sees: Bytes is its own copy.
type Crossing struct {
	Card  string
	Way   Way
	Bytes []byte
	Delay time.Duration
	Lost  bool
}

// Config has what may be left out. The zero Config is ideal air.
type Config struct {
	Model Model
	// Observe is called for each crossing, after its delay.
	Observe func(Crossing)
	// Wait stands in for waiting; a simulation turns its own clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Air joins phones and cards. It is safe for concurrent use.
type Air struct {
	config Config
	mu     sync.Mutex
	cards  map[string]*spot
}

type spot struct {
	handler link.Handler
	place   Place
}

// New makes air with no card in it.
func New(c Config) *Air {
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Air{config: c, cards: make(map[string]*spot)}
}

// Put brings a card into reach, or another handler in its place.
func (a *Air) Put(card string, h link.Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cards[card] = &spot{handler: h}
}

// Move changes how a card stands. A card that is not there stays so.
func (a *Air) Move(card string, to Place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.cards[card]; ok {
		s.place = to
	}
}

// Place tells how a card stands; a card that is not there is out of reach.
func (a *Air) Place(card string) Place {
	_, place := a.find(card)
	return place
}

func (a *Air) find(card string) (link.Handler, Place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.cards[card]
	if !ok {
		return nil, OutOfReach
	}
	return s.handler, s.place
}

// Exchange implements link.Reach.
func (a *Air) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(message) > link.MessageMax {
		return nil, link.ErrOutOfReach
	}
	handler, place := a.find(card)
	if place == OutOfReach {
		return nil, link.ErrOutOfReach
	}
	if err := a.cross(ctx, card, ToCard, message, false); err != nil {
		return nil, err
	}
	answer := handler.Handle(bytes.Clone(message))
	// The card may have been carried off meanwhile.
	_, place = a.find(card)
	if answer == nil {
		return nil, link.ErrLost
	}
	if err := a.cross(ctx, card, FromCard, answer, place != InReach); err != nil {
		return nil, err
	}
	return answer, nil
}

func (a *Air) cross(ctx context.Context, card string, way Way, b []byte, lost bool) error {
	var delay time.Duration
	if a.config.Model != nil {
		var swallowed bool
		delay, swallowed = a.config.Model.Cross(way, len(b))
		lost = lost || swallowed
	}
	if delay > 0 {
		if err := a.config.Wait(ctx, delay); err != nil {
			return err
		}
	}
	if a.config.Observe != nil {
		a.config.Observe(Crossing{card, way, bytes.Clone(b), delay, lost})
	}
	if lost {
		return link.ErrLost
	}
	return nil
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
