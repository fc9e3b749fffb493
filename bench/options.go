package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Options of Payments. Durations that are zero are zero.
type Options struct {
	Connections []int // closed loops, one after the other: that many payers at once
	Rate        int   // then an open loop of so many payments a second; 0 for none
	RateConns   int   // connections of the open loop

	Duration, WarmUp time.Duration // of each loop

	Cards, Phones, Merchants int

	// Hasty payers type the code the moment their card shows it. Others wait
	// until the bank has the card's receipt, as people do: they need seconds.
	Hasty bool

	Data     string       // a folder on a disk; it should be empty
	Log      *slog.Logger // of the bank
	Progress io.Writer    // words to a person
	Profile  func() (stop func() error, err error)
}

func (o Options) check() error {
	switch {
	case len(o.Connections) == 0 && o.Rate == 0:
		return errors.New("there is nothing to measure: give connections or a rate")
	case o.Cards < 1 || o.Phones < 1 || o.Merchants < 1:
		return errors.New("at least one card, one phone and one merchant are needed")
	case o.Duration <= 0 || o.WarmUp < 0:
		return errors.New("the duration must be above zero")
	case o.Rate < 0 || o.Rate > 0 && o.RateConns < 1:
		return errors.New("an open loop needs a rate and connections")
	}
	for _, n := range o.Connections {
		if n < 1 || n > o.Cards {
			return fmt.Errorf("%d connections need at least as many cards, and at least one: a card shows one code at a time", n)
		}
	}
	if o.Rate > 0 && o.RateConns > o.Cards {
		return fmt.Errorf("%d connections need at least as many cards: a card shows one code at a time", o.RateConns)
	}
	return nil
}
