package main

import (
	"context"
	"crypto/rand"
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
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/link/tcp"
	"sotto/secret"
)

// town is a real bank in this process, with a payer and a shop.
type town struct {
	t       *testing.T
	secrets bank.Secrets
	issuer  *client.Client
	shop    *client.Client
	payer   string
	pans    int
}

// may ends the test when something that must work does not.
func may[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func draw() secret.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return secret.New(b[:])
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, secrets: bank.Secrets{
		IssuerMaster: draw(), CodePepper: draw(), PANEncryption: draw(), PANLookup: draw(),
		PhoneTransport: draw(), APIKeys: draw(), Audit: draw(), AppletAC: draw(), AppletMAC: draw(), AppletENC: draw(),
	}}
	dir := t.TempDir()
	authority := may(selfca.Open(filepath.Join(dir, "ca.pem"), []string{"127.0.0.1"}, time.Now()))(t)
	store := may(sqlite.Open(t.Context(), filepath.Join(dir, "bank.db"), sqlite.Options{}))(t)
	l := may(net.Listen("tcp", "127.0.0.1:0"))(t)
	policy := bank.DefaultPolicy()
	policy.PublicURL, policy.PairBurst, policy.CardBurst = "http://"+l.Addr().String(), 1000, 1000
	s := may(service.Open(t.Context(), service.Config{
		Store: store, Secrets: w.secrets, Policy: policy, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Bus: bankbus.Config{Listen: "127.0.0.1:0", TLS: authority.TLS()}, BusPEM: authority.PEM(), BusPin: authority.Pin(),
	}))(t)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		ending, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Close(ending); err != nil {
			t.Error(err)
		}
		store.Close()
	})
	w.furnish(policy.PublicURL, may(s.CreateIssuerKey(t.Context()))(t))
	return w
}

func (w *town) furnish(url string, key secret.Secret) {
	w.t.Helper()
	ctx := w.t.Context()
	w.issuer = may(client.New(url, key))(w.t)
	vault := may(w.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: "Vault", Kind: bankapi.AccountInternal, Currency: "CNY"}))(w.t)
	w.payer = may(w.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY"}))(w.t).ID
	may(w.issuer.CreateTransfer(ctx, bankapi.CreateTransfer{Debit: vault.ID, Credit: w.payer, Amount: 100_000, Currency: "CNY"}))(w.t)
	m := may(w.issuer.CreateMerchant(ctx, bankapi.CreateMerchant{Name: shopName, Currency: "CNY"}))(w.t)
	w.shop = may(client.New(url, secret.New([]byte(m.Key.Secret))))(w.t)
}

const shopName = "Zebra Tea House"

// plastic is a card of a payer, on a TCP link. It remembers what came over it.
type plastic struct {
	id, address string
	device      *card.Device

	mu   sync.Mutex
	seen [][]byte // messages and answers
}

type kept struct{}

func (kept) Save([]byte) error    { return nil }
func (kept) Show(card.View) error { return nil }
func (kept) Clear()               {}

var pans = []string{"6217000010000000011", "6217000010000000029", "6217000010000000037"}

func (w *town) card(profile dyncode.Profile) *plastic {
	w.t.Helper()
	issued := may(w.issuer.IssueCard(w.t.Context(), bankapi.IssueCard{
		Account: w.payer, PAN: pans[w.pans], Holder: "LI WEI", Profile: profile.String(),
	}))(w.t)
	w.pans++
	raw := may(ident.Parse(ident.Card, issued.ID))(w.t)
	p := dyncode.Personalization{Card: raw, Holder: "LI WEI", Language: "en", Profile: profile}
	if profile != dyncode.Plain {
		p.Key = dyncode.CardKey(w.secrets.IssuerMaster, raw)
	}
	c := &plastic{id: issued.ID, device: card.New(card.NewMemory(p), kept{}, kept{}, time.Now)}
	l := may(net.Listen("tcp", "127.0.0.1:0"))(w.t)
	c.address = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- tcp.Serve(ctx, l, link.HandlerFunc(c.handle)) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			w.t.Error(err)
		}
	})
	return c
}

func (c *plastic) handle(message []byte) []byte {
	answer := c.device.Handle(message)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, append([]byte(nil), message...), append([]byte(nil), answer...))
	return answer
}

func (w *town) ticket() (phone, ticket string) {
	w.t.Helper()
	p := may(w.issuer.InvitePhone(w.t.Context(), bankapi.InvitePhone{Name: "Li Wei's phone"}))(w.t)
	return p.ID, p.Ticket
}

// eventually waits for what must happen.
func (w *town) eventually(what string, ok func() bool) {
	w.t.Helper()
	for until := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

// bind binds a card to a phone with the mechanism itself.
func (w *town) bind(c *plastic, phone string) {
	w.t.Helper()
	b := may(w.issuer.Bind(w.t.Context(), bankapi.Bind{Card: c.id, Phone: phone}))(w.t)
	w.eventually("the card asks whether to bind", func() bool { return c.device.View().Code != "" })
	may(w.issuer.ConfirmBinding(w.t.Context(), b.ID, bankapi.Confirm{Code: c.device.View().Code}))(w.t)
}

// pay lets the shop be paid, and returns the code that the card showed.
func (w *town) pay(c *plastic) (code string) {
	w.t.Helper()
	return w.confirm(c, w.order(c))
}

func (w *town) order(c *plastic) bankapi.Payment {
	w.t.Helper()
	return may(w.shop.CreatePayment(w.t.Context(), bankapi.CreatePayment{Card: c.id, Amount: 77_77, Currency: "CNY", Order: "Order-77"}))(w.t)
}

// confirm types the code once the card shows it.
func (w *town) confirm(c *plastic, p bankapi.Payment) (code string) {
	w.t.Helper()
	w.eventually("the code is on the card", func() bool {
		return may(w.shop.Payment(w.t.Context(), p.ID))(w.t).Delivery == bankapi.DeliveryOnCard
	})
	v := c.device.View()
	if got := may(w.shop.ConfirmPayment(w.t.Context(), p.ID, bankapi.Confirm{Code: v.Code}))(w.t).Status; got != bankapi.Succeeded {
		w.t.Fatalf("the payment is %s", got)
	}
	return v.Code
}

// wantNothing looks for a code or a fact of the payment in what nobody but the
// card may read.
func wantNothing(t *testing.T, where string, b []byte, code string) {
	t.Helper()
	if len(b) == 0 {
		t.Errorf("%s: nothing was looked at", where)
	}
	for _, fact := range []string{code, shopName, "Order-77", "77.77"} {
		if strings.Contains(string(b), fact) {
			t.Errorf("%s: has %q", where, fact)
		}
	}
}
