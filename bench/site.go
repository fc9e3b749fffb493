package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/secret"
)

// site is a bank at work, as `sotto bank` would assemble it.
type site struct {
	dir       string
	secrets   bank.Secrets
	store     *sqlite.Store
	service   *service.Service
	authority *selfca.Authority
	address   string // of the HTTP door
	stop      context.CancelFunc
	served    chan error
}

const busRatePhoneMax = 1 << 20 // messages a second: 32 phones stand for many

// openSite starts a bank in an empty folder.
func openSite(ctx context.Context, o Options) (*site, error) {
	s := &site{dir: o.Data, secrets: drawSecrets(), served: make(chan error, 1)}
	var err error
	if s.authority, err = selfca.Open(filepath.Join(s.dir, "bus-ca.pem"), []string{"127.0.0.1"}, time.Now()); err != nil {
		return nil, err
	}
	if s.store, err = sqlite.Open(ctx, s.database(), sqlite.Options{}); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for HTTP: %w", err), s.store.Close())
	}
	s.address = listener.Addr().String()
	s.service, err = service.Open(ctx, service.Config{
		Store: s.store, Secrets: s.secrets, Policy: widePolicy("http://" + s.address),
		Bus: bankbus.Config{
			Listen: "127.0.0.1:0", TLS: s.authority.TLS(), RatePhoneMax: busRatePhoneMax, ConnectionsMax: max(20_000, 2*o.Phones),
		},
		BusPEM: s.authority.PEM(), Now: time.Now, Random: rand.Reader, Log: o.Log,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.store.Close())
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.served <- s.service.Serve(serving, listener, nil) }()
	return s, nil
}

func (s *site) database() string { return filepath.Join(s.dir, "bank.db") }

// close ends the bank and its database, in order.
func (s *site) close() error {
	s.stop()
	err := <-s.served
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(err, s.service.Close(ctx), s.store.Close())
}

// widePolicy paces as ever, but with budgets that nobody uses up: the work is
// done, and no payment is refused.
func widePolicy(url string) bank.Policy {
	p := bank.DefaultPolicy()
	p.PublicURL = url
	p.PairBurst, p.PairInterval = 1_000_000, 1
	p.CardBurst, p.CardInterval = 1_000_000, 1
	return p
}

func drawSecrets() bank.Secrets {
	draw := func() secret.Secret {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		return secret.New(b[:])
	}
	return bank.Secrets{
		IssuerMaster: draw(), CodePepper: draw(), PANEncryption: draw(), PANLookup: draw(),
		PhoneTransport: draw(), APIKeys: draw(), Audit: draw(),
		AppletAC: draw(), AppletMAC: draw(), AppletENC: draw(),
	}
}
