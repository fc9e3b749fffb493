package ble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Frames that anybody might write, of which no card may think anything.
var garbage = map[string][]byte{
	"nothing":            {},
	"a byte":             {0x21},
	"another version":    append([]byte{0x5D, 0, 0, 1, 0, 0, 0, 1}, 7),
	"an answer":          append([]byte{0x3A, 0, 0, 1, 0, 0, 0, 1}, 7),
	"a length of nought": {0x39, 0, 0, 0, 0, 0, 0, 1},
	"a length too large": append([]byte{0x29, 0, 0xFF, 0xFF, 0, 0, 0, 1}, make([]byte, 12)...),
	"one byte too many":  append([]byte{0x39, 0, 0x06, 0x01, 0, 0, 0, 1}, make([]byte, 500)...),
	"a piece of another": append([]byte{0x29, 200, 0x06, 0x00, 0, 0, 0, 1}, make([]byte, 500)...),
	"all bits":           bytes.Repeat([]byte{0xFF}, FrameMax),
}

// A stranger can read the info. Nothing else that he does has an effect, and he
// is soon alone.
func TestStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		e := &echo{}
		p := &fakePeripheral{air: a}
		serve(t, p, thisID, e)
		f := &fakeCentral{air: a, mtu: 517}
		c, err := f.Connect(t.Context(), "card 0")
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := frame.NewSender(frame.Config{Size: 500}, 1, []byte("hello"))
		whole, _ := s.Next(time.Now(), nil)
		if err := c.Write(t.Context(), whole); !errors.Is(err, ErrStranger) {
			t.Errorf("a message: got %v", err)
		}
		if p.session().visits.MayPair("phone 1") {
			t.Error("a stranger may pair")
		}
		info, _ := ParseInfo(b)
		for i, proof := range [][]byte{nil, make([]byte, knockSize), knockOf(t, other, info)} {
			if err := c.Knock(t.Context(), proof); !errors.Is(err, ErrStranger) {
				t.Errorf("knock %d: got %v", i, err)
			}
		}
		time.Sleep(time.Second)
		if !ended(c) {
			t.Error("three wrong knocks, and the line is still held")
		}
		if e.times() != 0 || len(p.session().sizes) != 0 {
			t.Errorf("the card has handled %d messages and sent %d frames", e.times(), len(p.session().sizes))
		}

		idle, err := f.Connect(t.Context(), "card 0")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(strangerMax + 2*sweepEvery)
		if !ended(idle) {
			t.Error("who does not knock holds the line")
		}
	})
}

func knockOf(t *testing.T, card string, i Info) []byte {
	t.Helper()
	id := thisID
	if card == other {
		id = otherID
	}
	k := markOf(id).knock(i.Challenge)
	return k[:]
}

// A challenge is good for one knock: what was heard once opens nothing.
func TestKnockIsNotRepeated(t *testing.T) {
	v := newVisitors(Card{ID: thisID, Handler: &echo{}, Random: randomness(1), Log: quiet()})
	b, err := v.ReadInfo("phone")
	if err != nil {
		t.Fatal(err)
	}
	info, err := ParseInfo(b)
	if err != nil {
		t.Fatal(err)
	}
	right := knockOf(t, this, info)
	if err := v.WriteInfo("eve", right); !errors.Is(err, ErrStranger) {
		t.Errorf("by another: got %v", err)
	}
	if err := v.WriteInfo("phone", right); err != nil {
		t.Errorf("by the phone: %v", err)
	}
	v.Gone("phone")
	if err := v.WriteInfo("phone", right); !errors.Is(err, ErrStranger) {
		t.Errorf("on the next connection: got %v", err)
	}
	if err := v.WriteInfo("phone", right); !errors.Is(err, ErrStranger) {
		t.Errorf("and again: got %v", err)
	}
}

// inside is a phone that is let in, without a radio below.
func inside(t *testing.T, v *visitors, phone string) {
	t.Helper()
	b, err := v.ReadInfo(phone)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := ParseInfo(b)
	if err := v.WriteInfo(phone, knockOf(t, this, info)); err != nil {
		t.Fatal(err)
	}
}

// Whoever knows the card can still write what he likes. The card stays reachable
// for others, and handles what is whole alone.
func TestHostilePhone(t *testing.T) {
	for name, g := range garbage {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &echo{}
				v := newVisitors(Card{ID: thisID, Handler: e, Random: randomness(1), Log: quiet()})
				inside(t, v, "mallory")
				for range 100 {
					_ = v.WriteMessage("mallory", FrameMax, g)
				}
				inside(t, v, "phone")
				s := frame.NewSender(frame.Config{Size: 100}, 7<<16, []byte("hello"))
				f, _ := s.Next(time.Now(), nil)
				if err := v.WriteMessage("phone", 100, f); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if e.times() != 1 || string(e.heard[0]) != "hello" {
					t.Errorf("the card has handled %q", e.heard)
				}
			})
		})
	}
}

// Half messages under many ids fill all places for a while, and no longer.
func TestPlacesComeFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		p := &fakePeripheral{air: a}
		serve(t, p, thisID, &echo{})
		v := p.session().visits
		phone := "mallory"
		b, _ := v.ReadInfo(phone)
		info, _ := ParseInfo(b)
		_ = v.WriteInfo(phone, knockOf(t, this, info))
		for source := range 4 * placesMax {
			half := append([]byte{0x21, 0, 0, 200, 1, byte(source), 0, 1}, make([]byte, 100)...)
			if err := v.WriteMessage(phone, FrameMax, half); err != nil {
				t.Error(err)
			}
		}
		r := reach(t, &fakeCentral{air: a, mtu: 100}, 9)
		began := time.Now()
		if _, err := r.Exchange(t.Context(), this, []byte("hello")); err != nil {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestTooManyVisitors(t *testing.T) {
	v := newVisitors(Card{ID: thisID, Handler: &echo{}, Random: randomness(1), Log: quiet()})
	for i := range visitorsMax {
		v.Came(fmt.Sprint(i))
	}
	if _, err := v.ReadInfo("one more"); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	v.Came("one more")
	v.Gone("3")
	if _, err := v.ReadInfo("one more"); err != nil {
		t.Errorf("when one has gone: %v", err)
	}
	for i := range placesMax {
		inside(t, v, fmt.Sprint(i+4))
	}
	b, _ := v.ReadInfo("one more")
	info, _ := ParseInfo(b)
	if err := v.WriteInfo("one more", knockOf(t, this, info)); !errors.Is(err, ErrBusy) {
		t.Errorf("one who knows the card too many: got %v", err)
	}
}

// A phone that knows the card and says nothing is hung up on after a minute.
func TestIdlePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		serve(t, &fakePeripheral{air: a}, thisID, &echo{})
		f := &fakeCentral{air: a}
		c, err := f.Connect(t.Context(), "card 0")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := c.Info(t.Context())
		info, _ := ParseInfo(b)
		if err := c.Knock(t.Context(), knockOf(t, this, info)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(idleMax - time.Second)
		if ended(c) {
			t.Error("the card hung up too early")
		}
		time.Sleep(3 * sweepEvery)
		if !ended(c) {
			t.Error("the card did not hang up")
		}
	})
}

// A hint changes, is known to those who know the card, and to nobody else.
func TestHintsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakePeripheral{air: &air{}, hints: make(chan Hint, 100)}
		stop := serve(t, p, thisID, &echo{})
		time.Sleep(5 * time.Hour)
		stop()
		close(p.hints)
		seen := map[Hint]bool{}
		for h := range p.hints {
			if seen[h] {
				t.Errorf("hint %x came twice", h)
			}
			seen[h] = true
			if !markOf(thisID).is(h) || markOf(otherID).is(h) {
				t.Errorf("hint %x does not tell this card from another", h)
			}
		}
		if n := len(seen); n < 20 || n > 32 {
			t.Errorf("%d hints in five hours", n)
		}
	})
}

func TestServeFails(t *testing.T) {
	broken := errors.New("no adapter")
	err := Serve(t.Context(), &fakePeripheral{air: &air{}, broken: broken}, Card{Handler: &echo{}, Random: randomness(1), Log: quiet()})
	if !errors.Is(err, broken) {
		t.Errorf("no radio at the start: got %v", err)
	}
	err = Serve(t.Context(), &fakePeripheral{air: &air{}}, Card{Handler: &echo{}, Random: bytes.NewReader(nil), Log: quiet()})
	if err == nil {
		t.Error("no randomness: got no error")
	}
}

// A radio that fails is started again, less and less often, and the card is found
// again when it is back.
func TestServeStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		p := &fakePeripheral{air: a}
		serve(t, p, thisID, &echo{})
		p.mu.Lock()
		p.broken = errors.New("bluetoothd does not run")
		p.mu.Unlock()
		p.session().fail(errors.New("bluetoothd has ended"))
		time.Sleep(10 * time.Minute)
		p.mu.Lock()
		if p.starts < 10 || p.starts > 40 {
			t.Errorf("%d starts in ten minutes", p.starts)
		}
		p.broken = nil
		p.mu.Unlock()
		time.Sleep(retryMax)
		r := reach(t, &fakeCentral{air: a}, 1)
		if _, err := r.Exchange(t.Context(), this, []byte("hello")); err != nil {
			t.Error(err)
		}
	})
}

// Serve waits for a handler that is at work, and then says nothing to nobody.
func TestServeEndsWhileHandling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		ended := false
		stop := serve(t, &fakePeripheral{air: a}, thisID, link.HandlerFunc(func(m []byte) []byte {
			time.Sleep(time.Minute)
			ended = true
			return m
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := reach(t, &fakeCentral{air: a}, 1).Exchange(ctx, this, []byte("hello"))
		if !errors.Is(err, link.ErrLost) {
			t.Errorf("got %v", err)
		}
		stop()
		if !ended {
			t.Error("Serve has returned before its handler")
		}
	})
}

func TestInfo(t *testing.T) {
	good := Info{FrameMax: 244, Challenge: [challengeSize]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	want := []byte{1, 0, 244, 1, 2, 3, 4, 5, 6, 7, 8}
	if b := good.Append(nil); !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
	bad := map[string][]byte{
		"short": want[:10], "long": append(bytes.Clone(want), 0), "another version": append([]byte{2}, want[1:]...),
		"frames too small": append([]byte{1, 0, 19}, want[3:]...), "frames too large": append([]byte{1, 2, 0}, want[3:]...),
	}
	for name, b := range bad {
		if _, err := ParseInfo(b); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add(Info{FrameMax: FrameMax}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseInfo(b)
		if err == nil && !bytes.Equal(i.Append(nil), b) {
			t.Errorf("%x: read as %x", b, i.Append(nil))
		}
	})
}

// Whatever a phone writes, in pieces of whatever size, the handler sees nothing
// above the limit and nothing is sent that does not fit the phone's MTU.
func FuzzWriteMessage(f *testing.F) {
	for _, g := range garbage {
		f.Add(g, uint8(20))
	}
	s := frame.NewSender(frame.Config{Size: 100}, 1<<16, make([]byte, 300))
	var all []byte
	for {
		b, ok := s.Next(time.Now(), nil)
		if !ok {
			break
		}
		all = append(all, b...)
	}
	f.Add(all, uint8(100))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		v := newVisitors(Card{ID: thisID, Random: randomness(1), Log: quiet(), Handler: link.HandlerFunc(func(m []byte) []byte {
			if len(m) == 0 || len(m) > link.MessageMax {
				t.Errorf("a message of %d bytes", len(m))
			}
			return bytes.Repeat([]byte{1}, link.MessageMax)
		})})
		limit := max(int(size), frame.SizeMin)
		v.use(limited{t, limit})
		inside(t, v, "phone")
		for len(b) > 0 {
			n := min(len(b), limit)
			_ = v.WriteMessage("phone", limit, b[:n])
			b = b[n:]
		}
		v.running.Wait()
	})
}

// limited is a session that can send so much at once.
type limited struct {
	t     *testing.T
	limit int
}

func (l limited) Send(frame []byte) error {
	if len(frame) > l.limit {
		l.t.Errorf("a frame of %d bytes for an MTU of %d", len(frame), l.limit+attHeader)
	}
	return nil
}

func (limited) Advertise(context.Context, Hint) error { return nil }
func (limited) HangUp(string)                         {}
func (limited) Failed() <-chan struct{}               { return nil }
func (limited) Err() error                            { return nil }
func (limited) Close()                                {}
