package card

import (
	"bytes"
	"errors"
	"math"
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// machine is the rules over one memory. It is a value: receive decides and
// changes nothing. The seals and the resting picture are only what the memory has,
// made ready.
type machine struct {
	memory          Memory
	inner           dyncode.Inner
	active, pending dyncode.Outer
	resting         View // the picture when there is nothing to show
}

func newMachine(m Memory) machine {
	x := machine{memory: m, resting: restingView(m.Identity)}
	if m.Identity.Profile != dyncode.Plain {
		x.inner = dyncode.NewInner(m.Identity.Key, m.Identity.Card)
	}
	x.active = outerOf(m.Identity.Card, m.Active)
	x.pending = outerOf(m.Identity.Card, m.Pending)
	return x
}

func outerOf(card ident.Raw, p Pairing) dyncode.Outer {
	if !p.Present() {
		return dyncode.Outer{}
	}
	return dyncode.NewOuter(p.Secret, card, p.Phone, p.KeySource)
}

// with is the machine after its memory has changed. Seals are made anew only
// when a pairing came or went.
func (x machine) with(m Memory) machine {
	switch {
	case !m.Active.Present() && !m.Pending.Present(): // released, or none yet
		x.active, x.pending = dyncode.Outer{}, dyncode.Outer{}
	case x.memory.Pending.Present() && !m.Pending.Present(): // the pending phone proved itself
		x.active, x.pending = x.pending, dyncode.Outer{}
	case m.Pending.Present() && !m.Pending.same(x.memory.Pending):
		x.pending = outerOf(m.Identity.Card, m.Pending)
	}
	x.memory = m
	return x
}

// decision is what a message makes of the card. Exactly one of three: a
// refusal, a repetition, or a view to show after next has been kept.
type decision struct {
	refused dyncode.Reason // 0: not refused
	repeat  bool           // the receipt is all there is to do
	message ident.Raw
	receipt dyncode.Receipt
	next    Memory // to be kept before the view is shown
	view    View   // without its code
	code    []byte // ASCII digits in a buffer of its own
	life    life
}

// life is when a view ends, by the time it is given and by the card's clock.
type life struct {
	lifetime  time.Duration // 0: it stays until the next message
	expiresAt uint64        // Unix seconds; 0: lifetime alone
}

// receive decides on one message. With no clock, now is the zero Time. It uses
// r and leaves it wiped.
//
// Refusals are in the order of dyncode.Reason: the first that holds is the
// answer.
func (x machine) receive(message []byte, now time.Time, r *room) decision {
	m, err := dyncode.Parse(message)
	d := decision{message: m.ID}
	switch {
	case errors.Is(err, dyncode.ErrVersion):
		d.refused = dyncode.RefusedVersion
		return d
	case err != nil:
		return decision{refused: dyncode.RefusedMalformed}
	}
	lines, err := linesOf(m)
	switch {
	case err != nil:
		return decision{refused: dyncode.RefusedMalformed}
	case m.Profile != x.memory.Identity.Profile:
		d.refused = dyncode.RefusedProfile
		return d
	case m.Profile == dyncode.Plain:
		return x.receivePlain(m, lines)
	}
	defer r.wipe()
	o := x.open(m, r)
	if o.refused != 0 {
		d.refused = o.refused
		return d
	}
	return x.judge(m, o, now)
}

// linesOf reads a plain message's lines. That comes before the question whose
// profile it is: what cannot be read is malformed whoever it is for.
func linesOf(m dyncode.Message) (dyncode.Lines, error) {
	if m.Profile != dyncode.Plain {
		return dyncode.Lines{}, nil
	}
	return dyncode.ParseLines(m.Lines)
}

// room is where messages are opened: twice the space that any needs, so that
// nothing is copied elsewhere, and wiping it wipes all that was in clear.
type room struct{ outer, inner [dyncode.BufferMax]byte }

func (r *room) wipe() {
	clear(r.outer[:])
	clear(r.inner[:])
}

// opened is an authenticated message: who sealed it, and what was inside.
type opened struct {
	refused dyncode.Reason
	from    from
	counter uint64          // the bank's
	content dyncode.Content // aliases the room
	broken  bool            // authentic, but not readable as content
}

// from is whose outer seal a message carries.
type from uint8

const (
	fromBank    from = iota // none: a direct message
	fromActive              // the phone in use
	fromPending             // the phone that was introduced and is now proven
)

// open authenticates a message of the two sealed profiles.
func (x machine) open(m dyncode.Message, r *room) opened {
	if m.Direct != nil {
		return x.openBank(m, m.Direct, fromBank, r)
	}
	if !x.memory.Active.Present() && !x.memory.Pending.Present() {
		return opened{refused: dyncode.RefusedUnbound}
	}
	bankPart, sealer, ok := x.openOuter(m, r)
	if !ok {
		return opened{refused: dyncode.RefusedSeal}
	}
	return x.openBank(m, bankPart, sealer, r)
}

func (x machine) openOuter(m dyncode.Message, r *room) ([]byte, from, bool) {
	if x.memory.Active.Present() {
		if b, err := x.active.Open(r.outer[:0], m); err == nil {
			return b, fromActive, true
		}
	}
	if x.memory.Pending.Present() {
		if b, err := x.pending.Open(r.outer[:0], m); err == nil {
			return b, fromPending, true
		}
	}
	return nil, 0, false
}

// openBank opens what the bank made. Under a phone's seal the profile decides
// whether the bank has sealed too; with no phone's seal the bank always has.
func (x machine) openBank(m dyncode.Message, bankPart []byte, sealer from, r *room) opened {
	o := opened{from: sealer}
	part, err := dyncode.ParseBankPart(bankPart)
	if err != nil { // only under an outer seal: Parse has looked at a direct one
		o.broken = true
		return o
	}
	o.counter = part.Counter
	padded := part.Clear
	if o.from == fromBank || m.Profile == dyncode.CardSealed {
		padded, err = x.inner.Open(r.inner[:0], m.Profile, m.ID, part)
		if err != nil {
			o.refused = dyncode.RefusedSeal
			return o
		}
	}
	o.content, err = dyncode.ParseContent(padded)
	o.broken = err != nil
	return o
}

// judge decides on an authentic message.
func (x machine) judge(m dyncode.Message, o opened, now time.Time) decision {
	d := decision{message: m.ID}
	d.receipt = dyncode.Receipt{Result: resultOf(o.content.Kind), Message: m.ID, Counter: o.counter}
	if !o.broken && kindFits(o) && d.receipt == x.memory.Shown {
		d.repeat = true
		return d
	}
	next, fresh := x.advance(m, o)
	view, fit := x.present(o)
	switch {
	case !fresh:
		d.refused = dyncode.RefusedCounter
	case !fit:
		d.refused = dyncode.RefusedContent
	case expired(o.content, now):
		d.refused = dyncode.RefusedExpired
	case o.counter == math.MaxUint64 || o.from != fromBank && m.Counter == math.MaxUint64:
		d.refused = dyncode.RefusedExhausted
	}
	if d.refused != 0 {
		return d
	}
	d.view = view
	d.next = next.learn(o.content)
	d.code = bytes.Clone(o.content.Code)
	d.life = lifeOf(o.content)
	return d
}

// advance is the memory with the message's counters in it, or not ok when one
// of them is not above the last. A pending phone whose message opens is proven:
// it takes the active one's place.
func (x machine) advance(m dyncode.Message, o opened) (Memory, bool) {
	next := x.memory
	if o.from == fromPending {
		next.Active, next.Pending = next.Pending, Pairing{}
	}
	if o.from != fromBank {
		if m.Counter <= next.Active.Counter {
			return Memory{}, false
		}
		next.Active.Counter = m.Counter
	}
	if o.broken { // no bank counter could be read
		return next, true
	}
	if o.counter <= next.BankCounter {
		return Memory{}, false
	}
	if o.from == fromBank || m.Profile == dyncode.CardSealed {
		next.BankCounter = o.counter
		return next, true
	}
	if o.counter <= next.Active.Claimed {
		return Memory{}, false
	}
	next.Active.Claimed = o.counter
	return next, true
}

// learn keeps or forgets pairings, as the content says.
func (m Memory) learn(c dyncode.Content) Memory {
	switch c.Kind {
	case dyncode.Bind:
		m.Pending = Pairing{
			Phone:     c.Phone,
			Secret:    secret.New(c.Pairing),
			KeySource: [32]byte(c.KeySource),
		}
	case dyncode.Release:
		m.Active, m.Pending = Pairing{}, Pairing{}
	case dyncode.Payment:
	}
	return m
}

// kindFits reports whether content came the way its kind must: payments through
// a phone, words about phones from the bank alone.
func kindFits(o opened) bool {
	return (o.content.Kind == dyncode.Payment) == (o.from != fromBank)
}

func resultOf(k dyncode.Kind) dyncode.Result {
	switch k {
	case dyncode.Bind:
		return dyncode.Bound
	case dyncode.Release:
		return dyncode.Released
	case dyncode.Payment:
	}
	return dyncode.Shown
}
