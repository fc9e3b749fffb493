package epaper

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"sotto/card/screen"
)

// controller is a model of the SSD1680 with its glass, written from the data
// sheet and not from the driver. It is on the other end of a fake SPI bus and
// takes byte by byte what crosses. Whatever the driver may not do fails the test.
type controller struct {
	t *testing.T

	data, asleep bool // the D/C line; deep sleep
	wasReset     bool // since it fell asleep or had power
	busyUntil    time.Time
	command      byte
	got          []byte // data of the command so far
	bw, red      [memory]byte
	x, y         int
	x0, x1       int // the window
	y0, y1       int
	entry, steps byte
	gates        int
	glass        [memory]byte
	refreshes    []byte // the steps of each
	transfers    int
	failAt       int // the transfer that fails; 0: none
	cutAt        int // the transfer at which the power goes; 0: never
	silent       bool
	chunk        int
	log          []string
}

var errBus = errors.New("the bus failed")

// cut is the power that goes.
type cut struct{}

func newController(t *testing.T) *controller {
	t.Helper()
	c := &controller{t: t, chunk: 1000}
	c.powerOn()
	for i := range c.glass { // somebody else's picture
		c.glass[i] = byte(i * 7)
	}
	return c
}

// powerOn is the chip after a loss of power: its memories hold anything, its
// glass what it did.
func (c *controller) powerOn() {
	for i := range c.bw {
		c.bw[i], c.red[i] = byte(i*31), byte(i*17)
	}
	c.asleep, c.wasReset, c.busyUntil, c.transfers, c.cutAt = false, false, time.Time{}, 0, 0
}

func (c *controller) busy() bool { return time.Now().Before(c.busyUntil) }

func (c *controller) wrong(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("the controller: "+format, args...)
}

// The bus.

func (c *controller) String() string { return "model" }
func (c *controller) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	if f > 20*physic.MegaHertz || mode != spi.Mode0 || bits != 8 {
		c.wrong("connected at %s, %s, %d bits", f, mode, bits)
	}
	return c, nil
}
func (c *controller) Duplex() conn.Duplex          { return conn.Half }
func (c *controller) MaxTxSize() int               { return c.chunk }
func (c *controller) TxPackets([]spi.Packet) error { panic("nobody does that") }

func (c *controller) Tx(w, r []byte) error {
	c.transfers++
	switch c.transfers {
	case c.cutAt:
		panic(cut{})
	case c.failAt:
		return errBus
	}
	if len(w) == 0 || len(w) > c.chunk || r != nil {
		c.wrong("a transfer of %d bytes", len(w))
	}
	for _, b := range w {
		c.take(b)
	}
	return nil
}

// pin is one line; the rest of the interface is never asked for.
type pin struct {
	gpio.PinIO
	out func(gpio.Level)
	in  func() gpio.Level
}

func (p pin) Out(l gpio.Level) error        { p.out(l); return nil }
func (p pin) In(gpio.Pull, gpio.Edge) error { return nil }
func (p pin) Read() gpio.Level              { return p.in() }

func (c *controller) lines() Lines {
	return Lines{
		DataCommand: pin{out: func(l gpio.Level) { c.data = bool(l) }},
		Reset: pin{out: func(l gpio.Level) {
			if !l {
				c.asleep, c.wasReset, c.busyUntil = false, true, time.Now().Add(time.Millisecond)
			}
		}},
		Busy: pin{in: func() gpio.Level { return gpio.Level(c.busy()) }},
	}
}

// What the chip does.

func (c *controller) take(b byte) {
	switch {
	case c.asleep || !c.wasReset:
		c.wrong("byte %02X to a chip that sleeps or was not reset", b)
	case c.busy() && !c.silent:
		c.wrong("byte %02X while busy", b)
	case !c.data:
		c.command, c.got = b, nil
		c.begin()
	default:
		c.got = append(c.got, b)
		c.argument(b)
	}
}

func (c *controller) begin() {
	c.log = append(c.log, fmt.Sprintf("%02X", c.command))
	switch c.command {
	case 0x12:
		c.entry, c.steps, c.gates = 0, 0, 0
		c.busyUntil = time.Now().Add(2 * time.Millisecond)
	case 0x20:
		c.activate()
	case 0x01, 0x10, 0x11, 0x18, 0x21, 0x22, 0x24, 0x26, 0x3C, 0x44, 0x45, 0x4E, 0x4F:
	default:
		c.wrong("command %02X is not in the sequence of any data sheet", c.command)
	}
}

func (c *controller) argument(b byte) {
	n := len(c.got)
	switch c.command {
	case 0x01:
		if n == 2 {
			c.gates = int(c.got[0]) + int(c.got[1])<<8 + 1
		}
	case 0x10:
		c.asleep, c.wasReset = b != 0, false
	case 0x11:
		c.entry = b
	case 0x22:
		c.steps = b
	case 0x44:
		if n == 2 {
			c.x0, c.x1 = int(c.got[0]), int(b)
		}
	case 0x45:
		if n == 4 {
			c.y0, c.y1 = int(c.got[0])+int(c.got[1])<<8, int(c.got[2])+int(b)<<8
		}
	case 0x4E:
		c.x = int(b)
	case 0x4F:
		if n == 2 {
			c.y = int(c.got[0]) + int(b)<<8
		}
	case 0x24:
		c.store(&c.bw, b)
	case 0x26:
		c.store(&c.red, b)
	}
}

// store writes at the counters and moves them on, x first, both upwards.
func (c *controller) store(m *[memory]byte, b byte) {
	if c.entry != 3 || c.x < c.x0 || c.x > c.x1 || c.y < c.y0 || c.y > c.y1 || c.x1 != 15 || c.y1 != 249 {
		c.wrong("a byte at %d, %d in the window %d-%d, %d-%d, entry mode %d", c.x, c.y, c.x0, c.x1, c.y0, c.y1, c.entry)
		return
	}
	m[c.y*16+c.x] = b
	if c.x++; c.x > c.x1 {
		c.x = c.x0
		if c.y++; c.y > c.y1 {
			c.y = c.y0
		}
	}
}

// activate refreshes the glass. The short way drives only what differs between
// the two memories, and leaves the rest as the glass has it.
func (c *controller) activate() {
	c.refreshes = append(c.refreshes, c.steps)
	if c.gates != 250 {
		c.wrong("%d gates", c.gates)
	}
	switch c.steps {
	case 0xF7:
		c.glass = c.bw
		c.busyUntil = time.Now().Add(2 * time.Second)
	case 0xFF:
		for i := range c.glass {
			driven := c.bw[i] ^ c.red[i]
			c.glass[i] = c.glass[i]&^driven | c.bw[i]&driven
		}
		c.busyUntil = time.Now().Add(300 * time.Millisecond)
	default:
		c.wrong("a refresh with steps %02X", c.steps)
	}
	if c.silent {
		c.busyUntil = time.Now().Add(time.Hour)
	}
}

// sees is the glass as a person sees it, turned as the card is held.
func (c *controller) sees() (f screen.Frame) {
	for x := range screen.Width {
		for y := range screen.Height {
			at := x*128 + (121 - y)
			f.Set(x, y, c.glass[at/8]&(0x80>>(at%8)) == 0)
		}
	}
	return f
}
