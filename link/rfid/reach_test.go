package rfid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
)

// bubble runs a test in a time of its own, for each seed.
func bubble(t *testing.T, seeds uint64, test func(t *testing.T, seed uint64)) {
	t.Helper()
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			test(t, seed)
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
}

func card(id string, serial uint64, h link.Handler) *Card {
	return NewCard(CardConfig{ID: id, UID: NewUID(serial), Handler: h, Random: seeded()})
}

func TestExchange(t *testing.T) {
	bubble(t, 1, func(t *testing.T, _ uint64) {
		t.Helper()
		f := NewField(FieldConfig{})
		f.Put(card(cardID, 7, echo()), 0.1)
		r := NewReach(f, Config{})
		for _, n := range []int{1, 240, 248, 249, 700, link.MessageMax - 4} {
			message := bytes.Repeat([]byte{0x5A}, n)
			began := time.Now()
			got, err := r.Exchange(t.Context(), cardID, message)
			if err != nil || !bytes.Equal(got, append([]byte("re: "), message...)) {
				t.Fatalf("%d bytes: got %d bytes, %v", n, len(got), err)
			}
			// Both ways at 26.48 kbit/s, and what is around it.
			floor := time.Duration(2*n) * 8 * time.Second / 26480
			if took := time.Since(began); took < floor || took > 3*floor+500*time.Millisecond {
				t.Errorf("%d bytes took %v", n, took)
			}
		}
		for _, n := range []int{0, link.MessageMax + 1} {
			if _, err := r.Exchange(t.Context(), cardID, make([]byte, n)); err == nil {
				t.Errorf("%d bytes: got no error", n)
			}
		}
	})
}

// Inventory finds all tags, those too whose UIDs are alike up to the last bit, and
// with losses nearly all.
func TestInventory(t *testing.T) {
	bubble(t, 100, func(t *testing.T, seed uint64) {
		t.Helper()
		random := rand.New(rand.NewPCG(seed, 0))
		f := NewField(FieldConfig{Seed: seed})
		var want []UID
		for len(want) < random.IntN(tagsMax+1) {
			u := NewUID(random.Uint64() >> random.IntN(64))
			if slices.Contains(want, u) {
				continue
			}
			want = append(want, u)
			f.Put(NewCard(CardConfig{ID: cardID, UID: u, Handler: echo(), Random: seeded()}), 0.1)
		}
		f.Put(card(cardID, 0xABCDEF, echo()), 5) // out of range
		got, err := reader{f}.inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		compare := func(a, b UID) int { return bytes.Compare(a[:], b[:]) }
		slices.SortFunc(got, compare)
		slices.SortFunc(want, compare)
		if !slices.Equal(got, want) {
			t.Errorf("got %X, want %X", got, want)
		}
	})
}

// The right card among others, and no other gets the message.
func TestFindsTheCard(t *testing.T) {
	bubble(t, 20, func(t *testing.T, seed uint64) {
		t.Helper()
		f := NewField(FieldConfig{Seed: seed, Loss: 0.05})
		for i := range uint64(5) {
			other := fmt.Sprintf("card_01JD3Z9Q8VXK4M2N7T5R6W8Y0%c", 'C'+i)
			f.Put(card(other, seed*31+i, link.HandlerFunc(func([]byte) []byte {
				t.Error("another card got the message")
				return nil
			})), 0.1)
		}
		f.Put(foreign{}, 0.1)
		f.Put(card(cardID, seed*17+10_000, echo()), 0.2)
		r := NewReach(f, Config{})
		for range 3 {
			if got, err := r.Exchange(t.Context(), cardID, []byte("hello")); err != nil || string(got) != "re: hello" {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

// foreign is a tag without a mailbox.
type foreign struct{}

func (foreign) Leave() {}
func (foreign) Answer(b []byte) []byte {
	q, ok := checked(b)
	u := UID{1, 2, 3, 4, 5, 6, 4, 0xE0}
	switch {
	case !ok:
		return nil
	case q[1] == cmdInventory && parsesTo(q[2:], u):
		return appendCRC(append([]byte{0, 0}, u[:]...))
	case q[0]&flagAddress != 0 && bytes.HasPrefix(q[3:], u[:]):
		return appendCRC([]byte{errorFlag, byte(CodeNotSupported)})
	}
	return nil
}

func parsesTo(params []byte, u UID) bool {
	m, ok := parseMask(params)
	return ok && m.covers(u)
}

// Over air that loses a share of all frames, every message is delivered, and
// handled once in an exchange.
func TestOverLossyAir(t *testing.T) {
	for _, loss := range []float64{0.05, 0.2, 0.4} {
		failed := 0
		const seeds = 100
		bubble(t, seeds, func(t *testing.T, seed uint64) {
			t.Helper()
			handled := 0
			f := NewField(FieldConfig{Seed: seed, Loss: loss})
			f.Put(card(cardID, seed, link.HandlerFunc(func(m []byte) []byte { handled++; return m })), 0.1)
			r := NewReach(f, Config{Source: uint16(seed)})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			message := bytes.Repeat([]byte{byte(seed)}, 700)
			got, err := r.Exchange(ctx, cardID, message)
			switch {
			case err != nil && !errors.Is(err, link.ErrLost) && !errors.Is(err, link.ErrOutOfReach),
				err == nil && !bytes.Equal(got, message), handled > 1,
				errors.Is(err, link.ErrOutOfReach) && handled > 0:
				t.Errorf("got %d bytes, %v, handled %d times", len(got), err, handled)
			case err != nil:
				failed++
			}
		})
		t.Logf("loss %v: %d of %d exchanges failed", loss, failed, seeds)
		if most := map[float64]int{0.05: 0, 0.2: 2, 0.4: 60}[loss]; failed > most {
			t.Errorf("loss %v: %d of %d exchanges failed, want at most %d", loss, failed, seeds, most)
		}
	}
}

// The card leaves, or its battery is pulled, at any request: the next exchange
// delivers, and no half a message is ever handled.
func TestCutAtEveryRequest(t *testing.T) {
	message := bytes.Repeat([]byte{0x5A}, 600)
	for _, battery := range []bool{true, false} {
		for cut := 1; ; cut++ {
			reached, handled := false, 0
			synctest.Test(t, func(t *testing.T) {
				k := card(cardID, 7, link.HandlerFunc(func(m []byte) []byte {
					if !bytes.Equal(m, message) {
						t.Errorf("cut %d: a message of %d bytes", cut, len(m))
					}
					handled++
					return []byte("yes")
				}))
				c := &cutting{Card: k, at: cut, battery: battery, away: 3 * time.Second}
				f := NewField(FieldConfig{})
				f.Put(c, 0.1)
				r := NewReach(f, Config{})
				_, err := r.Exchange(t.Context(), cardID, message)
				reached = c.at == 0
				switch {
				case errors.Is(err, link.ErrOutOfReach) && handled > 0:
					t.Errorf("cut %d: out of reach, and handled", cut)
				case err == nil && reached && handled == 0:
					t.Errorf("cut %d: no error, and not handled", cut)
				}
				got, err := r.Exchange(t.Context(), cardID, message)
				if err != nil || string(got) != "yes" {
					t.Errorf("cut %d: again: %q, %v", cut, got, err)
				}
			})
			if !reached {
				if cut < 15 {
					t.Errorf("only %d cuts", cut)
				}
				break
			}
		}
	}
}

// cutting is a card that goes away at a request, for a while.
type cutting struct {
	*Card

	at      int
	battery bool
	away    time.Duration
	back    time.Time
}

func (c *cutting) Answer(frame []byte) []byte {
	if c.at > 0 {
		if c.at--; c.at == 0 {
			c.back = time.Now().Add(c.away)
			if c.battery {
				c.Power()
			}
		}
	}
	if time.Now().Before(c.back) {
		return nil
	}
	return c.Card.Answer(frame)
}

// hostile is a tag that is found and says who it is, and then lies.
type hostile struct {
	*Card

	lie func(q request) []byte
}

func (h hostile) Answer(frame []byte) []byte {
	b, _ := checked(frame)
	q, ok := parseRequest(b)
	if ok {
		if r := h.lie(q); r != nil {
			return appendCRC(r)
		}
	}
	return h.Card.Answer(frame)
}

func TestHostileTags(t *testing.T) {
	lies := map[string]func(request) []byte{
		"never free":    func(q request) []byte { return only(q, cmdReadRegister, 0, mailboxOn|readerPut|readerCurrent) },
		"never on":      func(q request) []byte { return only(q, cmdReadRegister, 0, 0) },
		"always full":   func(q request) []byte { return only(q, cmdReadRegister, 0, mailboxOn|hostPut|hostCurrent) },
		"no register":   func(q request) []byte { return only(q, cmdReadRegister, 0) },
		"no length":     func(q request) []byte { return only(q, cmdMessageLength, 0) },
		"wrong length":  func(q request) []byte { return only(q, cmdMessageLength, 0, 99) },
		"refuses all":   func(q request) []byte { return only(q, q.command, 1, 0x0F) },
		"odd error":     func(q request) []byte { return only(q, q.command, 1) },
		"empty answers": func(q request) []byte { return only(q, q.command, 0) },
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := NewField(FieldConfig{})
				f.Put(hostile{card(cardID, 7, echo()), lie}, 0.1)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				r := NewReach(f, Config{WaitMax: 10 * time.Second})
				got, err := r.Exchange(ctx, cardID, []byte("hello"))
				if name == "wrong length" { // which is told by the bytes that come
					if err != nil || string(got) != "re: hello" {
						t.Errorf("got %q, %v", got, err)
					}
				} else if !errors.Is(err, link.ErrOutOfReach) && !errors.Is(err, link.ErrLost) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func only(q request, command byte, says ...byte) []byte {
	if q.command == command {
		return says
	}
	return nil
}

// A field with nothing in it, a card that comes later, a reader that is broken.
func TestWaits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, _ uint64) {
		t.Helper()
		f := NewField(FieldConfig{})
		r := NewReach(f, Config{WaitMax: 2 * time.Second})
		began := time.Now()
		if _, err := r.Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || time.Since(began) != 2*time.Second {
			t.Errorf("nobody: got %v after %v", err, time.Since(began))
		}
		k := card(cardID, 7, echo())
		go func() {
			time.Sleep(time.Second)
			f.Put(k, 0.2)
		}()
		if _, err := r.Exchange(t.Context(), cardID, []byte("hello")); err != nil {
			t.Errorf("it comes: %v", err)
		}
		f.Put(k, 1)
		if _, err := r.Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) {
			t.Errorf("out of range: got %v", err)
		}
		f.Remove(k)
		began = time.Now()
		if _, err := NewReach(broken{}, Config{}).Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || time.Since(began) != 0 {
			t.Errorf("a broken reader: got %v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		stuck := NewReach(never{}, Config{})
		if _, err := stuck.Exchange(ctx, cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || time.Since(began) != 5*time.Second {
			t.Errorf("a reader that never answers: got %v after %v", err, time.Since(began))
		}
	})
}

// broken and never are readers.
type broken struct{}

func (broken) Exchange(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("the reader was unplugged")
}
func (broken) Limits() (request, response int) { return requestMax, responseMax }
func (broken) Close() error                    { return nil }

type never struct{ broken }

func (never) Exchange(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A reader whose frames are short carries the same messages.
type shortFrames struct {
	*Field

	request, response int
}

func (s shortFrames) Limits() (request, response int) { return s.request, s.response }

func TestShortFrames(t *testing.T) {
	bubble(t, 1, func(t *testing.T, _ uint64) {
		t.Helper()
		for _, s := range []shortFrames{{nil, 40, 20}, {nil, passRequestMax, passResponseMax}, {nil, requestMax, 20}} {
			s.Field = NewField(FieldConfig{})
			s.Put(card(cardID, 7, echo()), 0.1)
			message := bytes.Repeat([]byte{0x5A}, 600)
			got, err := NewReach(s, Config{}).Exchange(t.Context(), cardID, message)
			if err != nil || len(got) != 604 {
				t.Errorf("%d and %d: got %d bytes, %v", s.request, s.response, len(got), err)
			}
		}
		for _, s := range []shortFrames{{nil, 20, 20}, {nil, requestMax, 19}} {
			s.Field = NewField(FieldConfig{})
			if _, err := NewReach(s, Config{}).Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) {
				t.Errorf("too short: got %v", err)
			}
		}
	})
}

// noise is a field in which everything is garbled: tags without end, it seems.
type noise struct {
	broken

	asked *int
}

func (n noise) Exchange(context.Context, []byte) ([]byte, error) {
	*n.asked++
	return nil, ErrGarbled
}

func TestInventoryEnds(t *testing.T) {
	asked := 0
	found, err := reader{noise{asked: &asked}}.inventory(t.Context())
	if err != nil || len(found) != 0 || asked != masksMax {
		t.Errorf("found %d, asked %d times, %v", len(found), asked, err)
	}
}
