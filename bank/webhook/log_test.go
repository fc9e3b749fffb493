package webhook_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"sotto/bank/webhook"
)

// After a restart the rest comes, and nothing twice.
func TestRestart(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	for range 3 {
		s.happen(e.merchant)
	}
	e.hears(4)
	s.keeps(e)
	s.stop() // what happens now nobody delivers
	for range 3 {
		s.happen(e.merchant)
	}
	s.close()
	s.open()
	e.hears(7)
	s.happen(e.merchant)
	e.hears(8)
	if want := s.owed(e); !slices.Equal(e.ids(), want) {
		t.Errorf("heard %v, want %v", e.ids(), want)
	}
}

// What was left from before a restart, and fails, is not forgotten.
func TestRestartWithFailures(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	s.keeps(e)
	s.stop()
	s.happen(e.merchant)
	s.happen(e.merchant)
	s.close()
	e.does(says(500))
	s.open()
	s.until("three tries", func() bool { return len(s.paused()) >= 3 })
	e.does(nil)
	s.keeps(e)
	if got, want := slices.Compact(e.ids()), s.owed(e); !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}

// A crash repeats some deliveries, in order, and forgets none.
func TestCrash(t *testing.T) {
	s := newSite(t, func(s *site) { s.held = true }) // no moment of quiet to write in
	e := s.endpoint(s.merchant("Tea House"))
	n := 2*webhook.KeepMax + 50
	for range n - 1 {
		s.happen(e.merchant)
	}
	e.hears(n)
	s.crash()
	s.open()
	s.happen(e.merchant)
	s.until("the last one", func() bool { return slices.Contains(e.ids(), s.newest(e)) })
	repeated := len(e.ids()) - (n + 1)
	if repeated < 1 || repeated > webhook.KeepMax {
		t.Errorf("%d deliveries were repeated, want 1 to %d", repeated, webhook.KeepMax)
	}
	all := e.ids()
	slices.Sort(all)
	if want := s.owed(e); !slices.Equal(slices.Compact(all), want) {
		t.Errorf("heard %d events, want %d", len(all), len(want))
	}
	if !slices.IsSorted(e.ids()[:n]) || !slices.IsSorted(e.ids()[n:]) {
		t.Error("out of order")
	}
}

// The log is read once, and by those alone whom it concerns.
func TestReadsLittle(t *testing.T) {
	s := newSite(t, nil)
	quiet, busy := s.endpoint(s.merchant("Quiet House")), s.endpoint(s.merchant("Tea House"))
	s.keeps(quiet)
	s.keeps(busy)
	s.store.read()
	const n = 300
	for range n {
		s.happen(busy.merchant)
	}
	s.keeps(busy)
	// Some links are the courier's own: cursors.
	if got := s.store.read(); got < n || got > 2*n {
		t.Errorf("%d links read for %d events", got, n)
	}
	s.happen(quiet.merchant)
	s.keeps(quiet)
	if got := s.store.read(); got != 1 {
		t.Errorf("%d links read for one event behind %d of others", got, n)
	}
}

// An endpoint with a long backlog that fails every other time reads on from
// where it is.
func TestBacklogIsReadOnce(t *testing.T) {
	s := newSite(t, func(s *site) { s.held = true })
	e := s.serveEndpoint(s.merchant("Tea House"))
	e.does(says(500))
	s.register(e, e.URL)
	e.hears(1)
	const n = 400
	for range n {
		s.happen(e.merchant)
	}
	s.stop()
	failures, calls := 0, 0
	e.does(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls%40 == 0 {
			failures++
			w.WriteHeader(500)
			return
		}
		w.WriteHeader(204)
	})
	s.hold(false)
	s.close()
	s.open()
	s.keeps(e)
	// Links that write the cursor come on top.
	if got, most := s.store.read(), 2*n+(failures+3)*webhook.LinksMax; got > most || failures < 5 {
		t.Errorf("%d links read for %d events and %d failures, want at most %d", got, n, failures, most)
	}
	if s.store.most > webhook.LinksMax {
		t.Errorf("%d links at a time", s.store.most)
	}
}

// A cursor follows the log even when nothing in it is for its endpoint, so that
// a restart after a crash has little to read.
func TestCursorFollowsOthers(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Quiet House"))
	s.keeps(e)
	busy := s.merchant("Tea House")
	for range webhook.LagMax + 50 {
		s.happen(busy)
	}
	head, err := s.store.LastLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.until("the cursor follows", func() bool { return s.row(e).Cursor >= webhook.EndOf(head.Seq-webhook.LagMax) })
	s.crash()
	s.open()
	s.happen(e.merchant)
	e.hears(2)
	if got := s.store.read(); got > webhook.LagMax+2*webhook.LinksMax {
		t.Errorf("%d links read after a crash", got)
	}
}

// Merchants share links of the log, and hear nothing of each other.
func TestSharedLinks(t *testing.T) {
	s := newSite(t, nil)
	tea, coffee := s.endpoint(s.merchant("Tea House")), s.endpoint(s.merchant("Coffee House"))
	head, err := s.store.LastLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(func() { s.happenTogether(tea.merchant, 300) })
	both.Go(func() { s.happenTogether(coffee.merchant, 300) })
	both.Wait()
	if after, err := s.store.LastLink(t.Context()); err != nil || after.Seq-head.Seq >= 600 {
		t.Fatalf("%d links, which were not shared (%v)", after.Seq-head.Seq, err)
	}
	for _, e := range []*endpoint{tea, coffee} {
		s.keeps(e)
		if got, want := e.ids(), s.owed(e); !slices.Equal(got, want) {
			t.Errorf("heard %d events, want %d, in order", len(got), len(want))
		}
	}
}

// Links with more events than are kept at a time.
func TestLargeLinks(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	s.stop()
	for range 3 {
		s.happenTogether(e.merchant, 700)
	}
	s.close()
	s.open()
	s.keeps(e)
	if got, want := slices.Compact(e.ids()), s.owed(e); !slices.Equal(got, want) {
		t.Errorf("heard %d, want %d, in order", len(got), len(want))
	}
}

// A cursor that cannot be written stops no delivery.
func TestCursorIsNotKept(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	s.keeps(e)
	s.happen(e.merchant)
	e.hears(2)
	s.crash()
	s.open()
	s.happen(e.merchant)
	s.keeps(e)
}
