package png_test

import (
	"bytes"
	stdpng "image/png"
	"testing"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/png"
)

func TestEncodeKeepsEveryPixel(t *testing.T) {
	f := screen.Render(card.View{Scene: card.ScenePayment, Code: "482913", Amount: "CNY 1.00"}, 0)
	for _, scale := range []int{1, 3} {
		var b bytes.Buffer
		if err := png.Encode(&b, &f, scale); err != nil {
			t.Fatal(err)
		}
		if depth := b.Bytes()[24]; depth != 1 {
			t.Errorf("scale %d: bit depth: got %d, want 1", scale, depth)
		}
		img, err := stdpng.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := img.Bounds().Dx(), screen.Width*scale; got != want {
			t.Fatalf("width: got %d, want %d", got, want)
		}
		for y := range screen.Height * scale {
			for x := range screen.Width * scale {
				got, _, _, _ := img.At(x, y).RGBA()
				want, _, _, _ := f.At(x/scale, y/scale).RGBA()
				if got != want {
					t.Fatalf("scale %d, pixel %d,%d: got %d, want %d", scale, x, y, got, want)
				}
			}
		}
	}
}

func TestEncodeRefusesScale(t *testing.T) {
	var f screen.Frame
	for _, scale := range []int{-1, 0, png.ScaleMax + 1} {
		if err := png.Encode(&bytes.Buffer{}, &f, scale); err == nil {
			t.Errorf("scale %d: got no error", scale)
		}
	}
}
