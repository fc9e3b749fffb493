// Package frame carries one message and its answer over a link that carries only
// short frames: it cuts and joins, acknowledges, repeats, and knows a repetition
// (docs/protocol/link.md has every byte).
//
// A phone uses a Sender for each exchange, and Sender.Run if its link can be made
// a Pipe. A card uses Peers, which has a Receiver for each phone. All of them are
// state machines: bytes and the time go in, frames come out, and nothing here
// reads a clock, waits, or draws a random number.
//
// The phone leads. A card sends only after a frame that polls it, so it needs no
// timer to answer; it needs the time to forget. Frames may be lost, doubled and
// reordered. Of two messages no part is ever joined. A message is delivered once
// for its id, however often it comes; after that the stored answer is sent again.
// A length above MessageMax is refused at its first frame, and a phone has one
// message in assembly at most.
//
// The card's side allocates when it is made and never again, and imports only
// what may go into a card. Nothing here is secret or authentic: messages are
// sealed before they come and after they leave.
package frame

import (
	"errors"
	"time"
)

// Sizes in bytes.
const (
	// MessageMax is the largest message or answer, that of package link.
	MessageMax = 1536
	// HeaderSize is what a frame has before its payload.
	HeaderSize = 8
	// CRCSize is what a frame has behind its payload on a link without a check
	// of its own.
	CRCSize = 2
	// SizeMin is the smallest frame size a link may have: what the smallest ATT
	// MTU of Bluetooth Low Energy leaves for a value.
	SizeMin = 20
)

// WindowMax is how many frames an acknowledgement can speak of behind the first
// that is missing.
const WindowMax = 32

// Errors of an exchange on the phone's side.
var (
	// ErrUnsent: the message has not arrived, for it was never sent whole. To
	// the caller of an adapter this is link.ErrOutOfReach.
	ErrUnsent = errors.New("frame: nothing is heard, and the message was not sent whole")
	// ErrLost: the message may or may not have arrived. To the caller of an
	// adapter this is link.ErrLost.
	ErrLost = errors.New("frame: lost before the answer came")
	// ErrSilence: the card has taken the message and says that it has no answer.
	// To the caller of an adapter this is link.ErrLost.
	ErrSilence = errors.New("frame: the card keeps silent")
)

// Config is what a link gives. What is zero takes the value in brackets.
type Config struct {
	// Size is the largest frame that the link carries, in bytes (SizeMin).
	Size int
	// CRC puts a CRC-16 behind each frame, for a link that has no check.
	CRC bool
	// Window is how many frames go out before something has to come back, 1 to
	// WindowMax (8).
	Window int

	// Timeout is how long a phone waits after a poll (300 ms). It doubles with
	// each poll that nothing came back for, up to TimeoutMax (2 s), and after
	// TriesMax (8) such polls in a row the exchange is over.
	Timeout, TimeoutMax time.Duration
	TriesMax            int

	// IdleMax is how long a card keeps half a message without another frame of
	// it (3 s), WholeMax how long it keeps half a message at all (20 s).
	IdleMax, WholeMax time.Duration
	// AnswerMax is how long a card keeps an answer for a repetition (60 s).
	AnswerMax time.Duration
}

func (c Config) complete() Config {
	c.Size = max(c.Size, SizeMin)
	c.Window = min(or(c.Window, 8), WindowMax)
	c.Timeout = or(c.Timeout, 300*time.Millisecond)
	c.TimeoutMax = max(or(c.TimeoutMax, 2*time.Second), c.Timeout)
	c.TriesMax = or(c.TriesMax, 8)
	c.IdleMax = or(c.IdleMax, 3*time.Second)
	c.WholeMax = or(c.WholeMax, 20*time.Second)
	c.AnswerMax = or(c.AnswerMax, time.Minute)
	return c
}

// payloadMax is how many bytes of a message one frame holds.
func (c Config) payloadMax() int {
	n := c.Size - HeaderSize
	if c.CRC {
		n -= CRCSize
	}
	return n
}

func or[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}
