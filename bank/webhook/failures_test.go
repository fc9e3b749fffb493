package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// However an endpoint fails, the event comes again until it is taken, after
// pauses that grow, and the next one after it.
func TestFailures(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	endless := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, c := range []struct {
		name string
		does http.HandlerFunc
		log  string
	}{
		{"500", says(500), "the endpoint answered 500"},
		{"404", says(404), "the endpoint answered 404"},
		{"410", says(410), "the endpoint answered 410"},
		{"304", says(304), "the endpoint answered 304"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "the endpoint answered 307"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}, "deadline exceeded"},
		{"endless body of an error", endless(500), "the endpoint answered 500"},
		{"endless header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		}, "exceeded"},
		{"closes", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, func(s *site) {
				if c.name == "silence" {
					s.timeout = 30 * time.Millisecond
				}
			})
			e := s.endpoint(s.merchant("Tea House"))
			s.keeps(e)
			e.does(c.does)
			s.happen(e.merchant)
			s.happen(e.merchant)
			s.until("four pauses", func() bool { return len(s.paused()) >= 4 })
			if got := s.paused()[:4]; !slices.Equal(got, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}) {
				t.Errorf("pauses %v", got)
			}
			if w := s.row(e); !w.Failing || w.Cursor < s.owed(e)[0] || w.Cursor >= s.owed(e)[1] {
				t.Errorf("while failing the store has %v %s", w.Failing, w.Cursor)
			}
			if !s.log.has(c.log) {
				t.Errorf("the log has no %q", c.log)
			}
			e.does(nil)
			s.keeps(e)
			if s.row(e).Failing {
				t.Error("it still counts as failing")
			}
			if got, want := slices.Compact(e.ids()), s.owed(e); !slices.Equal(got, want) || len(want) != 3 {
				t.Errorf("heard %v, want %v", got, want)
			}
		})
	}
}

// Whoever says 2xx has taken the event, whatever else he says or does not say.
func TestTakenWhateverTheBody(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, does := range map[string]http.HandlerFunc{
		"201": says(201),
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		},
		"slow": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-release:
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			e := s.serveEndpoint(s.merchant("Tea House"))
			e.does(does)
			s.register(e, e.URL)
			s.happen(e.merchant)
			s.keeps(e)
			if got := e.ids(); len(got) != 2 || got[0] == got[1] || len(s.paused()) != 0 {
				t.Errorf("heard %v, paused %v", got, s.paused())
			}
		})
	}
}

// Nobody listens, and later somebody does.
func TestConnectionRefused(t *testing.T) {
	s := newSite(t, nil)
	e := s.serveEndpoint(s.merchant("Tea House"))
	dead := s.serveEndpoint(e.merchant)
	dead.Close()
	s.register(dead, dead.URL+"/hook?token=hush")
	s.until("three tries", func() bool { return len(s.paused()) >= 3 })
	if !s.log.has("connection refused") || s.log.has("hush") {
		t.Error("the log must say what is wrong, and not where")
	}
	if !s.row(dead).Failing {
		t.Error("it does not count as failing")
	}
}

// Pauses grow to five minutes and no further; one success, and they begin anew.
// What the endpoint asks for is granted, up to the longest.
func TestPauses(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	e.hears(1)
	e.does(says(503))
	s.happen(e.merchant)
	s.until("twelve pauses", func() bool { return len(s.paused()) >= 12 })
	var want []time.Duration
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300} {
		want = append(want, time.Duration(seconds)*time.Second)
	}
	if got := s.paused()[:12]; !slices.Equal(got, want) {
		t.Errorf("pauses %v, want %v", got, want)
	}
	e.does(nil)
	s.keeps(e)
	before := len(s.paused())
	s.hold(true)
	ask := func(header string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	e.does(ask("120"))
	s.happen(e.merchant)
	s.until("a pause", func() bool { return len(s.paused()) > before })
	if got := s.paused()[before]; got != 2*time.Minute {
		t.Errorf("it asked for two minutes and got %v", got)
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"7": 7 * time.Second, "4000": 5 * time.Minute, "99999999": time.Second, "-1": time.Second, "soon": time.Second, "": time.Second,
	} {
		t.Run(header, func(t *testing.T) {
			s := newSite(t, func(s *site) { s.held = true })
			e := s.serveEndpoint(s.merchant("Tea House"))
			e.does(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			s.register(e, e.URL)
			s.until("a pause", func() bool { return len(s.paused()) > 0 })
			if got := s.paused()[0]; got != want {
				t.Errorf("paused %v, want %v", got, want)
			}
		})
	}
}

// New events do not shorten a pause.
func TestNewsDoesNotHurry(t *testing.T) {
	s := newSite(t, func(s *site) { s.held = true })
	e := s.serveEndpoint(s.merchant("Tea House"))
	e.does(says(500))
	s.register(e, e.URL)
	s.until("a pause", func() bool { return len(s.paused()) > 0 })
	other := s.endpoint(e.merchant)
	for range 10 {
		s.happen(e.merchant)
	}
	other.hears(11)
	if n := len(e.heard()); n != 1 {
		t.Errorf("%d calls during a pause, want the one before it", n)
	}
}

// A dead endpoint holds up nobody, not even its own merchant's other one.
func TestDeadEndpointHoldsUpNobody(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := newSite(t, nil)
	dead := s.serveEndpoint(s.merchant("Dead House"))
	dead.does(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	s.register(dead, dead.URL)
	dead.hears(1)
	same, other := s.endpoint(dead.merchant), s.endpoint(s.merchant("Tea House"))
	s.happenTogether(dead.merchant, 100)
	s.happenTogether(other.merchant, 100)
	same.hears(101)
	other.hears(101)
	if n := len(dead.heard()); n != 1 {
		t.Errorf("the dead one heard %d", n)
	}
}

// A store that fails is asked again, and no endpoint is blamed.
func TestStoreFails(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	s.keeps(e)
	s.store.fail(errStore)
	s.happen(e.merchant)
	s.until("it has tried twice", func() bool { return len(s.paused()) >= 2 })
	if !s.log.has(errStore.Error()) || s.row(e).Failing {
		t.Error("the log must say it, and the endpoint is not failing")
	}
	later := s.endpoint(e.merchant) // which the courier cannot read either
	s.until("it has tried to read the webhooks", func() bool { return s.log.has("cannot read the webhooks") })
	s.store.fail(nil)
	s.happen(e.merchant)
	s.keeps(e)
	s.keeps(later)
	if got, want := e.ids(), s.owed(e); !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}
