package mem

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"sotto/link"
)

// Radio is one Technology between one phone and one card: a Model whose delays
// and losses come from one seed. It is safe for concurrent use, but only who asks
// it in the same order twice gets the same answers twice.
type Radio struct {
	t       Technology
	mu      sync.Mutex
	random  *rand.Rand
	metres  float64
	loss    float64
	traffic Traffic
	observe func(Packet)
}

// Packet is one packet on the air, as an observer sees it when it sets out.
type Packet struct {
	Way    Way
	Bytes  []byte // what it carries; the observer's until it returns
	First  bool   // of what is sent at one time
	Repeat int    // how often it was sent before
	Lost   bool
}

// Traffic is what a Radio has sent.
type Traffic struct {
	Packets int // repetitions too
	Bytes   int // on the air, with all that is around the payload
	Lost    int // packets
}

// NewRadio makes a Radio that loses nothing, with the card at hand.
func NewRadio(t Technology, seed uint64) *Radio {
	return &Radio{
		t: t, observe: func(Packet) {},
		random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a simulation repeats itself; nothing here is secret
	}
}

// Technology is what this Radio is.
func (r *Radio) Technology() Technology { return r.t }

// Place puts the card so many metres away.
func (r *Radio) Place(metres float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.metres = metres
}

// Disturb loses a share of the packets, 0 to 1, besides what the distance loses.
func (r *Radio) Disturb(share float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loss = share
}

// Observe has f told of every packet. It must not use the Radio.
func (r *Radio) Observe(f func(Packet)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe = f
}

// Traffic is what was sent so far.
func (r *Radio) Traffic() Traffic {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.traffic
}

// InReach reports whether anything can cross.
func (r *Radio) InReach() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lossNow() < 1
}

// lossNow is the share of packets that are lost now.
func (r *Radio) lossNow() float64 {
	switch far := r.t.Loss(r.metres); far {
	case 0:
		return r.loss
	case 1:
		return 1
	default:
		return 1 - (1-r.loss)*(1-far)
	}
}

// Find is how long it takes until the card is connected, and whether it is.
func (r *Radio) Find() (delay time.Duration, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.t.FindMin + r.upTo(r.t.FindMax-r.t.FindMin), r.lossNow() < 1
}

// Cross implements Model: Carry of n bytes that nobody looks at.
func (r *Radio) Cross(way Way, n int) (delay time.Duration, lost bool) {
	return r.Carry(way, make([]byte, n))
}

// Carry says how long bytes take that are sent at one time. They are lost if one
// of their packets is.
func (r *Radio) Carry(way Way, b []byte) (delay time.Duration, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait := r.upTo(r.t.WaitMax)
	delay, lost = r.carry(way, b)
	return wait + delay, lost
}

// follow is Carry of what follows at once on what was sent before.
func (r *Radio) follow(way Way, b []byte) (delay time.Duration, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.carry(way, b)
}

func (r *Radio) carry(way Way, b []byte) (delay time.Duration, lost bool) {
	for first := true; ; first = false {
		size := min(len(b), r.t.PacketMax)
		took, gone := r.packet(Packet{Way: way, Bytes: b[:size], First: first})
		delay += took
		if b = b[size:]; len(b) == 0 || gone {
			return delay, gone
		}
	}
}

// packet sends one packet, and again if it was lost and the radio repeats.
func (r *Radio) packet(p Packet) (delay time.Duration, lost bool) {
	share, size := r.lossNow(), len(p.Bytes)+r.t.Overhead
	for p.Repeat = range r.t.RepeatsMax + 1 {
		delay += r.t.Gap + time.Duration(size)*8*time.Second/time.Duration(r.t.Rate)
		r.traffic.Packets++
		r.traffic.Bytes += size
		p.Lost = r.random.Float64() < share
		r.observe(p)
		if !p.Lost {
			return delay, false
		}
		r.traffic.Lost++
		delay += r.t.RepeatGap
	}
	return delay, true
}

func (r *Radio) upTo(d time.Duration) time.Duration {
	return time.Duration(r.random.Int64N(int64(d) + 1))
}

// Waiter is the time that a Wire or Field goes by. The zero Waiter is the real
// one; a Clock makes one that takes none.
type Waiter struct {
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
}

func (w Waiter) complete() Waiter {
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Wait == nil {
		w.Wait = wait
	}
	return w
}

// Field is a link.Reader with one chip, at the other end of a Radio.
type Field struct {
	radio *Radio
	chip  link.Chip
	time  Waiter
}

// NewField puts the chip there.
func NewField(r *Radio, chip link.Chip, w Waiter) *Field {
	return &Field{radio: r, chip: chip, time: w.complete()}
}

// lookAgain is how often a reader looks whether there is a chip.
const lookAgain = 100 * time.Millisecond

// Connect implements link.Reader.
func (f *Field) Connect(ctx context.Context) (link.Connection, error) {
	for {
		delay, found := f.radio.Find()
		if !found {
			delay = lookAgain
		}
		if err := f.time.Wait(ctx, delay); err != nil {
			return nil, err
		}
		if found {
			f.chip.Reset(link.Contactless)
			return &presence{field: f}, nil
		}
	}
}

// presence is one stay of the chip in the field.
type presence struct {
	field *Field
	gone  bool
}

func (*presence) Interface() link.Interface { return link.Contactless }

func (p *presence) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := p.cross(ctx, ToCard, command); err != nil {
		return nil, err
	}
	response := p.field.chip.Transmit(command)
	if err := p.cross(ctx, FromCard, response); err != nil {
		return nil, err
	}
	return response, nil
}

func (p *presence) cross(ctx context.Context, way Way, b []byte) error {
	if p.gone {
		return link.ErrGone
	}
	delay, lost := p.field.radio.Carry(way, b)
	if err := p.field.time.Wait(ctx, delay); err != nil {
		return err
	}
	p.gone = lost
	if lost {
		return link.ErrGone
	}
	return nil
}

func (p *presence) Close() error {
	p.gone = true
	return nil
}
