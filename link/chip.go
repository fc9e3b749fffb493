package link

import (
	"context"
	"errors"
)

// ErrGone means that the chip has left the field or the slot. Whether the last
// command reached it is unknown.
var ErrGone = errors.New("link: the chip is gone")

// Interface is the way in which a chip is powered and spoken to.
type Interface byte

// The two interfaces of a payment chip.
const (
	Contactless Interface = iota // ISO/IEC 14443: a field
	Contact                      // ISO/IEC 7816-3: a slot
)

// String names the interface.
func (i Interface) String() string {
	if i == Contact {
		return "contact"
	}
	return "contactless"
}

// Chip is the card's side of a reader. Calls come one after the other.
type Chip interface {
	// Reset is power or a warm reset: all that was selected is forgotten.
	Reset(i Interface)
	// Transmit answers one command APDU with one response APDU.
	Transmit(command []byte) (response []byte)
}

// Reader is the terminal's side: a place where chips come and go.
type Reader interface {
	// Connect waits until a chip is there, resets it, and returns the
	// connection to it.
	Connect(ctx context.Context) (Connection, error)
}

// Connection is one presence of one chip, from its reset until it is gone.
type Connection interface {
	Interface() Interface
	// Transmit sends one command APDU and returns the response APDU. ErrGone,
	// perhaps wrapped, ends the connection.
	Transmit(ctx context.Context, command []byte) (response []byte, err error)
	Close() error
}
