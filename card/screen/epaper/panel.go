package epaper

import (
	"periph.io/x/conn/v3/spi"

	"sotto/card/screen"
)

// Commands of the SSD1680 (data sheet, 7).
const (
	cmdDriverOutput  = 0x01
	cmdDeepSleep     = 0x10
	cmdEntryMode     = 0x11
	cmdSoftReset     = 0x12
	cmdTemperature   = 0x18
	cmdActivate      = 0x20
	cmdUpdateOptions = 0x21
	cmdUpdateSteps   = 0x22
	cmdWriteNew      = 0x24 // the memory called BW
	cmdWriteOld      = 0x26 // the memory called RED: what the glass shows now
	cmdBorder        = 0x3C
	cmdWindowX       = 0x44
	cmdWindowY       = 0x45
	cmdCounterX      = 0x4E
	cmdCounterY      = 0x4F
)

// The two ways to refresh: steps of cmdUpdateSteps and the border to go with it.
type refresh struct{ steps, border byte }

var (
	// long drives every pixel there and back and leaves no ghost; some 2 s.
	long = refresh{0xF7, 0x05}
	// short drives only those pixels that differ between old and new; some 0.3 s.
	short = refresh{0xFF, 0x80}
)

// Panel is the panel. It is for one user at a time, as a screen.Prompt is.
type Panel struct {
	wire   *wire
	layout *screen.Layout // that the glass shows a page of; nil: blank or not known
	glass  [memory]byte   // what the glass shows
	known  bool           // glass is true
}

var _ screen.Panel = (*Panel)(nil)

// New makes a panel of its lines. What the glass shows is not known yet, so it
// is blanked before the first picture.
func New(port spi.Port, lines Lines) (*Panel, error) {
	w, err := newWire(port, lines)
	if err != nil {
		return nil, err
	}
	return &Panel{wire: w}, nil
}

var blank = Pack(&screen.Frame{})

// Put implements screen.Panel.
func (p *Panel) Put(l *screen.Layout, page int) error {
	if l != p.layout {
		if err := p.Blank(); err != nil {
			return err
		}
	}
	frame := l.Frame(page)
	if err := p.update(Pack(&frame), short); err != nil {
		return err
	}
	p.layout = l
	return nil
}

// Blank implements screen.Panel.
func (p *Panel) Blank() error {
	if p.known && p.glass == blank {
		return nil
	}
	return p.update(blank, long)
}

// update brings a picture on the glass. After an error the glass shows that or
// what it showed before, and nobody knows which.
func (p *Panel) update(picture [memory]byte, r refresh) error {
	old := p.glass
	if !p.known {
		old = blank
	}
	p.known, p.layout = false, nil
	w := p.wire
	w.reset()
	w.ready()
	w.command(cmdSoftReset)
	w.ready()
	w.command(cmdDriverOutput, byte(rows-1), 0, 0)
	w.command(cmdEntryMode, 3) // both counters go up, x first
	w.command(cmdWindowX, 0, rowBytes-1)
	w.command(cmdWindowY, 0, 0, byte(rows-1), 0)
	w.command(cmdBorder, r.border)
	w.command(cmdTemperature, 0x80)         // its own sensor
	w.command(cmdUpdateOptions, 0x00, 0x80) // both memories as they are; sources 8 to 167
	w.memory(cmdWriteOld, old[:])
	w.memory(cmdWriteNew, picture[:])
	w.command(cmdUpdateSteps, r.steps)
	w.command(cmdActivate)
	w.ready()
	w.command(cmdDeepSleep, 1)
	clear(old[:])
	if err := w.end(); err != nil {
		return err
	}
	p.glass, p.known = picture, true
	return nil
}

// memory writes one of the controller's memories from its first byte.
func (w *wire) memory(c byte, b []byte) {
	w.command(cmdCounterX, 0)
	w.command(cmdCounterY, 0, 0)
	w.command(c, b...)
}
