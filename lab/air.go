package lab

import (
	"context"
	"errors"

	"sotto/link"
	"sotto/link/mem"
)

// air is the radio between phone and card. A phone that finds no card goes on
// scanning for as long as its try lasts, so that a card that comes into reach is
// served at once.
type air struct {
	*mem.Air
	missed func(size int) // told once a try: nothing crossed, so no tap sees it
	moved  news
}

func newAir(crossed func(mem.Crossing), missed func(size int)) *air {
	return &air{Air: mem.New(mem.Config{Observe: crossed}), missed: missed}
}

// Move changes how a card stands.
func (a *air) Move(card string, to mem.Place) {
	a.Air.Move(card, to)
	a.moved.tell()
}

// Exchange implements link.Reach.
func (a *air) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	for tries := 0; ; tries++ {
		moved := a.moved.after()
		answer, err := a.Air.Exchange(ctx, card, message)
		if !errors.Is(err, link.ErrOutOfReach) {
			return answer, err
		}
		if tries == 0 {
			a.missed(len(message))
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, err
		}
	}
}
