package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"sotto/bankapi/subject"
	"sotto/secret"
)

// BusConfig says where the bank's bus is and who the phone is.
type BusConfig struct {
	URL     string        // tls://host:port, or wss://host:port; several with commas
	CAPEM   []byte        // the root the bank's certificate hangs from; nil is the system's roots
	Seed    secret.Secret // the phone's 32-byte Ed25519 seed
	PhoneID string

	// OnDispatch takes one message of the bank. Returning nil accepts it, and
	// the bank then need not send it again; so it first makes the message safe
	// or hands it on, and leaves long work for later. It is called from one
	// goroutine, in the order of arrival, and may see a dispatch id again.
	OnDispatch func(ctx context.Context, dispatchID string, body []byte) error

	InfoFirst bool          // for a server which does not begin with the TLS handshake
	RetryMin  time.Duration // first pause before trying again; 0 is 250 ms
	RetryMax  time.Duration // greatest pause; 0 is 30 s
	Logger    *slog.Logger  // nil logs nothing
}

// Bus is the phone's end of the bank's bus (package subject names what passes).
//
// It keeps one connection and opens it again for ever, with growing pauses of
// random length, so that many phones do not come back in one moment. After
// every connect it asks the bank for what waits. Delivery is at least once in
// both directions. It trusts no server but the one whose certificate leads to
// CAPEM, speaks TLS 1.3 only, and logs neither bodies nor keys.
type Bus struct {
	c  BusConfig
	nc *nats.Conn

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	connected chan struct{} // one token after every connect
	ready     chan struct{} // closed when the bank has first said what waits
	ended     chan struct{} // closed when the asking has ended
}

// Errors of the bus.
var (
	ErrBusClosed = errors.New("the phone's bus is closed")
	ErrBusBody   = errors.New("the message is above 65536 bytes")
)

// busBodyMax is the bank's limit; see package bankbus.
const busBodyMax = 64 << 10

// requestTimeout is how long one try waits for an answer.
const requestTimeout = 10 * time.Second

// Dial prepares the bus and begins to connect. It fails only for what is wrong
// in c; that the bank cannot be reached now is no error, see Ready. When ctx
// ends the bus closes.
func Dial(ctx context.Context, c BusConfig) (*Bus, error) {
	if c.RetryMin == 0 {
		c.RetryMin = 250 * time.Millisecond
	}
	if c.RetryMax == 0 {
		c.RetryMax = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if !subject.Valid(c.PhoneID) || c.OnDispatch == nil {
		return nil, errors.New("the phone's bus needs the phone's id and a handler for dispatches")
	}
	b := &Bus{c: c, connected: make(chan struct{}, 1), ready: make(chan struct{}), ended: make(chan struct{})}
	options, err := b.options()
	if err != nil {
		return nil, err
	}
	b.ctx, b.cancel = context.WithCancel(ctx)
	if b.nc, err = nats.Connect(c.URL, options...); err != nil {
		b.cancel()
		return nil, fmt.Errorf("the phone cannot use the bus at %s: %w", c.URL, err)
	}
	if _, err := b.nc.Subscribe(subject.In(c.PhoneID), b.onDispatch); err != nil {
		b.cancel()
		b.nc.Close()
		return nil, fmt.Errorf("listen for dispatches: %w", err)
	}
	go b.askOnConnect()
	return b, nil
}

func (b *Bus) options() ([]nats.Option, error) {
	key, err := busKey(b.c.Seed)
	if err != nil {
		return nil, err
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, errSeed
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS13}
	if b.c.CAPEM != nil {
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(b.c.CAPEM) {
			return nil, errors.New("the bank's root certificate is not PEM text: copy it from the bank again")
		}
	}
	options := []nats.Option{
		nats.Nkey(public, key.Sign),
		nats.Secure(secure),
		nats.Name("sotto phone"),
		nats.CustomInboxPrefix(subject.Box(b.c.PhoneID)),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a phone may be let in later
		nats.IgnoreDiscoveredServers(),
		nats.CustomReconnectDelay(func(tries int) time.Duration { return b.pause(tries) }),
		nats.ReconnectBufSize(-1), // an acknowledgement of yesterday is of no use
		nats.Timeout(10 * time.Second),
		nats.PingInterval(45 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(func(*nats.Conn) { b.wake() }),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.c.Logger.Info("the phone has reached the bank again")
			b.wake()
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.c.Logger.Warn("the phone has lost the bank", "reason", err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			b.c.Logger.Debug("the phone does not reach the bank", "reason", err)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.c.Logger.Warn("bus", "reason", err)
		}),
	}
	if !b.c.InfoFirst && !strings.HasPrefix(b.c.URL, "wss:") {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options, nil
}

// pause grows from RetryMin to RetryMax, and is a random half to whole of that.
func (b *Bus) pause(tries int) time.Duration {
	d := b.c.RetryMax
	if shift := max(tries-1, 0); shift < 20 {
		d = min(d, b.c.RetryMin<<shift)
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // it spreads load and hides nothing
}

func (b *Bus) wake() {
	select {
	case b.connected <- struct{}{}:
	default:
	}
}

// Connected reports whether there is a connection now.
func (b *Bus) Connected() bool { return b.nc.IsConnected() }

// Ready waits until the phone has once been connected and heard from the bank
// what waits.
func (b *Bus) Ready(ctx context.Context) error {
	select {
	case <-b.ready:
		return nil
	case <-b.ctx.Done():
		return ErrBusClosed
	case <-ctx.Done():
	}
	if err := b.nc.LastError(); err != nil {
		return fmt.Errorf("the phone did not reach the bank at %s: %w", b.c.URL, err)
	}
	return fmt.Errorf("the phone did not reach the bank at %s: %w", b.c.URL, ctx.Err())
}

// Close ends the bus. A handler that runs meanwhile finishes by itself; its
// context has ended.
func (b *Bus) Close() {
	b.cancel()
	b.nc.Close()
	<-b.ended
}
