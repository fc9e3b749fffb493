package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sotto/apdu"
	"sotto/link"
)

// closeTime is how long the daemon may take to power a chip off.
const closeTime = 2 * time.Second

// commandMax and responseMax are what the daemon carries: a whole extended APDU.
const (
	commandMax  = 4 + 3 + apdu.DataMax + 2
	responseMax = apdu.NeMax + 2
)

var errExtended = errors.New("pcsc: a chip that speaks T=0 takes no extended lengths")

// connection is one presence of one chip; one goroutine at a time uses it.
type connection struct {
	session  *session
	card     uint32
	protocol uint32
	way      link.Interface
	end      error // why there is nothing more to be had
}

// open takes the reader for itself and resets the chip: another program may have
// left it in the middle of something.
func (c *connection) open(ctx context.Context, reader string) error {
	if err := c.take(ctx, reader); err != nil {
		return fmt.Errorf("reader %q: %w", reader, err)
	}
	err := c.reset(ctx)
	if err == nil {
		err = c.learn(ctx, reader)
	}
	if err != nil {
		_ = c.disconnect(leaveCard) // hanging up alone would reset what is not there
		return fmt.Errorf("reader %q: %w", reader, err)
	}
	return nil
}

func (c *connection) take(ctx context.Context, reader string) error {
	body := slices.Concat(words(c.session.context), named(reader), words(shareExclusive, protocolAny, 0, 0, 0))
	answer, err := c.session.call(ctx, cmdConnect, body)
	if err != nil {
		return err
	}
	fields := answer[wordSize+nameSize:]
	c.card = word(fields, 2)
	return code(word(fields, 4)).err()
}

func (c *connection) reset(ctx context.Context) error {
	answer, err := c.session.call(ctx, cmdReconnect, words(c.card, shareExclusive, protocolAny, resetCard, 0, 0))
	if err != nil {
		return err
	}
	c.protocol = word(answer, 4)
	return code(word(answer, 5)).err()
}

// learn finds out from the ATR how the chip is reached.
func (c *connection) learn(ctx context.Context, reader string) error {
	states, err := c.session.states(ctx)
	if err != nil {
		return err
	}
	found, err := choose(states, reader)
	if err != nil { // unplugged just now
		return err
	}
	if !found.contactless() {
		c.way = link.Contact
	}
	return nil
}

func (c *connection) Interface() link.Interface { return c.way }

// Transmit implements link.Connection. If ctx ends while the chip is at work, the
// connection ends too, since the answer may still come. A ctx that was done
// before sends nothing and ends nothing.
func (c *connection) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	switch {
	case c.end != nil:
		return nil, c.end
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(command) < 4 || len(command) > commandMax:
		return nil, errors.New("pcsc: these are not the bytes of a command")
	}
	if c.protocol == protocolT0 {
		var err error
		if command, err = forT0(command); err != nil {
			return nil, err
		}
	}
	response, answered, err := c.transmit(ctx, command)
	switch {
	case err != nil:
	case answered == success:
		return response, nil
	case !errors.Is(answered, link.ErrGone):
		return nil, answered
	default:
		err = answered
		_ = c.disconnect(leaveCard) // there is nothing to reset, but the reader to let go
	}
	c.end = fmt.Errorf("%w: %w", link.ErrGone, err)
	c.session.conn.Close()
	return nil, c.end
}

// transmit is one exchange. Eight fields stand before each APDU: card; protocol,
// size of its header and length on the way to the chip; the same on the way back;
// code. Only after success is there a response.
func (c *connection) transmit(ctx context.Context, command []byte) (response []byte, answered code, err error) {
	const fields, header = 8, 2 * wordSize
	request := message(cmdTransmit, words(c.card, c.protocol, header, uint32(len(command)),
		protocolAny, header, responseMax, 0))
	request = append(request, command...)
	err = c.session.within(ctx, func() error {
		answer, err := c.session.sendAndRead(request, fields*wordSize)
		if err != nil {
			return err
		}
		answered = code(word(answer, 7))
		n := word(answer, 6)
		if answered == success && n == 0 {
			answered = notTransacted // as the virtual reader says it
		}
		if answered != success {
			n = 0
		} else if n < 2 || n > responseMax {
			return errDaemon
		}
		response, err = c.session.sendAndRead(nil, int(n))
		return err
	})
	return response, answered, err
}

// forT0 makes a command the TPDU that carries it in T=0 (ISO/IEC 7816-3:2006,
// 12.2): P3 is never left out, and Le has no place behind data; the chip then
// answers 61xx.
func forT0(command []byte) ([]byte, error) {
	c, err := apdu.Parse(command)
	switch {
	case err != nil:
		return command, nil //nolint:nilerr // the chip refuses it better
	case c.Extended || len(c.Data) > apdu.DataMaxShort || c.Ne > apdu.NeMaxShort:
		return nil, errExtended
	case len(command) == 4:
		return append(slices.Clone(command), 0), nil
	case len(c.Data) > 0 && c.Ne > 0:
		return command[:len(command)-1], nil
	}
	return command, nil
}

// Close powers the chip off, so that nobody finds it in the middle of something,
// and lets the reader go.
func (c *connection) Close() error {
	if c.end != nil {
		return nil
	}
	c.end = link.ErrGone
	defer c.session.conn.Close()
	err := c.disconnect(unpowerCard)
	if errors.Is(err, link.ErrGone) || errors.Is(err, errLost) {
		return nil // the chip or the daemon was faster
	}
	return err
}

func (c *connection) disconnect(disposition uint32) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	answer, err := c.session.call(ctx, cmdDisconnect, words(c.card, disposition, 0))
	if err != nil {
		return err
	}
	return code(word(answer, 2)).err()
}
