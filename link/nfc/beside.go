package nfc

import (
	"sotto/apdu"
	"sotto/link"
)

// Beside makes one chip of a display card and another chip, such as a bank card,
// that a reader finds in the same field or slot (A13): whichever is selected has
// the commands until the other one is. After a reset it is the other chip, so
// that a terminal that knows nothing of display cards meets what it knows.
//
// The one that is left is reset: to it, this is the end of the session, and what
// it had half done is undone.
func Beside(display *Card, other link.Chip) link.Chip {
	return &beside{display: display, other: other, current: other}
}

type beside struct {
	display *Card
	other   link.Chip
	current link.Chip
	way     link.Interface
}

// Reset implements link.Chip.
func (b *beside) Reset(i link.Interface) {
	b.way, b.current = i, b.other
	b.display.Reset(i)
	b.other.Reset(i)
}

// Transmit implements link.Chip.
func (b *beside) Transmit(command []byte) []byte {
	wanted, named := b.named(command)
	if !named || wanted == b.current {
		return b.current.Transmit(command)
	}
	response := wanted.Transmit(command)
	if !selected(response) {
		return response // nothing was selected, so nothing was left
	}
	b.current.Reset(b.way)
	b.current = wanted
	return response
}

// named is the chip whose application a SELECT names, whatever else the command
// says.
func (b *beside) named(command []byte) (wanted link.Chip, named bool) {
	c, err := apdu.Parse(command)
	if err != nil || c.INS != insSelect || !c.CLA.Interindustry() || c.P1 != byName {
		return nil, false
	}
	if selects(c.Data) {
		return b.display, true
	}
	return b.other, true
}

// selected reports whether a SELECT has selected something: 9000, a warning, or
// data that wait.
func selected(response []byte) bool {
	r, err := apdu.ParseResponse(response)
	if err != nil {
		return false
	}
	_, more := r.Status.BytesLeft()
	return r.Status.OK() || r.Status.Warning() || more
}
