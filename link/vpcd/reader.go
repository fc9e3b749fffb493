package vpcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"sotto/link"
)

// commandMin is a header alone. Fewer bytes are no command (ISO/IEC 7816-4:2020,
// 5.2), and a single one would be a control.
const commandMin = 4

var errCommand = errors.New("vpcd: a command has 4 to 65535 bytes")

// Reader is the terminal's side of a chip that Serve presents, without pcscd. It
// is a link.Reader.
type Reader struct{ address string }

// NewReader makes the reader of the chip at address: host:port, or the path of a
// Unix socket.
func NewReader(address string) (*Reader, error) {
	if _, err := network(address); err != nil {
		return nil, err
	}
	return &Reader{address: address}, nil
}

// The pauses between two tries of Connect: a little longer each time.
const (
	pauseMin = 20 * time.Millisecond
	pauseMax = 500 * time.Millisecond
)

// Connect waits until a chip listens at the address and no other reader holds it
// (ErrBusy when ctx ends before), powers it on and reads its ATR. What listens
// but is no chip is an error at once.
func (r *Reader) Connect(ctx context.Context) (link.Connection, error) {
	var reason error
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		c, err := r.activate(ctx)
		switch {
		case err == nil:
			return c, nil
		case hopeless(err):
			return nil, fmt.Errorf("vpcd: %w", err)
		case errors.Is(err, errForm):
			return nil, fmt.Errorf("what listens at %s is no chip: %w", r.address, err)
		case isDial(err):
			err = fmt.Errorf("nobody listens at %s: start the SIM with --listen %s (%w)", r.address, r.address, err)
		}
		if reason == nil || !late(ctx, err) {
			reason = err
		}
		if !sleep(ctx, pause) {
			return nil, fmt.Errorf("%w (%w)", reason, context.Cause(ctx))
		}
	}
}

func isDial(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// late reports that a try failed because its time was up, which says less than
// how the one before failed.
func late(ctx context.Context, err error) bool {
	var network net.Error
	return ctx.Err() != nil || errors.As(err, &network) && network.Timeout()
}

// activate is one try.
func (r *Reader) activate(ctx context.Context) (*connection, error) {
	w, err := dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	c := &connection{wire: w}
	return c, c.within(ctx, c.powerOn)
}

// connection is one presence of the chip; one goroutine at a time uses it.
type connection struct {
	wire *wire
	way  link.Interface
	end  error // why there is nothing more to be had
}

func (c *connection) Interface() link.Interface { return c.way }

// powerOn resets the chip and learns from its ATR how it is reached.
func (c *connection) powerOn() error {
	if err := c.wire.send(appendFrame(appendFrame(nil, []byte{powerOn}), []byte{askATR})); err != nil {
		return err
	}
	atr, err := c.wire.receive(c.wire.time, atrMax)
	switch {
	case err != nil:
		return err
	case len(atr) == 0:
		return ErrBusy
	case !isATR(atr):
		return errForm
	case !isContactless(atr):
		c.way = link.Contact
	}
	return nil
}

// Transmit implements link.Connection. If ctx ends while the chip is at work, the
// connection ends too, since the answer may still come. A ctx that was done
// before sends nothing and ends nothing.
func (c *connection) Transmit(ctx context.Context, command []byte) (response []byte, err error) {
	switch {
	case c.end != nil:
		return nil, c.end
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(command) < commandMin || len(command) > payloadMax:
		return nil, errCommand
	}
	err = c.within(ctx, func() (failed error) {
		response, failed = c.transmit(command)
		return failed
	})
	if err != nil {
		return nil, c.end
	}
	return response, nil
}

func (c *connection) transmit(command []byte) ([]byte, error) {
	if err := c.wire.send(appendFrame(make([]byte, 0, headerSize+len(command)), command)); err != nil {
		return nil, err
	}
	response, err := c.wire.receive(0, payloadMax)
	if err != nil {
		return nil, err
	}
	if len(response) < 2 || c.wire.in.Buffered() > 0 {
		return nil, errForm // no status, or an answer to what was not asked
	}
	return response, nil
}

// within carries one exchange, and hangs up if it fails or when ctx ends.
func (c *connection) within(ctx context.Context, exchange func() error) error {
	stop := context.AfterFunc(ctx, func() { c.wire.conn.Close() })
	err := exchange()
	if closed := !stop(); closed && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.wire.conn.Close()
		c.end = fmt.Errorf("%w: %w", link.ErrGone, err)
	}
	return err
}

// Close powers the chip off and hangs up.
func (c *connection) Close() error {
	if c.end != nil {
		return nil //nolint:nilerr // it has ended; how is no failure to close it
	}
	c.end = link.ErrGone
	_ = c.wire.send(appendFrame(nil, []byte{powerOff})) // hanging up does the same
	return c.wire.conn.Close()
}
