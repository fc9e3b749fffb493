package phone

import (
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// pend keeps a new pairing beside the one in use. A dispatch that comes again
// finds its pairing as it was left: the counter goes on.
func (r *ring) pend(card, dispatch string, p dyncode.Profile, key secret.Secret) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cards[card]
	if h == nil {
		if len(r.cards) >= bindingsMax {
			return errRoom
		}
		h = &held{seals: map[use]*sealer{}}
	}
	b := h.saved
	if b.Active.Dispatch == dispatch || b.Pending.Dispatch == dispatch {
		return nil
	}
	fresh := Pairing{Dispatch: dispatch, Profile: p, Secret: key}
	for _, known := range []Pairing{b.Active, b.Pending} {
		if !known.None() && known.Secret.Equal(key) {
			fresh.Reserved = max(fresh.Reserved, known.Reserved)
		}
	}
	b.Pending = fresh
	if err := r.save(card, h, b); err != nil {
		return err
	}
	delete(h.seals, pending)
	return nil
}

// bound puts the pending pairing to use, and ends the one before it.
func (r *ring) bound(card string) error {
	return r.change(card, func(h *held, b *Binding) bool {
		if b.Pending.None() {
			return false // it is in use already
		}
		b.Active, b.Pending = b.Pending, Pairing{}
		return true
	}, func(h *held) {
		h.seals[active] = h.seals[pending]
		delete(h.seals, pending)
	})
}

// refused forgets the pending pairing that this dispatch brought.
func (r *ring) refused(card, dispatch string) error {
	return r.change(card, func(h *held, b *Binding) bool {
		if b.Pending.Dispatch != dispatch {
			return false
		}
		b.Pending = Pairing{}
		return true
	}, func(h *held) { delete(h.seals, pending) })
}

// release marks the card's pairings to be forgotten by then. A release that is
// older than a pairing speaks of another one, and marks nothing.
func (r *ring) release(card, dispatch string, by int64) error {
	for _, u := range []use{active, pending} {
		if p := r.pairing(card, u); !p.None() && milli(dispatch) < milli(p.Dispatch) {
			return errStale
		}
	}
	return r.change(card, func(h *held, b *Binding) (changed bool) {
		for _, p := range []*Pairing{&b.Active, &b.Pending} {
			if !p.None() && p.ForgetAt == 0 {
				p.ForgetAt, changed = max(by, 1), true
			}
		}
		return changed
	}, nil)
}

// forget ends those pairings of a card that are released and due by now.
func (r *ring) forget(card string, now int64) error {
	return r.change(card, func(h *held, b *Binding) (changed bool) {
		for _, p := range []*Pairing{&b.Active, &b.Pending} {
			if p.ForgetAt != 0 && p.ForgetAt <= now {
				*p, changed = Pairing{}, true
			}
		}
		return changed
	}, func(h *held) {
		for _, u := range []use{active, pending} {
			if h.saved.of(u).None() {
				delete(h.seals, u)
			}
		}
	})
}

// forever is later than any time at which a pairing is forgotten.
const forever = 1<<63 - 1

// change saves what edit makes of a card's binding, and then lets after adapt
// what is in memory. Nothing changes if the disk fails.
func (r *ring) change(card string, edit func(*held, *Binding) bool, after func(*held)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cards[card]
	if h == nil {
		return nil
	}
	b := h.saved
	if !edit(h, &b) {
		return nil
	}
	if err := r.save(card, h, b); err != nil {
		return err
	}
	if after != nil {
		after(h)
	}
	return nil
}

// sweepAgain is the pause after a failure to forget.
const sweepAgain = 5 * time.Second

// sweep forgets what is due, and returns when to look again; zero is never.
func (r *ring) sweep(now time.Time) (again time.Time) {
	for card, at := range r.ends() {
		if at <= now.UnixMilli() {
			if r.forget(card, now.UnixMilli()) == nil {
				continue
			}
			at = now.Add(sweepAgain).UnixMilli()
		}
		again = earlier(again, time.UnixMilli(at))
	}
	return again
}

// ends says when each released card is forgotten.
func (r *ring) ends() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out map[string]int64
	for card, h := range r.cards {
		for _, at := range []int64{h.saved.Active.ForgetAt, h.saved.Pending.ForgetAt} {
			if at == 0 || (out[card] != 0 && out[card] <= at) {
				continue
			}
			if out == nil {
				out = map[string]int64{}
			}
			out[card] = at
		}
	}
	return out
}

// list says what is held, in no order.
func (r *ring) list() []CardState {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]CardState, 0, len(r.cards))
	for card, h := range r.cards {
		one := CardState{Card: card, Profile: h.saved.Active.Profile, Bound: true}
		if h.saved.Active.None() {
			one = CardState{Card: card, Profile: h.saved.Pending.Profile}
		}
		out = append(out, one)
	}
	return out
}

// milli is the time in a dispatch's id.
func milli(dispatch string) (ms int64) {
	raw, err := ident.Parse(ident.Dispatch, dispatch)
	if err != nil {
		return 0
	}
	for _, b := range raw[:6] {
		ms = ms<<8 | int64(b)
	}
	return ms
}

// earlier returns the earlier of two times, zero being never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
