package bankbus_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bankapi/client"
	"sotto/secret"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// eventually waits for a condition that others bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// next waits for what comes.
func next[T any](t testing.TB, from <-chan T) (one T) {
	t.Helper()
	select {
	case one = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return one
}

// soon is a context that lasts as long as patience does.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// office is the bank behind the bus: the phone book and the desk.
type office struct {
	mu      sync.Mutex
	phones  map[string]string            // key → phone
	waiting map[string]map[string][]byte // phone → dispatch → body
	arrived []string                     // phone/dispatch
	heard   []string                     // phone/body
	revoked string                       // a phone that is in the book still
	down    error                        // of the phone book

	receive func(ctx context.Context, phone string, body []byte) ([]byte, error)
}

func newOffice() *office {
	return &office{phones: map[string]string{}, waiting: map[string]map[string][]byte{}}
}

func (o *office) PhoneByKey(_ context.Context, key string) (string, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	phone, ok := o.phones[key]
	return phone, ok && phone != o.revoked, o.down
}

func (o *office) Pending(_ context.Context, phone string, send func(string, []byte)) error {
	o.mu.Lock()
	waiting := maps.Clone(o.waiting[phone])
	o.mu.Unlock()
	for _, dispatch := range slices.Sorted(maps.Keys(waiting)) {
		send(dispatch, waiting[dispatch])
	}
	return nil
}

func (o *office) Receive(ctx context.Context, phone string, body []byte) ([]byte, error) {
	o.mu.Lock()
	o.heard = append(o.heard, phone+"/"+string(body))
	receive := o.receive
	o.mu.Unlock()
	if receive != nil {
		return receive(ctx, phone, body)
	}
	return append([]byte("re: "), body...), nil
}

func (o *office) Arrived(phone, dispatch string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.arrived = append(o.arrived, phone+"/"+dispatch)
	delete(o.waiting[phone], dispatch)
}

func (o *office) put(phone, dispatch string, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[phone] == nil {
		o.waiting[phone] = map[string][]byte{}
	}
	o.waiting[phone][dispatch] = body
}

func (o *office) hasArrived(phone, dispatch string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.arrived, phone+"/"+dispatch)
}

func (o *office) hasHeard(phone, body string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.heard, phone+"/"+body)
}

// enrol gives a phone a new key and writes it in the book.
func (o *office) enrol(t testing.TB, phone string) secret.Secret {
	t.Helper()
	seed := newSeed()
	key, err := client.BusKeyOfSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.phones[key] = phone
	return seed
}

func newSeed() secret.Secret {
	raw := make([]byte, ed25519.SeedSize)
	rand.Read(raw)
	return secret.New(raw)
}

// site is a bank on the bus with its certificate.
type site struct {
	*office
	bus       *bankbus.Bus
	authority *selfca.Authority
	config    bankbus.Config
	desk      bankbus.Desk // the office, if nil
}

// open starts a bank; change may alter the configuration before.
func open(t testing.TB, change func(*bankbus.Config)) *site {
	t.Helper()
	s := &site{office: newOffice(), authority: newAuthority(t)}
	s.config = bankbus.Config{
		Listen: "127.0.0.1:0", TLS: s.authority.TLS(), RatePhoneMax: 100_000,
		Logger: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&s.config)
	}
	s.start(t)
	return s
}

func (s *site) start(t testing.TB) {
	t.Helper()
	var err error
	desk := s.desk
	if desk == nil {
		desk = s.office
	}
	if s.bus, err = bankbus.Start(t.Context(), s.config, s.office, desk); err != nil {
		t.Fatal(err)
	}
	bus := s.bus
	t.Cleanup(func() { shut(t, bus) })
}

func shut(t testing.TB, bus *bankbus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := bus.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func newAuthority(t testing.TB) *selfca.Authority {
	t.Helper()
	a, err := selfca.Open(filepath.Join(t.TempDir(), "ca.pem"), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// dial connects a phone as our own client does.
func (s *site) dial(t testing.TB, phone string, seed secret.Secret, on func(dispatch string, body []byte)) *client.Bus {
	t.Helper()
	b, err := client.Dial(t.Context(), client.BusConfig{
		URL: s.bus.URL(), CAPEM: s.authority.PEM(), Seed: seed, PhoneID: phone,
		RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond,
		OnDispatch: func(_ context.Context, dispatch string, body []byte) error {
			if on != nil {
				on(dispatch, body)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func (s *site) dialReady(t testing.TB, phone string, seed secret.Secret, on func(dispatch string, body []byte)) *client.Bus {
	t.Helper()
	b := s.dial(t, phone, seed, on)
	if err := b.Ready(soon(t)); err != nil {
		t.Fatal(err)
	}
	return b
}

// stranger is a plain NATS connection over TLS, to do what our client would not.
func (s *site) stranger(seed secret.Secret, more ...nats.Option) (*nats.Conn, chan error, error) {
	text, err := nkeys.EncodeSeed(nkeys.PrefixByteUser, seed.Reveal())
	if err != nil {
		return nil, nil, err
	}
	key, err := nkeys.FromSeed(text)
	if err != nil {
		return nil, nil, err
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, nil, err
	}
	complaints := make(chan error, 100)
	options := append([]nats.Option{
		nats.Nkey(public, key.Sign), nats.Secure(s.trust()), nats.TLSHandshakeFirst(), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { complaints <- err }),
	}, more...)
	nc, err := nats.Connect(s.bus.URL(), options...)
	return nc, complaints, err
}

func (s *site) trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.PEM())
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
}

// freePort is a port that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// testLog writes to the test's own log, and keeps quiet after its end.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(string(p[:len(p)-1]))
	}
	return len(p), nil
}

var errDown = errors.New("the database is away")

func id(n int) string { return fmt.Sprintf("dsp_%06d", n) }

// noKey takes the key out of a stranger's options.
func noKey(o *nats.Options) error {
	o.Nkey, o.SignatureCB = "", nil
	return nil
}

func secretOf(seed [32]byte) secret.Secret { return secret.New(seed[:]) }

// readAll reads what the server says until it closes, or for patience.
func readAll(c net.Conn) string {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	said, _ := io.ReadAll(io.LimitReader(c, 1<<16))
	return string(said)
}

// stoppable dials connections which can stop reading.
type stoppable struct {
	mu      sync.Mutex
	stopped chan struct{}
}

func (s *stoppable) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = make(chan struct{})
}

func (s *stoppable) goOn() { close(s.stopped) }

func (s *stoppable) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return stoppableConn{c, s}, err
}

type stoppableConn struct {
	net.Conn
	s *stoppable
}

func (c stoppableConn) Read(p []byte) (int, error) {
	c.s.mu.Lock()
	stopped := c.s.stopped
	c.s.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	return c.Conn.Read(p)
}
