package main

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link/mem"
	"sotto/phone"
)

const (
	kills      = 50
	killCards  = 8
	killAmount = 100
)

// The bank is killed 50 times at random points under load. Every payment that
// was acknowledged is there afterwards, none is there twice, and the books are
// in order.
func TestBankIsKilledUnderLoad(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	e := newEstate(t, "--pace-merchant", "1000000/1ms", "--pace-card", "1000000/1ms")
	payers := make([]*payer, killCards)
	carried := newHandheld(t, e, payers)

	loading, done := context.WithCancel(t.Context())
	var working sync.WaitGroup
	var paid atomic.Int64
	for _, p := range payers {
		working.Go(func() {
			for n := 0; loading.Err() == nil; n++ {
				p.payOnce(t.Context(), e.shop, n)
				paid.Add(1)
			}
		})
	}
	for range kills {
		time.Sleep(time.Duration(50+random.IntN(350)) * time.Millisecond)
		e.bank.kill()
		e.start()
	}
	done()
	working.Wait()
	carried.stop()

	sum := must(e.issuer.Account(t.Context(), e.merchant.Account))(t).Balance
	if want := paid.Load() * killAmount; sum != want {
		t.Errorf("the merchant has %d after %d acknowledged payments of %d", sum, paid.Load(), killAmount)
	}
	for _, p := range payers {
		for id := range p.paid {
			if got := must(e.shop.Payment(t.Context(), id))(t); got.Status != bankapi.Succeeded {
				t.Errorf("%s was acknowledged and is %s", id, got.Status)
			}
		}
	}
	e.bank.stop()
	report := e.audit()
	if !strings.HasSuffix(report, " 0 faults") {
		t.Error(report)
	}
	if paid.Load() < kills {
		t.Errorf("only %d payments: the bank was hardly under load", paid.Load())
	}
	t.Logf("%d kills, %d payments acknowledged; %s", kills, paid.Load(), report)
}

// payer owns one card and pays with it again and again.
type payer struct {
	t     *testing.T
	card  bankapi.Card
	codes chan string // what the card shows, newest alone
	paid  map[string]bool
}

// Show is the payer's look at the card: he remembers the newest code.
func (p *payer) Show(v card.View) error {
	if v.Code == "" {
		return nil
	}
	for {
		select {
		case p.codes <- v.Code:
			return nil
		default:
		}
		select {
		case <-p.codes:
		default:
		}
	}
}

// Clear implements card.Prompt.
func (p *payer) Clear() {}

// payOnce does not give up: it asks again with the same key until the bank has
// answered, whatever happens to the bank meanwhile.
func (p *payer) payOnce(ctx context.Context, shop *client.Client, n int) {
	order := fmt.Sprintf("%s-%d", p.card.ID[20:], n)
	payment, err := insist(ctx, func() (bankapi.Payment, error) {
		return shop.CreatePayment(ctx, bankapi.CreatePayment{
			Card: p.card.ID, Amount: killAmount, Currency: "CNY", Order: order,
		}, client.IdempotencyKey("create-"+order))
	})
	if err != nil {
		p.t.Errorf("create: %v", err)
		return
	}
	for try := 0; ; try++ {
		var code string
		select {
		case code = <-p.codes:
		case <-time.After(30 * time.Second):
			p.t.Errorf("no code came for %s", payment.ID)
			return
		}
		got, err := insist(ctx, func() (bankapi.Payment, error) {
			return shop.ConfirmPayment(ctx, payment.ID, bankapi.Confirm{Code: code}, client.IdempotencyKey(fmt.Sprintf("confirm-%s-%d", order, try)))
		})
		var problem *bankapi.Problem
		if errors.As(err, &problem) && problem.Reason() == bankapi.WrongCode {
			continue // the code of the payment before, shown once more
		}
		if err != nil || got.Status != bankapi.Succeeded {
			p.t.Errorf("confirm: %s, %v", got.Status, err)
			return
		}
		if p.paid[got.ID] {
			p.t.Errorf("%s was paid twice", got.ID)
		}
		p.paid[got.ID] = true
		return
	}
}

// insist repeats a request until there is an answer of the bank's.
func insist(ctx context.Context, ask func() (bankapi.Payment, error)) (bankapi.Payment, error) {
	for {
		got, err := ask()
		var problem *bankapi.Problem
		if err == nil || ctx.Err() != nil || errors.As(err, &problem) && problem.Status < 500 && problem.Status != 429 {
			return got, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// handheld is one phone with several cards, in this process but on the real bus.
type handheld struct {
	cancel  context.CancelFunc
	serving sync.WaitGroup
	bus     *client.Bus
}

func (h *handheld) stop() {
	h.cancel()
	h.serving.Wait()
	h.bus.Close()
}

// newHandheld enrols a phone and binds a card for each payer to it.
func newHandheld(t *testing.T, e *estate, payers []*payer) *handheld {
	t.Helper()
	invited := must(e.issuer.InvitePhone(t.Context(), bankapi.InvitePhone{Name: "Phone"}))(t)
	ticket := must(bankapi.ParseTicket(invited.Ticket))(t)
	source := [32]byte{1}
	enrolled := must(client.Enrol(t.Context(), ticket, source, cryptorand.Reader))(t)
	air := mem.New(mem.Config{})
	line := &busLine{up: make(chan struct{})}
	p := must(phone.New(phone.Config{
		ID: enrolled.Phone, Key: enrolled.Key, KeySource: source, State: &forgetful{kept: map[string]phone.Binding{}},
		Reach: air, Bank: line, Now: time.Now, After: time.After, Random: cryptorand.Reader,
	}))(t)
	ctx, cancel := context.WithCancel(context.Background())
	h := &handheld{cancel: cancel}
	t.Cleanup(cancel)
	h.bus = must(client.Dial(ctx, client.BusConfig{
		URL: enrolled.Bus, CAPEM: []byte(enrolled.CA), Seed: enrolled.Seed, PhoneID: enrolled.Phone,
		OnDispatch: p.Dispatch, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
	}))(t)
	line.connect(h.bus)
	h.serving.Go(func() { p.Run(ctx) })
	for i := range payers {
		payers[i] = &payer{t: t, card: e.issue(100+i, "card-sealed"), codes: make(chan string, 1), paid: map[string]bool{}}
		air.Put(payers[i].card.ID, newDevice(t, e, payers[i]))
		b := must(e.issuer.Bind(t.Context(), bankapi.Bind{Card: payers[i].card.ID, Phone: enrolled.Phone}))(t)
		must(e.issuer.ConfirmBinding(t.Context(), b.ID, bankapi.Confirm{Code: <-payers[i].codes}))(t)
	}
	return h
}

// newDevice is a real card, personalised by the bank, with a payer as its prompt.
func newDevice(t *testing.T, e *estate, p *payer) *card.Device {
	t.Helper()
	identity := must(age.GenerateX25519Identity())(t)
	data := must(e.issuer.PersonalizeCard(t.Context(), p.card.ID, bankapi.Personalize{Recipient: identity.Recipient().String()}))(t)
	plain := must(decrypt(data.Data, identity))(t)
	personalization := must(dyncode.ParsePersonalization(plain))(t)
	if personalization.Card != must(ident.Parse(ident.Card, p.card.ID))(t) {
		t.Fatal("another card's data")
	}
	return card.New(card.NewMemory(personalization), discard{}, p, time.Now)
}

// discard is a card's store in a process that does not restart.
type discard struct{}

// Save implements card.Store.
func (discard) Save([]byte) error { return nil }

// forgetful is a phone's state in a process that does not restart.
type forgetful struct {
	mu   sync.Mutex
	kept map[string]phone.Binding
}

// Bindings implements phone.State.
func (f *forgetful) Bindings() (map[string]phone.Binding, error) {
	return map[string]phone.Binding{}, nil
}

// Save implements phone.State.
func (f *forgetful) Save(card string, b phone.Binding) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[card] = b
	return nil
}

func decrypt(armored string, identity age.Identity) ([]byte, error) {
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}
