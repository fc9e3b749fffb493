package lab

import (
	"context"
	"io"
	"sync"
	"time"

	"sotto/link"
	"sotto/link/best"
	"sotto/link/mem"
	"sotto/link/nfc"
	"sotto/link/rfid"
)

// LinkBest is the choice of the best link in reach; the others are named as their
// technologies: nfc, rfid and ble.
const LinkBest = "best"

// technologies are the radios between phone and card, the cheapest first: what
// reaches less far is sooner done (docs/protocol/link.md, figures).
var technologies = []mem.Technology{mem.NFC, mem.RFID, leastBLE()}

// leastBLE is Bluetooth with the smallest packets that every stack carries: an
// ATT_MTU of 23 bytes (Bluetooth Core 5.4, Vol 3, Part G, 5.2.1) less the 3 of a
// write or notification. A message is in one packet otherwise, and there would
// be little to see.
func leastBLE() mem.Technology {
	t := mem.BLE
	t.PacketMax = 20
	return t
}

// Times, by the radio's clock.
const (
	tryMax  = 12 * time.Second      // of one link
	findMax = 3 * time.Second       // for a reader to find a card that is there
	lookMax = 50 * time.Millisecond // for it to see that there is none
	noRest  = time.Millisecond      // for a link that failed: the card may come with the next step
)

// air is the radio between phone and card: a link.Reach over three models of a
// radio, which the visitor moves. Its time is a clock of its own, so that what
// happens in it does not depend on how long it is made to last.
type air struct {
	best   *best.Reach
	clock  *mem.Clock
	radios []*mem.Radio
	watch  onlooker
	last   func(ctx context.Context, d time.Duration) error
	moved  news
	turn   sync.Mutex // one exchange at a time

	mu     sync.Mutex // guards what follows
	link   string     // chosen
	slow   bool
	flying int // packets that will arrive, one with each wait
}

// onlooker is told what goes on.
type onlooker interface {
	setsOut(message []byte)            // the phone begins to call
	tries(link string, at time.Time)   // it tries a link
	crosses(p mem.Packet)              // something is sent
	arrives(at time.Time)              // the card has the message whole
	answers(answer []byte)             // and answers it
	ended(answered bool, at time.Time) // the try is over
	failed()                           // all links were tried
}

// airConfig is what an air is made of.
type airConfig struct {
	card   string
	holder link.Handler // the card itself
	random io.Reader
	seed   uint64
	now    time.Time
	watch  onlooker
	last   func(ctx context.Context, d time.Duration) error // makes the radio's time last
}

func newAir(c airConfig) *air {
	a := &air{watch: c.watch, last: c.last}
	a.clock = mem.NewPacedClock(c.now, a.pace)
	for i, t := range technologies {
		r := mem.NewRadio(t, c.seed+uint64(i))
		r.Observe(func(p mem.Packet) { a.observe(p) })
		a.radios = append(a.radios, r)
	}
	handler := link.HandlerFunc(func(message []byte) []byte {
		a.watch.arrives(a.clock.Now())
		answer := c.holder.Handle(message)
		a.watch.answers(answer)
		return answer
	})
	reaches := []link.Reach{
		a.nfc(a.radios[0], nfc.NewCard(c.card, handler, c.random)),
		a.rfid(a.radios[1], rfid.CardConfig{ID: c.card, UID: rfid.NewUID(1), Handler: handler, Random: c.random, Now: a.clock.Now}),
		mem.NewWire(a.radios[2], uint16(c.seed), handler, a.clock.Waiter()),
	}
	var ways []best.Way
	for i, r := range reaches {
		ways = append(ways, best.Way{Cost: i, Reach: gate{a, a.radios[i], r}, TryMax: tryMax, RestMax: noRest})
	}
	a.best = best.New(best.Config{
		Ways: ways, RestMin: noRest, PauseMax: time.Second,
		Now: a.clock.Now, Timeout: a.clock.Timeout, Wait: a.pause,
	})
	return a
}

func (a *air) nfc(r *mem.Radio, chip link.Chip) link.Reach {
	field := mem.NewField(r, chip, a.clock.Waiter())
	return nfc.NewReach(field, nfc.Config{WaitMax: findMax, Timeout: a.clock.Timeout, Wait: a.clock.Wait})
}

func (a *air) rfid(r *mem.Radio, c rfid.CardConfig) link.Reach {
	field := rfid.NewField(rfid.FieldConfig{Wait: a.clock.Wait, Carry: func(toTag bool, frame []byte) (time.Duration, bool) {
		if toTag {
			return r.Carry(mem.ToCard, frame)
		}
		return r.Carry(mem.FromCard, frame)
	}})
	field.Put(rfid.NewCard(c), 0)
	return rfid.NewReach(field, rfid.Config{
		WaitMax: findMax, Now: a.clock.Now, Timeout: a.clock.Timeout, Wait: a.clock.Wait,
	})
}

// set chooses a link, puts the card so far away, and says whether an eye wants to
// follow.
func (a *air) set(link string, metres float64, slow bool) {
	a.mu.Lock()
	a.link, a.slow = link, slow
	a.mu.Unlock()
	for _, r := range a.radios {
		r.Place(metres)
	}
	a.moved.tell()
}

func (a *air) chosen(link string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.link == link || a.link == LinkBest
}

// Exchange implements link.Reach.
func (a *air) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.watch.setsOut(message)
	return a.best.Exchange(untimed{ctx}, card, message)
}

// untimed is a context whose end is by another clock than the radio's.
type untimed struct{ context.Context }

// Deadline implements context.Context.
func (untimed) Deadline() (time.Time, bool) { return time.Time{}, false }

// pause is between two rounds over all links. A step of the phone ends it.
func (a *air) pause(ctx context.Context, d time.Duration) error {
	moved := a.moved.after()
	a.watch.failed()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-moved:
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// slowMin is how long a packet is under way that an eye wants to follow.
const slowMin = 120 * time.Millisecond

// pace makes the radio's time last.
func (a *air) pace(ctx context.Context, d time.Duration) error {
	a.mu.Lock()
	if a.slow && a.flying > 0 {
		d = max(d, slowMin)
	}
	a.flying = max(a.flying-1, 0)
	a.mu.Unlock()
	return a.last(ctx, d)
}

func (a *air) observe(p mem.Packet) {
	if !p.Lost {
		a.mu.Lock()
		a.flying++
		a.mu.Unlock()
	}
	a.watch.crosses(p)
}

// gate is a link that the visitor may have chosen.
type gate struct {
	*air

	radio *mem.Radio
	reach link.Reach
}

// Exchange implements link.Reach.
func (g gate) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	t := g.radio.Technology()
	if !g.chosen(t.Name) {
		return nil, link.ErrOutOfReach
	}
	if !g.radio.InReach() {
		_ = g.clock.Wait(ctx, max(t.FindMax, lookMax))
		return nil, link.ErrOutOfReach
	}
	g.watch.tries(t.Name, g.clock.Now())
	answer, err := g.reach.Exchange(ctx, card, message)
	g.watch.ended(err == nil, g.clock.Now())
	return answer, err
}

// wait is how long things last by themselves.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
