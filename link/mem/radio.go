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
		t:      t,
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
	t := r.t
	switch {
	case r.metres > t.RangeMax:
		return 1
	case r.metres <= t.ClearMax:
		return r.loss
	}
	x := (r.metres - t.ClearMax) / (t.RangeMax - t.ClearMax)
	return 1 - (1-r.loss)*(1-x*x)
}

// Find is how long it takes until the card is connected, and whether it is.
func (r *Radio) Find() (delay time.Duration, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.t.FindMin + r.upTo(r.t.FindMax-r.t.FindMin), r.lossNow() < 1
}

// Cross implements Model for n bytes that are sent at one time. They are lost if
// one of their packets is.
func (r *Radio) Cross(_ Way, n int) (delay time.Duration, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cross(n, true)
}

// follow is Cross for what follows at once on what was sent before.
func (r *Radio) follow(n int) (delay time.Duration, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cross(n, false)
}

func (r *Radio) cross(n int, first bool) (delay time.Duration, lost bool) {
	if first {
		delay = r.upTo(r.t.WaitMax)
	}
	for {
		size := min(n, r.t.PacketMax)
		took, gone := r.packet(size + r.t.Overhead)
		delay += took
		if n -= size; n <= 0 || gone {
			return delay, gone
		}
	}
}

// packet sends one packet, and again if it was lost and the radio repeats.
func (r *Radio) packet(size int) (delay time.Duration, lost bool) {
	share := r.lossNow()
	for range r.t.RepeatsMax + 1 {
		delay += r.t.Gap + time.Duration(size)*8*time.Second/time.Duration(r.t.Rate)
		r.traffic.Packets++
		r.traffic.Bytes += size
		if r.random.Float64() >= share {
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
	if err := p.cross(ctx, ToCard, len(command)); err != nil {
		return nil, err
	}
	response := p.field.chip.Transmit(command)
	if err := p.cross(ctx, FromCard, len(response)); err != nil {
		return nil, err
	}
	return response, nil
}

func (p *presence) cross(ctx context.Context, way Way, n int) error {
	if p.gone {
		return link.ErrGone
	}
	delay, lost := p.field.radio.Cross(way, n)
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
