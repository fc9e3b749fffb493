package fb

import (
	"errors"

	"sotto/card/screen"
)

// Geometry is how a framebuffer has its pixels: Stride bytes a row, Bits a pixel.
type Geometry struct {
	Width, Height int
	Stride        int
	Bits          int  // 1, 16, 24 or 32
	InkIsOne      bool // with 1 bit: a set bit is black (FB_VISUAL_MONO01)
}

// Errors of a framebuffer that does not fit.
var (
	ErrSmall  = errors.New("the framebuffer is smaller than the card's screen of 250 by 122 pixels")
	ErrPixels = errors.New("the framebuffer's pixels are not of 1, 16, 24 or 32 bits, packed")
)

// sizeMax bounds a picture, in bytes: 8K with 32 bits is half of it.
const sizeMax = 1 << 28

func (g Geometry) check() error {
	switch {
	case g.Width < screen.Width || g.Height < screen.Height:
		return ErrSmall
	case g.Bits != 1 && g.Bits != 16 && g.Bits != 24 && g.Bits != 32:
		return ErrPixels
	case g.Stride < (g.Width*g.Bits+7)/8 || g.Stride > sizeMax/g.Height:
		return ErrPixels
	}
	return nil
}

// Pack draws a frame in the middle of paper, as large as whole multiples of its
// pixels fit.
//
// Reading: where a pixel is one bit, the leftmost is the lowest bit of its byte,
// as Linux's own drawing routines have it on little-endian machines.
func Pack(f *screen.Frame, g Geometry) ([]byte, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	out := make([]byte, g.Stride*g.Height)
	for i := range out {
		out[i] = g.fill(false)
	}
	scale := min(g.Width/screen.Width, g.Height/screen.Height)
	left, top := (g.Width-scale*screen.Width)/2, (g.Height-scale*screen.Height)/2
	for y := range scale * screen.Height {
		row := out[(top+y)*g.Stride:]
		for x := range scale * screen.Width {
			if f.Ink(x/scale, y/scale) {
				g.set(row, left+x)
			}
		}
	}
	return out, nil
}

// fill is a byte of nothing but ink or paper. Black is no light in any colour,
// white all of them.
func (g Geometry) fill(ink bool) byte {
	if ink == (g.Bits == 1 && g.InkIsOne) {
		return 0xFF
	}
	return 0
}

// set inks one pixel of a row.
func (g Geometry) set(row []byte, x int) {
	if g.Bits > 1 {
		for i := range g.Bits / 8 {
			row[x*g.Bits/8+i] = g.fill(true)
		}
		return
	}
	if g.InkIsOne {
		row[x/8] |= 1 << (x % 8)
	} else {
		row[x/8] &^= 1 << (x % 8)
	}
}
