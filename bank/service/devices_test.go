package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/phone"
)

// plastic is a card with its screen.
type plastic struct {
	id     string
	device *card.Device

	mu    sync.Mutex
	shown []card.View // payments and bindings
}

func (p *plastic) Handle(message []byte) []byte { return p.device.Handle(message) }

// Show implements card.Prompt.
func (p *plastic) Show(v card.View) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.Code != "" {
		p.shown = append(p.shown, v)
	}
	return nil
}

// Clear implements card.Prompt.
func (p *plastic) Clear() {}

// Save implements card.Store.
func (p *plastic) Save([]byte) error { return nil }

func (p *plastic) views() []card.View {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]card.View(nil), p.shown...)
}

// newCard issues and personalises a card, and puts it into the air.
func (h *house) newCard(pan string) *plastic {
	h.t.Helper()
	issued := may(h.issuer.IssueCard(h.t.Context(), bankapi.IssueCard{Account: h.customer, PAN: pan, Holder: "LI WEI"}))(h.t)
	row := may(h.store.Card(h.t.Context(), issued.ID))(h.t)
	identity := may(dyncode.ParsePersonalization(may(h.service.Bank.Keys().Personalization(row))(h.t)))(h.t)
	p := &plastic{id: issued.ID}
	p.device = card.New(card.NewMemory(identity), p, p, h.now)
	h.air.Put(issued.ID, p)
	return p
}

// handset is an enrolled phone, whose connection can be cut.
type handset struct {
	t     testing.TB
	id    string
	phone *phone.Phone
	bus   client.BusConfig

	mu      sync.Mutex
	line    *client.Bus
	kept    map[string]phone.Binding
	heard   []string // dispatches
	reports [][]byte
}

// Bindings implements phone.State.
func (p *handset) Bindings() (map[string]phone.Binding, error) {
	return map[string]phone.Binding{}, nil
}

// Save implements phone.State.
func (p *handset) Save(card string, b phone.Binding) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[card] = b
	return nil
}

var errOffline = errors.New("the phone is in a cellar")

// Send implements phone.Sender.
func (p *handset) Send(ctx context.Context, body []byte) ([]byte, error) {
	p.mu.Lock()
	line := p.line
	if line != nil {
		p.reports = append(p.reports, bytes.Clone(body))
	}
	p.mu.Unlock()
	if line == nil {
		return nil, errOffline
	}
	return line.Send(ctx, body)
}

func (p *handset) onDispatch(ctx context.Context, id string, body []byte) error {
	p.mu.Lock()
	p.heard = append(p.heard, id)
	p.mu.Unlock()
	return p.phone.Dispatch(ctx, id, body)
}

func (p *handset) dispatches() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heard...)
}

func (p *handset) sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte(nil), p.reports...)
}

// newPhone invites and enrols a phone through the API, and starts it offline.
func (h *house) newPhone(name string) *handset {
	h.t.Helper()
	invited := may(h.issuer.InvitePhone(h.t.Context(), bankapi.InvitePhone{Name: name}))(h.t)
	ticket := may(bankapi.ParseTicket(invited.Ticket))(h.t)
	digest := may(dyncode.KeySource{Device: []byte(name)}.Digest())(h.t)
	e := may(client.Enrol(h.t.Context(), ticket, digest, rand.Reader))(h.t)
	p := &handset{t: h.t, id: e.Phone, kept: map[string]phone.Binding{}}
	p.phone = may(phone.New(phone.Config{
		ID: e.Phone, Key: e.Key, KeySource: digest, State: p, Reach: h.air, Bank: p,
		Now: h.now, After: time.After, Random: rand.Reader,
	}))(h.t)
	p.bus = client.BusConfig{
		URL: e.Bus, CAPEM: []byte(e.CA), Seed: e.Seed, PhoneID: e.Phone, OnDispatch: p.onDispatch,
		RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond,
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.phone.Run(ctx) })
	h.t.Cleanup(func() {
		stop()
		p.disconnect()
		running.Wait()
	})
	return p
}

// dial begins to connect.
func (p *handset) dial() *client.Bus {
	p.t.Helper()
	line := may(client.Dial(context.Background(), p.bus))(p.t)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = line
	return line
}

func (p *handset) connect() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if err := p.dial().Ready(ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *handset) disconnect() {
	p.mu.Lock()
	line := p.line
	p.line = nil
	p.mu.Unlock()
	if line != nil {
		line.Close()
	}
}

// bind binds a card to a phone as a payer does: the code is read from the card.
func (h *house) bind(p *handset, c *plastic) {
	h.t.Helper()
	n := len(c.views())
	b := may(h.issuer.Bind(h.t.Context(), bankapi.Bind{Card: c.id, Phone: p.id}))(h.t)
	eventually(h.t, "the card shows the binding", func() bool { return len(c.views()) > n })
	view := c.views()[n]
	if view.Scene != card.SceneBind {
		h.t.Fatalf("the card shows scene %d", view.Scene)
	}
	may(h.issuer.ConfirmBinding(h.t.Context(), b.ID, bankapi.Confirm{Code: view.Code}))(h.t)
}

// pair makes a card and a phone that is connected, and binds them.
func (h *house) pair() (*handset, *plastic) {
	h.t.Helper()
	p, c := h.newPhone("Li Wei's phone"), h.newCard("6217000010000000011")
	p.connect()
	h.bind(p, c)
	return p, c
}

// mustRefuse is a card's refusal of a message, which anybody can write.
func mustRefuse(t testing.TB, dispatch string) []byte {
	t.Helper()
	raw := may(ident.Parse(ident.Dispatch, dispatch))(t)
	return dyncode.Refusal{Reason: dyncode.RefusedExpired, Message: raw}.Append(nil)
}
