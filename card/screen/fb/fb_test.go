package fb

import (
	"errors"
	"testing"

	"sotto/card"
	"sotto/card/screen"
)

func view(code string) *screen.Layout {
	return screen.Compose(card.View{Scene: card.ScenePayment, Code: code, Amount: "CNY 1.00", Payee: "青瓷"})
}

// black reads a pixel out of a picture as a display would.
func black(b []byte, g Geometry, x, y int) bool {
	row := b[y*g.Stride : (y+1)*g.Stride]
	if g.Bits == 1 {
		set := row[x/8]>>(x%8)&1 == 1
		return set == g.InkIsOne
	}
	n := g.Bits / 8
	for _, part := range row[x*n : (x+1)*n] {
		if part != 0 {
			return false
		}
	}
	return true
}

func TestPackedPicturesAreTheFrame(t *testing.T) {
	f := view("482913").Frame(0)
	for _, tt := range []struct {
		g                Geometry
		scale, left, top int
	}{
		{Geometry{Width: 250, Height: 122, Stride: 32, Bits: 1, InkIsOne: true}, 1, 0, 0},
		{Geometry{Width: 250, Height: 122, Stride: 40, Bits: 1}, 1, 0, 0},
		{Geometry{Width: 320, Height: 240, Stride: 640, Bits: 16}, 1, 35, 59},
		{Geometry{Width: 640, Height: 480, Stride: 1920, Bits: 24}, 2, 70, 118},
		{Geometry{Width: 1024, Height: 768, Stride: 4096, Bits: 32}, 4, 12, 140},
	} {
		b, err := Pack(&f, tt.g)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for y := range tt.g.Height {
			for x := range tt.g.Width {
				fx, fy := x-tt.left, y-tt.top
				want := fx >= 0 && fy >= 0 && f.Ink(fx/tt.scale, fy/tt.scale)
				if black(b, tt.g, x, y) != want {
					wrong++
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%+v: %d pixels are wrong", tt.g, wrong)
		}
	}
}

func TestFramebuffersThatDoNotFit(t *testing.T) {
	for want, all := range map[error][]Geometry{
		ErrSmall:  {{Width: 249, Height: 122, Stride: 1000, Bits: 16}, {Width: 250, Height: 121, Stride: 1000, Bits: 16}, {}},
		ErrPixels: {{Width: 250, Height: 122, Stride: 499, Bits: 16}, {Width: 250, Height: 122, Stride: 1000, Bits: 8}, {Width: 250, Height: 122, Stride: 1 << 30, Bits: 32}},
	} {
		for _, g := range all {
			if _, err := New(nil, g); !errors.Is(err, want) {
				t.Errorf("%+v: got %v, want %v", g, err, want)
			}
			if _, err := Pack(&screen.Frame{}, g); !errors.Is(err, want) {
				t.Errorf("%+v: got %v, want %v", g, err, want)
			}
		}
	}
}

// memory is a framebuffer that may take less than it is given.
type memory struct {
	pixels []byte
	writes int
	short  int // the write that is cut short; 0: none
}

var errCut = errors.New("cut short")

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	if m.writes++; m.writes == m.short {
		b = b[:len(b)/2]
		copy(m.pixels[at:], b)
		return len(b), errCut
	}
	return copy(m.pixels[at:], b), nil
}

func TestPictureCrossesInOneWriteOrGoes(t *testing.T) {
	g := Geometry{Width: 250, Height: 122, Stride: 1000, Bits: 32}
	m := &memory{pixels: make([]byte, g.Stride*g.Height)}
	p, err := New(m, g)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Put(view("482913"), 0); err != nil || m.writes != 1 {
		t.Errorf("got %v, %d writes", err, m.writes)
	}
	f := view("482913").Frame(0)
	want, _ := Pack(&f, g)
	if string(m.pixels) != string(want) {
		t.Error("the framebuffer has another picture")
	}
	m.short = 2
	if err := p.Put(view("506718"), 0); !errors.Is(err, errCut) {
		t.Errorf("got %v", err)
	}
	none, _ := Pack(&screen.Frame{}, g)
	if string(m.pixels) != string(none) {
		t.Error("half a picture was left")
	}
}
