// Package link has the interfaces by which bytes cross, and nothing else: those
// between a phone and a card here, those between a reader and a chip in chip.go.
// Rooms see bytes; the packages below link carry them.
package link

import (
	"context"
	"errors"
)

// Errors a Reach answers with. A link may wrap them.
var (
	// ErrOutOfReach: no link reaches the card now. Try again later.
	ErrOutOfReach = errors.New("link: the card is out of reach")
	// ErrLost: the message may or may not have arrived. Send it again; the
	// card knows a repetition.
	ErrLost = errors.New("link: lost before the answer came")
)

// MessageMax is the largest message or answer any link carries, in bytes.
const MessageMax = 1536

// Reach carries one message to a card and brings back its answer. The card's
// id says which card; how it is found is the link's own affair.
type Reach interface {
	Exchange(ctx context.Context, card string, message []byte) (answer []byte, err error)
}

// Handler is the card's side: it takes one message and gives one answer. A nil
// answer means silence.
type Handler interface {
	Handle(message []byte) (answer []byte)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(message []byte) []byte

// Handle calls f.
func (f HandlerFunc) Handle(message []byte) []byte { return f(message) }
