package lab

import (
	"context"
	"sync"
	"time"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
)

// Pull says when the hand takes the SIM away again during a tap.
type Pull string

// The moments. The decisive command is the one that makes a debit final.
const (
	PullNever  Pull = ""
	PullBefore Pull = "before" // the decisive command does not arrive
	PullWorst  Pull = "worst"  // it is carried out, and its answer is lost
	PullAfter  Pull = "after"  // so many messages have crossed
	PullRandom Pull = "random" // PullAfter some number
)

// gesture is what the hand does in one tap.
type gesture struct {
	pull  Pull
	after int           // messages
	pace  time.Duration // of one message, so that the eye can follow
}

// field is the reader of the till: a field, or a slot, with the one chip that
// there is.
type field struct {
	chip link.Chip
	// At a pace that can be followed, crossing is told when a message sets out,
	// and where to, and carried when the SIM has done what it was told.
	crossing func(to Party)
	carried  func()

	mu      sync.Mutex
	face    link.Interface
	gesture gesture
	pulled  chan struct{} // closed by a hand; nil while no chip is there
	lost    Lost
}

// Lost is what was on its way when the SIM was pulled away.
type Lost string

// What can be lost.
const (
	LostNothing Lost = ""
	LostCommand Lost = "command" // the SIM never had it
	LostAnswer  Lost = "answer"  // the SIM has done what it was told
)

// prepare says what the next chip's hand will do.
func (f *field) prepare(face link.Interface, g gesture) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.face, f.gesture, f.lost = face, g, LostNothing
}

// pullNow is the hand that pulls during a tap. It reports whether there was a
// chip to pull.
func (f *field) pullNow() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pulled == nil {
		return false
	}
	select {
	case <-f.pulled:
	default:
		close(f.pulled)
	}
	return true
}

// lostNow is what the last pull has cost, and forgets it.
func (f *field) lostNow() Lost {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := f.lost
	f.lost = LostNothing
	return lost
}

// Connect implements link.Reader: the phone is held to it at once.
func (f *field) Connect(context.Context) (link.Connection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulled = make(chan struct{})
	f.chip.Reset(f.face)
	return &presence{field: f, face: f.face, gesture: f.gesture, pulled: f.pulled}, nil
}

// presence is one presence of the chip.
type presence struct {
	field   *field
	face    link.Interface
	gesture gesture
	pulled  chan struct{}
	crossed int // messages
	gone    bool
}

// Interface implements link.Connection.
func (p *presence) Interface() link.Interface { return p.face }

// Close implements link.Connection.
func (p *presence) Close() error {
	p.field.mu.Lock()
	defer p.field.mu.Unlock()
	p.field.pulled = nil
	return nil
}

// Transmit implements link.Connection. A message is whole or lost: a chip that
// has not had the end of a command does nothing, and a reader that has not had
// the end of an answer knows nothing.
func (p *presence) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	decisive := decisive(command)
	if !p.cross(ctx, SIM, LostCommand, decisive && p.gesture.pull == PullBefore) {
		return nil, link.ErrGone
	}
	answer := p.field.chip.Transmit(command)
	if p.gesture.pace > 0 && !hasMore(answer) {
		p.field.carried()
	}
	if !p.cross(ctx, Till, LostAnswer, decisive && p.gesture.pull == PullWorst) {
		return nil, link.ErrGone
	}
	return answer, ctx.Err()
}

// cross takes one message across, and reports whether it has arrived.
func (p *presence) cross(ctx context.Context, to Party, what Lost, pull bool) bool {
	if p.gone {
		return false
	}
	if p.gesture.pace > 0 {
		p.field.crossing(to)
		t := time.NewTimer(p.gesture.pace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.pulled:
		case <-ctx.Done():
		}
	}
	select {
	case <-p.pulled:
		pull = true
	default:
	}
	if pull || p.gesture.pull == PullAfter && p.crossed >= p.gesture.after {
		p.gone = true
		p.field.mu.Lock()
		p.field.lost = what
		p.field.mu.Unlock()
		return false
	}
	p.crossed++
	return true
}

// hasMore reports whether an answer goes on in the next (ISO/IEC 7816-4, 5.6).
func hasMore(answer []byte) bool {
	n := len(answer)
	return n >= 2 && (answer[n-2] == 0x61 || answer[n-2] == 0x6C)
}

// decisive reports whether a command makes a payment final on the SIM's side:
// the last record of a tap, GENERATE AC that asks for an approval, or the bank's
// answer to one that went online.
func decisive(command []byte) bool {
	c, err := apdu.Parse(command)
	if err != nil {
		return false
	}
	switch c.INS {
	case insReadRecord:
		return c.P1 == lastRecord && c.P2>>3 == lastFile
	case insGenerateAC:
		return emv.CID(c.P1).Kind() == emv.TC
	}
	return c.INS == insExternalAuthenticate
}

const (
	insReadRecord           byte = 0xB2
	insGenerateAC           byte = 0xAE
	insExternalAuthenticate byte = 0x82

	// The last record of an offline tap.
	lastFile, lastRecord byte = 1, 3
)
