package phone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// slow is a link that takes a second and remembers what crossed at once.
type slow struct {
	mu      sync.Mutex
	now     map[string]int
	most    map[string]int
	all     int
	allMost int
}

func (s *slow) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	s.count(card, 1)
	defer s.count(card, -1)
	select {
	case <-time.After(time.Second):
		return shown(card, message)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *slow) count(card string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[card] += n
	s.all += n
	s.most[card] = max(s.most[card], s.now[card])
	s.allMost = max(s.allMost, s.all)
}

// Cards are served beside each other, each one message at a time; when Run
// ends, nothing goes on.
func TestRunBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cards = 10
		d := &disk{kept: map[string]Binding{}}
		names := make([]string, cards)
		for i := range names {
			names[i] = ident.Make(ident.Card, 1, [10]byte{byte(i)})
			d.kept[names[i]] = Binding{Active: Pairing{
				Dispatch: dispatchID(-time.Hour, 0), Profile: dyncode.CardSealed, Secret: secret.New(fill(byte(i))),
			}}
		}
		link := &slow{now: map[string]int{}, most: map[string]int{}}
		told := make(chan string, 100)
		p, err := New(Config{
			ID: phoneText, Key: phoneKey, State: d, Reach: link, Random: rand.NewChaCha8([32]byte{}),
			Bank: sender(func(r bankapi.Report) error { told <- r.Dispatch; return nil }),
			Now:  time.Now, After: time.After,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { p.Run(ctx) })
		give := func(card int, n byte) {
			id := ident.Make(ident.Dispatch, time.Now().UnixMilli(), [10]byte{n, byte(card)})
			dispatch := codeDispatch(dyncode.CardSealed, id, "123456")
			dispatch.Card, dispatch.ExpiresAt = names[card], time.Now().Add(time.Minute).UnixMilli()
			b, err := dispatch.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Dispatch(ctx, id, b); err != nil {
				t.Error(err)
			}
		}
		for i := range cards {
			give(i, 1)
		}
		time.Sleep(100 * time.Millisecond)
		give(0, 2) // while the first is under way
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got, want := len(told), cards+1; got != want {
			t.Errorf("%d reports, want %d", got, want)
		}
		if link.allMost != cards {
			t.Errorf("%d cards at once, want all %d", link.allMost, cards)
		}
		for card, n := range link.most {
			if n != 1 {
				t.Errorf("%s had %d messages at once, want 1", card, n)
			}
		}
		give(0, 3)
		synctest.Wait() // the exchange is under way
		before := time.Now()
		cancel()
		running.Wait()
		if took := time.Since(before); took != 0 {
			t.Errorf("Run ended after %v, want at once", took)
		}
	})
}

// A link or a bank that hangs is left after its time.
func TestRunLeavesWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, tells := 0, 0
		p, err := New(Config{
			ID: phoneText, Key: phoneKey, State: inUse(dyncode.CardSealed), Random: rand.NewChaCha8([32]byte{}),
			Reach: hang(func(ctx context.Context, m []byte) ([]byte, error) {
				if tries++; tries == 1 {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return shown("", m)
			}),
			Bank: bankFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
				if tells++; tells == 1 {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return nil, nil
			}),
			Now: time.Now, After: time.After,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go p.Run(ctx)
		id := ident.Make(ident.Dispatch, time.Now().UnixMilli(), [10]byte{})
		d := codeDispatch(dyncode.CardSealed, id, "123456")
		d.ExpiresAt = time.Now().Add(3 * time.Minute).UnixMilli()
		b, err := d.Append(nil)
		if err := errors.Join(err, p.Dispatch(ctx, id, b)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(exchangeMax + reportMax + 2*pauseMax)
		synctest.Wait()
		if got, want := fmt.Sprint(tries, tells), "2 2"; got != want {
			t.Errorf("tries to the card and the bank: %s, want %s", got, want)
		}
	})
}

type hang func(ctx context.Context, message []byte) ([]byte, error)

func (f hang) Exchange(ctx context.Context, _ string, m []byte) ([]byte, error) { return f(ctx, m) }

type bankFunc func(ctx context.Context, body []byte) ([]byte, error)

func (f bankFunc) Send(ctx context.Context, b []byte) ([]byte, error) { return f(ctx, b) }
