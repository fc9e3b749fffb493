package phone

import (
	"context"

	"sotto/dyncode"
	"sotto/secret"
)

// Pairing is what seals from this phone to one card.
type Pairing struct {
	Dispatch string          // the dispatch that brought it; empty is no pairing
	Profile  dyncode.Profile // of the card
	Secret   secret.Secret   // 32 random bytes, made by the bank
	// Reserved is the phone's counter: every value up to it may have been used.
	Reserved uint64
	// ForgetAt is when a released pairing is forgotten at the latest, in Unix
	// milliseconds; 0 while it is not released.
	ForgetAt int64
}

// None reports whether there is no pairing.
func (p Pairing) None() bool { return p.Dispatch == "" }

// Binding is all that a phone keeps of one card. Pending is a pairing that the
// card has not acknowledged yet; it takes the place of Active when it has.
type Binding struct {
	Active  Pairing
	Pending Pairing
}

// Empty reports whether nothing is kept.
func (b Binding) Empty() bool { return b.Active.None() && b.Pending.None() }

// State keeps the bindings over restarts. It has one user at a time.
type State interface {
	// Bindings returns all that was saved, by card id.
	Bindings() (map[string]Binding, error)
	// Save replaces what is kept of a card, and forgets the card if b is
	// empty. When it returns nil, the change survives a crash.
	Save(card string, b Binding) error
}

// Sender brings one message to the bank and returns the bank's answer. It may
// try until ctx ends; the bank knows a repetition.
type Sender interface {
	Send(ctx context.Context, body []byte) (answer []byte, err error)
}
