package phone

import (
	"errors"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/secret"
)

// errContent says that the bank's words cannot be made into a message.
var errContent = errors.New("phone: the bank's message breaks its rules")

// messageMax bounds what goes to a card, in bytes.
const messageMax = min(dyncode.MessageMax, link.MessageMax)

// refusalOf says what the phone answers in the card's place when no message
// can be made. A refusal is not authenticated and decides nothing, but the bank
// then need not wait for the end of the code's time.
func refusalOf(err error) (dyncode.Reason, bool) {
	switch {
	case errors.Is(err, errUnbound):
		return dyncode.RefusedUnbound, true
	case errors.Is(err, errProfile):
		return dyncode.RefusedProfile, true
	case errors.Is(err, dyncode.ErrSeal):
		return dyncode.RefusedSeal, true
	case errors.Is(err, errContent):
		return dyncode.RefusedContent, true
	case errors.Is(err, errExhausted):
		return dyncode.RefusedExhausted, true
	case errors.Is(err, errRoom):
		return dyncode.RefusedStorage, true
	}
	return 0, false
}

// compose makes the message for the card. It keeps in j what is sealed, so
// that a repetition is the same bytes, and nothing that is not.
func (p *Phone) compose(j *job) (message []byte, err error) {
	if j.message != nil {
		return j.message, nil
	}
	id, err := ident.Parse(ident.Dispatch, j.d.ID)
	if err != nil {
		return nil, errContent
	}
	profile := dyncode.Profile(j.d.Profile)
	switch j.d.Kind {
	case bankapi.DispatchCode:
		message, err = p.composeCode(j, id, profile)
	case bankapi.DispatchPair:
		message, err = p.composePair(j, id, profile)
	case bankapi.DispatchRelease:
		message, err = p.composeRelease(j, id, profile)
	default:
		err = errContent
	}
	switch {
	case err != nil:
		return nil, err
	case len(message) > messageMax:
		clear(message)
		return nil, errContent
	}
	if profile != dyncode.Plain {
		j.message = message
	}
	return message, nil
}

// composeCode seals a code for the card, under the pairing in use.
func (p *Phone) composeCode(j *job, id ident.Raw, profile dyncode.Profile) ([]byte, error) {
	if j.use == active && p.ring.pairing(j.d.Card, active).None() {
		j.use = pending // the card may have said Bound when nobody heard it
	}
	if err := p.ring.pairing(j.d.Card, j.use).usable(profile); err != nil {
		return nil, err
	}
	switch profile {
	case dyncode.CardSealed:
		if part, err := dyncode.ParseBankPart(j.d.Body); err != nil || part.Sealed == nil {
			return nil, errContent
		}
		return p.ring.seal(j.d.Card, j.use, profile, id, j.d.Body)
	case dyncode.PhoneSealed:
		return p.opened(j.d, id, func(clear []byte) ([]byte, error) {
			if part, err := dyncode.ParseBankPart(clear); err != nil || part.Clear == nil {
				return nil, errContent
			}
			return p.ring.seal(j.d.Card, j.use, profile, id, clear)
		})
	default:
		return p.opened(j.d, id, func(content []byte) ([]byte, error) {
			return p.lines(j, id, dyncode.Payment, content)
		})
	}
}

// composePair keeps the new pairing and passes the binding message on.
func (p *Phone) composePair(j *job, id ident.Raw, profile dyncode.Profile) ([]byte, error) {
	for _, u := range []use{active, pending} {
		known := p.ring.pairing(j.d.Card, u)
		if !known.None() && milli(j.d.ID) < milli(known.Dispatch) {
			return nil, errStale
		}
	}
	return p.opened(j.d, id, func(b []byte) ([]byte, error) {
		pairing, err := bankapi.ParsePairing(b)
		if err != nil {
			return nil, errContent
		}
		message, err := p.direct(j, id, profile, dyncode.Bind, pairing.BankPart)
		if err != nil {
			return nil, err
		}
		return message, p.ring.pend(j.d.Card, j.d.ID, profile, secret.New(pairing.Secret))
	})
}

// composeRelease marks the pairing to be forgotten and passes the release on.
func (p *Phone) composeRelease(j *job, id ident.Raw, profile dyncode.Profile) ([]byte, error) {
	if err := p.ring.release(j.d.Card, j.d.ID, j.d.ExpiresAt); err != nil {
		return nil, err
	}
	if profile != dyncode.Plain {
		return p.direct(j, id, profile, dyncode.Release, j.d.Body)
	}
	return p.opened(j.d, id, func(content []byte) ([]byte, error) {
		return p.direct(j, id, profile, dyncode.Release, content)
	})
}

// direct frames what goes to the card under the bank's own seal, or, for a card
// that cannot decrypt, as lines.
func (p *Phone) direct(j *job, id ident.Raw, profile dyncode.Profile, k dyncode.Kind, part []byte) ([]byte, error) {
	if profile == dyncode.Plain {
		return p.lines(j, id, k, part)
	}
	if b, err := dyncode.ParseBankPart(part); err != nil || b.Sealed == nil {
		return nil, errContent
	}
	message := dyncode.AppendDirect(nil, profile, id, part)
	if len(message) > messageMax {
		return nil, errContent // before anything is kept of it
	}
	return message, nil
}

// opened opens what the bank sealed for this phone, and wipes it as soon as
// made has made something else of it.
func (p *Phone) opened(d bankapi.Dispatch, id ident.Raw, made func(clear []byte) ([]byte, error)) ([]byte, error) {
	card, err := ident.Parse(ident.Card, d.Card)
	if err != nil {
		return nil, errContent
	}
	plain, err := p.box.Open(card, id, d.Body)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return made(plain)
}
