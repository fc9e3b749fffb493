package scp03

import (
	"crypto/subtle"

	"sotto/apdu"
)

// Domain is a security domain that answers for a card.
type Domain struct {
	Keys            Keys
	KeyVersion      byte // 01 to 7F
	Diversification [10]byte
	Option          Option
	AID             []byte // 5 to 16 bytes; a PseudoRandom challenge comes of it
}

// Offer is a channel that a host has asked for. It is good for one EXTERNAL
// AUTHENTICATE, which must be the next command.
type Offer struct {
	s        session
	proof    [macSize]byte // the host cryptogram
	channel  int
	option   Option
	sequence uint32
	made     bool
}

// Answer answers INITIALIZE UPDATE (Amendment D, 7.1.1). It ends whatever
// channel there was. A PseudoRandom domain uses the sequence counter, any other
// the random bytes. If the status is not 9000, there is no Offer.
//
// Errors: 6E00 for a class other than 80 to 83, 6A86 for P2, 6700 for a
// challenge that has not 8 bytes, 6A88 for a key version that is not there,
// 6985 if the sequence counter is at its end.
func (d Domain) Answer(c apdu.Command, sequence uint32, random [8]byte) (Offer, apdu.Response) {
	if status := d.refusal(c, sequence); !status.OK() {
		return Offer{}, apdu.Response{Status: status}
	}
	a := Answer{Diversification: d.Diversification, KeyVersion: d.KeyVersion, Option: d.Option, Challenge: random}
	if d.Option.has(PseudoRandom) {
		a.Sequence = sequence
		a.Challenge = CardChallenge(d.Keys, sequence, d.AID)
	}
	context := contextOf([macSize]byte(c.Data), a.Challenge)
	s := newSession(d.Keys, context)
	a.Cryptogram = cryptogram(s.mac, forCardCryptogram, context)
	return Offer{
		s: s, proof: cryptogram(s.mac, forHostCryptogram, context),
		channel: int(c.CLA & classChannel), option: d.Option, sequence: sequence, made: true,
	}, apdu.Response{Data: a.Bytes(), Status: apdu.StatusOK}
}

func (d Domain) refusal(c apdu.Command, sequence uint32) apdu.Status {
	switch {
	case c.CLA&^classChannel != 0x80:
		return apdu.StatusWrongCLA
	case c.INS != insInitializeUpdate:
		return apdu.StatusWrongINS
	case c.P2 != 0:
		return apdu.StatusWrongP1P2
	case len(c.Data) != macSize:
		return apdu.StatusWrongLength
	case c.P1 != 0 && c.P1 != d.KeyVersion:
		return apdu.StatusNoData
	case d.Option.has(PseudoRandom) && sequence >= SequenceMax:
		return apdu.StatusConditions
	}
	return apdu.StatusOK
}

// Accept answers EXTERNAL AUTHENTICATE (7.1.2). With 9000 the channel is open,
// and next is to be stored before the response leaves: the same counter makes
// the same challenge, and that would let a recorded session be played again.
// With any other status there is no channel, the offer is void, and next is the
// counter as it was.
//
// Errors: 6985 without an offer; 6982 for a class, length or MAC that is not
// that of the host that asked; 6A86 for P2 and for levels that do not exist or
// that the domain cannot do; 6300 for a wrong host cryptogram.
//
// Reading: when the counter counts is not said as plainly as for SCP02, where
// it does at the first verified C-MAC of a session (GPCS 2.3, annex E). So it does
// here: a stranger who asks and asks can then neither use it up nor wear out
// the store, and what a host has prepared for the next counter stays good.
func (o Offer) Accept(c apdu.Command) (card Card, next uint32, r apdu.Response) {
	s, level, status := o.check(c)
	if !status.OK() {
		return Card{}, o.sequence, apdu.Response{Status: status}
	}
	s.open, s.level = true, level
	next = o.sequence
	if o.option.has(PseudoRandom) {
		next++
	}
	return Card{s, o.channel}, next, apdu.Response{Status: apdu.StatusOK}
}

func (o Offer) check(c apdu.Command) (session, Level, apdu.Status) {
	switch {
	case !o.made:
		return session{}, 0, apdu.StatusConditions
	case c.INS != insExternalAuthenticate:
		return session{}, 0, apdu.StatusConditions
	case int(c.CLA&classChannel) != o.channel || c.CLA&^classChannel != 0x84:
		return session{}, 0, apdu.StatusSecurity
	}
	s, plain, ok := o.s.verified(c)
	level := Level(plain.P1)
	switch {
	case !ok || len(plain.Data) != macSize:
		return session{}, 0, apdu.StatusSecurity
	case c.P2 != 0 || !o.option.Allows(level):
		return session{}, 0, apdu.StatusWrongP1P2
	case subtle.ConstantTimeCompare(plain.Data, o.proof[:]) != 1:
		return session{}, 0, apdu.StatusRefused
	}
	return s, level, apdu.StatusOK
}

// Card is the card's end of an open channel. The zero Card is closed.
type Card struct {
	s       session
	channel int // the logical channel it was opened on, and lives on
}

// Open reports whether there is a channel.
func (c Card) Open() bool { return c.s.open }

// Level is what protects the channel; zero if it is closed.
func (c Card) Level() Level { return c.s.level }

// Unwrap takes the protection off a command. The data may alias the command's.
// A status other than 9000, always 6982, is the answer to a command that the
// host of this channel has not sent, or not now; the channel is then closed.
//
// Reading: a command in clear closes the channel as well. Commands that are
// none of the channel's business, as a SELECT that ends it, do not come here.
func (c Card) Unwrap(command apdu.Command) (Card, apdu.Command, apdu.Status) {
	if !c.s.open || int(command.CLA&classChannel) != c.channel {
		return Card{}, apdu.Command{}, apdu.StatusSecurity
	}
	s, plain, ok := c.s.verified(command)
	s.commands++
	s.awaited = true
	if ok && s.level.Has(CDEC) {
		plain.Data, ok = s.decrypted(plain.Data, ofCommand)
	}
	if !ok {
		return Card{}, apdu.Command{}, apdu.StatusSecurity
	}
	c.s = s
	return c, plain, apdu.StatusOK
}

// Wrap protects the response to the command that was unwrapped last. One with
// an error status goes bare, without data (Amendment D, 6.2.5). To a command
// that was not unwrapped, or answered already, the response is 6982, whatever r
// is: no clear data leaves by mistake.
func (c Card) Wrap(r apdu.Response) (Card, apdu.Response) {
	if !c.s.awaited {
		return c, apdu.Response{Status: apdu.StatusSecurity}
	}
	c.s.awaited = false
	return c, c.s.protected(r)
}

// protected is r as it travels (6.2.5, 6.2.7).
func (s session) protected(r apdu.Response) apdu.Response {
	switch {
	case !s.level.Has(RMAC):
		return r
	case !covered(r.Status):
		return apdu.Response{Status: r.Status}
	}
	data := r.Data
	if s.level.Has(RENC) {
		data = s.encrypted(data, ofResponse)
	}
	mac := s.responseMAC(data, r.Status)
	r.Data = append(data[:len(data):len(data)], mac...)
	return r
}
