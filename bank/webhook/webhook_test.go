package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sotto/bank"
	"sotto/bank/webhook"
	"sotto/bankapi"
)

// Events come in order, each once, and signed as Standard Webhooks says: the
// library finds them right, and so does a HMAC made by hand.
func TestDeliveries(t *testing.T) {
	s := newSite(t, nil)
	m := s.merchant("Tea House")
	e := s.endpoint(m)
	var objects []string
	for range 5 {
		objects = append(objects, s.happen(m))
	}
	calls := e.hears(6)
	if want := s.owed(e); !slices.Equal(e.ids(), want) || len(want) != 6 {
		t.Errorf("heard %v, want %v", e.ids(), want)
	}
	for i, c := range calls {
		checkSignature(t, e, c)
		var got struct {
			Type      string        `json:"type"`
			Timestamp string        `json:"timestamp"`
			Data      bankapi.Event `json:"data"`
		}
		if err := json.Unmarshal(c.body, &got); err != nil {
			t.Fatal(err)
		}
		kind, object := "webhook.created", e.id
		if i > 0 {
			kind, object = "key.created", objects[i-1]
		}
		if got.Type != kind || got.Data.Type != kind || got.Data.Object != object || got.Data.ID != c.id() {
			t.Errorf("call %d is about %s %s, want %s %s", i, got.Type, got.Data.Object, kind, object)
		}
		if at, err := time.Parse(time.RFC3339, got.Timestamp); err != nil || !at.Equal(clock) {
			t.Errorf("call %d: timestamp %q", i, got.Timestamp)
		}
	}
	s.keeps(e)
}

func checkSignature(t *testing.T, e *endpoint, c call) {
	t.Helper()
	library, err := standardwebhooks.NewWebhook("whsec_" + base64.StdEncoding.EncodeToString(e.secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := library.VerifyIgnoringTimestamp(c.body, c.header); err != nil {
		t.Errorf("the library: %v", err)
	}
	mac := hmac.New(sha256.New, e.secret)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", c.id(), clock.Unix(), c.body)
	for name, want := range map[string]string{
		"webhook-id":        c.id(),
		"webhook-timestamp": "1800000000",
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"content-type":      "application/json",
	} {
		if got := c.header.Get(name); got != want || got == "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestHTTPS(t *testing.T) {
	e := &endpoint{}
	e.Server = httptest.NewUnstartedServer(e)
	e.EnableHTTP2 = true
	e.StartTLS()
	t.Cleanup(e.Close)
	s := newSite(t, func(s *site) {
		roots := x509.NewCertPool()
		roots.AddCert(e.Certificate())
		s.roots = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	})
	e.site, e.merchant = s, s.merchant("Tea House")
	s.register(e, e.URL)
	checkSignature(t, e, e.hears(1)[0])
	s.keeps(e)
	s.close() // with its connections
	s.open()
	s.happen(e.merchant)
	if calls := e.hears(2); calls[0].id() == calls[1].id() {
		t.Error("the same event twice")
	}
}

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

func TestDeletedEndpointHearsNoMore(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	e.hears(1)
	e.does(says(500))
	s.happen(e.merchant)
	s.until("it fails", func() bool { return len(s.paused()) > 0 })
	other := s.endpoint(e.merchant)
	s.must(bank.Actor{Role: bankapi.RoleMerchant, Merchant: e.merchant}, bank.DeleteWebhook{Webhook: e.id}, nil)
	s.until("its goroutine ends", func() bool { return !running("serve", 2) })
	n := len(e.heard())
	last := s.happen(e.merchant)
	s.until("the other one hears it", func() bool {
		return slices.ContainsFunc(other.heard(), func(c call) bool { return strings.Contains(string(c.body), last) })
	})
	if got := len(e.heard()); got != n {
		t.Errorf("%d calls after it was deleted", got-n)
	}
	s.close()
	s.open()
	s.happen(e.merchant)
	other.hears(5)
	if got := len(e.heard()); got != n {
		t.Errorf("%d calls after a restart", got-n)
	}
}

// running reports whether at least n goroutines are in a function of this
// package.
func running(name string, n int) bool {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	return strings.Count(all.String(), "webhook.(*Courier)."+name+"(") >= n
}

func TestNewEndpointHearsWhatComesAfter(t *testing.T) {
	s := newSite(t, nil)
	first := s.endpoint(s.merchant("Tea House"))
	for range 30 {
		s.happen(first.merchant)
	}
	second := s.endpoint(first.merchant)
	s.happen(first.merchant)
	second.hears(2)
	if want := s.owed(second); !slices.Equal(second.ids(), want) || len(want) != 2 {
		t.Errorf("heard %v, want %v", second.ids(), want)
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

// Close ends everything: runs that wait, that post, and that pause, and their
// connections.
func TestCloseLeavesNothing(t *testing.T) {
	s := newSite(t, nil)
	idle, hanging, failing := s.endpoint(s.merchant("A")), s.serveEndpoint(s.merchant("B")), s.serveEndpoint(s.merchant("C"))
	hanging.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	failing.does(says(500))
	s.register(hanging, hanging.URL)
	hanging.hears(1)
	idle.hears(1)
	s.hold(true)
	s.register(failing, failing.URL)
	s.until("it pauses", func() bool { return len(s.paused()) > 0 })
	if !running("serve", 3) {
		t.Fatal("the test looks for the wrong goroutines")
	}
	s.stop()
	if running("serve", 1) || running("Run", 1) {
		t.Error("goroutines are left")
	}
	for _, one := range []string{"(*persistConn).readLoop", "(*Transport).dialConn"} {
		s.until("connections end", func() bool {
			var all strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
			s.tell()
			return !strings.Contains(all.String(), one)
		})
	}
}

func TestCommittedNeverBlocks(t *testing.T) {
	s := newSite(t, nil)
	e := s.serveEndpoint(s.merchant("Tea House"))
	e.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.register(e, e.URL)
	e.hears(1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 50 { // each of which waits for the committer
		if _, err := s.bank.Do(ctx, bank.Call{Op: bank.CreateKey{Merchant: e.merchant, Key: newKey()}, Actor: bank.Issuer}); err != nil {
			t.Fatal(err)
		}
	}
}
