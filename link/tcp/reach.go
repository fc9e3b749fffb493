package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"sotto/link"
)

// Times of the phone's side.
const (
	dialMax     = 3 * time.Second
	exchangeMax = 10 * time.Second // unless the context ends sooner
)

// Reach is the phone's side: one connection to each address, opened when it is
// needed and kept. It is safe for concurrent use; exchanges with one address
// wait for each other.
type Reach struct {
	find  func(card string) (address string)
	mu    sync.Mutex
	lines map[string]*line
}

// NewReach makes a Reach. find names the host:port at which a card is, or
// nothing when it is not known.
func NewReach(find func(card string) (address string)) *Reach {
	return &Reach{find: find, lines: make(map[string]*line)}
}

// At finds every card at one address.
func At(address string) func(string) string { return func(string) string { return address } }

// Exchange implements link.Reach. When a kept connection turns out to be dead
// it tries once more on a new one: a card knows a repetition.
func (r *Reach) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, errFrame
	}
	address := r.find(card)
	if address == "" {
		return nil, fmt.Errorf("no address is known for this card: %w", link.ErrOutOfReach)
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeMax)
	defer cancel()
	return r.line(address).exchange(ctx, message)
}

func (r *Reach) line(address string) *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.lines[address]
	if !ok {
		l = &line{address: address, turn: make(chan struct{}, 1)}
		r.lines[address] = l
	}
	return l
}

// Close ends all connections. The Reach can still be used.
func (r *Reach) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for address, l := range r.lines {
		l.turn <- struct{}{}
		l.drop()
		<-l.turn
		delete(r.lines, address)
	}
}

// line is one address. Whoever has put into turn owns conn.
type line struct {
	address string
	turn    chan struct{}
	conn    net.Conn
}

func (l *line) exchange(ctx context.Context, message []byte) ([]byte, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, outOfReach(ctx.Err())
	}
	if l.conn != nil {
		answer, err := l.attempt(ctx, message)
		if err == nil || ctx.Err() != nil || errors.Is(err, errSilence) {
			return answer, err
		}
	}
	dialer := net.Dialer{Timeout: dialMax}
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, outOfReach(err)
	}
	l.conn = conn
	return l.attempt(ctx, message)
}

// attempt sends and waits on the present connection, and drops it on any
// failure: what comes late on it would be taken for the next answer.
func (l *line) attempt(ctx context.Context, message []byte) ([]byte, error) {
	conn := l.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	answer, err := roundTrip(conn, message)
	if !stop() || err != nil { // the deadline is set, or about to be
		l.drop()
	}
	switch {
	case err != nil:
		return nil, lost(err)
	case len(answer) == 0:
		return nil, lost(errSilence)
	}
	return answer, nil
}

func roundTrip(conn net.Conn, message []byte) ([]byte, error) {
	if err := writeFrame(conn, message); err != nil {
		return nil, err
	}
	var first [1]byte
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		return nil, err
	}
	return readFrame(conn, first[0])
}

func (l *line) drop() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// outOfReach and lost say both what it means to a phone and what happened.
func outOfReach(err error) error { return fmt.Errorf("%w: %w", link.ErrOutOfReach, err) }
func lost(err error) error       { return fmt.Errorf("%w: %w", link.ErrLost, err) }
