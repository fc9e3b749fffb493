package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/card"
	"sotto/link/mem"
	"sotto/secret"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout, again := time.After(patience), time.NewTicker(3*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("never: %s", what)
		}
	}
}

// house is a whole bank at work: its file, its service, its HTTP door on a port
// that stays the same, and the air in which cards are.
type house struct {
	t       testing.TB
	config  Config
	path    string
	store   *fragile
	service *Service
	url     string
	log     *lines
	air     *mem.Air
	end     func()

	mu    sync.Mutex
	ahead time.Duration // of the real time
	still time.Time     // when the clock was stopped

	issuer, shop    *client.Client
	vault, customer string // accounts
	merchant        bankapi.Merchant
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fragile is a store that can fail.
type fragile struct {
	bank.Store
	mu                 sync.Mutex
	reading, beginning error
	begun              int
	hung               chan struct{} // Begin waits for it to be closed
}

// hang lets nothing begin until release is called.
func (f *fragile) hang() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hung := make(chan struct{})
	f.hung = hung
	return sync.OnceFunc(func() { close(hung) })
}

func (f *fragile) fail(reading, beginning error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reading, f.beginning = reading, beginning
}

func (f *fragile) faults() (reading, beginning error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reading, f.beginning
}

func (f *fragile) Begin(ctx context.Context) (bank.Tx, error) {
	if _, err := f.faults(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.begun++
	hung := f.hung
	f.mu.Unlock()
	if hung != nil {
		<-hung
	}
	return f.Store.Begin(ctx)
}

func (f *fragile) LastLink(ctx context.Context) (bank.Link, error) {
	if err, _ := f.faults(); err != nil {
		return bank.Link{}, err
	}
	return f.Store.LastLink(ctx)
}

func (f *fragile) Links(ctx context.Context, after int64, limit int) ([]bank.Link, error) {
	if err, _ := f.faults(); err != nil {
		return nil, err
	}
	return f.Store.Links(ctx, after, limit)
}

func (f *fragile) Due(ctx context.Context, now, before int64, limit int) (bank.Due, error) {
	if err, _ := f.faults(); err != nil {
		return bank.Due{}, err
	}
	return f.Store.Due(ctx, now, before, limit)
}

func (f *fragile) Waiting(ctx context.Context, phone string, now int64) ([]bank.Dispatch, error) {
	if err, _ := f.faults(); err != nil {
		return nil, err
	}
	return f.Store.Waiting(ctx, phone, now)
}

var errDisk = errors.New("the disk is on fire")

var testKeys = func() bank.Secrets {
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	return bank.Secrets{
		IssuerMaster: key(1), CodePepper: key(2), PANEncryption: key(3), PANLookup: key(4),
		PhoneTransport: key(5), APIKeys: key(6), Audit: key(7),
	}
}()

func testConfig(t testing.TB, log *lines) Config {
	t.Helper()
	authority, err := selfca.Open(filepath.Join(t.TempDir(), "ca.pem"), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	policy := bank.DefaultPolicy()
	policy.PairBurst, policy.CardBurst, policy.LongCodeFrom = 100_000, 100_000, 1
	return Config{
		Secrets: testKeys, Policy: policy, Random: rand.Reader, PrivateWebhooks: true,
		Bus:    bankbus.Config{Listen: "127.0.0.1:0", TLS: authority.TLS(), RatePhoneMax: 100_000},
		BusPEM: authority.PEM(), BusPin: authority.Pin(),
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "bank.db"), log: &lines{}, air: mem.New(mem.Config{})}
	h.config = testConfig(t, h.log)
	h.config.Now = h.now
	h.open("127.0.0.1:0")
	t.Cleanup(func() {
		h.close()
		if t.Failed() {
			log := h.log.String()
			t.Log("the end of the log:\n" + log[max(0, len(log)-6000):])
		}
	})
	h.furnish()
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.still.IsZero() {
		return h.still
	}
	return time.Now().Add(h.ahead)
}

// stopClock makes sure that nothing happens because time has passed.
func (h *house) stopClock() {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.still = now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

func (h *house) open(address string) {
	h.t.Helper()
	kept, err := sqlite.Open(context.Background(), h.path, sqlite.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store = &fragile{Store: kept}
	l, err := net.Listen("tcp", address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.url = "http://" + l.Addr().String()
	c := h.config
	c.Store, c.Policy.PublicURL = h.store, h.url
	if h.service, err = Open(h.t.Context(), c); err != nil {
		h.t.Fatal(err)
	}
	h.config.Bus.Listen = strings.TrimPrefix(h.service.BusURL(), "tls://") // from now on
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.service.Serve(ctx, l, nil) }()
	service := h.service
	h.end = func() {
		stop()
		if err := <-served; err != nil {
			h.t.Errorf("Serve: %v", err)
		}
		ending, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := service.Close(ending); err != nil {
			h.t.Errorf("Close: %v", err)
		}
		if err := kept.Close(); err != nil {
			h.t.Error(err)
		}
	}
}

// close ends the bank, and looks into its books.
func (h *house) close() {
	h.t.Helper()
	h.end()
	store, err := sqlite.Open(context.Background(), h.path, sqlite.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	report, err := bank.Verify(context.Background(), store, testKeys, nil)
	if err != nil || len(report.Faults) > 0 || report.Links == 0 {
		h.t.Errorf("the audit found %v %v in %d links", report.Faults, err, report.Links)
	}
	if err := store.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *house) restart() {
	h.t.Helper()
	h.close()
	h.open(strings.TrimPrefix(h.url, "http://"))
}

// may ends the test when something that must work does not.
func may[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *house) furnish() {
	h.t.Helper()
	ctx := h.t.Context()
	key := may(h.service.CreateIssuerKey(ctx))(h.t)
	h.issuer = may(client.New(h.url, key))(h.t)
	account := func(name string, kind bankapi.AccountKind) string {
		return may(h.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: name, Kind: kind, Currency: "CNY"}))(h.t).ID
	}
	h.vault, h.customer = account("Vault", bankapi.AccountInternal), account("Li Wei", bankapi.AccountCustomer)
	may(h.issuer.CreateTransfer(ctx, bankapi.CreateTransfer{Debit: h.vault, Credit: h.customer, Amount: 100_000, Currency: "CNY"}))(h.t)
	h.merchant = may(h.issuer.CreateMerchant(ctx, bankapi.CreateMerchant{Name: "Tea House", Currency: "CNY"}))(h.t)
	h.shop = may(client.New(h.url, secret.New([]byte(h.merchant.Key.Secret))))(h.t)
}

func (h *house) pay(c *plastic) bankapi.Payment {
	h.t.Helper()
	return may(h.shop.CreatePayment(h.t.Context(), bankapi.CreatePayment{
		Card: c.id, Amount: 1280, Currency: "CNY", Order: "A-1001", Description: "Green tea",
	}))(h.t)
}

// onCard waits until the bank has the card's receipt.
func (h *house) onCard(p bankapi.Payment) {
	h.t.Helper()
	eventually(h.t, "the code is on the card", func() bool {
		return may(h.shop.Payment(h.t.Context(), p.ID))(h.t).Delivery == bankapi.DeliveryOnCard
	})
}

// confirm types the code that the card shows now.
func (h *house) confirm(p bankapi.Payment, c *plastic) {
	h.t.Helper()
	view := c.device.View()
	if view.Scene != card.ScenePayment || view.Code == "" {
		h.t.Fatalf("the card shows scene %d", view.Scene)
	}
	paid := may(h.shop.ConfirmPayment(h.t.Context(), p.ID, bankapi.Confirm{Code: view.Code}))(h.t)
	if paid.Status != bankapi.Succeeded {
		h.t.Errorf("the payment is %s", paid.Status)
	}
}

// events are the types of what happened to one thing.
func (h *house) events(object string) (out []string) {
	h.t.Helper()
	links := may(h.store.Store.Links(h.t.Context(), 0, 1000))(h.t)
	for _, l := range links {
		for _, e := range may(l.Events())(h.t) {
			if e.Object == object {
				out = append(out, e.Type)
			}
		}
	}
	return out
}
