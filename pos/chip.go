package pos

import (
	"context"
	"errors"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
)

// Limits of what a chip may make a terminal do.
const (
	commandsMax = 150 // of one presence of one chip, with every part of an answer
	partsMax    = 8   // GET RESPONSE and repetitions, for one command
	answerMax   = 256 // bytes of data in one answer (EMV 4.4 Book 1, 11.1)
	recordsMax  = 40  // that one AFL may name
)

// chip is one presence of one chip. Every command goes through it, so that none
// is missing in the trace and none runs for ever.
type chip struct {
	link  link.Connection
	trace tracer
	left  int // commands that it may still be sent
	gone  bool
}

func newChip(c link.Connection, t tracer) *chip {
	return &chip{link: c, trace: t, left: commandsMax}
}

// about says what a command is for, to whoever follows the trace.
type about struct {
	why string
	// sent is the data object list that the command's data was filled by.
	sent emv.DOL
	// format is the one that the answer is written by: a log record.
	format emv.DOL
	// values says that the answer has the form of a template 80, and what the
	// values in it are.
	values emv.DOL
}

// exchange sends one command and fetches all of its answer.
func (c *chip) exchange(ctx context.Context, command apdu.Command, a about) (apdu.Response, error) {
	var parts []part
	r, err := apdu.Transmit(func(one apdu.Command) (apdu.Response, error) {
		if len(parts) == partsMax {
			return apdu.Response{}, end(Endless)
		}
		r, err := c.one(ctx, one)
		parts = append(parts, part{one, r, err})
		return r, err
	}, command)
	if err == nil && len(r.Data) > answerMax {
		err = end(Endless)
	}
	if errors.Is(err, apdu.ErrEndless) {
		err = end(Endless)
	}
	c.trace.exchange(parts, r, a)
	return r, err
}

// one sends one command APDU.
func (c *chip) one(ctx context.Context, command apdu.Command) (apdu.Response, error) {
	if c.left == 0 {
		return apdu.Response{}, end(Endless)
	}
	c.left--
	if ctx.Err() != nil {
		return apdu.Response{}, end(Timeout)
	}
	b, err := c.link.Transmit(ctx, command.Bytes())
	switch {
	case err != nil && ctx.Err() != nil:
		return apdu.Response{}, end(Timeout)
	case err != nil:
		// A link's own error may say anything; whatever it is, the chip is not
		// to be spoken to.
		c.gone = true
		return apdu.Response{}, end(Gone)
	}
	r, err := apdu.ParseResponse(b)
	if err != nil {
		return apdu.Response{}, end(Malformed)
	}
	return r, nil
}

// read sends a command whose answer must be 9000; any other status ends the tap.
func (c *chip) read(ctx context.Context, command apdu.Command, a about) ([]byte, error) {
	r, err := c.exchange(ctx, command, a)
	if err != nil {
		return nil, err
	}
	if !r.Status.OK() {
		return nil, endStatus(r.Status)
	}
	return r.Data, nil
}
