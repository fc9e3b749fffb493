package phone

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"sotto/dyncode"
	"sotto/ident"
)

// The phone's counter is the nonce of its seal, so no value may ever come twice
// under one pairing (NIST SP 800-38D, 8.2.1). Values are reserved on disk in
// blocks, and a restart skips what is left of the block. Each start also begins
// no lower than the clock: a state folder that is restored from a backup, or a
// pairing that was forgotten and comes again, does not fall back on old values.
const (
	counterBlock = 64 // values reserved by one write
	counterShift = 20 // of the clock's milliseconds: no phone seals 2^20 codes in one
	counterMax   = math.MaxUint64 - 2*counterBlock
)

// bindingsMax bounds the cards a phone is bound to.
const bindingsMax = 64

// Why a message cannot be sealed. Storage failures are other errors: they pass.
var (
	errUnbound   = errors.New("phone: no pairing with this card")
	errProfile   = errors.New("phone: the card has another profile")
	errExhausted = errors.New("phone: the counter stands at its end")
	errRoom      = errors.New("phone: bound to too many cards")
	errStale     = errors.New("phone: older than the pairing it speaks of")
)

// use says which of a card's two pairings is meant.
type use bool

const (
	active  use = false
	pending use = true
)

// ring holds the phone's pairings and their counters. One lock serves all
// cards, over writes to State too: a card writes once in counterBlock codes.
type ring struct {
	state  State
	phone  ident.Raw
	source [32]byte
	now    func() time.Time

	mu    sync.Mutex
	cards map[string]*held
}

// held is one card's binding as it is on disk, and what seals under it.
type held struct {
	saved Binding
	seals map[use]*sealer
}

// sealer is a pairing that has been used since the start.
type sealer struct {
	outer dyncode.Outer
	next  uint64
}

func newRing(state State, phone ident.Raw, source [32]byte, now func() time.Time) (*ring, error) {
	bindings, err := state.Bindings()
	if err != nil {
		return nil, fmt.Errorf("read the phone's bindings: %w", err)
	}
	r := &ring{state: state, phone: phone, source: source, now: now, cards: map[string]*held{}}
	for card, b := range bindings {
		r.cards[card] = &held{b, map[use]*sealer{}}
	}
	return r, nil
}

// pairing returns a copy of one of the card's pairings.
func (r *ring) pairing(card string, u use) Pairing {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.cards[card]; h != nil {
		return *h.saved.of(u)
	}
	return Pairing{}
}

func (b *Binding) of(u use) *Pairing {
	if u == pending {
		return &b.Pending
	}
	return &b.Active
}

// usable reports why a code of this profile cannot go out under p.
func (p Pairing) usable(profile dyncode.Profile) error {
	switch {
	case p.None():
		return errUnbound
	case p.Profile != profile:
		return errProfile
	}
	return nil
}

// seal makes the message that a bank part becomes on the link.
func (r *ring) seal(card string, u use, p dyncode.Profile, message ident.Raw, bankPart []byte) ([]byte, error) {
	id, err := ident.Parse(ident.Card, card)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cards[card]
	if h == nil {
		return nil, errUnbound
	}
	pairing := h.saved.of(u)
	if err := pairing.usable(p); err != nil {
		return nil, err
	}
	s := h.seals[u]
	if s == nil {
		s = &sealer{
			outer: dyncode.NewOuter(pairing.Secret, id, r.phone, r.source),
			next:  max(pairing.Reserved, r.floor()) + 1,
		}
	}
	if err := r.reserve(card, h, u, s.next); err != nil {
		return nil, err
	}
	h.seals[u] = s
	counter := s.next
	s.next++
	return s.outer.Seal(make([]byte, 0, len(bankPart)+96), p, message, counter, bankPart), nil
}

// reserve makes sure that counter is on disk as used.
func (r *ring) reserve(card string, h *held, u use, counter uint64) error {
	b := h.saved
	pairing := b.of(u)
	switch {
	case counter <= pairing.Reserved && pairing.Reserved < counterMax:
		return nil
	case counter > counterMax || pairing.Reserved >= counterMax:
		return errExhausted
	}
	pairing.Reserved = counter + counterBlock - 1
	return r.save(card, h, b)
}

// floor is the counter that the clock stands for.
func (r *ring) floor() uint64 {
	milli := min(max(r.now().UnixMilli(), 0), 1<<42)
	return uint64(milli) << counterShift
}

// save makes b the card's binding, on disk first.
func (r *ring) save(card string, h *held, b Binding) error {
	if err := r.state.Save(card, b); err != nil {
		return fmt.Errorf("keep the binding: %w", err)
	}
	h.saved = b
	if b.Empty() {
		delete(r.cards, card)
	} else {
		r.cards[card] = h
	}
	return nil
}
