package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Wire is a link.Reach that sends the frames of package frame over a Radio to one
// card: what a Bluetooth link does, without Bluetooth. Each exchange finds and
// connects the card anew. One goroutine at a time uses it.
type Wire struct {
	radio   *Radio
	config  frame.Config
	card    *frame.Peers
	handler link.Handler
	time    Waiter
	source  uint16
	count   uint16
}

// NewWire makes the link to a card that takes up to two phones at a time. Source
// is the high half of the ids.
func NewWire(r *Radio, source uint16, h link.Handler, w Waiter) *Wire {
	c := frame.Config{Size: r.t.PacketMax, Timeout: 2*r.t.WaitMax + 100*time.Millisecond, TimeoutMax: time.Second}
	return &Wire{
		radio: r, config: c, card: frame.NewPeers(2, c), handler: h,
		time: w.complete(), source: source,
	}
}

// errBroken says that the radio itself has given up.
var errBroken = errors.New("mem: the connection has ended")

// Exchange implements link.Reach.
func (w *Wire) Exchange(ctx context.Context, _ string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, link.ErrOutOfReach
	}
	delay, found := w.radio.Find()
	if err := w.time.Wait(ctx, delay); err != nil || !found {
		return nil, fmt.Errorf("%w: %w", link.ErrOutOfReach, errors.Join(err))
	}
	w.count++
	sender := frame.NewSender(w.config, frame.NewID(w.source, w.count), message)
	p := &connection{Wire: w, ctx: ctx}
	answer, err := sender.Run(p)
	w.card.Gone(peer)
	switch {
	case err == nil:
		return bytes.Clone(answer), nil
	case errors.Is(sender.Unheard(), frame.ErrUnsent):
		return nil, fmt.Errorf("%w: %w", link.ErrOutOfReach, err)
	}
	return nil, fmt.Errorf("%w: %w", link.ErrLost, err)
}

// peer is the one phone, to the card.
const peer = 1

// connection is a frame.Pipe: frames under way either way, in order.
type connection struct {
	*Wire

	ctx     context.Context //nolint:containedctx // a connection lives for one exchange
	flights []flight
	last    [2]time.Time // arrival of the last frame, by Way
	burst   bool
	broken  bool
}

type flight struct {
	at    time.Time
	way   Way
	frame []byte
}

func (c *connection) Now() time.Time { return c.time.Now() }

func (c *connection) Send(b []byte) error {
	c.launch(ToCard, b, !c.burst)
	c.burst = true
	return c.failed()
}

func (c *connection) failed() error {
	if c.broken {
		return errBroken
	}
	return c.ctx.Err()
}

// launch puts a frame on its way, behind those before it.
func (c *connection) launch(way Way, b []byte, first bool) {
	carry := c.radio.follow
	if first {
		carry = c.radio.Carry
	}
	delay, lost := carry(way, b)
	from := c.Now()
	if c.last[way].After(from) {
		from = c.last[way]
	}
	at := from.Add(delay)
	c.last[way] = at
	switch {
	case !lost:
		i, _ := slices.BinarySearchFunc(c.flights, at, func(f flight, t time.Time) int {
			if f.at.After(t) {
				return 1
			}
			return -1
		})
		c.flights = slices.Insert(c.flights, i, flight{at, way, bytes.Clone(b)})
	case c.radio.t.RepeatsMax > 0:
		c.broken = true
	}
}

// Receive implements frame.Pipe: what is under way arrives, on the card's side
// too.
func (c *connection) Receive(until time.Time) ([]byte, error) {
	c.burst = false
	for len(c.flights) > 0 && !c.flights[0].at.After(until) {
		f := c.flights[0]
		c.flights = c.flights[1:]
		if err := c.time.Wait(c.ctx, f.at.Sub(c.Now())); err != nil {
			return nil, err
		}
		if f.way == FromCard {
			return f.frame, nil
		}
		c.arrive(f.frame)
		if err := c.failed(); err != nil {
			return nil, err
		}
	}
	return nil, c.time.Wait(c.ctx, until.Sub(c.Now()))
}

func (c *connection) arrive(b []byte) {
	r, message := c.card.Receive(c.Now(), peer, b)
	if r == nil {
		return
	}
	if message != nil {
		r.Answer(c.Now(), c.handler.Handle(message))
	}
	first := true
	for f, more := r.Next(nil); more; f, more = r.Next(nil) {
		c.launch(FromCard, f, first)
		first = false
	}
}
