// Package bankbus is the bank's end of the bus that reaches phones.
//
// The bus is NATS. Start runs a server inside the process, or joins an outside
// cluster; the bank speaks to either in the same way. A phone logs in with its
// Ed25519 key (a NATS nkey) by signing the server's nonce; the server asks the
// bank through NATS auth callout, and the bank answers with the rights of this
// one phone. See docs/adr/0020-bus-auth.md and package subject for the names.
//
// The bus only carries. It promises at-least-once with stable ids while the
// Desk keeps what is not acknowledged: Send may lose a dispatch, and a phone
// may hear one twice. A phone asks for what waits whenever it connects.
//
// It refuses phones that Phones does not know, wrong signatures, kicked phones,
// subjects of other phones, answers outside a phone's own box, bodies above
// PayloadMax, and more messages or sessions of one phone than the limits here.
// TLS is 1.3 only. Its log lines and errors hold ids and addresses, and neither
// bodies nor keys.
package bankbus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sotto/bankapi/subject"
	"sotto/secret"
)

// Limits which no configuration changes.
const (
	PayloadMax       = 64 << 10 // bytes of one body
	inFlightMax      = 1024     // messages waiting in Desk.Receive and Desk.Pending
	inFlightPhoneMax = 8        // of these, from one phone
	sessionsPhoneMax = 4        // connections of one phone; the oldest goes
	subscriptionsMax = 16       // of one connection
	deskTimeoutMax   = 10 * time.Second
	loginsMax        = 64 // callouts waiting in Phones.PhoneByKey
)

// Phones knows the phones by their keys.
type Phones interface {
	// PhoneByKey returns the phone with this public nkey ("U…"). ok is false
	// for an unknown key and for a revoked phone.
	PhoneByKey(ctx context.Context, publicKey string) (phoneID string, ok bool, err error)
}

// Desk is what the bank does with a phone's messages. Receive and Pending are
// called from many goroutines at once and may block.
type Desk interface {
	// Pending calls send for everything that waits for this phone, oldest first.
	Pending(ctx context.Context, phoneID string, send func(dispatchID string, body []byte)) error

	// Receive takes one message and returns the answer. An error is answered
	// as a failure, and the phone tries again: a message that must not come
	// again is answered with bytes that say so.
	Receive(ctx context.Context, phoneID string, body []byte) ([]byte, error)

	// Arrived says that the phone has taken a dispatch. It is called from one
	// goroutine, for any id that a phone cares to name, and must not block.
	Arrived(phoneID, dispatchID string)
}

// Config says how the bus is reached. Give Listen and TLS for a server in this
// process, or Outside.
type Config struct {
	Listen    string      // host:port for phones; port 0 takes a free one
	WebSocket string      // host:port for phones that need WebSocket; empty is none
	TLS       *tls.Config // certificate for both listeners

	Outside *Outside // joins a cluster instead

	ConnectionsMax int           // of the embedded server; 0 is 20000
	SessionMax     time.Duration // a phone must log in again after this; 0 is 24 h
	RatePhoneMax   int           // messages a second from one phone; 0 is 256
	PingInterval   time.Duration // between pings to an idle phone; 0 is 60 s

	Logger *slog.Logger     // nil logs nothing
	Now    func() time.Time // nil is time.Now
}

// Outside is a NATS cluster which others run. Its configuration must hold what
// docs/adr/0020-bus-auth.md lists.
type Outside struct {
	URL     string        // one or more, separated by commas
	TLS     *tls.Config   // nil uses the system's roots
	Account string        // the account of bank and phones
	Issuer  secret.Secret // seed text of the auth callout's issuer account ("SA…")
	User    secret.Secret // seed text of the bank's user in Account ("SU…")
	System  secret.Secret // seed text of the bank's user in the system account ("SU…")
}

// Bus carries bytes between the bank and its phones.
type Bus struct {
	desk   Desk
	log    *slog.Logger
	now    func() time.Time
	server *server.Server // nil when outside
	url    string
	wsURL  string

	bank   *nats.Conn // in the account of bank and phones
	system *nats.Conn // in the system account: who is connected, and kicking

	login    *login
	presence *presence
	gate     *gate
	pace     *pace

	ctx    context.Context // of calls to the desk
	cancel context.CancelFunc
	subs   []*nats.Subscription
	close  sync.Once
}

// Start opens the bus. ctx bounds the start alone; Close ends the bus.
func Start(ctx context.Context, c Config, phones Phones, desk Desk) (_ *Bus, err error) {
	c = c.withDefaults()
	b := &Bus{
		desk: desk, log: c.Logger, now: c.Now,
		gate: newGate(inFlightMax, inFlightPhoneMax),
		pace: newPace(c.RatePhoneMax, c.Now),
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			b.drop()
		}
	}()

	keys, err := b.open(ctx, c)
	if err != nil {
		return nil, err
	}
	b.presence = newPresence(b.system, keys, b.log)
	b.login = newLogin(phones, keys, c, b.presence)
	if err := b.subscribe(); err != nil {
		return nil, err
	}
	if b.server != nil {
		if err := admit(b.server, c.Listen); err != nil {
			return nil, err
		}
		b.url = b.server.ClientURL()
	}
	return b, nil
}

func (c Config) withDefaults() Config {
	if c.ConnectionsMax == 0 {
		c.ConnectionsMax = 20000
	}
	if c.SessionMax == 0 {
		c.SessionMax = 24 * time.Hour
	}
	if c.RatePhoneMax == 0 {
		c.RatePhoneMax = 256
	}
	if c.PingInterval == 0 {
		c.PingInterval = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// open starts or finds the server and connects the bank to it.
func (b *Bus) open(ctx context.Context, c Config) (keys, error) {
	if c.Outside != nil {
		k, err := outsideKeys(*c.Outside)
		if err != nil {
			return keys{}, err
		}
		b.url = c.Outside.URL
		return k, b.connect(k, b.url, nats.Secure(outsideTLS(c.Outside.TLS)))
	}
	k, err := freshKeys()
	if err != nil {
		return keys{}, err
	}
	if b.server, err = embed(ctx, c, k); err != nil {
		return keys{}, err
	}
	if c.WebSocket != "" {
		b.wsURL = b.server.WebsocketURL()
	}
	// The URL is only a form here: a "tls" one would ask for TLS in a pipe.
	return k, b.connect(k, nats.DefaultURL, nats.InProcessServer(b.server))
}

// connect opens the bank's two connections.
func (b *Bus) connect(k keys, url string, way nats.Option) (err error) {
	if b.bank, err = dial(url, k.user, b.log, way); err != nil {
		return fmt.Errorf("connect the bank to the bus at %s: %w", b.url, err)
	}
	if b.system, err = dial(url, k.system, b.log, way); err != nil {
		return fmt.Errorf("connect the bank to the bus's system account at %s: %w", b.url, err)
	}
	return nil
}

// ErrDispatch says that an id or body cannot travel on the bus.
var ErrDispatch = errors.New("bankbus: a phone or dispatch id is malformed, or the body is above 65536 bytes")

// Send publishes one dispatch and does not wait. Nobody may be listening, and
// an error means only that it is certain that nobody has heard it: the caller
// keeps the dispatch until Desk.Arrived names it.
func (b *Bus) Send(phoneID, dispatchID string, body []byte) error {
	if !subject.Valid(phoneID) || !subject.Valid(dispatchID) || len(body) > PayloadMax {
		return ErrDispatch
	}
	if err := b.bank.PublishRequest(subject.In(phoneID), subject.Ack(phoneID, dispatchID), body); err != nil {
		return fmt.Errorf("publish a dispatch: %w", err)
	}
	return nil
}

// URL is where phones connect over TLS.
func (b *Bus) URL() string { return b.url }

// WebSocketURL is where phones connect over WebSocket; empty if they cannot.
func (b *Bus) WebSocketURL() string { return b.wsURL }

// Connected reports whether the phone has a session now, as far as the server
// has told: it serves metrics and displays, and decides nothing.
func (b *Bus) Connected(phoneID string) bool { return b.presence.sessions(phoneID) > 0 }

// Phones counts the phones with a session.
func (b *Bus) Phones() int { return b.presence.count() }

// Kick drops the phone's connections and refuses it until Readmit. The refusal
// is this process's memory; Phones must refuse the phone too, for the other
// replicas and after a restart.
func (b *Bus) Kick(phoneID string) {
	b.login.kick(phoneID)
	b.presence.drop(phoneID)
}

// Readmit ends what Kick began.
func (b *Bus) Readmit(phoneID string) { b.login.readmit(phoneID) }
