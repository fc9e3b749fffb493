package webhook_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// Whatever happens in whatever order, each endpoint hears every event of its
// merchant and of nobody else, the first time in the order of the log.
func TestRandomDays(t *testing.T) {
	for range 3 {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		randomDay(t, seed)
	}
}

func randomDay(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	s := newSite(t, nil)
	merchants := []string{s.merchant("A"), s.merchant("B"), s.merchant("C")}
	var endpoints []*endpoint
	for range 60 {
		m := merchants[random.IntN(len(merchants))]
		switch dice := random.IntN(20); {
		case dice < 2 && len(endpoints) < 6:
			e := s.serveEndpoint(m)
			e.does(moody(random.Uint64()))
			s.register(e, e.URL)
			endpoints = append(endpoints, e)
		case dice == 2:
			s.close()
			s.open()
		case dice == 3:
			s.crash()
			s.open()
		case dice == 4:
			s.store.fail(errStore)
			s.happen(m)
			s.store.fail(nil)
		case dice < 8:
			s.happenTogether(m, random.IntN(40))
		default:
			s.happen(m)
		}
	}
	for _, e := range endpoints {
		e.does(nil)
	}
	for _, m := range merchants {
		s.happen(m)
	}
	for _, e := range endpoints {
		s.keeps(e)
		if got, want := firsts(e.ids()), s.owed(e); !slices.Equal(got, want) {
			t.Errorf("heard %d events, want %d, in order\n%v\n%v", len(got), len(want), got, want)
		}
	}
	s.close()
	s.open() // for the end of the test to close
}

// moody answers as it likes.
func moody(seed uint64) http.HandlerFunc {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		dice := random.IntN(10)
		mu.Unlock()
		switch dice {
		case 0, 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			panic(http.ErrAbortHandler) // it may have taken the event all the same
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

// firsts leaves out what came again.
func firsts(ids []string) (out []string) {
	heard := map[string]bool{}
	for _, id := range ids {
		if !heard[id] {
			out = append(out, id)
		}
		heard[id] = true
	}
	return out
}
