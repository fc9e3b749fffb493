package mem

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
)

func TestLossOverDistance(t *testing.T) {
	for _, tt := range []struct {
		metres, least, most float64
	}{
		{0, 0, 0}, {10, 0, 0}, {15, 0.05, 0.08}, {20, 0.23, 0.27}, {25, 0.54, 0.58}, {30, 1, 1}, {31, 1, 1},
	} {
		bare := BLE
		bare.RepeatsMax = 0
		r := NewRadio(bare, 1)
		r.Place(tt.metres)
		const packets = 20_000
		lost := 0
		for range packets {
			if _, gone := r.Cross(ToCard, 100); gone {
				lost++
			}
		}
		if share := float64(lost) / packets; share < tt.least || share > tt.most {
			t.Errorf("%v m: lost %v, want %v to %v", tt.metres, share, tt.least, tt.most)
		}
		if r.InReach() != (tt.most < 1) || (BLE.Loss(tt.metres) < 1) != r.InReach() {
			t.Errorf("%v m: in reach: %v", tt.metres, r.InReach())
		}
	}
	r := NewRadio(NFC, 1)
	r.Disturb(1)
	if r.InReach() {
		t.Error("all is lost, and the card is in reach")
	}
}

// The same seed and the same questions make the same answers; another seed does
// not.
func TestOneSeed(t *testing.T) {
	draw := func(seed uint64) (all []time.Duration) {
		r := NewRadio(BLE, seed)
		r.Disturb(0.3)
		for range 50 {
			found, _ := r.Find()
			took, _ := r.Cross(ToCard, 700)
			all = append(all, found, took)
		}
		return all
	}
	a, b, c := draw(7), draw(7), draw(8)
	same := true
	for i := range a {
		if a[i] != b[i] {
			t.Fatal("the same seed makes another world")
		}
		same = same && a[i] == c[i]
	}
	if same {
		t.Error("another seed makes the same world")
	}
}

// How long things take without loss, by hand.
func TestAirTime(t *testing.T) {
	for _, tt := range []struct {
		technology Technology
		n          int
		want       time.Duration
	}{
		{BLE, 244, 300*time.Microsecond + 271*8*time.Microsecond},
		{BLE, 245, 2*300*time.Microsecond + (271+28)*8*time.Microsecond},
		{NFC, 253, time.Millisecond + 256*8*time.Second/94222},
		{RFID, 272, 433*time.Microsecond + 272*8*time.Second/26480},
	} {
		tt.technology.WaitMax = 0
		r := NewRadio(tt.technology, 1)
		got, lost := r.Cross(FromCard, tt.n)
		if diff := got - tt.want; diff < -time.Microsecond || diff > time.Microsecond || lost {
			t.Errorf("%s, %d bytes: got %v, want %v", tt.technology.Name, tt.n, got, tt.want)
		}
	}
}

// A radio that repeats loses almost nothing, and tells what it cost.
func TestRepeats(t *testing.T) {
	r := NewRadio(BLE, 1)
	r.Disturb(0.5)
	for range 1000 {
		if _, lost := r.Cross(ToCard, 100); lost {
			t.Fatal("lost in spite of 33 repetitions")
		}
	}
	got := r.Traffic()
	if got.Packets < 1900 || got.Packets > 2100 || got.Bytes != got.Packets*127 || got.Lost != got.Packets-1000 {
		t.Errorf("got %+v", got)
	}
}

// An observer sees every packet, those that are lost too, and the bytes in them.
func TestObserve(t *testing.T) {
	r, message := NewRadio(BLE, 1), bytes.Repeat([]byte{7}, 300)
	r.Disturb(0.5)
	var seen Traffic
	for range 20 {
		var arrived []byte
		repeat := 0
		r.Observe(func(p Packet) {
			if p.Way != FromCard || p.First != (len(arrived) == 0) || p.Repeat != repeat {
				t.Errorf("after %d bytes and %d repetitions: %+v", len(arrived), repeat, p)
			}
			seen.Packets++
			seen.Bytes += len(p.Bytes) + BLE.Overhead
			if p.Lost {
				seen.Lost++
				repeat++
				return
			}
			arrived, repeat = append(arrived, p.Bytes...), 0
		})
		if r.Carry(FromCard, message); !bytes.Equal(arrived, message) {
			t.Errorf("seen arriving: %d bytes, want %d", len(arrived), len(message))
		}
	}
	if got := r.Traffic(); got != seen || seen.Lost == 0 {
		t.Errorf("seen %+v, sent %+v", seen, got)
	}
}

// A message crosses the Air of a lab as the radio has it.
func TestRadioAsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRadio(NFC, 1)
		a := New(Config{Model: r})
		a.Put("card", echo())
		began := time.Now()
		if _, err := a.Exchange(t.Context(), "card", make([]byte, 216)); err != nil {
			t.Error(err)
		}
		// 216 and 220 bytes at 94 kbit/s are 37 ms.
		if took := time.Since(began); took < 37*time.Millisecond || took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		r.Place(1)
		if _, err := a.Exchange(t.Context(), "card", []byte("hello")); !errors.Is(err, link.ErrLost) {
			t.Errorf("too far: got %v", err)
		}
	})
}

type chip struct{ resets int }

func (c *chip) Reset(link.Interface)     { c.resets++ }
func (*chip) Transmit(b []byte) []byte   { return append(bytes.Clone(b), 0x90, 0) }
func start(seconds int64) *Clock         { return NewClock(time.Unix(seconds, 0)) }
func since(c *Clock, t time.Time) string { return c.Now().Sub(t).Round(time.Millisecond).String() }

func TestField(t *testing.T) {
	clock := start(1000)
	r, c := NewRadio(NFC, 1), &chip{}
	f := NewField(r, c, clock.Waiter())
	connection, err := f.Connect(t.Context())
	if err != nil || connection.Interface() != link.Contactless || c.resets != 1 {
		t.Fatalf("got %v, %d resets", err, c.resets)
	}
	if got, err := connection.Transmit(t.Context(), []byte{1, 2, 3, 4}); err != nil || len(got) != 6 {
		t.Errorf("got %X, %v", got, err)
	}
	r.Place(1)
	for range 2 {
		if _, err := connection.Transmit(t.Context(), []byte{1, 2, 3, 4}); !errors.Is(err, link.ErrGone) {
			t.Errorf("gone: got %v", err)
		}
	}
	ctx, cancel := clock.Timeout(t.Context(), time.Second)
	defer cancel()
	began := clock.Now()
	if _, err := f.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) || since(clock, began) != "1s" {
		t.Errorf("nothing in the field: got %v after %s", err, since(clock, began))
	}
}

func TestWireErrors(t *testing.T) {
	clock := start(1000)
	r := NewRadio(BLE, 1)
	silent := NewWire(r, 1, link.HandlerFunc(func([]byte) []byte { return nil }), clock.Waiter())
	if _, err := silent.Exchange(t.Context(), "card", []byte("hello")); !errors.Is(err, link.ErrLost) {
		t.Errorf("silent: got %v", err)
	}
	away := NewWire(r, 1, link.HandlerFunc(func(m []byte) []byte { r.Place(99); return m }), clock.Waiter())
	if _, err := away.Exchange(t.Context(), "card", []byte("hello")); !errors.Is(err, link.ErrLost) {
		t.Errorf("carried off before the answer: got %v", err)
	}
	if _, err := away.Exchange(t.Context(), "card", []byte("hello")); !errors.Is(err, link.ErrOutOfReach) {
		t.Errorf("carried off: got %v", err)
	}
	r.Place(0)
	ctx, cancel := clock.Timeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := away.Exchange(ctx, "card", []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no time: got %v", err)
	}
}

func TestClock(t *testing.T) {
	c := start(1000)
	began := c.Now()
	parent, cancelParent := c.Timeout(t.Context(), 10*time.Second)
	defer cancelParent()
	child, cancelChild := c.Timeout(parent, time.Minute) // no longer than its parent
	defer cancelChild()
	short, cancelShort := c.Timeout(parent, time.Second)
	if err := c.Wait(child, 2*time.Second); err != nil || since(c, began) != "2s" {
		t.Errorf("got %v after %s", err, since(c, began))
	}
	if !errors.Is(short.Err(), context.DeadlineExceeded) {
		t.Errorf("short: got %v", short.Err())
	}
	cancelShort()
	if err := c.Wait(short, time.Hour); !errors.Is(err, context.DeadlineExceeded) || since(c, began) != "2s" {
		t.Errorf("a wait that is over took time: %v, %s", err, since(c, began))
	}
	if err := c.Wait(child, time.Hour); !errors.Is(err, context.DeadlineExceeded) || since(c, began) != "10s" {
		t.Errorf("got %v after %s", err, since(c, began))
	}
	select {
	case <-child.Done():
	default:
		t.Error("its channel is open")
	}
	ended, cancel := c.Timeout(t.Context(), time.Hour)
	cancel()
	if err := c.Wait(ended, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	rang := ""
	ring := func(name string) func() { return func() { rang += name } }
	c.At(c.Now().Add(time.Second), ring("a"))
	c.At(c.Now().Add(time.Second), ring("b"))()
	if err := c.Wait(t.Context(), time.Second-1); err != nil || rang != "" {
		t.Errorf("too early: rang %q, %v", rang, err)
	}
	if err := c.Wait(t.Context(), time.Hour); err != nil || rang != "a" {
		t.Errorf("rang %q, %v", rang, err)
	}
	if len(c.alarms) != 0 {
		t.Errorf("%d alarms are left", len(c.alarms))
	}
}

// A clock for onlookers lasts as they like, and what happens by it is the same.
func TestPacedClock(t *testing.T) {
	var lasted []time.Duration
	stop := errors.New("stop")
	c := NewPacedClock(time.Unix(1000, 0), func(_ context.Context, d time.Duration) error {
		if len(lasted) == 2 {
			return stop
		}
		lasted = append(lasted, d)
		return nil
	})
	began := c.Now()
	limited, cancel := c.Timeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := c.Wait(limited, 2*time.Second); err != nil {
		t.Error(err)
	}
	if err := c.Wait(limited, time.Minute); !errors.Is(err, context.DeadlineExceeded) || lasted[1] != time.Second {
		t.Errorf("got %v, lasted %v", err, lasted)
	}
	if err := c.Wait(t.Context(), time.Second); !errors.Is(err, stop) || since(c, began) != "3s" {
		t.Errorf("a wait that was broken off: got %v after %s", err, since(c, began))
	}
}
