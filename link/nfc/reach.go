package nfc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sotto/apdu"
	"sotto/link"
)

// Config has what may be left out of a Reach.
type Config struct {
	// WaitMax is how long an exchange waits until the right card is in the
	// field; 0 is as long as its context lets it.
	WaitMax time.Duration
	// Timeout and Wait stand in for context.WithTimeout and for waiting; a
	// simulation turns its own clock.
	Timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	Wait    func(ctx context.Context, d time.Duration) error
}

// Reach is the phone's side: it waits for the card at a reader, gives it one
// message, and takes the answer. It has the reader for the time of an exchange
// only. It is safe for concurrent use; exchanges wait for each other.
type Reach struct {
	reader link.Reader
	c      Config
	turn   chan struct{}
}

// NewReach makes the way to the cards that come to a reader.
func NewReach(r link.Reader, c Config) *Reach {
	if c.Timeout == nil {
		c.Timeout = context.WithTimeout
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Reach{reader: r, c: c, turn: make(chan struct{}, 1)}
}

// lookAgain is the pause after a chip that is not the card, or went away, before
// the reader is asked again.
const lookAgain = 250 * time.Millisecond

// Errors of one presence of one chip. The message has not left.
var (
	errOther   = errors.New("nfc: the chip at the reader is not this card")
	errVersion = errors.New("nfc: the card speaks another version: update the phone's software")
	errSize    = errors.New("nfc: a message has 1 to link.MessageMax bytes")
	errSilent  = errors.New("nfc: the card kept silent")
	errAnswer  = errors.New("nfc: the card's answer is out of bounds")
)

// Exchange implements link.Reach.
func (r *Reach) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, errSize
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, outOfReach(ctx.Err())
	}
	waiting := ctx
	if r.c.WaitMax > 0 {
		var cancel context.CancelFunc
		waiting, cancel = r.c.Timeout(ctx, r.c.WaitMax)
		defer cancel()
	}
	connection, err := r.find(waiting, card)
	if err != nil {
		return nil, outOfReach(err)
	}
	defer connection.Close()
	return deliver(ctx, connection, message)
}

// find waits until the card is at the reader and selects its application.
func (r *Reach) find(ctx context.Context, card string) (link.Connection, error) {
	for {
		connection, err := r.reader.Connect(ctx)
		if err != nil {
			return nil, err
		}
		err = selectCard(ctx, connection, card)
		if err == nil {
			return connection, nil
		}
		connection.Close()
		if errors.Is(err, errVersion) {
			return nil, err
		}
		if waited := r.c.Wait(ctx, lookAgain); waited != nil {
			return nil, fmt.Errorf("%w: %w", err, waited)
		}
	}
}

// selectCard selects the application and looks whether this is the card.
func selectCard(ctx context.Context, connection link.Connection, card string) error {
	response, err := transmit(ctx, connection, apdu.Command{INS: insSelect, P1: byName, Data: name, Ne: apdu.NeMaxShort})
	switch {
	case err != nil:
		return err
	case response.Status == apdu.StatusNotFound:
		return errOther
	case !response.Status.OK():
		return fmt.Errorf("nfc: the card answers %04X to SELECT", uint16(response.Status))
	}
	version, sign, err := parseFCI(response.Data)
	switch {
	case err != nil:
		return err
	case version != Version:
		return errVersion
	case !sign.Of(card):
		return errOther
	}
	return nil
}

// deliver sends the message and fetches the answer. Before the last command of
// the chain has left, the card cannot have the message.
func deliver(ctx context.Context, connection link.Connection, message []byte) ([]byte, error) {
	put := apdu.Command{INS: insPutData, P1: putHigh, P2: putLow, Data: message}
	chain, err := apdu.Split(put, apdu.DataMaxShort)
	if err != nil {
		return nil, err
	}
	last := len(chain) - 1
	for _, c := range chain[:last] {
		response, err := transmit(ctx, connection, c)
		if err == nil {
			err = response.Status.Err()
		}
		if err != nil {
			return nil, outOfReach(err)
		}
	}
	response, err := transmit(ctx, connection, chain[last])
	switch {
	case err != nil:
		return nil, lost(err)
	case response.Status == apdu.StatusUnknown:
		return nil, lost(errSilent)
	case !response.Status.OK():
		return nil, lost(response.Status)
	case len(response.Data) == 0 || len(response.Data) > link.MessageMax:
		return nil, lost(errAnswer)
	}
	return response.Data, nil
}

// transmit sends one command and fetches all of its response.
func transmit(ctx context.Context, connection link.Connection, c apdu.Command) (apdu.Response, error) {
	return apdu.Transmit(func(c apdu.Command) (apdu.Response, error) {
		b, err := connection.Transmit(ctx, c.Bytes())
		if err != nil {
			return apdu.Response{}, err
		}
		return apdu.ParseResponse(b)
	}, c)
}

// outOfReach and lost say both what it means to a phone and what happened.
func outOfReach(err error) error { return fmt.Errorf("%w: %w", link.ErrOutOfReach, err) }
func lost(err error) error       { return fmt.Errorf("%w: %w", link.ErrLost, err) }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
