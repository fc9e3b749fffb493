package webhook_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bank/webhook"
	"sotto/bankapi"
	"sotto/ident"
	"sotto/secret"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// site is a bank on a real store with a courier. Its pauses last a
// millisecond, unless the test holds them, and every change wakes whoever waits for one.
type site struct {
	t     testing.TB
	path  string
	store *store
	bank  *bank.Bank
	log   *watched
	stop  func()

	private bool
	roots   *tls.Config
	timeout time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed at every change
	pauses  []time.Duration
	held    bool // pauses do not end
	courier *webhook.Courier
	heads   []bankapi.Event // all that was committed
}

// store counts what is read of it, and fails when it is told to.
type store struct {
	*sqlite.Store
	mu    sync.Mutex
	links int // read
	most  int // at a time
	fault error
}

var errStore = errors.New("the disk is on fire")

func (s *store) Links(ctx context.Context, after int64, limit int) ([]bank.Link, error) {
	if err := s.failing(); err != nil {
		return nil, err
	}
	links, err := s.Store.Links(ctx, after, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links += len(links)
	s.most = max(s.most, len(links))
	return links, err
}

func (s *store) Webhooks(ctx context.Context, merchant string, p bank.Page) ([]bank.Webhook, error) {
	if err := s.failing(); err != nil {
		return nil, err
	}
	return s.Store.Webhooks(ctx, merchant, p)
}

func (s *store) failing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// read is how many links were read since it was last asked.
func (s *store) read() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.links
	s.links = 0
	return n
}

// watched is a log that tells when it grows.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	tell func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	n, err := w.text.Write(p)
	w.mu.Unlock()
	w.tell()
	return n, err
}

func (w *watched) has(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(w.text.String(), text)
}

func newSite(t testing.TB, change func(*site)) *site {
	t.Helper()
	s := &site{
		t: t, path: filepath.Join(t.TempDir(), "bank.db"), private: true, timeout: patience, changed: make(chan struct{}),
	}
	s.log = &watched{tell: s.tell}
	if change != nil {
		change(s)
	}
	s.open()
	t.Cleanup(func() {
		s.close()
		if t.Failed() {
			log := s.log.text.String()
			t.Log("the end of the log:\n" + log[max(0, len(log)-4000):])
		}
	})
	return s
}

var clock = time.UnixMilli(1_800_000_000_000)

// open starts bank and courier over the file.
func (s *site) open() {
	s.t.Helper()
	kept, err := sqlite.Open(context.Background(), s.path, sqlite.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.store = &store{Store: kept}
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.bank, err = bank.Open(context.Background(), bank.Config{
		Store: s.store, Policy: bank.DefaultPolicy(), Now: func() time.Time { return clock },
		Random: rand.Reader, Log: log, Committed: s.committed,
		Keys: bank.Secrets{APIKeys: key(1), Audit: key(2)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	courier := webhook.New(webhook.Config{
		Bank: s.bank, Log: log, Now: func() time.Time { return clock }, After: s.after,
		Timeout: s.timeout, Private: s.private, TLS: s.roots,
	})
	s.mu.Lock()
	s.courier = courier
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		courier.Run(ctx)
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			s.t.Error("the courier does not end")
		}
	})
}

func (s *site) close() {
	s.stop()
	s.bank.Close()
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
}

// crash ends the bank before the courier can write anything.
func (s *site) crash() {
	s.bank.Close()
	s.close()
}

func (s *site) committed(c bank.Committed) {
	s.mu.Lock()
	s.heads = append(s.heads, c.Events...)
	courier := s.courier
	s.mu.Unlock()
	courier.Committed(c.Events)
	s.tell()
}

func (s *site) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// until waits for a condition that others bring about. That a goroutine has ended
// nobody tells, so it looks now and then as well.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	timeout := time.After(patience)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-look.C:
		case <-timeout:
			s.t.Fatalf("never: %s", what)
		}
	}
}

// after stands in for waiting. Pauses of less than a second are those after
// which a cursor is written.
func (s *site) after(d time.Duration) <-chan time.Time {
	s.mu.Lock()
	if d >= time.Second {
		s.pauses = append(s.pauses, d)
	}
	held := s.held
	s.mu.Unlock()
	s.tell()
	if held {
		return nil
	}
	return time.After(time.Millisecond)
}

func (s *site) hold(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
}

// paused is the pauses so far.
func (s *site) paused() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Duration(nil), s.pauses...)
}

func (s *site) must(actor bank.Actor, op bank.Op, into any) {
	s.t.Helper()
	answer, err := s.bank.Do(context.Background(), bank.Call{Op: op, Actor: actor})
	if err != nil || !answer.OK() {
		s.t.Fatalf("%T: %v %s", op, err, answer.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		s.t.Fatal(err)
	}
}

func newID(kind ident.Kind) string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return ident.Make(kind, clock.UnixMilli(), b)
}

func newKey() bank.NewKey { return bank.NewKey{ID: newID(ident.Key), Hash: make([]byte, 32)} }

func (s *site) merchant(name string) string {
	s.t.Helper()
	var m bankapi.Merchant
	s.must(bank.Issuer, bank.CreateMerchant{
		CreateMerchant: bankapi.CreateMerchant{Name: name, Currency: "CNY"}, Key: newKey(),
	}, &m)
	return m.ID
}

// happen makes one event of a merchant, and returns what it is about.
func (s *site) happen(merchant string) string {
	s.t.Helper()
	k := newKey()
	s.must(bank.Issuer, bank.CreateKey{Merchant: merchant, Key: k}, nil)
	return k.ID
}

// happenTogether makes n events that share as few links as they can.
func (s *site) happenTogether(merchant string, n int) {
	s.t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { s.happen(merchant) })
	}
	all.Wait()
}

// owed is what an endpoint has to hear in all.
func (s *site) owed(e *endpoint) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.heads {
		if one.Merchant == e.merchant && one.ID > e.after {
			out = append(out, one.ID)
		}
	}
	return out
}

// newest is the last of these.
func (s *site) newest(e *endpoint) string {
	all := s.owed(e)
	return all[len(all)-1]
}

// endpoint is a merchant's server.
type endpoint struct {
	*httptest.Server
	site     *site
	id       string
	merchant string
	secret   []byte
	after    string // the cursor it began with

	mu     sync.Mutex
	calls  []call
	handle http.HandlerFunc // nil says 204
}

// call is one request as it came.
type call struct {
	header http.Header
	body   []byte
	path   string
}

func (c call) id() string { return c.header.Get("webhook-id") }

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	e.calls = append(e.calls, call{r.Header.Clone(), body, r.URL.RequestURI()})
	handle := e.handle
	e.mu.Unlock()
	e.site.tell()
	if handle == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	handle(w, r)
}

// does changes how the endpoint answers.
func (e *endpoint) does(h http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handle = h
}

func says(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func (e *endpoint) heard() []call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]call(nil), e.calls...)
}

func (e *endpoint) ids() (out []string) {
	for _, c := range e.heard() {
		out = append(out, c.id())
	}
	return out
}

// hears waits for n calls in all.
func (e *endpoint) hears(n int) []call {
	e.site.t.Helper()
	e.site.until("the endpoint hears enough", func() bool { return len(e.heard()) >= n })
	return e.heard()
}

// serveEndpoint starts a server that is not registered.
func (s *site) serveEndpoint(merchant string) *endpoint {
	s.t.Helper()
	e := &endpoint{site: s, merchant: merchant}
	e.Server = httptest.NewServer(e)
	s.t.Cleanup(func() {
		e.CloseClientConnections()
		e.Close()
	})
	return e
}

// endpoint starts a server and registers it.
func (s *site) endpoint(merchant string) *endpoint {
	s.t.Helper()
	e := s.serveEndpoint(merchant)
	s.register(e, e.URL)
	return e
}

// register makes a webhook as the HTTP API does.
func (s *site) register(e *endpoint, url string) {
	s.t.Helper()
	e.secret = make([]byte, 24)
	var nonce [12]byte
	_, _ = rand.Read(e.secret)
	_, _ = rand.Read(nonce[:])
	head, err := s.store.LastLink(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	e.id, e.after = newID(ident.Webhook), webhook.EndOf(head.Seq)
	s.must(bank.Actor{Role: bankapi.RoleMerchant, Merchant: e.merchant}, bank.CreateWebhook{
		CreateWebhook: bankapi.CreateWebhook{URL: url}, ID: e.id, Cursor: e.after,
		SecretSealed: s.bank.Keys().SealWebhook(nonce, e.id, secret.New(e.secret)),
	}, nil)
}

func (s *site) row(e *endpoint) bank.Webhook {
	s.t.Helper()
	w, err := s.store.Webhook(context.Background(), e.id)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// keeps waits until the store says that all there is was delivered.
func (s *site) keeps(e *endpoint) {
	s.t.Helper()
	event := s.newest(e)
	s.until("the cursor is kept", func() bool { return s.row(e).Cursor >= event })
}
