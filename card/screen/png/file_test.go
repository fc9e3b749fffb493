package png_test

import (
	"bytes"
	"image/color"
	stdpng "image/png"
	"os"
	"path/filepath"
	"testing"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/png"
)

func TestFileHoldsWhatIsOnThePanel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "screen.png")
	l := screen.Compose(card.View{Scene: card.ScenePayment, Code: "482913", Amount: "CNY 1.00"})
	f := l.Frame(0)
	for _, step := range []struct {
		do   func() error
		want screen.Frame
	}{
		{func() error { return png.File(path).Put(l, 0) }, f},
		{png.File(path).Blank, screen.Frame{}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := stdpng.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		for y := range screen.Height {
			for x := range screen.Width {
				if got := color.GrayModel.Convert(picture.At(4*x, 4*y)) == (color.Gray{}); got != step.want.Ink(x, y) {
					t.Fatalf("pixel %d, %d differs", x, y)
				}
			}
		}
		if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got mode %v, %v", info.Mode(), err)
		}
		file.Close()
	}
	// An update that cannot be written to its end leaves the picture before.
	if err := os.Mkdir(path+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.File(path).Put(l, 0); err == nil {
		t.Error("a picture was written where it cannot be")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the picture before is gone: %v", err)
	}
	if err := png.File(filepath.Join(path, "not-a-folder")).Put(l, 0); err == nil {
		t.Error("a file below a file was written")
	}
}
