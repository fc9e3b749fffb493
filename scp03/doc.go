// Package scp03 speaks both ends of Secure Channel Protocol 03: GlobalPlatform
// Card Specification 2.3, Amendment D, version 1.1.2, with the 8-byte MACs and
// cryptograms that version 1.2 calls S8 mode.
//
// The host calls InitializeUpdate, ParseAnswer, Authenticate and
// Opening.Confirm, and then has a Host, which wraps commands and unwraps
// responses. The card has a Domain; Domain.Answer and Offer.Accept answer the
// two commands, and the Card that comes of it unwraps commands and wraps
// responses. Keys encrypts what must stay secret inside the channel as well.
//
// Everything is a value: a method returns the next state beside its result, and
// the caller keeps that one and no other, on failure too. Randomness and the
// sequence counter are handed in. At the first command or response that is not
// what the other end must have sent, at any byte that is not as it was, the
// channel closes and stays so.
//
// It refuses: extended length, command chaining, channels 4 to 19, level 00,
// levels with a right and not the one it rests on, the R-MAC session commands,
// and the parameters of S16 mode. No error carries a byte of a key or of data,
// and no input makes it panic.
package scp03

import "errors"

// Errors of the host's end, in the order in which they are looked for: ErrKeys
// when keys are made; ErrAnswer, ErrLevel and ErrCard while a channel opens;
// ErrClosed, then ErrCommand, when a command is wrapped; ErrClosed, then
// ErrResponse, when a response is unwrapped.
var (
	ErrKeys     = errors.New("scp03: not three AES keys of one size")
	ErrAnswer   = errors.New("scp03: not an answer to INITIALIZE UPDATE that can be used")
	ErrLevel    = errors.New("scp03: security level unknown, or more than the card can do")
	ErrCard     = errors.New("scp03: the card does not know the keys")
	ErrClosed   = errors.New("scp03: the channel is closed, or no response is awaited")
	ErrCommand  = errors.New("scp03: command too long for a channel, or its class cannot be protected")
	ErrResponse = errors.New("scp03: response not protected as agreed; the channel is closed")
	ErrData     = errors.New("scp03: sensitive data is not a whole number of blocks")
)

const (
	blockSize = 16
	macSize   = 8 // bytes of a MAC, a challenge or a cryptogram on the wire

	insInitializeUpdate     = 0x50
	insExternalAuthenticate = 0x82
)

// Lengths of clear data that one command can carry (GPCS 2.3, 11.1.5).
const (
	DataMax          = 255 - macSize                         // bytes under C-MAC
	DataMaxEncrypted = (255-macSize)/blockSize*blockSize - 1 // bytes under C-DECRYPTION, padded
)

// SequenceMax is the last value of the sequence counter, which has three bytes.
const SequenceMax = 1<<24 - 1

// Level is what protects a session: P1 of EXTERNAL AUTHENTICATE (Amendment D,
// table 7-6).
type Level byte

// The rights a level is made of. CDEC rests on CMAC, RMAC on CMAC, and RENC on
// the three others: 01, 03, 11, 13 and 33 are all the levels there are.
const (
	CMAC Level = 0x01 // commands have a MAC
	CDEC Level = 0x02 // command data is encrypted
	RMAC Level = 0x10 // responses have a MAC
	RENC Level = 0x20 // response data is encrypted
)

// Valid reports whether l is one of the five levels.
func (l Level) Valid() bool {
	const all = CMAC | CDEC | RMAC | RENC
	return l.Has(CMAC) && all.Has(l) && (l == all || !l.Has(RENC))
}

// Has reports whether l has all these rights.
func (l Level) Has(rights Level) bool { return l&rights == rights }

// dataMax is how many bytes of clear data one command can carry.
func (l Level) dataMax() int {
	if l.Has(CDEC) {
		return DataMaxEncrypted
	}
	return DataMax
}

// Option is what a card can do: the parameter "i" (Amendment D, table 5-1).
type Option byte

// The bits of "i". ResponseENC rests on ResponseMAC.
const (
	PseudoRandom Option = 0x10 // challenges come from the sequence counter
	ResponseMAC  Option = 0x20 // RMAC can be had
	ResponseENC  Option = 0x40 // RENC can be had
)

// Valid reports whether all bits of o are known and none lacks its ground.
func (o Option) Valid() bool {
	return o&^(PseudoRandom|ResponseMAC|ResponseENC) == 0 && (o.has(ResponseMAC) || !o.has(ResponseENC))
}

func (o Option) has(bits Option) bool { return o&bits == bits }

// Allows reports whether a card with o can keep a channel at level l.
func (o Option) Allows(l Level) bool {
	return l.Valid() && (o.has(ResponseMAC) || !l.Has(RMAC)) && (o.has(ResponseENC) || !l.Has(RENC))
}
