// Package service assembles a bank: rules, store, bus, HTTP door, sweeper and
// webhooks, as one thing that starts and stops. It has no rules of its own.
//
// What it promises is order: nothing is open before everything behind it works,
// and Close lets requests finish, then the committer, and closes the store last.
package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankhttp"
	"sotto/bank/issuer"
	"sotto/bank/webhook"
	"sotto/emv"
	"sotto/keystore/file"
	"sotto/secret"
)

// Config is what a service is made of.
type Config struct {
	Store   bank.Store // closed by the caller, after Close
	Secrets bank.Secrets
	Issuer  Issuer      // of applets
	Country emv.Numeric // of the bank (ISO 3166-1), on its applets
	Policy  bank.Policy

	Bus    bankbus.Config // Logger and Now are taken from here
	BusURL string         // how phones reach the bus; empty is where it listens
	BusPEM []byte         // root certificate that phones are told to trust
	BusPin string         // its SHA-256 in hex, for tickets
	HTTP   bankhttp.Config
	// PrivateWebhooks lets merchants register endpoints at addresses that are
	// not public, as in a lab; see package webhook.
	PrivateWebhooks bool

	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// Service is a running bank.
type Service struct {
	Bank *bank.Bank
	Bus  *bankbus.Bus
	Gate *bank.Gate
	Hub  *bankhttp.Hub

	c        Config
	http     *bankhttp.Handler
	carrier  *carrier
	webhooks *webhook.Courier
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Open starts everything but the HTTP listener; see Serve and Handler. When it
// fails it leaves nothing running. It panics when c is incomplete.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Now == nil || c.Random == nil || c.Log == nil {
		panic("service: Config is incomplete")
	}
	s := &Service{c: c, Hub: bankhttp.NewHub()}
	var err error
	s.Bank, err = bank.Open(ctx, bank.Config{
		Store: c.Store, Keys: c.Secrets, Policy: c.Policy, Now: c.Now, Random: c.Random, Log: c.Log,
		Pause: time.Sleep, Committed: s.committed,
	})
	if err != nil {
		return nil, err
	}
	s.Gate = s.Bank.NewGate()
	s.webhooks = webhook.New(webhook.Config{Bank: s.Bank, Log: c.Log, Now: c.Now, Private: c.PrivateWebhooks})
	d := &desk{bank: s.Bank, now: c.Now, arrived: s.arrived}
	s.carrier = newCarrier(d.Pending, c.Log, c.Now)
	c.Bus.Logger, c.Bus.Now = c.Log, c.Now
	if s.Bus, err = bankbus.Start(ctx, c.Bus, d, d); err != nil {
		s.Bank.Close()
		return nil, fmt.Errorf("start the bus: %w", err)
	}
	h := s.httpConfig()
	if err := s.issueApplets(&h); err != nil {
		return nil, s.abandon(ctx, err)
	}
	s.http = bankhttp.New(h)
	s.background()
	return s, nil
}

// abandon closes what is open already.
func (s *Service) abandon(ctx context.Context, err error) error {
	err = errors.Join(err, s.Bus.Close(ctx))
	s.Bank.Close()
	return err
}

// background starts what works beside requests, until stop.
func (s *Service) background() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	sweep := &sweeper{bank: s.Bank, now: s.c.Now, log: s.c.Log}
	s.running.Go(func() { s.carrier.sendFresh(ctx, s.Bus) })
	s.running.Go(func() { s.carrier.sendAgain(ctx, s.Bus) })
	s.running.Go(func() { sweep.run(ctx) })
	s.running.Go(func() { s.webhooks.Run(ctx) })
}

func (s *Service) httpConfig() bankhttp.Config {
	h := s.c.HTTP
	h.Bank, h.Gate, h.Hub, h.Log, h.Now, h.Random = s.Bank, s.Gate, s.Hub, s.c.Log, s.c.Now, s.c.Random
	h.BusURL, h.BusCA, h.BusPin = s.BusURL, s.CAPEM, func() string { return s.c.BusPin }
	h.Kick, h.Phones, h.Ready, h.EncryptTo = s.Bus.Kick, s.Bus.Phones, s.ready, file.EncryptTo
	return h
}

// issueApplets lets the HTTP door hand out what goes into applets.
func (s *Service) issueApplets(h *bankhttp.Config) error {
	if s.c.Issuer.Authority.Empty() {
		return nil
	}
	maker, err := issuer.New(issuer.Config{
		Authority: s.c.Issuer.Authority, Issuer: s.c.Issuer.Issuer, Keys: s.Bank.Keys(), Country: s.c.Country,
		Random: s.c.Random, Now: s.c.Now, Available: s.available,
	})
	if err == nil {
		h.AppletData, h.CAKeys = maker.Data, maker.CAKeys()
	}
	return err
}

// available is what an account has and nothing holds.
func (s *Service) available(account string) (int64, error) {
	a, err := s.c.Store.Account(context.Background(), account)
	return a.Credits - a.Debits - a.Held, err
}

// committed hands a batch on. The committer itself calls it, so nothing here
// blocks.
func (s *Service) committed(c bank.Committed) {
	s.Hub.Committed(c)
	s.carrier.carry(c.Dispatches)
	s.webhooks.Committed(c.Events)
}

func (s *Service) arrived(phone, dispatch string) {
	s.carrier.arrived(phone, dispatch)
	s.Hub.Arrived(dispatch)
}

// readyMax is how long the store may take before the bank counts as not ready.
const readyMax = 2 * time.Second

// ready answers whether this process can serve: a read goes to the disk, and an
// op that changes nothing goes through the committer, which gets no transaction
// from a store that is closed or has failed in a commit.
func (s *Service) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	if _, err := s.c.Store.Links(ctx, 1<<62, 1); err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	answer, err := s.Bank.Do(ctx, bank.Call{Op: bank.Forget{}, Actor: bank.Self})
	switch {
	case err != nil:
		return fmt.Errorf("ask the committer: %w", err)
	case !answer.OK():
		return fmt.Errorf("ask the committer: %w", answer.Problem())
	}
	return nil
}

// Handler is the HTTP door, for those who serve it themselves.
func (s *Service) Handler() http.Handler { return s.http }

// Serve answers requests until ctx ends, and then lets those under way finish.
func (s *Service) Serve(ctx context.Context, l net.Listener, secure *tls.Config) error {
	return s.http.Serve(ctx, l, secure)
}

// BusURL is where phones connect.
func (s *Service) BusURL() string {
	if s.c.BusURL != "" {
		return s.c.BusURL
	}
	return s.Bus.URL()
}

// CAPEM is the root certificate of the bus.
func (s *Service) CAPEM() []byte { return s.c.BusPEM }

// CreateIssuerKey makes an API key with the rights of the issuer.
func (s *Service) CreateIssuerKey(ctx context.Context) (secret.Secret, error) {
	return CreateIssuerKey(ctx, s.Bank, s.c.Now(), s.c.Random)
}

// CreateIssuerKey makes an API key with the rights of the issuer.
func CreateIssuerKey(ctx context.Context, b *bank.Bank, now time.Time, random io.Reader) (secret.Secret, error) {
	key, kept, err := b.Keys().DrawKey(now.UnixMilli(), random)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("draw an API key: %w", err)
	}
	answer, err := b.Do(ctx, bank.Call{Op: bank.CreateKey{Key: kept}, Actor: bank.Self})
	switch {
	case err != nil:
		return secret.Secret{}, err
	case !answer.OK():
		return secret.Secret{}, fmt.Errorf("make an API key: %w", answer.Problem())
	}
	return key, nil
}

// Close ends the service. Requests still being served by Serve have to be ended
// first, by its context. What was on its way to a phone or an endpoint waits in
// the store. Closing again does nothing.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	s.running.Wait()
	s.Hub.Close()
	err := s.Bus.Close(ctx)
	s.Bank.Close()
	return err
}
