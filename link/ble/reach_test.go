package ble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
)

func TestExchange(t *testing.T) {
	for _, mtu := range []int{0, 23, 27, 65, 185, 247, 517} {
		t.Run(fmt.Sprint("MTU ", mtu), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &air{}
				e := &echo{}
				serve(t, &fakePeripheral{air: a}, thisID, e)
				f := &fakeCentral{air: a, mtu: mtu}
				r := reach(t, f, 1)
				for i, n := range []int{1, 216, 1280, link.MessageMax - 4} {
					m := text(i, n)
					got, err := r.Exchange(t.Context(), this, m)
					if err != nil || !bytes.Equal(got, append([]byte("re: "), m...)) {
						t.Errorf("%d bytes: got %d bytes, %v", n, len(got), err)
					}
				}
				if f.connections() != 1 || f.paired != 1 || e.times() != 4 {
					t.Errorf("got %d connections, %d pairings, %d messages; want 1, 1, 4", f.connections(), f.paired, e.times())
				}
			})
		})
	}
}

func TestExchangeRefusesSizes(t *testing.T) {
	r := reach(t, &fakeCentral{air: &air{}}, 1)
	for _, n := range []int{0, link.MessageMax + 1} {
		if _, err := r.Exchange(t.Context(), this, make([]byte, n)); err == nil {
			t.Errorf("%d bytes: got no error", n)
		}
	}
	if _, err := r.Exchange(t.Context(), "no id", []byte{1}); !errors.Is(err, link.ErrOutOfReach) {
		t.Errorf("an id that is none: got %v", err)
	}
}

// What an error means to a phone.
func TestErrors(t *testing.T) {
	lose := func(int, *fakeConn, func() error) error { return nil }
	silence := link.HandlerFunc(func([]byte) []byte { return nil })
	long := text(1, 400) // 34 frames of 23 - 3 - 8 bytes
	tests := []struct {
		name    string
		card    link.Handler
		id      string
		prepare func(*fakeCentral)
		want    error
		handled int
	}{
		{"no card at all", nil, this, nil, link.ErrOutOfReach, 0},
		{"another card alone", &echo{}, other, nil, link.ErrOutOfReach, 0},
		{"no radio", &echo{}, this, func(f *fakeCentral) { f.off = ErrNoRadio }, link.ErrOutOfReach, 0},
		{"nothing crosses", &echo{}, this, func(f *fakeCentral) { f.write = lose }, link.ErrOutOfReach, 0},
		{"the connection breaks before the last frame, always", &echo{}, this, func(f *fakeCentral) {
			f.write = func(_ int, c *fakeConn, _ func() error) error { c.Close(); return errFakeGone }
		}, link.ErrOutOfReach, 0},
		{"silence", silence, this, nil, link.ErrLost, 0},
		{"the handler never ends", link.HandlerFunc(func(m []byte) []byte { time.Sleep(time.Hour); return m }), this, nil, link.ErrLost, 0},
		{"an answer that is too long", link.HandlerFunc(func([]byte) []byte { return make([]byte, link.MessageMax+1) }), this, nil, link.ErrLost, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &air{}
				if tt.card != nil {
					serve(t, &fakePeripheral{air: a}, thisID, tt.card)
				}
				f := &fakeCentral{air: a}
				if tt.prepare != nil {
					tt.prepare(f)
				}
				began := time.Now()
				_, err := reach(t, f, 1).Exchange(t.Context(), tt.id, long)
				if !errors.Is(err, tt.want) || errors.Is(err, link.ErrLost) == errors.Is(err, link.ErrOutOfReach) {
					t.Errorf("got %v, want %v alone", err, tt.want)
				}
				if took := time.Since(began); took > exchangeMax+time.Second {
					t.Errorf("it took %v", took)
				}
				if e, ok := tt.card.(*echo); ok && e.times() != tt.handled {
					t.Errorf("the card has handled %d messages, want %d", e.times(), tt.handled)
				}
			})
		})
	}
}

// The connection is cut at each frame, before it crosses or after. The phone gets
// its answer over a new connection, and the card sees nothing but whole messages.
func TestCutAnywhere(t *testing.T) {
	message := text(3, 150)
	for _, after := range []bool{false, true} {
		for cut := 1; cut <= 14; cut++ {
			t.Run(fmt.Sprintf("frame %d, after %v", cut, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := &air{}
					e := &echo{}
					serve(t, &fakePeripheral{air: a}, thisID, e)
					f := &fakeCentral{air: a, write: func(n int, c *fakeConn, cross func() error) error {
						if n != cut {
							return cross()
						}
						if after {
							_ = cross()
						}
						c.Close()
						return errFakeGone
					}}
					got, err := reach(t, f, 1).Exchange(t.Context(), this, message)
					if err != nil || !bytes.Equal(got, append([]byte("re: "), message...)) {
						t.Errorf("got %d bytes, %v", len(got), err)
					}
					for _, m := range e.heard {
						if !bytes.Equal(m, message) {
							t.Errorf("the card was given %d bytes that were never sent", len(m))
						}
					}
					if f.connections() != 2 {
						t.Errorf("got %d connections, want 2", f.connections())
					}
				})
			})
		}
	}
}

// A message that may have arrived stays lost, whatever happens afterwards.
func TestLostStaysLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		p := &fakePeripheral{air: a}
		serve(t, p, thisID, &echo{})
		f := &fakeCentral{air: a, mtu: 517, write: func(_ int, _ *fakeConn, cross func() error) error {
			err := cross()
			p.session().Close() // and is never back
			return err
		}}
		_, err := reach(t, f, 1).Exchange(t.Context(), this, []byte("hello"))
		if !errors.Is(err, link.ErrLost) || errors.Is(err, link.ErrOutOfReach) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeptConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		p := &fakePeripheral{air: a}
		serve(t, p, thisID, &echo{})
		f := &fakeCentral{air: a, mtu: 185}
		r := reach(t, f, 1)
		hello := func(want int, when string) {
			t.Helper()
			if _, err := r.Exchange(t.Context(), this, []byte("hello")); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			if f.connections() != want {
				t.Errorf("%s: got %d connections, want %d", when, f.connections(), want)
			}
		}
		hello(1, "the first")
		time.Sleep(keepMax - time.Second)
		hello(1, "soon after")
		time.Sleep(keepMax + time.Second)
		if n := p.session().held(); n != 0 {
			t.Errorf("a phone with nothing to say holds %d connections", n)
		}
		hello(2, "after a while")
		p.session().HangUp("phone 2")
		time.Sleep(time.Second)
		hello(3, "after the card has hung up")
		p.session().fail(errors.New("bluetoothd has ended"))
		hello(4, "after the card's stack was away")
		r.Close()
		hello(5, "after Close")
	})
}

// Pairing is good to have: whatever comes of it, the message arrives, and it is
// not tried for a while when it failed.
func TestPairingMayFail(t *testing.T) {
	fails := map[string]func(*fakeConn) error{
		"refused":  func(*fakeConn) error { return errors.New("no") },
		"hangs up": func(c *fakeConn) error { c.Close(); return errors.New("authentication failed") },
	}
	for name, pair := range fails {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &air{}
				serve(t, &fakePeripheral{air: a}, thisID, &echo{})
				tried := 0
				f := &fakeCentral{air: a, pair: func(c *fakeConn) error { tried++; return pair(c) }}
				r := reach(t, f, 1)
				for range 3 {
					if _, err := r.Exchange(t.Context(), this, []byte("hello")); err != nil {
						t.Error(err)
					}
					r.lines[this].leave()
				}
				if tried != 1 {
					t.Errorf("tried %d times, want once", tried)
				}
				time.Sleep(unpairMax)
				if _, err := r.Exchange(t.Context(), this, []byte("hello")); err != nil || tried != 2 {
					t.Errorf("later: got %v after %d tries", err, tried)
				}
			})
		})
	}
}

// Among several cards the phone finds each, and one who repeats a card's hint
// gets nothing.
func TestTheRightCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		parrot := &echo{}
		mimic := &fakePeripheral{air: a}
		serve(t, mimic, otherID, parrot)
		first, second := &echo{}, &echo{}
		genuine := &fakePeripheral{air: a}
		serve(t, genuine, thisID, first)
		serve(t, &fakePeripheral{air: a}, otherID, second)
		if h, ok := genuine.session().advertised(); ok {
			_ = mimic.session().Advertise(t.Context(), h)
		}
		r := reach(t, &fakeCentral{air: a, mtu: 100}, 1)
		var both sync.WaitGroup
		for id, want := range map[string]string{this: "this", other: "other"} {
			both.Go(func() {
				for range 3 {
					if _, err := r.Exchange(t.Context(), id, []byte(want)); err != nil {
						t.Errorf("%s: %v", want, err)
					}
				}
			})
		}
		both.Wait()
		if first.times() != 3 || second.times() != 3 || parrot.times() != 0 {
			t.Errorf("got %d, %d and %d messages, want 3, 3 and none", first.times(), second.times(), parrot.times())
		}
		for _, m := range first.heard {
			if string(m) != "this" {
				t.Errorf("the card got a message of the other")
			}
		}
	})
}

// Phones at the same time are served in turn, each with its own answer. One too
// many is told that the card is busy and comes when there is a place.
func TestPhonesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		inside, most := 0, 0
		var mu sync.Mutex
		serve(t, &fakePeripheral{air: a}, thisID, link.HandlerFunc(func(m []byte) []byte {
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			inside--
			mu.Unlock()
			return append([]byte("re: "), m...)
		}))
		var all sync.WaitGroup
		for i := range placesMax + 2 {
			all.Go(func() {
				r := reach(t, &fakeCentral{air: a, mtu: 23 + 40*i}, uint64(i))
				for round := range 3 {
					m := text(100*i+round, 300)
					got, err := r.Exchange(t.Context(), this, m)
					if err != nil || !bytes.Equal(got, append([]byte("re: "), m...)) {
						t.Errorf("phone %d: got %d bytes, %v", i, len(got), err)
					}
				}
				r.Close()
			})
		}
		all.Wait()
		if most != 1 {
			t.Errorf("%d messages at once in the handler", most)
		}
	})
}

func TestContextEndsAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reach(t, &fakeCentral{air: &air{}}, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := r.Exchange(ctx, this, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || time.Since(began) > 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
