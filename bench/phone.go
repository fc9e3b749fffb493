package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// phone is a mobile payment terminal that holds many cards: it takes a
// dispatch from the bus, seals it once more for the card, hands it over, and
// reports the card's receipt. It does so with the phone's own bus client.
type phone struct {
	id        string
	raw       ident.Raw
	seed      secret.Secret
	keySource [32]byte
	box       dyncode.Box
	hasty     bool
	log       *slog.Logger

	mu    sync.RWMutex
	cards map[string]*bound

	bus     *client.Bus
	reports chan report
	ended   sync.WaitGroup
}

// bound is a card at a phone. The phone's bus goroutine alone uses it.
type bound struct {
	*card
	outer   dyncode.Outer
	counter uint64
	message []byte
}

// report is a receipt on its way to the bank.
type report struct {
	body  []byte
	card  *card
	shown shown
}

// reportersMax is how many messages the bank lets a phone have in flight.
const reportersMax = 8

// newPhone draws what a phone has before it meets the bank.
func newPhone(hasty bool, log *slog.Logger) (*phone, error) {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails
	p := &phone{
		seed: secret.New(seed[:]), hasty: hasty, log: log, cards: map[string]*bound{}, reports: make(chan report, 4096),
	}
	var err error
	p.keySource, err = dyncode.KeySource{Device: seed[:16]}.Digest()
	return p, err
}

// enrol makes the phone known to the bank.
func (p *phone) enrol(ctx context.Context, s *site, name string) error {
	key, err := client.BusKeyOfSeed(p.seed)
	if err != nil {
		return err
	}
	ticket := s.service.Bank.Keys().TicketMAC(p.seed) // any secret will do
	var view bankapi.Phone
	if err := s.do(ctx, bank.Issuer, bank.InvitePhone{InvitePhone: bankapi.InvitePhone{Name: name}, TicketMAC: ticket}, &view); err != nil {
		return err
	}
	enrol := bank.EnrolPhone{TicketMAC: ticket, PublicKey: key, BoxKey: p.keySource[:], KeySource: p.keySource[:]}
	if err := s.do(ctx, bank.Self, enrol, &view); err != nil {
		return err
	}
	p.id = view.ID
	if p.raw, err = ident.Parse(ident.Phone, p.id); err != nil {
		return err
	}
	p.box = dyncode.NewBox(dyncode.PhoneKey(s.secrets.PhoneTransport, p.raw), p.raw)
	return nil
}

// connect opens the bus, and returns when the bank has heard of the phone.
func (p *phone) connect(ctx context.Context, s *site) (err error) {
	p.bus, err = client.Dial(context.WithoutCancel(ctx), client.BusConfig{
		URL: s.service.BusURL(), CAPEM: s.service.CAPEM(), Seed: p.seed, PhoneID: p.id, OnDispatch: p.onDispatch, Logger: p.log,
	})
	if err != nil {
		return err
	}
	for range reportersMax {
		p.ended.Go(p.reporter)
	}
	return p.bus.Ready(ctx)
}

// leave ends the phone. Its reports are given up.
func (p *phone) leave() {
	if p.bus == nil {
		return
	}
	p.bus.Close()
	close(p.reports)
	p.ended.Wait()
}

func (p *phone) hold(c *card) {
	p.mu.Lock()
	p.cards[c.id] = &bound{card: c, message: make([]byte, 0, dyncode.MessageMax)}
	p.mu.Unlock()
}

// onDispatch is called from one goroutine.
func (p *phone) onDispatch(_ context.Context, id string, body []byte) error {
	d, err := bankapi.ParseDispatch(body)
	if err != nil {
		return err
	}
	p.mu.RLock()
	b := p.cards[d.Card]
	p.mu.RUnlock()
	raw, err := ident.Parse(ident.Dispatch, d.ID)
	if err != nil || b == nil || d.ID != id {
		return errors.New("a dispatch that is not for this phone")
	}
	message, err := p.seal(b, d, raw)
	if err != nil {
		return fmt.Errorf("seal for the card: %w", err)
	}
	receipt, s, err := b.receive(message)
	if errors.Is(err, errSeen) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hand over to the card: %w", err)
	}
	r := report{card: b.card, shown: s}
	if r.body, err = (bankapi.Report{Dispatch: d.ID, Answer: receipt}).Append(nil); err != nil {
		return err
	}
	if p.hasty {
		b.show(s)
	}
	p.reports <- r
	return nil
}

// seal makes the message that crosses the link to the card.
func (p *phone) seal(b *bound, d bankapi.Dispatch, raw ident.Raw) ([]byte, error) {
	profile := dyncode.Profile(d.Profile)
	if d.Kind != bankapi.DispatchPair {
		b.counter++
		return b.outer.Seal(b.message[:0], profile, raw, b.counter, d.Body), nil
	}
	plain, err := p.box.Open(b.raw, raw, d.Body)
	if err != nil {
		return nil, err
	}
	pairing, err := bankapi.ParsePairing(plain)
	if err != nil {
		return nil, err
	}
	b.outer = dyncode.NewOuter(secret.New(pairing.Secret), b.raw, p.raw, p.keySource)
	return dyncode.AppendDirect(b.message[:0], profile, raw, pairing.BankPart), nil
}

func (p *phone) reporter() {
	for r := range p.reports {
		if _, err := p.bus.Send(context.Background(), r.body); err != nil {
			continue // the bus is closed
		}
		if !p.hasty {
			r.card.show(r.shown)
		}
	}
}
