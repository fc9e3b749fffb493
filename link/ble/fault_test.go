package ble

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// until exchanges until the card has answered, as a phone does before a code's
// time is over; what comes in between is one of a link's two errors.
func until(t *testing.T, r *Reach, message []byte) (answer []byte, exchanges int) {
	t.Helper()
	for exchanges = range 10 {
		answer, err := r.Exchange(t.Context(), this, message)
		if err == nil {
			return answer, exchanges + 1
		}
		if errors.Is(err, link.ErrLost) == errors.Is(err, link.ErrOutOfReach) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
	}
	t.Error("ten exchanges, and no answer")
	return nil, exchanges
}

// whole reports what the card was given and was never sent.
func (e *echo) whole(t *testing.T, message []byte) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.heard {
		if !bytes.Equal(m, message) {
			t.Errorf("the card was given %d bytes that were never sent", len(m))
		}
	}
}

// The battery is pulled, or one of the adapters, at each frame of a message, before
// the frame is there or after. The phone gets its answer when they are back, and
// no card sees anything but the whole message.
func TestPulledMidMessage(t *testing.T) {
	message := text(5, 60) // five frames
	pulled := map[string]func(t *testing.T, p *fakePeripheral, f *fakeCentral, e *echo, stop func()){
		"the battery": func(t *testing.T, p *fakePeripheral, _ *fakeCentral, e *echo, stop func()) {
			t.Helper()
			p.session().Close()
			stop()
			time.Sleep(2 * time.Second)
			serve(t, p, thisID, e) // it knows nothing of before
		},
		"the card's adapter": func(_ *testing.T, p *fakePeripheral, _ *fakeCentral, _ *echo, _ func()) {
			p.session().fail(ErrNoRadio)
		},
		"the phone's adapter": func(_ *testing.T, p *fakePeripheral, f *fakeCentral, _ *echo, _ func()) {
			f.plug(ErrNoRadio)
			p.session().hangUpAll()
			time.Sleep(2 * time.Second)
			f.plug(nil)
		},
	}
	for name, pull := range pulled {
		for cut := range 12 {
			t.Run(fmt.Sprintf("%s at %d", name, cut), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, e := &fakePeripheral{air: &air{}}, &echo{}
					stop := serve(t, p, thisID, e)
					f := &fakeCentral{air: p.air}
					f.write = func(n int, _ *fakeConn, cross func() error) error {
						if n != cut/2+1 {
							return cross()
						}
						if cut%2 == 1 {
							_ = cross()
						}
						go pull(t, p, f, e, stop)
						time.Sleep(crossTime)
						return errFakeGone
					}
					if got, _ := until(t, reach(t, f, 1), message); !bytes.Equal(got, append([]byte("re: "), message...)) {
						t.Errorf("got %d bytes", len(got))
					}
					e.whole(t, message)
				})
			})
		}
	}
}

// A stack that loses, doubles and reorders frames, which Bluetooth forbids and
// some do when a connection comes and goes.
func TestBadStack(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, e := &fakePeripheral{air: &air{}}, &echo{}
				p.hold = shuffle(seed)
				serve(t, p, thisID, e)
				f := &fakeCentral{air: p.air, mtu: 65}
				there := shuffle(seed + 100)
				f.write = func(_ int, _ *fakeConn, cross func() error) error {
					for range there() {
						if err := cross(); err != nil {
							return err
						}
					}
					return nil
				}
				r := reach(t, f, seed)
				for i := range 10 {
					message := text(i, 1+100*i)
					e.heard = nil
					got, exchanges := until(t, r, message)
					if !bytes.Equal(got, append([]byte("re: "), message...)) || e.times() > exchanges {
						t.Errorf("message %d: got %d bytes; handed over %d times in %d exchanges", i, len(got), e.times(), exchanges)
					}
					e.whole(t, message)
				}
			})
		})
	}
}

// shuffle says how often the next frame comes: mostly once. A frame that does not
// come is sent again behind others, so that they change places as well.
func shuffle(seed uint64) func() int {
	r := rand.New(rand.NewPCG(seed, 3))
	return func() int {
		switch r.IntN(10) {
		case 0:
			return 0
		case 1:
			return 2
		}
		return 1
	}
}

// Cards that keep a phone busy without end, or without a word.
func TestPatienceHasAnEnd(t *testing.T) {
	message := text(6, 300)
	tests := map[string]func(n int, c *fakeConn, cross func() error) error{
		"has nothing, again and again": func(_ int, c *fakeConn, _ func() error) error {
			time.Sleep(crossTime)
			id := c.last[4:8]
			c.hear(append(append([]byte{0x23, 0, 0, 0}, id...), 0, 0, 0, 0))
			return nil
		},
		"answers what was not asked": func(n int, c *fakeConn, _ func() error) error {
			time.Sleep(crossTime)
			for i := range 300 {
				c.hear(append([]byte{0x3A, 0, 0, 1, 0xFF, 0xFF, byte(n), byte(i)}, 7))
			}
			return nil
		},
		"takes each frame as slowly as can be": func(_ int, _ *fakeConn, cross func() error) error {
			time.Sleep(4 * time.Second)
			return cross()
		},
		"loses the connection at each frame": func(_ int, c *fakeConn, _ func() error) error {
			c.Close()
			return errFakeGone
		},
	}
	for name, write := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &air{}
				serve(t, &fakePeripheral{air: a}, thisID, &echo{})
				began := time.Now()
				_, err := reach(t, &fakeCentral{air: a, write: write}, 1).Exchange(t.Context(), this, message)
				if !errors.Is(err, link.ErrOutOfReach) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > exchangeMax+4*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A phone that knows the card and never comes to an end, with pieces that lie over
// each other as well: the card hands none of it over, and takes the next phone's
// message.
func TestEndlessPhone(t *testing.T) {
	piece := func(number, length, id, size int) []byte {
		head := []byte{0x21, byte(number), byte(length >> 8), byte(length), 0, byte(id >> 16), byte(id >> 8), byte(id)}
		return append(head, make([]byte, size)...)
	}
	streams := map[string]func(i int) []byte{
		"all pieces but the last":       func(i int) []byte { return piece(i%127, link.MessageMax, 1, 12) },
		"one first piece after another": func(i int) []byte { return piece(0, link.MessageMax, i+1, 100) },
		"pieces of two sizes":           func(i int) []byte { return piece(1+i%2, 300, 1, 50+50*(i%2)) },
		"a piece behind the end":        func(i int) []byte { return piece(i%256, 300, 1, 100) },
		"two lengths":                   func(i int) []byte { return piece(i%3, 200+100*(i%2), 1, 100) },
	}
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &echo{}
				v := newVisitors(Card{ID: thisID, Handler: e, Random: randomness(1), Log: quiet()})
				inside(t, v, "mallory")
				for i := range 10_000 {
					if err := v.WriteMessage("mallory", FrameMax, stream(i)); err != nil {
						t.Fatal(err)
					}
				}
				inside(t, v, "phone")
				s := frame.NewSender(frame.Config{Size: 100}, 7<<16, []byte("hello"))
				f, _ := s.Next(time.Now(), nil)
				if err := v.WriteMessage("phone", 100, f); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				e.whole(t, []byte("hello"))
				if e.times() != 1 {
					t.Errorf("the card has handled %d messages", e.times())
				}
			})
		})
	}
}
