package best_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
	"sotto/link/best"
)

// way is a link.Reach that does as it is told.
type way func(ctx context.Context, message []byte) ([]byte, error)

func (w way) Exchange(ctx context.Context, _ string, message []byte) ([]byte, error) {
	return w(ctx, message)
}

// What a way can do.
func good(took time.Duration) way {
	return func(ctx context.Context, m []byte) ([]byte, error) {
		if err := sleep(ctx, took); err != nil {
			return nil, fmt.Errorf("%w: %w", link.ErrLost, err)
		}
		return append([]byte("re: "), m...), nil
	}
}

func failing(took time.Duration, err error) way {
	return func(ctx context.Context, _ []byte) ([]byte, error) {
		_ = sleep(ctx, took)
		return nil, err
	}
}

// never answers until its context ends.
func never(err error) way { return failing(time.Hour, err) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// log is the ways in the order of their tries.
type log []string

func (l *log) observe(t best.Try) { *l = append(*l, t.Way) }

const ms = time.Millisecond

func TestFallsOver(t *testing.T) {
	tests := []struct {
		name  string
		ways  []best.Way
		tries []string
		took  time.Duration
		want  error
	}{
		{"the cheapest, wherever it stands", []best.Way{
			{Name: "c", Cost: 3, Reach: good(ms)}, {Name: "a", Cost: 1, Reach: good(ms)}, {Name: "b", Cost: 2, Reach: good(ms)},
		}, []string{"a"}, ms, nil},
		{"out of reach: the next at once", []best.Way{
			{Name: "a", Reach: failing(0, link.ErrOutOfReach)}, {Name: "b", Reach: good(ms)},
		}, []string{"a", "b"}, ms, nil},
		{"lost: once more, and then the next", []best.Way{
			{Name: "a", Reach: failing(ms, link.ErrLost)}, {Name: "b", Reach: good(ms)},
		}, []string{"a", "a", "b"}, 3 * ms, nil},
		{"a fault: the next", []best.Way{
			{Name: "a", Reach: failing(ms, errors.New("no such adapter"))}, {Name: "b", Reach: good(ms)},
		}, []string{"a", "b"}, 2 * ms, nil},
		{"never answers: the next after TryMax", []best.Way{
			{Name: "a", TryMax: 70 * ms, Reach: never(link.ErrOutOfReach)}, {Name: "b", Reach: good(ms)},
		}, []string{"a", "b"}, 71 * ms, nil},
		{"nobody", []best.Way{
			{Name: "a", Reach: failing(0, link.ErrOutOfReach)},
		}, []string{"a", "a", "a", "a"}, 1000 * ms, link.ErrOutOfReach},
		{"it may have arrived by one of them", []best.Way{
			{Name: "a", Reach: failing(90*ms, link.ErrLost)}, {Name: "b", Reach: failing(200*ms, link.ErrOutOfReach)},
		}, []string{"a", "a", "b", "a", "a", "a", "a"}, 1000 * ms, link.ErrLost},
		{"no ways at all", nil, nil, 1000 * ms, link.ErrOutOfReach},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tries log
				r := best.New(best.Config{Ways: tt.ways, Observer: tries.observe})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				answer, err := r.Exchange(ctx, "card", []byte("hello"))
				if !errors.Is(err, tt.want) || tt.want == nil && string(answer) != "re: hello" {
					t.Errorf("got %q, %v", answer, err)
				}
				if errors.Is(err, link.ErrLost) && errors.Is(err, link.ErrOutOfReach) {
					t.Error("the error says both")
				}
				if !slices.Equal(tries, tt.tries) || time.Since(began) != tt.took {
					t.Errorf("tries: got %q in %v, want %q in %v", tries, time.Since(began), tt.tries, tt.took)
				}
			})
		})
	}
}

// A way that did not reach a card rests, longer each time, while another does;
// when it has brought an answer, it is the first again. Another card knows nothing
// of this.
func TestRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cheap := false
		var tries log
		r := best.New(best.Config{
			Ways: []best.Way{
				{Name: "cheap", Reach: way(func(ctx context.Context, m []byte) ([]byte, error) {
					if !cheap {
						return nil, link.ErrOutOfReach
					}
					return good(0)(ctx, m)
				})},
				{Name: "dear", Cost: 1, Reach: good(0)},
			},
			RestMin: 10 * time.Second, RestMax: 15 * time.Second, Observer: tries.observe,
		})
		send := func(card string, want ...string) {
			t.Helper()
			tries = nil
			if _, err := r.Exchange(t.Context(), card, []byte("hello")); err != nil || !slices.Equal(tries, want) {
				t.Errorf("got %q, %v, want %q", tries, err, want)
			}
		}
		send("card", "cheap", "dear")
		send("card", "dear")
		send("other", "cheap", "dear")
		time.Sleep(10 * time.Second)
		send("card", "cheap", "dear")
		time.Sleep(14 * time.Second)
		send("card", "dear")
		cheap = true
		time.Sleep(time.Second)
		send("card", "cheap")
		send("card", "cheap")
		cheap = false
		send("card", "cheap", "dear") // the rest is short again
		time.Sleep(10 * time.Second)
		send("card", "cheap", "dear")
		for i := range 2 * 256 {
			send(fmt.Sprint(i), "cheap", "dear")
		}
	})
}

func TestRefusesSizes(t *testing.T) {
	r := best.New(best.Config{Ways: []best.Way{{Reach: good(0)}}})
	for _, n := range []int{0, link.MessageMax + 1} {
		if _, err := r.Exchange(t.Context(), "card", make([]byte, n)); err == nil {
			t.Errorf("%d bytes: got no error", n)
		}
	}
}

// The message is the caller's again after the exchange, however it ended.
func TestKeepsNothing(t *testing.T) {
	var seen []byte
	r := best.New(best.Config{Ways: []best.Way{{Reach: way(func(_ context.Context, m []byte) ([]byte, error) {
		seen = m
		return []byte("yes"), nil
	})}}})
	mine := []byte("hello")
	if _, err := r.Exchange(t.Context(), "card", mine); err != nil {
		t.Fatal(err)
	}
	if string(mine) != "hello" || string(seen) != "\x00\x00\x00\x00\x00" {
		t.Errorf("mine %q, the way's %q", mine, seen)
	}
}

// faulty is a link whose state changes with time, as drawn from a seed.
type faulty struct {
	random  *rand.Rand
	until   time.Time
	now     int
	handled *int // how often the card got the message
}

// States of a faulty link.
const (
	works = iota
	away
	losesMessage
	losesAnswer
	hangs
	broken
	states
)

func (f *faulty) state() int {
	if now := time.Now(); !now.Before(f.until) {
		f.now = f.random.IntN(states)
		f.until = now.Add(time.Duration(f.random.IntN(5000)) * ms)
	}
	return f.now
}

func (f *faulty) Exchange(ctx context.Context, _ string, m []byte) ([]byte, error) {
	took := time.Duration(f.random.IntN(300)) * ms
	state := f.state()
	if state == hangs {
		<-ctx.Done()
		return nil, link.ErrOutOfReach // it was waiting for the card
	}
	if err := sleep(ctx, took); err != nil {
		return nil, fmt.Errorf("%w: %w", link.ErrLost, err)
	}
	switch state {
	case works:
		*f.handled++
		return append([]byte("re: "), m...), nil
	case losesMessage:
		return nil, link.ErrLost
	case losesAnswer:
		*f.handled++
		return nil, link.ErrLost
	case broken:
		return nil, errors.New("the adapter was unplugged")
	}
	return nil, link.ErrOutOfReach
}

// Over any links, an exchange ends in time, with the right answer or a true error.
func TestOverFaultyLinks(t *testing.T) {
	delivered, out, lost := 0, 0, 0
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			handled := 0
			var ways []best.Way
			for i := range 1 + random.IntN(4) {
				ways = append(ways, best.Way{
					Name: fmt.Sprint(i), Cost: random.IntN(3), TryMax: time.Duration(100+random.IntN(2000)) * ms,
					Reach: &faulty{random: random, handled: &handled},
				})
			}
			r := best.New(best.Config{Ways: ways})
			for i := range 5 {
				handled = 0
				limit := time.Duration(1+random.IntN(30)) * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				began := time.Now()
				message := fmt.Sprint("message ", i)
				answer, err := r.Exchange(ctx, "card", []byte(message))
				cancel()
				switch {
				case time.Since(began) > limit:
					t.Errorf("seed %d: took %v of %v", seed, time.Since(began), limit)
				case err == nil && (handled == 0 || string(answer) != "re: "+message):
					t.Errorf("seed %d: got %q, handled %d times", seed, answer, handled)
				case err == nil:
					delivered++
				case errors.Is(err, link.ErrOutOfReach) && handled > 0:
					t.Errorf("seed %d: out of reach, and handled %d times", seed, handled)
				case time.Since(began) < limit:
					t.Errorf("seed %d: gave up after %v of %v: %v", seed, time.Since(began), limit, err)
				case errors.Is(err, link.ErrOutOfReach):
					out++
				case errors.Is(err, link.ErrLost):
					lost++
				default:
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	t.Logf("delivered %d, out of reach %d, lost %d", delivered, out, lost)
	if delivered < 1500 || out == 0 || lost == 0 {
		t.Error("the faults are not those that were meant")
	}
}

// With one link that works, a message is delivered within a round of tries and the
// pauses, whatever the others do.
func TestOneGoodLinkIsEnough(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			handled := 0
			var ways []best.Way
			for range 3 {
				ways = append(ways, best.Way{Name: "faulty", TryMax: time.Second, Reach: &faulty{random: random, handled: &handled}})
			}
			ways = append(ways, best.Way{Name: "good", Cost: 9, Reach: good(50 * ms)})
			r := best.New(best.Config{Ways: ways})
			for range 5 {
				began := time.Now()
				if _, err := r.Exchange(t.Context(), "card", []byte("hello")); err != nil || time.Since(began) > 3*2*time.Second+50*ms {
					t.Errorf("seed %d: %v after %v", seed, err, time.Since(began))
				}
			}
		})
	}
}
