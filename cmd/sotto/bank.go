package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/emv"
	"sotto/keystore/file"
	"sotto/secret"
)

type bankCmd struct {
	Serve bankServeCmd `cmd:"" default:"withargs" help:"Run the bank (the default)."`
	Init  bankInitCmd  `cmd:"" help:"Make root keys and database, and print the issuer's first API key."`
	Key   bankKeyCmd   `cmd:"" help:"Make another issuer's API key; the bank must be stopped."`
	Audit bankAuditCmd `cmd:"" help:"Check or show the audit chain."`
	NATS  bankNATSCmd  `cmd:"" name:"nats" help:"Make the bank's keys on a NATS cluster and the cluster's configuration."`
}

// bankHome says where a bank keeps its state and how its key store is unlocked.
type bankHome struct {
	Data           string `default:"${state}/bank" type:"path" placeholder:"DIR" help:"Where database and key store are (default ${default})."`
	Identity       string `type:"path" placeholder:"FILE" help:"age identity file that unlocks the key store (default DIR/identity.txt)."`
	PassphraseFile string `type:"path" placeholder:"FILE" help:"File with the passphrase that unlocks the key store instead."`
}

func (h bankHome) database() string { return filepath.Join(h.Data, "bank.db") }
func (h bankHome) keystore() string { return filepath.Join(h.Data, "keystore.age") }

func (h bankHome) identity() string {
	if h.Identity != "" {
		return h.Identity
	}
	return filepath.Join(h.Data, "identity.txt")
}

// lock is what opens the key store.
func (h bankHome) lock() (file.Lock, error) {
	if h.PassphraseFile == "" {
		return file.IdentityFile(h.identity()), nil
	}
	if h.Identity != "" {
		return file.Lock{}, errors.New("give --identity or --passphrase-file, not both")
	}
	phrase, err := os.ReadFile(h.PassphraseFile)
	if err != nil {
		return file.Lock{}, fmt.Errorf("read the passphrase: %w", err)
	}
	defer clear(phrase)
	return file.Passphrase(secret.New([]byte(strings.TrimRight(string(phrase), "\r\n")))), nil
}

// keys opens the key store.
func (h bankHome) keys() (*file.Keys, error) {
	if _, err := os.Stat(h.keystore()); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no bank in %s; make one with: sotto bank init --data %s", h.Data, h.Data)
	}
	lock, err := h.lock()
	if err != nil {
		return nil, err
	}
	return file.Open(h.keystore(), lock)
}

func (h bankHome) secrets() (bank.Secrets, error) {
	keys, err := h.keys()
	if err != nil {
		return bank.Secrets{}, err
	}
	return service.Secrets(keys)
}

// bare opens the rules over the store, without any door.
func (h bankHome) bare(g *globals) (*bank.Bank, func(), error) {
	secrets, err := h.secrets()
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(g.Ctx, h.database(), sqlite.Options{})
	if err != nil {
		return nil, nil, err
	}
	b, err := bank.Open(g.Ctx, bank.Config{
		Store: store, Keys: secrets, Policy: bank.DefaultPolicy(), Now: g.Now, Random: g.Rand, Log: g.Log, Pause: time.Sleep,
	})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return b, func() {
		b.Close()
		if err := store.Close(); err != nil {
			g.Log.Error("the database was not closed well", "err", err)
		}
	}, nil
}

type bankInitCmd struct{ bankHome }

// Help shows examples.
func (bankInitCmd) Help() string {
	return `Makes DIR with a key store, a database and, unless a passphrase or an identity is
given, an age identity file that unlocks the key store. Keep that file apart from
the database and its copies in production.

    sotto bank init --data ./bank
    sotto bank init --data ./bank --passphrase-file /run/credentials/sotto`
}

// Run makes a bank and prints its first API key, and nothing else, on stdout.
func (c *bankInitCmd) Run(g *globals) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the bank's folder: %w", err)
	}
	if _, err := os.Stat(c.keystore()); err == nil {
		return fmt.Errorf("there is a bank in %s already; run it with: sotto bank --data %s", c.Data, c.Data)
	}
	if c.PassphraseFile == "" && c.Identity == "" {
		if err := newIdentity(c.identity()); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(g.Err, "The file %s unlocks the key store: keep it apart from the database.\n", c.identity())
	}
	lock, err := c.lock()
	if err != nil {
		return err
	}
	if _, err := file.Create(c.keystore(), lock); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(g.Err, "The issuer's API key follows. It is shown once.")
	return printIssuerKey(g, c.bankHome)
}

func printIssuerKey(g *globals, home bankHome) error {
	b, closeBank, err := home.bare(g)
	if err != nil {
		return err
	}
	defer closeBank()
	key, err := service.CreateIssuerKey(g.Ctx, b, g.Now(), g.Rand)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.Out, "%s\n", key.Reveal())
	return err
}

type bankKeyCmd struct{ bankHome }

// Help shows an example.
func (bankKeyCmd) Help() string { return "    sotto bank key --data ./bank > issuer.key" }

// Run prints a new issuer's key.
func (c *bankKeyCmd) Run(g *globals) error { return printIssuerKey(g, c.bankHome) }

type bankServeCmd struct {
	bankHome
	Listen       string   `default:"127.0.0.1:8421" placeholder:"HOST:PORT" help:"Where the HTTP API and the code page are served (default ${default})."`
	PublicURL    string   `placeholder:"URL" help:"How payers reach the code page (default: the address listened on)."`
	BusListen    string   `default:"127.0.0.1:8422" placeholder:"HOST:PORT" help:"Where phones connect over TLS (default ${default})."`
	BusWebsocket string   `placeholder:"HOST:PORT" help:"Where phones may connect over WebSocket too."`
	BusHost      []string `placeholder:"NAME" help:"Names and addresses in the bus's own certificate (default: the host listened on)."`
	BusURL       string   `placeholder:"URL" help:"How phones reach the bus, as in tls://bus.bank.example:8422 (default: the address listened on)."`
	TLSCert      string   `type:"path" placeholder:"FILE" help:"Certificate for API and bus, read again when it changes. Without it the API is plain HTTP, for a proxy in front, and the bus uses a certificate of its own authority."`
	TLSKey       string   `type:"path" placeholder:"FILE" help:"Private key of --tls-cert."`

	natsFlags

	Country int `default:"156" placeholder:"NUMBER" help:"The bank's country on its applets: the number of ISO 3166-1 (default ${default})."`

	PrivateWebhooks bool `help:"Deliver webhooks to private and loopback addresses too, as for a trial on one machine."`

	CodeLifetime time.Duration `default:"180s" help:"How long a code is valid (default ${default}, at most 10m)."`
	LongCodeFrom int64         `default:"1000000" placeholder:"AMOUNT" help:"Amount from which codes have 8 digits, in hundredths of a unit of whatever currency (default ${default}: 10,000.00)."`
	PaceMerchant pace          `default:"5/30s" placeholder:"N/TIME" help:"Codes one merchant may send to one card: a burst, then one each interval (default ${default})."`
	PaceCard     pace          `default:"10/20s" placeholder:"N/TIME" help:"Codes all merchants together may send to one card (default ${default})."`
}

// Help shows examples.
func (bankServeCmd) Help() string {
	return `    sotto bank init --data ./bank
    sotto bank --data ./bank
    sotto bank --data ./bank --listen 10.0.0.5:443 --bus-listen 10.0.0.5:8422 \
        --public-url https://pay.bank.example --tls-cert bank.pem --tls-key bank.key

Prints "ready URL BUS-URL" on stdout when it answers, and ends on SIGTERM after the
requests under way. The API is described at /docs and /openapi.json.`
}

// Run serves until the process is asked to end.
func (c *bankServeCmd) Run(g *globals) error {
	makeRoom()
	keys, err := c.keys()
	if err != nil {
		return err
	}
	secrets, err := service.Secrets(keys)
	if err != nil {
		return err
	}
	certifying, err := service.IssuerOf(keys)
	if err != nil {
		return err
	}
	policy, err := c.policy()
	if err != nil {
		return err
	}
	secure, bus, err := c.transport(g)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(g.Ctx, c.database(), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if err := store.Close(); err != nil {
			g.Log.Error("the database was not closed well", "err", err)
		}
	}()
	if err := c.reachable(g); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(g.Ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s (choose another with --listen): %w", c.Listen, err)
	}
	policy.PublicURL = c.publicURL(listener.Addr(), secure != nil)
	if bus.Country, err = emv.NewNumeric(c.Country); err != nil {
		return errors.New("--country is three digits of ISO 3166-1, as 156")
	}
	bus.Issuer = certifying
	bus.Store, bus.Secrets, bus.Policy, bus.Now, bus.Random, bus.Log = store, secrets, policy, g.Now, g.Rand, g.Log
	s, err := service.Open(g.Ctx, bus)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	_, _ = fmt.Fprintf(g.Out, "ready %s %s\n", policy.PublicURL, s.BusURL())
	err = s.Serve(g.Ctx, listener, secure)
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, s.Close(ending))
}

func (c *bankServeCmd) policy() (bank.Policy, error) {
	p := bank.DefaultPolicy()
	if c.CodeLifetime < 10*time.Second || c.CodeLifetime > 10*time.Minute {
		return p, errors.New("--code-lifetime must be 10s to 10m (NIST SP 800-63B allows no more)")
	}
	if c.LongCodeFrom < 1 {
		return p, errors.New("--long-code-from must be at least 1")
	}
	p.CodeLifetime, p.LongCodeFrom = c.CodeLifetime.Milliseconds(), c.LongCodeFrom
	p.PairBurst, p.PairInterval = c.PaceMerchant.burst, c.PaceMerchant.interval.Milliseconds()
	p.CardBurst, p.CardInterval = c.PaceCard.burst, c.PaceCard.interval.Milliseconds()
	return p, nil
}

// transport finds the certificates. The TLS configuration is for the API, and
// nil means plain HTTP.
func (c *bankServeCmd) transport(g *globals) (*tls.Config, service.Config, error) {
	s := service.Config{Bus: bankbus.Config{Listen: c.BusListen, WebSocket: c.BusWebsocket}, BusURL: c.BusURL, PrivateWebhooks: c.PrivateWebhooks}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, s, errors.New("--tls-cert and --tls-key go together")
	}
	if c.NATS != "" {
		if err := c.join(&s); err != nil {
			return nil, s, err
		}
	}
	if c.TLSCert != "" {
		files, err := openCertificate(c.TLSCert, c.TLSKey, g.Log)
		if err != nil {
			return nil, s, err
		}
		s.Bus.TLS = files.config()
		return files.config(), s, nil
	}
	if c.NATS != "" {
		return nil, s, nil
	}
	hosts := c.BusHost
	if len(hosts) == 0 {
		host, _, err := net.SplitHostPort(c.BusListen)
		if err != nil {
			return nil, s, fmt.Errorf("read --bus-listen: %w", err)
		}
		hosts = []string{host}
	}
	authority, err := selfca.Open(filepath.Join(c.Data, "bus-ca.pem"), hosts, g.Now())
	if err != nil {
		return nil, s, err
	}
	s.Bus.TLS, s.BusPEM, s.BusPin = authority.TLS(), authority.PEM(), authority.Pin()
	return nil, s, nil
}

// reachable refuses addresses that nobody can be sent to, and warns of payments
// in clear.
func (c *bankServeCmd) reachable(g *globals) error {
	if c.PublicURL == "" && everyAddress(c.Listen) {
		return fmt.Errorf("%s is every address of this machine: say with --public-url how payers and phones reach it", c.Listen)
	}
	if c.BusURL == "" && c.NATS == "" && everyAddress(c.BusListen) {
		return fmt.Errorf("%s is every address of this machine: say with --bus-url how phones reach the bus", c.BusListen)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err == nil && c.TLSCert == "" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		g.Log.Warn("the API is plain HTTP beyond this machine: codes and API keys cross in clear unless a TLS proxy is in front; else give --tls-cert and --tls-key")
	}
	return nil
}

// everyAddress reports whether an address to listen on names no host.
func everyAddress(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}

func (c *bankServeCmd) publicURL(a net.Addr, secure bool) string {
	switch {
	case c.PublicURL != "":
		return strings.TrimRight(c.PublicURL, "/")
	case secure:
		return "https://" + a.String()
	}
	return "http://" + a.String()
}

type bankAuditCmd struct {
	Verify bankVerifyCmd `cmd:"" help:"Check every link of the audit chain and the ledger against it."`
	Show   bankShowCmd   `cmd:"" help:"Print the chain's events and transfers as JSON lines."`
}

type bankVerifyCmd struct{ bankHome }

// Help shows an example.
func (bankVerifyCmd) Help() string {
	return `Reads only; the bank may be running. Exits 0 if all is well, else 1 and names what
is not.

    sotto bank audit verify --data ./bank`
}

// Run verifies.
func (c *bankVerifyCmd) Run(g *globals) error {
	secrets, err := c.secrets()
	if err != nil {
		return err
	}
	store, err := sqlite.Open(g.Ctx, c.database(), sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	report, err := bank.Verify(g.Ctx, store, secrets, func(links int64) {
		g.Log.Info("verifying", "links", links)
	})
	if err != nil {
		return err
	}
	for _, fault := range report.Faults {
		_, _ = fmt.Fprintln(g.Out, "FAULT", fault)
	}
	_, _ = fmt.Fprintf(g.Out, "%d links, %d events, %d transfers, %d accounts, %d faults\n",
		report.Links, report.Events, report.Transfers, report.Accounts, len(report.Faults))
	if len(report.Faults) > 0 {
		return errors.New("the books are not in order; stop the bank and compare with a backup")
	}
	return nil
}

type bankShowCmd struct {
	bankHome
	After int64 `default:"0" help:"Begin after this link."`
}

// Help shows an example.
func (bankShowCmd) Help() string { return "    sotto bank audit show --data ./bank | tail" }

// Run prints the bodies of all links.
func (c *bankShowCmd) Run(g *globals) error {
	store, err := sqlite.Open(g.Ctx, c.database(), sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for after := c.After; ; {
		links, err := store.Links(g.Ctx, after, 500)
		if err != nil || len(links) == 0 {
			return err
		}
		for _, l := range links {
			if _, err := g.Out.Write(l.Body); err != nil {
				return err
			}
			after = l.Seq
		}
	}
}
