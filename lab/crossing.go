package lab

import (
	"encoding/hex"
	"math"
	"slices"
	"time"

	"sotto/bankapi"
	"sotto/tlv"
)

// Party is who sends or receives.
type Party string

// The parties.
const (
	Shop  Party = "shop"
	Bank  Party = "bank"
	Phone Party = "phone"
	Card  Party = "card"
	Payer Party = "payer"
	SIM   Party = "sim"
	Till  Party = "till"
)

// Crossing is one line of the timeline. Bytes are there when they are sealed or
// say nothing; what a person types or a shop asks has none.
type Crossing struct {
	Number int     `json:"number"`
	At     float64 `json:"at_ms"` // since the payment began
	From   Party   `json:"from"`
	To     Party   `json:"to"`
	Kind   string  `json:"kind"`
	Reason string  `json:"reason,omitempty"`
	Size   int     `json:"size,omitempty"` // bytes
	Lost   bool    `json:"lost,omitempty"`
	Busy   bool    `json:"busy,omitempty"`  // it is crossing just now
	Times  int     `json:"times,omitempty"` // how often, if more than once
	Parts  []Part  `json:"parts,omitempty"`
	Air    *Air    `json:"air,omitempty"` // how it crossed the radio, if it did
}

// Part is some bytes of a message, and what they are.
type Part struct {
	Name   string `json:"name"`
	Hex    string `json:"hex"`
	Sealed bool   `json:"sealed,omitempty"`
}

const timelineMax = 200

// note puts one line on the timeline.
func (l *Lab) note(c Crossing) {
	l.change(func(w *world) { w.note(c, l.c.Now()) })
}

func (w *world) note(c Crossing, now time.Time) {
	c.At = millis(now.Sub(w.begun))
	if n := len(w.timeline); n > 0 && c.Kind == "unreached" && w.timeline[n-1].Kind == c.Kind {
		last := &w.timeline[n-1]
		last.Times = max(last.Times, 1) + 1
		return
	}
	if len(w.timeline) >= timelineMax {
		w.timeline = slices.Delete(w.timeline, 0, 1)
	}
	c.Number = 1
	if n := len(w.timeline); n > 0 {
		c.Number = w.timeline[n-1].Number + 1
	}
	w.timeline = append(w.timeline, c)
}

// begin starts a new timeline. What belongs to an older payment may still come;
// it is named for what it is.
func (w *world) begin(now time.Time) {
	w.begun, w.timeline, w.seen, w.flight.row = now, nil, map[string]bool{}, 0
}

func millis(d time.Duration) float64 {
	return math.Round(float64(d.Microseconds())/100) / 10
}

// heard sees a dispatch as it leaves the TLS connection on the phone's side.
func (l *Lab) heard(id string, body []byte) {
	d, err := bankapi.ParseDispatch(body)
	if err != nil {
		return
	}
	kind := map[bankapi.DispatchKind]string{
		bankapi.DispatchCode: "code", bankapi.DispatchPair: "pair", bankapi.DispatchRelease: "release",
	}[d.Kind]
	parts := partsOf(body)
	if n := len(parts); n > 0 && d.Kind == bankapi.DispatchPair {
		parts[n-1].Name = "sealed-for-phone" // a pairing is for both
	}
	l.change(func(w *world) {
		if w.seen[id] {
			return // the bus brings things more than once
		}
		w.seen[id] = true
		if d.Kind == bankapi.DispatchCode {
			w.sealed = slices.Clone(body)
		}
		w.note(Crossing{From: Bank, To: Phone, Kind: kind, Size: len(body), Parts: parts}, l.c.Now())
	})
}

// said sees a report as it enters that connection, and when it is answered.
func (l *Lab) said(body []byte, answered bool) {
	r, err := bankapi.ParseReport(body)
	if err != nil {
		return
	}
	if answered {
		l.running.Go(func() { l.refreshPayment(l.ctx) })
		return
	}
	l.change(func(w *world) {
		if key := "report " + r.Dispatch; !w.seen[key] {
			w.seen[key] = true
			w.note(Crossing{From: Phone, To: Bank, Kind: "report", Size: len(body), Parts: partsOf(body)}, l.c.Now())
		}
	})
}

// names says what the objects in a message are, by template and tag
// (docs/protocol). Those with a dot in front are sealed.
var names = map[tlv.Tag]map[tlv.Tag]string{
	0xE8: {0x80: "id", 0x81: "kind", 0x82: "profile", 0x83: "card", 0x84: "until", 0x85: ".sealed-card"},
	0xE9: {0x80: "id", 0x81: "answer"},
	0xE1: {0x80: "version", 0x81: "profile", 0x82: "id", 0x83: "counter", 0x84: ".sealed-phone", 0x85: ".sealed-card"},
	0xE4: {0x80: "version", 0x81: "result", 0x82: "id", 0x83: "counter", 0x84: "proof"},
	0xE5: {0x80: "version", 0x81: "reason", 0x82: "id"},
}

// partsOf takes a message to pieces.
func partsOf(b []byte) []Part {
	outer, _, ok, err := tlv.Next(b)
	if err != nil || !ok {
		return nil
	}
	known := names[outer.Tag]
	var parts []Part
	for rest := outer.Value; len(rest) > 0; {
		var o tlv.Object
		if o, rest, ok, err = tlv.Next(rest); err != nil || !ok {
			return nil
		}
		name := known[o.Tag]
		if name == "" {
			return nil // nothing is shown of what is not understood
		}
		p := Part{Name: name, Hex: hex.EncodeToString(o.Value)}
		if name[0] == '.' {
			p.Name, p.Sealed = name[1:], true
		}
		parts = append(parts, p)
	}
	return parts
}
