package bankbus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
)

// The accounts of the embedded server.
const (
	phonesAccount = "PHONES" // bank and phones
	systemAccount = "SYS"
)

const startTimeout = 10 * time.Second

// embed starts a server in this process. Only the bank reaches it until admit
// opens the door: a phone that logged in before the bank listens for callouts
// would wait for the whole of AuthTimeout. (WebSocket has no such door.)
func embed(ctx context.Context, c Config, k keys) (*server.Server, error) {
	options, err := serverOptions(c, k)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("set up the bus server: %w", err)
	}
	s.SetLogger(newServerLog(c.Logger, c.Now), false, false)
	s.Start()
	wait := startTimeout
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	if !s.ReadyForConnections(wait) {
		s.Shutdown()
		return nil, errors.New("the bus server did not start: look for its lines in the log")
	}
	return s, nil
}

// admit opens the door to phones.
func admit(s *server.Server, address string) error {
	done := make(chan struct{})
	s.AcceptLoop(done)
	<-done
	if s.Addr() == nil {
		return fmt.Errorf("the bus server cannot listen on %s: choose another address or stop the program that has it", address)
	}
	return nil
}

// serverOptions is a NATS server with nothing but what phones need: no
// JetStream, no monitoring port, no routes, no files.
func serverOptions(c Config, k keys) (*server.Options, error) {
	if c.TLS == nil {
		return nil, errors.New("the embedded bus server needs a TLS certificate: set Config.TLS")
	}
	host, port, err := hostPort(c.Listen)
	if err != nil {
		return nil, err
	}
	tls13 := c.TLS.Clone()
	tls13.MinVersion = tls.VersionTLS13

	phones, system := server.NewAccount(phonesAccount), server.NewAccount(systemAccount)
	inside := map[string]struct{}{jwt.ConnectionTypeInProcess: {}}
	o := &server.Options{
		ServerName: "sotto-bank",
		Host:       host, Port: port, DontListen: true, // see admit
		NoLog: true, NoSigs: true, DisableJetStreamBanner: true,

		TLSConfig: tls13, TLS: true,
		// Nothing of the server stands on the wire in clear, and a phone saves a
		// round trip. A client that waits for INFO waits in vain.
		TLSHandshakeFirst: true,
		TLSTimeout:        5, AuthTimeout: 5,

		Accounts:      []*server.Account{phones, system},
		SystemAccount: systemAccount,
		Nkeys: []*server.NkeyUser{
			{Nkey: k.userPublic, Account: phones, AllowedConnectionTypes: inside},
			{Nkey: k.systemPublic, Account: system, AllowedConnectionTypes: inside},
		},
		AuthCallout: &server.AuthCallout{
			Issuer: k.issuerPublic, Account: phonesAccount,
			AuthUsers: []string{k.userPublic, k.systemPublic},
		},

		MaxConn:        c.ConnectionsMax + 2, // and the bank's own two
		MaxSubs:        subscriptionsMax,
		MaxSubTokens:   8,
		MaxControlLine: 1024,
		MaxPayload:     PayloadMax,
		// What waits for one connection. The bank's own needs room for a burst
		// from all phones; a phone that reads nothing is closed.
		MaxPending:    16 << 20,
		WriteDeadline: 5 * time.Second,
		PingInterval:  c.PingInterval, MaxPingsOut: 2,
		// A slow phone loses messages and does not slow the bank down.
		NoFastProducerStall: true,
		MaxClosedClients:    16,
	}
	if c.WebSocket != "" {
		host, port, err := hostPort(c.WebSocket)
		if err != nil {
			return nil, err
		}
		o.Websocket = server.WebsocketOpts{
			Host: host, Port: port, TLSConfig: tls13, HandshakeTimeout: 5 * time.Second,
		}
	}
	return o, nil
}

// hostPort reads a listen address for nats-server, which writes "any free port"
// as -1.
func hostPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no listen address: write host:port, as in 127.0.0.1:0", address)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q has no port number: write host:port, as in 127.0.0.1:0", address)
	}
	if n == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(n), nil
}
