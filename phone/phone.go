package phone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sort"
	"sync"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/secret"
)

// Config is what a phone is made of. Language, CardsMax and Log may be left
// out.
type Config struct {
	ID        string        // "ph_…"
	Key       secret.Secret // opens what the bank seals for this phone
	KeySource [32]byte      // digest of the key source (A3), fixed at enrolment

	State  State
	Reach  link.Reach
	Bank   Sender
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time // time.After; Turn does without
	Random io.Reader                            // spreads retries; no key comes from it

	Language string // "en" or "zh": of the labels for a card that cannot decrypt
	CardsMax int    // cards served at once; 0 is 32
	Log      *slog.Logger
}

// Phone is one mobile payment terminal. Its methods may be called from many
// goroutines.
type Phone struct {
	c      Config
	ring   *ring
	box    dyncode.Box
	kicked chan struct{} // one token: look again at what is due

	mu   sync.Mutex
	desk *desk
}

// ErrFull says that a dispatch was not taken because too many cards are being
// served. The bank keeps it.
var ErrFull = errors.New("phone: too many cards at once; the bank keeps the message")

// New makes a phone from its state. It starts nothing.
func New(c Config) (*Phone, error) {
	id, err := ident.Parse(ident.Phone, c.ID)
	switch {
	case err != nil:
		return nil, errors.New("phone: the phone's id is not well formed: enrol it again")
	case len(c.Key.Reveal()) != dyncode.KeySize:
		return nil, errors.New("phone: the phone's key is not 32 bytes: enrol it again")
	case c.State == nil || c.Reach == nil || c.Bank == nil || c.Now == nil || c.Random == nil:
		return nil, errors.New("phone: State, Reach, Bank, Now and Random are all needed")
	case c.Language == "":
		c.Language = "en"
	case c.Language != "en" && c.Language != "zh":
		return nil, errors.New("phone: the language is en or zh")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.CardsMax == 0 {
		c.CardsMax = cardsMax
	}
	p := &Phone{c: c, box: dyncode.NewBox(c.Key, id), kicked: make(chan struct{}, 1)}
	p.desk = newDesk(c.CardsMax, c.Random, p.note)
	if p.ring, err = newRing(c.State, id, c.KeySource, c.Now); err != nil {
		return nil, err
	}
	return p, nil
}

// Screen is what the phone shows: always nothing (A8).
func (*Phone) Screen() string { return "" }

// Dispatch takes one message from the bus and returns at once. An error means
// that it was not taken and should come again; what can never be of use is
// taken and dropped. id is the dispatch id that the bus knows it by.
func (p *Phone) Dispatch(_ context.Context, id string, body []byte) error {
	d, err := bankapi.ParseDispatch(body)
	if err != nil || d.ID != id {
		// The id is not logged unless it is one: it is a stranger's text.
		if _, bad := ident.Parse(ident.Dispatch, id); bad != nil {
			id = "unreadable"
		}
		p.note("malformed", id, "", "")
		return nil
	}
	d.Body = bytes.Clone(d.Body)
	p.mu.Lock()
	ok := p.desk.arrive(p.c.Now(), d)
	p.mu.Unlock()
	p.kick()
	if !ok {
		return ErrFull
	}
	return nil
}

// CardState is one card as this phone knows it.
type CardState struct {
	Card    string
	Profile dyncode.Profile
	Bound   bool // the card has acknowledged; false while that is awaited
}

// Cards lists the cards this phone is bound to or being bound to, by id.
func (p *Phone) Cards() []CardState {
	out := p.ring.list()
	sort.Slice(out, func(i, j int) bool { return out[i].Card < out[j].Card })
	return out
}

// note logs what became of a dispatch: ids and states, nothing else.
func (p *Phone) note(state, dispatch, card, reason string) {
	attrs := []any{"dispatch", dispatch, "state", state}
	if card != "" {
		attrs = append(attrs, "card", card)
	}
	if reason != "" {
		attrs = append(attrs, "reason", reason)
	}
	p.c.Log.Info("dispatch", attrs...)
}

func (p *Phone) kick() {
	select {
	case p.kicked <- struct{}{}:
	default:
	}
}
