package screen

import (
	"image"
	"image/color"
)

// The panel's size in pixels, and the bytes of one packed row.
const (
	Width  = 250
	Height = 122
	Stride = 32
)

// Frame is one picture for the panel, one bit a pixel. Row y is
// Bits[y*Stride:(y+1)*Stride], leftmost pixel in the highest bit, ink is 1;
// the six bits past column 249 stay 0. The zero Frame is blank paper.
//
// A *Frame is an image.PalettedImage, so a PNG of it is written at one bit a
// pixel.
type Frame struct {
	Bits [Stride * Height]byte
}

var palette = color.Palette{color.Gray{Y: 0xff}, color.Gray{Y: 0}}

// Set inks the pixel at x, y, or clears it. Outside the panel it does nothing.
func (f *Frame) Set(x, y int, ink bool) { f.stroke(x, y, 1<<31, ink) }

// stroke inks or clears those pixels of a row, from x on, whose bits are set, the
// highest first. Outside the panel it does nothing.
func (f *Frame) stroke(x, y int, bits uint32, ink bool) {
	if x < 0 {
		bits, x = bits<<-x, 0
	}
	if y < 0 || x >= Width || y >= Height {
		return
	}
	if room := Width - x; room < 32 {
		bits &= ^uint32(0) << (32 - room)
	}
	i := y*Stride + x>>3
	for rest := uint64(bits) << (32 - x&7); rest != 0; rest <<= 8 {
		if ink {
			f.Bits[i] |= byte(rest >> 56)
		} else {
			f.Bits[i] &^= byte(rest >> 56)
		}
		i++
	}
}

// Ink reports whether the pixel at x, y is inked; outside the panel none is.
func (f *Frame) Ink(x, y int) bool {
	if x < 0 || y < 0 || x >= Width || y >= Height {
		return false
	}
	return f.Bits[y*Stride+x>>3]&(0x80>>(x&7)) != 0
}

// Equal reports whether two frames are the same picture.
func (f *Frame) Equal(g *Frame) bool { return f.Bits == g.Bits }

// ColorModel implements image.Image: paper is white, ink is black.
func (f *Frame) ColorModel() color.Model { return palette }

// Bounds implements image.Image.
func (f *Frame) Bounds() image.Rectangle { return image.Rect(0, 0, Width, Height) }

// At implements image.Image.
func (f *Frame) At(x, y int) color.Color { return palette[f.ColorIndexAt(x, y)] }

// ColorIndexAt implements image.PalettedImage: 0 is paper, 1 is ink.
func (f *Frame) ColorIndexAt(x, y int) uint8 {
	if f.Ink(x, y) {
		return 1
	}
	return 0
}

// fill sets every pixel of r.
func (f *Frame) fill(r image.Rectangle, ink bool) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x += 32 {
			f.stroke(x, y, ^uint32(0)<<(32-min(32, r.Max.X-x)), ink)
		}
	}
}
