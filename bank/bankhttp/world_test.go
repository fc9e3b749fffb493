package bankhttp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/bankhttp"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/secret"
)

const (
	testPAN  = "6217000010000000011"
	poorPAN  = "6217000010000000029"
	thePhone = "Li Wei's phone"
)

// world is a bank behind a real listener, with a customer, a bound card and two
// merchants, and all that it has sent and logged.
type world struct {
	t       testing.TB
	bank    *bank.Bank
	store   *sqlite.Store
	hub     *bankhttp.Hub
	handler *bankhttp.Handler
	keys    bank.Secrets
	url     string
	addr    string
	client  *http.Client
	kicked  []string

	mu     sync.Mutex
	clock  time.Time // zero is the real one
	outbox []bank.Dispatch
	log    lockedBuffer

	issuer, shop, other string // API keys
	merchant            bankapi.Merchant
	vault, customer     string
	card                bankapi.Card
	phone               bankapi.Phone
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// made is what a test may change of what a world is made of.
type made struct {
	bank    bank.Config
	handler bankhttp.Config
	limits  bankhttp.Limits
}

type option func(*made)

func withPolicy(change func(*bank.Policy)) option {
	return func(m *made) { change(&m.bank.Policy) }
}

func withHandler(change func(*bankhttp.Config)) option {
	return func(m *made) { change(&m.handler) }
}

func withLimits(l bankhttp.Limits) option {
	return func(m *made) { m.limits = l }
}

func newWorld(t testing.TB, options ...option) *world {
	t.Helper()
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	w := &world{t: t, keys: bank.Secrets{
		IssuerMaster: key(1), CodePepper: key(2), PANEncryption: key(3), PANLookup: key(4),
		PhoneTransport: key(5), APIKeys: key(6), Audit: key(7), AppletAC: key(8), AppletMAC: key(9), AppletENC: key(10),
	}, hub: bankhttp.NewHub()}
	var err error
	if w.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bank.db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	w.url = "http://" + w.addr
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m := made{
		bank: bank.Config{
			Store: w.store, Keys: w.keys, Policy: bank.DefaultPolicy(), Now: w.now, Random: rand.Reader, Log: log,
			Pause: time.Sleep, Committed: w.committed,
		},
		handler: bankhttp.Config{
			Hub: w.hub, Log: log, Now: w.now, Random: rand.Reader, Name: "Test Bank",
			EncryptTo: encryptTo, BusURL: func() string { return "tls://127.0.0.1:4222" }, BusCA: func() []byte { return []byte("PEM") },
			BusPin: func() string { return strings.Repeat("ab", 32) }, Phones: func() int { return 3 },
			Kick: func(phone string) { w.kicked = append(w.kicked, phone) }, AppletData: appletData, CAKeys: caKeys,
		},
	}
	m.bank.Policy.PublicURL = w.url
	for _, o := range options {
		o(&m)
	}
	if w.bank, err = bank.Open(t.Context(), m.bank); err != nil {
		t.Fatal(err)
	}
	m.handler.Bank, m.handler.Gate = w.bank, w.bank.NewGate()
	w.handler = bankhttp.New(m.handler)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the bank's log:\n%s", w.log.String())
		}
	})
	w.open(l, m.limits)
	w.furnish()
	return w
}

func (w *world) open(l net.Listener, limits bankhttp.Limits) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.handler.ServeWithin(ctx, limits, l, nil) }()
	w.client = &http.Client{
		Timeout:       20 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.t.Cleanup(func() {
		w.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
		w.bank.Close()
		report, err := bank.Verify(context.Background(), w.store, w.keys, nil)
		if err != nil || len(report.Faults) > 0 {
			w.t.Errorf("the audit found %v %v", report.Faults, err)
		}
		if err := w.store.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// encryptTo stands for age.
func encryptTo(recipient string, plain []byte) (string, error) {
	if strings.HasPrefix(recipient, "age1-panics-") {
		panic(recipient)
	}
	if !strings.HasPrefix(recipient, "age1") {
		return "", errors.New("not an age recipient")
	}
	return "to " + recipient + ": " + base64.StdEncoding.EncodeToString(plain), nil
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clock.IsZero() {
		return time.Now()
	}
	return w.clock
}

func (w *world) wait(d time.Duration) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = now.Add(d)
}

func (w *world) committed(c bank.Committed) {
	w.hub.Committed(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outbox = append(w.outbox, c.Dispatches...)
}

// furnish fills the bank through its API.
func (w *world) furnish() {
	w.t.Helper()
	key, kept, err := w.bank.Keys().DrawKey(w.now().UnixMilli(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if a, err := w.bank.Do(w.t.Context(), bank.Call{Op: bank.CreateKey{Key: kept}, Actor: bank.Self}); err != nil || !a.OK() {
		w.t.Fatal(err, string(a.Body))
	}
	w.issuer = string(key.Reveal())

	var a bankapi.Account
	w.must(201, w.issuer, "/v1/accounts", bankapi.CreateAccount{Name: "Vault", Kind: bankapi.AccountInternal, Currency: "CNY"}, &a)
	w.vault = a.ID
	w.must(201, w.issuer, "/v1/accounts", bankapi.CreateAccount{Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY"}, &a)
	w.customer = a.ID
	w.must(201, w.issuer, "/v1/transfers", bankapi.CreateTransfer{Debit: w.vault, Credit: w.customer, Amount: 10_000_000, Currency: "CNY"}, nil)
	w.must(201, w.issuer, "/v1/merchants", bankapi.CreateMerchant{Name: "Tea House", Currency: "CNY"}, &w.merchant)
	w.shop = w.merchant.Key.Secret
	var other bankapi.Merchant
	w.must(201, w.issuer, "/v1/merchants", bankapi.CreateMerchant{Name: "Book Shop", Currency: "CNY"}, &other)
	w.other = other.Key.Secret
	w.must(201, w.issuer, "/v1/cards", bankapi.IssueCard{Account: w.customer, PAN: testPAN, Holder: "LI WEI"}, &w.card)
	w.phone = w.enrol(thePhone)
	var b bankapi.Binding
	w.must(201, w.issuer, "/v1/bindings", bankapi.Bind{Card: w.card.ID, Phone: w.phone.ID}, &b)
	w.must(200, w.issuer, "/v1/bindings/"+b.ID+"/confirm", bankapi.Confirm{Code: w.code(b.ID)}, nil)
}
