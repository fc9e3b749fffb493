package lab

import (
	"bytes"
	"slices"
	"time"

	"sotto/dyncode"
	"sotto/link/frame"
	"sotto/link/mem"
	"sotto/link/rfid"
)

// Air is how a message, or the answer to one, crossed the radio.
type Air struct {
	Link     string  `json:"link"`
	Distance float64 `json:"distance_m"`
	Took     float64 `json:"took_ms"` // the last try, by the radio's time; 0 until it is over
	// Pieces is how many it was cut into, and Crossed how many of these have
	// crossed. Packets is all that was sent about it either way, with repetitions
	// and the words beside the pieces, and Lost what of that did not arrive.
	Pieces  int `json:"pieces"`
	Crossed int `json:"crossed"`
	Packets int `json:"packets"`
	Lost    int `json:"lost"`
	// Fragments are the last packets, and Before how many there were before them.
	Fragments []Fragment `json:"fragments"`
	Before    int        `json:"before,omitempty"`

	crossed map[int]bool // by number
	counted int          // pieces, on a link that does not number them
}

// Fragment is one packet on the radio: a piece of a sealed message or of an
// answer, whose bytes stand beside it, or a word about these.
type Fragment struct {
	From   Party        `json:"from"`
	Kind   FragmentKind `json:"kind"`
	Number int          `json:"number,omitempty"` // of a piece, from 1
	Size   int          `json:"size"`             // bytes
	Lost   bool         `json:"lost,omitempty"`
	Again  int          `json:"again,omitempty"` // how often the radio itself has sent it before

	of int // so many pieces
}

// FragmentKind says what a packet is.
type FragmentKind string

// The kinds of fragments.
const (
	FragmentPiece  FragmentKind = "piece"
	FragmentHave   FragmentKind = "have"   // which pieces have come
	FragmentWho    FragmentKind = "who"    // which card this is
	FragmentStatus FragmentKind = "status" // whether there is room, or something to fetch
)

const (
	fragmentsMax = 160 // kept of one message
	heldMax      = 32  // kept until a card answers
)

// flight is one message on its way to the card, as it looks to somebody who
// listens to the radio.
type flight struct {
	message  []byte // sealed
	answer   []byte
	answered bool
	link     string
	began    time.Time // of the try or of the answer, by the radio's time
	row      int       // its number on the timeline; 0: none yet
	held     []Fragment
	listener rfid.Listener
	crossing bool // since the last round over all links
}

// hears says what a packet is.
func (f *flight) hears(p mem.Packet) Fragment {
	x := Fragment{From: Phone, Kind: FragmentPiece, Size: len(p.Bytes), Lost: p.Lost, Again: p.Repeat}
	if p.Way == mem.FromCard {
		x.From = Card
	}
	switch f.link {
	case mem.NFC.Name:
		x.Kind = f.overNFC(p)
	case mem.RFID.Name:
		h := f.listener.Hear(p.Way == mem.ToCard, p.Bytes)
		x.look(h.Mailbox, true)
		if h.Asks() || h.Command == "Inventory" {
			x.Kind = FragmentWho
		}
	default:
		x.look(p.Bytes, false)
	}
	return x
}

// look tells a piece and its number from the words beside it.
func (x *Fragment) look(b []byte, crc bool) {
	g, ok := frame.Look(b, crc)
	switch {
	case !ok:
		x.Kind = FragmentStatus
	case !g.Piece:
		x.Kind = FragmentHave
	default:
		x.Number, x.of = g.Number+1, g.Count
	}
}

// overNFC tells them by their command (docs/protocol/nfc.md). What begins neither
// a command nor a response goes on with a piece.
func (f *flight) overNFC(p mem.Packet) FragmentKind {
	const selects, fetches, statusSize = 0xA4, 0xC0, 2
	switch {
	case !p.First || len(p.Bytes) < statusSize:
	case p.Way == mem.ToCard && p.Bytes[1] == selects:
		return FragmentWho
	case p.Way == mem.ToCard && p.Bytes[1] == fetches:
		return FragmentStatus
	case p.Way == mem.FromCard && len(p.Bytes) == statusSize:
		return FragmentHave
	case p.Way == mem.FromCard && !f.answered:
		return FragmentWho
	}
	return FragmentPiece
}

// crosses puts a packet on the timeline. One that nobody has answered is held
// back: it may have asked for a card that is not there.
func (w *world) crosses(p mem.Packet, now time.Time) {
	f := &w.flight
	x := f.hears(p)
	row := w.line(f.row)
	if row == nil && x.From == Phone && x.Kind != FragmentPiece {
		if len(f.held) < heldMax {
			f.held = append(f.held, x)
		}
		return
	}
	if row == nil {
		row = w.takeOff(now)
		for _, before := range f.held {
			row.add(before)
		}
		f.held = nil
	}
	f.crossing = true
	row.Air.Distance = w.standing.distance
	row.add(x)
}

// line finds a line with something on the radio.
func (w *world) line(number int) *Crossing {
	i := slices.IndexFunc(w.timeline, func(c Crossing) bool { return c.Number == number && c.Air != nil })
	if i < 0 {
		return nil
	}
	return &w.timeline[i]
}

// takeOff makes the line of a message or of its answer, or goes on with that of a
// try that has just failed, so that a hundred tries are one line.
func (w *world) takeOff(now time.Time) *Crossing {
	f := &w.flight
	c := f.crossingNow()
	row := w.failed(c)
	if row == nil {
		w.note(c, now)
		row = &w.timeline[len(w.timeline)-1]
	} else {
		row.Times = max(row.Times, 1) + 1
		row.Lost, row.Busy = false, true
		row.Air.crossed, row.Air.counted, row.Air.Crossed = map[int]bool{}, 0, 0
	}
	f.row = row.Number
	return row
}

// failed is the last line of the same kind, if nothing came of it: it was lost
// itself, or it is a message and the answer behind it was.
func (w *world) failed(c Crossing) *Crossing {
	n := len(w.timeline)
	if n == 0 || !w.timeline[n-1].Lost || !w.timeline[n-1].over(c.Air.Link) {
		return nil
	}
	for i := n - 1; i >= max(n-2, 0); i-- {
		if row := &w.timeline[i]; row.Kind == c.Kind && row.over(c.Air.Link) {
			return row
		}
	}
	return nil
}

// over reports whether it crossed by this link.
func (c *Crossing) over(link string) bool { return c.Air != nil && c.Air.Link == link }

// crossingNow is what crosses: the message, or the answer to it.
func (f *flight) crossingNow() Crossing {
	c := Crossing{From: Phone, To: Card, Kind: "message", Size: len(f.message), Parts: partsOf(f.message), Busy: true}
	c.Air = &Air{Link: f.link, crossed: map[int]bool{}}
	if !f.answered {
		return c
	}
	c.From, c.To, c.Kind, c.Size, c.Parts = Card, Phone, "receipt", len(f.answer), partsOf(f.answer)
	if r, err := dyncode.ParseRefusal(f.answer); err == nil {
		c.Kind, c.Reason = "refusal", r.Reason.String()
	}
	return c
}

// add takes a fragment of what crosses on this line. A piece that goes the other
// way is a repetition of what is on the line before.
func (c *Crossing) add(x Fragment) {
	a := c.Air
	a.Packets++
	if x.Lost {
		a.Lost++
	}
	if x.Kind == FragmentPiece && x.From == c.From {
		a.count(&x)
	}
	if len(a.Fragments) >= fragmentsMax {
		a.Fragments = slices.Delete(a.Fragments, 0, 1)
		a.Before++
	}
	a.Fragments = append(a.Fragments, x)
}

func (a *Air) count(x *Fragment) {
	if x.Number == 0 {
		if x.Again == 0 {
			a.counted++
		}
		x.Number = a.counted
	}
	a.Pieces = max(a.Pieces, x.Number, x.of)
	if !x.Lost {
		a.crossed[x.Number] = true
	}
	a.Crossed = len(a.crossed)
}

// clone is for somebody who looks at it while more crosses.
func (a *Air) clone() *Air {
	if a == nil {
		return nil
	}
	c := *a
	c.Fragments, c.crossed = slices.Clone(a.Fragments), nil
	return &c
}

// land ends the line of what was crossing.
func (w *world) land(lost bool, at time.Time) {
	f := &w.flight
	if row := w.line(f.row); row != nil && row.Busy {
		row.Busy, row.Lost = false, lost
		row.Air.Took = millis(at.Sub(f.began))
	}
	f.row, f.began = 0, at
}

// ear listens to the radio for the timeline: it is an onlooker.
type ear struct{ *Lab }

// hear edits the world. Who looks is told at the next pause of the radio.
func (e ear) hear(edit func(*world)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	edit(&e.world)
}

func (e ear) setsOut(message []byte) {
	e.hear(func(w *world) { w.flight = flight{message: bytes.Clone(message)} })
}

func (e ear) tries(link string, at time.Time) {
	e.hear(func(w *world) {
		f := &w.flight
		f.link, f.began, f.answer, f.answered = link, at, nil, false
		f.row, f.held, f.listener = 0, nil, rfid.Listener{}
	})
}

func (e ear) crosses(p mem.Packet) {
	e.hear(func(w *world) { w.crosses(p, e.c.Now()) })
}

func (e ear) arrives(at time.Time) {
	e.change(func(w *world) { w.land(false, at) })
}

func (e ear) answers(answer []byte) {
	e.hear(func(w *world) { w.flight.answer, w.flight.answered = bytes.Clone(answer), true })
}

func (e ear) ended(answered bool, at time.Time) {
	e.change(func(w *world) { w.land(!answered, at) })
}

func (e ear) failed() {
	e.change(func(w *world) {
		if !w.flight.crossing {
			w.note(Crossing{From: Phone, To: Card, Kind: "unreached", Size: len(w.flight.message), Lost: true}, e.c.Now())
		}
		w.flight.crossing = false
	})
}
