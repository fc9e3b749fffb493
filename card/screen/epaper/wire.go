package epaper

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// Lines are what the panel has beside SPI.
type Lines struct {
	DataCommand gpio.PinOut // low for a command, high for data
	Reset       gpio.PinOut // low resets
	Busy        gpio.PinIn  // high while the panel is at work
}

// wire carries commands. The first error stays: what comes after is not sent,
// so that a sequence is a straight line and checks once.
type wire struct {
	conn  spi.Conn
	lines Lines
	chunk int // bytes that cross at a time
	err   error
}

const (
	speed    = 4 * physic.MegaHertz
	chunkMax = 4096 // of Linux's spidev, unless the port says otherwise
)

func newWire(port spi.Port, lines Lines) (*wire, error) {
	c, err := port.Connect(speed, spi.Mode0, 8)
	if err != nil {
		return nil, fmt.Errorf("set up SPI for the panel: %w", err)
	}
	if err := lines.Busy.In(gpio.Float, gpio.NoEdge); err != nil {
		return nil, fmt.Errorf("set up the panel's busy line: %w", err)
	}
	w := &wire{conn: c, lines: lines, chunk: chunkMax}
	if l, ok := c.(conn.Limits); ok && l.MaxTxSize() > 0 {
		w.chunk = min(w.chunk, l.MaxTxSize())
	}
	return w, nil
}

func (w *wire) level(pin gpio.PinOut, l gpio.Level) {
	if w.err == nil {
		w.err = pin.Out(l)
	}
}

func (w *wire) send(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), w.chunk)
		w.err = w.conn.Tx(b[:n], nil)
		b = b[n:]
	}
}

func (w *wire) command(c byte, data ...byte) {
	w.level(w.lines.DataCommand, gpio.Low)
	w.send([]byte{c})
	if len(data) > 0 {
		w.level(w.lines.DataCommand, gpio.High)
		w.send(data)
	}
}

// reset wakes the controller from whatever it was doing.
func (w *wire) reset() {
	for _, l := range []gpio.Level{gpio.High, gpio.Low, gpio.High} {
		w.level(w.lines.Reset, l)
		w.pause(resetPulse)
	}
}

const (
	resetPulse = 10 * time.Millisecond
	busyLook   = 5 * time.Millisecond
	busyMax    = 6 * time.Second // a long refresh takes two
)

var errBusy = errors.New("the panel stays busy: look at its wiring")

// ready waits until the panel is no more at work.
func (w *wire) ready() {
	for waited := time.Duration(0); w.err == nil && w.lines.Busy.Read() == gpio.High; waited += busyLook {
		if waited >= busyMax {
			w.err = errBusy
			return
		}
		w.pause(busyLook)
	}
}

func (w *wire) pause(d time.Duration) {
	if w.err == nil {
		time.Sleep(d)
	}
}

// end returns the first error of a sequence and forgets it.
func (w *wire) end() error {
	err := w.err
	w.err = nil
	if err != nil {
		return fmt.Errorf("update the panel: %w", err)
	}
	return nil
}
