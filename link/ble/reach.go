package ble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"sotto/ident"
	"sotto/link"
	"sotto/link/frame"
)

// Times of the phone's side.
const (
	exchangeMax = 14 * time.Second // unless the context ends sooner
	keepMax     = 30 * time.Second // a connection on which nothing happens
	pairMax     = 4 * time.Second
	strangeMax  = 5 * time.Minute // before a radio that is not the card is asked again
	againMin    = 200 * time.Millisecond
	againMax    = 2 * time.Second
	unpairMax   = 10 * time.Minute // before pairing is tried again after it failed
)

// frames is how package frame is used here. The link loses nothing while it
// stands, so a poll without an answer means that the card is at work.
var frames = frame.Config{Timeout: time.Second, TimeoutMax: 2 * time.Second, TriesMax: 6}

// Reach is the phone's side: one connection to each card, made when it is needed
// and kept for a while. It is safe for concurrent use; exchanges with one card
// wait for each other.
type Reach struct {
	central Central
	log     *slog.Logger
	source  uint16

	mu    sync.Mutex
	count uint16
	lines map[string]*line
}

// NewReach makes a Reach over a radio. The random bytes keep its exchanges apart
// from those of other phones.
func NewReach(c Central, random io.Reader, log *slog.Logger) (*Reach, error) {
	var source [2]byte
	if _, err := io.ReadFull(random, source[:]); err != nil {
		return nil, errRandom
	}
	return &Reach{
		central: c, log: log, source: binary.BigEndian.Uint16(source[:]), lines: make(map[string]*line),
	}, nil
}

var errMessage = errors.New("ble: a message has 1 to 1536 bytes")

// Exchange implements link.Reach. A kept connection that turns out to be dead,
// and one that fails while it is made, is followed by another for as long as the
// context and its own patience last: a card knows a repetition.
func (r *Reach) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, errMessage
	}
	l, err := r.line(card)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeMax)
	defer cancel()
	return l.exchange(ctx, r.id(), message)
}

// id is one that no other exchange of this phone has.
func (r *Reach) id() frame.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	return frame.NewID(r.source, r.count)
}

func (r *Reach) line(card string) (*line, error) {
	raw, err := ident.Parse(ident.Card, card)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", link.ErrOutOfReach, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.lines[card]
	if !ok {
		l = newLine(r.central, markOf(raw), r.log)
		r.lines[card] = l
	}
	return l, nil
}

// Close ends all connections. The Reach can still be used.
func (r *Reach) Close() {
	r.mu.Lock()
	lines := r.lines
	r.lines = make(map[string]*line)
	r.mu.Unlock()
	for _, l := range lines {
		l.turn <- struct{}{}
		l.drop()
		<-l.turn
	}
}
