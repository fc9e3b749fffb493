package world

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bank/bankhttp"
	"sotto/bank/issuer"
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv/cps"
	"sotto/secret"
)

// Bank is the real service over SQLite, with an issuer, a payer who has Given,
// and a merchant.
type Bank struct {
	Issuer *client.Client
	Shop   *client.Client // the merchant; its calls go over Line
	Line   *Line

	Payer, Vault, Takings string // accounts
	Given                 int64  // what the payer had at first, minor units

	store   *sqlite.Store
	secrets bank.Secrets
	service *service.Service
	ended   chan error
	stop    context.CancelFunc
}

// given is more than any test spends.
const given = 1_000_000_000

// keys are drawn once: RSA keys take their time.
var keys = sync.OnceValues(func() (k service.Issuer, err error) {
	if k.Authority, err = issuer.NewKey(rand.Reader, issuer.AuthorityBits); err != nil {
		return k, err
	}
	k.Issuer, err = issuer.NewKey(rand.Reader, issuer.IssuerBits)
	return k, err
})

func drawSecrets(random io.Reader) (s bank.Secrets, err error) {
	for _, to := range []*secret.Secret{
		&s.IssuerMaster, &s.CodePepper, &s.PANEncryption, &s.PANLookup, &s.PhoneTransport, &s.APIKeys, &s.Audit,
		&s.AppletAC, &s.AppletMAC, &s.AppletENC,
	} {
		raw := make([]byte, 32)
		if _, err := io.ReadFull(random, raw); err != nil {
			return s, err
		}
		*to = secret.New(raw)
	}
	return s, nil
}

func openBank(ctx context.Context, o Options) (*Bank, error) {
	b := &Bank{Given: given, Line: &Line{}}
	certifying, err := keys()
	if err != nil {
		return b, err
	}
	if b.secrets, err = drawSecrets(o.Random); err != nil {
		return b, err
	}
	authority, err := selfca.Open(filepath.Join(o.Dir, "ca.pem"), []string{"127.0.0.1"}, o.Now())
	if err != nil {
		return b, err
	}
	if b.store, err = sqlite.Open(ctx, filepath.Join(o.Dir, "bank.db"), sqlite.Options{}); err != nil {
		return b, err
	}
	b.service, err = service.Open(ctx, service.Config{
		Store: b.store, Secrets: b.secrets, Issuer: certifying, Country: china, Policy: bank.DefaultPolicy(),
		Bus:    bankbus.Config{Listen: "127.0.0.1:0", TLS: authority.TLS()},
		BusPEM: authority.PEM(), BusPin: authority.Pin(),
		HTTP: bankhttp.Config{Name: "Bank"},
		Now:  o.Now, Random: o.Random, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return b, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens at once
	if err != nil {
		return b, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stop, b.ended = stop, make(chan error, 1)
	go func() { b.ended <- b.service.Serve(serving, l, nil) }()
	return b, b.furnish(ctx, "http://"+l.Addr().String())
}

// furnish opens the accounts and gives the payer his money.
func (b *Bank) furnish(ctx context.Context, url string) error {
	key, err := b.service.CreateIssuerKey(ctx)
	if err != nil {
		return err
	}
	if b.Issuer, err = client.New(url, key); err != nil {
		return err
	}
	for _, a := range []struct {
		to   *string
		name string
		kind bankapi.AccountKind
	}{{&b.Vault, "Vault", bankapi.AccountInternal}, {&b.Payer, "Li Wei", bankapi.AccountCustomer}} {
		made, err := b.Issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: a.name, Kind: a.kind, Currency: string(Currency)})
		if err != nil {
			return err
		}
		*a.to = made.ID
	}
	if _, err := b.Issuer.CreateTransfer(ctx, bankapi.CreateTransfer{
		Debit: b.Vault, Credit: b.Payer, Amount: given, Currency: string(Currency),
	}); err != nil {
		return err
	}
	m, err := b.Issuer.CreateMerchant(ctx, bankapi.CreateMerchant{Name: "Tea House", Currency: string(Currency)})
	if err != nil {
		return err
	}
	b.Takings = m.Account
	b.Shop, err = client.New(url, secret.New([]byte(m.Key.Secret)), client.Transport(b.Line), client.Tries(1))
	return err
}

// personalization is what goes into an applet, fetched as a station does.
func (b *Bank) personalization(ctx context.Context, id string) (cps.Applet, error) {
	station, err := age.GenerateX25519Identity()
	if err != nil {
		return cps.Applet{}, err
	}
	sealed, err := b.Issuer.PersonalizeApplet(ctx, id, bankapi.Personalize{Recipient: station.Recipient().String()})
	if err != nil {
		return cps.Applet{}, err
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed.Data)), station)
	if err != nil {
		return cps.Applet{}, err
	}
	data, err := io.ReadAll(io.LimitReader(plain, cps.FileMax+1))
	if err != nil {
		return cps.Applet{}, err
	}
	return cps.ParseApplet(data)
}

// closing is how long a bank gets to end.
const closing = 30 * time.Second

func (b *Bank) close() error {
	var errs []error
	if b.stop != nil {
		b.stop()
		errs = append(errs, <-b.ended)
	}
	if b.service != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		errs = append(errs, b.service.Close(ctx))
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	return errors.Join(errs...)
}

// Verify walks the bank's own audit chain.
func (b *Bank) Verify(ctx context.Context) error {
	report, err := bank.Verify(ctx, b.store, b.secrets, nil)
	switch {
	case err != nil:
		return err
	case len(report.Faults) > 0:
		return fmt.Errorf("the bank's audit finds %q", report.Faults)
	case report.Links == 0:
		return errors.New("the bank's audit has looked at nothing")
	}
	return nil
}

// Line is the merchant's way to the bank. It loses questions and answers when it
// is told to.
type Line struct {
	mu         sync.Mutex
	deaf, dumb int
}

var errLine = errors.New("the line is down")

// Lose loses so many of the next questions, and after that so many answers.
func (l *Line) Lose(questions, answers int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf, l.dumb = questions, answers
}

// RoundTrip implements http.RoundTripper.
func (l *Line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.lost(&l.deaf) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errLine
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.lost(&l.dumb) {
		answer.Body.Close()
		return nil, errLine
	}
	return answer, err
}

func (l *Line) lost(n *int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *n == 0 {
		return false
	}
	*n--
	return true
}
