package ble

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"sotto/ident"
	"sotto/link"
)

// Card is what Serve needs to be a card.
type Card struct {
	ID      ident.Raw
	Handler link.Handler
	Random  io.Reader    // for hints and challenges
	Log     *slog.Logger // hears when the radio fails and when it is back
	Ready   func()       // is called once, when phones can find the card; may be nil
}

// Times of the card's side.
const (
	hintMax    = 15 * time.Minute // a hint stays for two thirds of this at least
	sweepEvery = time.Second
	startMax   = 20 * time.Second
	retryMin   = time.Second // between two starts of a radio that fails
	retryMax   = 30 * time.Second
)

// Serve offers the card on a radio and gives every message to its handler, one at
// a time, until ctx is done. A radio that fails at the very start is an error;
// later it is started again for as long as it takes.
func Serve(ctx context.Context, p Peripheral, c Card) error {
	v := newVisitors(c)
	defer v.running.Wait()
	served := false
	for retry := retryMin; ; {
		began := time.Now()
		err := serveOnce(ctx, p, c, v, func() {
			if !served && c.Ready != nil {
				c.Ready()
			} else if served {
				c.Log.Info("the card can be found over Bluetooth again")
			}
			served = true
		})
		if ctx.Err() != nil {
			return nil
		}
		if !served {
			return err
		}
		if time.Since(began) > retryMax {
			retry = retryMin
		}
		c.Log.Warn("Bluetooth has failed and will be started again", "reason", err, "in", retry)
		if !pause(ctx, retry) {
			return nil
		}
		retry = min(2*retry, retryMax)
	}
}

var errRandom = errors.New("ble: no random bytes")

// serveOnce is one session, from its start until it fails or ctx is done.
func serveOnce(ctx context.Context, p Peripheral, c Card, v *visitors, found func()) error {
	starting, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	v.forget() // what came late from the session before
	session, err := p.Start(starting, v)
	if err != nil {
		return err
	}
	defer session.Close()
	v.use(session)
	defer v.forget()
	m := markOf(c.ID)
	if err := advertise(starting, session, m, c.Random); err != nil {
		return err
	}
	found()

	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	hint := time.NewTimer(hintTime())
	defer hint.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-session.Failed():
			return session.Err()
		case <-sweep.C:
			v.sweep()
		case <-hint.C:
			changing, cancel := context.WithTimeout(ctx, startMax)
			err := advertise(changing, session, m, c.Random)
			cancel()
			if err != nil {
				return err
			}
			hint.Reset(hintTime())
		}
	}
}

func advertise(ctx context.Context, s Session, m mark, random io.Reader) error {
	var r [randomSize]byte
	if _, err := io.ReadFull(random, r[:]); err != nil {
		return errRandom
	}
	return s.Advertise(ctx, m.hint(r))
}

// hintTime varies, so that the moment of a change does not tell one card from
// another.
func hintTime() time.Duration {
	return hintMax - rand.N(hintMax/3) //nolint:gosec // no secret, only spread
}

// pause waits; false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
