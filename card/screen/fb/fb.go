// Package fb shows the card's screen on a Linux framebuffer, as in /dev/fb0.
//
// Open one, or make a Panel with New of anything that can be written to. Pack
// is the picture as a pure function. A picture crosses in one write, which the
// kernel finishes even when the process dies meanwhile; when the power goes, a
// display of this kind shows nothing at all. It is not waited for the display's
// own refresh, so for a sixtieth of a second the old picture's lower half may be
// seen under the new one's upper.
package fb

import (
	"errors"
	"fmt"
	"io"

	"sotto/card/screen"
)

// Panel implements screen.Panel.
type Panel struct {
	to io.WriterAt
	g  Geometry
}

var _ screen.Panel = (*Panel)(nil)

// New makes a panel of this geometry that is written to at offset 0.
func New(to io.WriterAt, g Geometry) (*Panel, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	return &Panel{to, g}, nil
}

// Put implements screen.Panel.
func (p *Panel) Put(l *screen.Layout, page int) error {
	frame := l.Frame(page)
	err := p.write(&frame)
	if err != nil {
		// Half of it may be there. Nothing is better.
		err = errors.Join(err, p.Blank())
	}
	return err
}

// Blank implements screen.Panel.
func (p *Panel) Blank() error { return p.write(&screen.Frame{}) }

func (p *Panel) write(f *screen.Frame) error {
	pixels, err := Pack(f, p.g)
	if err != nil {
		return err
	}
	defer clear(pixels)
	if _, err := p.to.WriteAt(pixels, 0); err != nil {
		return fmt.Errorf("write to the framebuffer: %w", err)
	}
	return nil
}
