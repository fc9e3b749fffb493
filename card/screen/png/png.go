// Package png writes a screen.Frame as a PNG file of one bit a pixel, for web
// pages, transcripts and golden files. It is apart from package screen so that
// a card's own firmware carries no compressor.
package png

import (
	"errors"
	"image"
	"image/color"
	stdpng "image/png"
	"io"

	"sotto/card/screen"
)

// ScaleMax is the largest scale Encode takes: 4000 by 1952 pixels.
const ScaleMax = 16

// Encode writes f to w with every pixel as a square of scale by scale, 1 to
// ScaleMax. The bytes depend on nothing but f and scale.
func Encode(w io.Writer, f *screen.Frame, scale int) error {
	if scale < 1 || scale > ScaleMax {
		return errors.New("png scale must be 1 to 16")
	}
	return stdpng.Encode(w, scaled{f, scale})
}

// scaled is a magnified frame; as an image.PalettedImage of two colours it is
// encoded at one bit a pixel.
type scaled struct {
	frame *screen.Frame
	scale int
}

var _ image.PalettedImage = scaled{}

func (s scaled) ColorModel() color.Model { return s.frame.ColorModel() }

func (s scaled) Bounds() image.Rectangle {
	return image.Rect(0, 0, screen.Width*s.scale, screen.Height*s.scale)
}

func (s scaled) At(x, y int) color.Color { return s.frame.At(x/s.scale, y/s.scale) }

func (s scaled) ColorIndexAt(x, y int) uint8 { return s.frame.ColorIndexAt(x/s.scale, y/s.scale) }
