package scp03

import (
	"crypto/subtle"

	"sotto/apdu"
)

// InitializeUpdate is the command that begins a channel (Amendment D, 7.1.1).
// Version zero lets the card choose the key set. The challenge is random, and
// used for this command alone. On another logical channel than 0, the caller
// sets its number in the class, here and in every plain command.
func InitializeUpdate(version byte, challenge [8]byte) apdu.Command {
	return apdu.Command{
		CLA: 0x80, INS: insInitializeUpdate, P1: version,
		Data: challenge[:], Ne: apdu.NeMaxShort,
	}
}

// Opening is a channel whose EXTERNAL AUTHENTICATE has no answer yet.
type Opening struct{ s session }

// Authenticate checks that the card knows the keys, and makes the EXTERNAL
// AUTHENTICATE that proves it of the host and sets the level (7.1.2). Its
// errors are ErrLevel and ErrCard.
//
// A PseudoRandom card's challenge is not compared with CardChallenge: it proves
// nothing that the cryptogram does not, and the host may not know the AID.
func Authenticate(k Keys, challenge [8]byte, a Answer, level Level) (Opening, apdu.Command, error) {
	if !a.Option.Allows(level) {
		return Opening{}, apdu.Command{}, ErrLevel
	}
	context := contextOf(challenge, a.Challenge)
	s := newSession(k, context)
	s.level = level
	expected := cryptogram(s.mac, forCardCryptogram, context)
	if subtle.ConstantTimeCompare(expected[:], a.Cryptogram[:]) != 1 {
		return Opening{}, apdu.Command{}, ErrCard
	}
	proof := cryptogram(s.mac, forHostCryptogram, context)
	s, command := s.signed(apdu.Command{CLA: 0x80, INS: insExternalAuthenticate, P1: byte(level), Data: proof[:]})
	s.awaited = true
	return Opening{s}, command, nil
}

// Confirm takes the card's response to EXTERNAL AUTHENTICATE, which has no data
// and no R-MAC. A status other than 9000 comes back as the error.
func (o Opening) Confirm(r apdu.Response) (Host, error) {
	switch {
	case !o.s.awaited:
		return Host{}, ErrClosed
	case !r.Status.OK():
		return Host{}, r.Status
	case len(r.Data) != 0:
		return Host{}, ErrResponse
	}
	o.s.open, o.s.awaited = true, false
	return Host(o), nil
}

// Host is the host's end of an open channel. The zero Host is closed.
type Host struct{ s session }

// Level is what protects the channel; zero if it is closed.
func (h Host) Level() Level { return h.s.level }

// Wrap protects a command: class 00 to 03 or 80 to 83, at most DataMax or
// DataMaxEncrypted bytes of data. It may be called again before the response
// to the last command is unwrapped; that response is then lost.
//
// Ne stays what it is, except that a response that will grow by an R-MAC is
// given all the room there is. A command of case 1 or 3 gets a response with
// data under R-MAC, and it is the reader's affair to fetch it (apdu.Transmit).
func (h Host) Wrap(c apdu.Command) (Host, apdu.Command, error) {
	s := h.s
	if !s.open {
		return Host{}, apdu.Command{}, ErrClosed
	}
	if !protectable(c.CLA) || c.Extended || c.Ne > apdu.NeMaxShort || len(c.Data) > s.level.dataMax() {
		return h, apdu.Command{}, ErrCommand
	}
	s.commands++
	s.awaited = true
	if s.level.Has(CDEC) {
		c.Data = s.encrypted(c.Data, ofCommand)
	}
	if s.level.Has(RMAC) && c.Ne > 0 {
		c.Ne = apdu.NeMaxShort
	}
	s, c = s.signed(c)
	return Host{s}, c, nil
}

// Unwrap takes the protection off the response to the last command. An error
// status comes as the card sent it and leaves the channel open; nothing proves
// that it is the card's, at any level.
func (h Host) Unwrap(r apdu.Response) (Host, apdu.Response, error) {
	if !h.s.awaited {
		return h, apdu.Response{}, ErrClosed
	}
	h.s.awaited = false
	r, ok := h.s.unprotected(r)
	if !ok {
		return Host{}, apdu.Response{}, ErrResponse
	}
	return h, r, nil
}

// unprotected checks a response and gives its clear data (6.2.5, 6.2.7).
func (s session) unprotected(r apdu.Response) (apdu.Response, bool) {
	switch {
	case !s.level.Has(RMAC):
		return r, true
	case !covered(r.Status):
		return r, len(r.Data) == 0
	case len(r.Data) < macSize:
		return r, false
	}
	n := len(r.Data) - macSize
	data, given := r.Data[:n:n], r.Data[n:]
	if subtle.ConstantTimeCompare(given, s.responseMAC(data, r.Status)) != 1 {
		return r, false
	}
	r.Data = data
	if !s.level.Has(RENC) {
		return r, true
	}
	clear, ok := s.decrypted(data, ofResponse)
	r.Data = clear
	return r, ok
}
