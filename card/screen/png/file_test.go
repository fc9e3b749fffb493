package png_test

import (
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
	if err := png.File(filepath.Join(path, "not-a-folder")).Put(l, 0); err == nil {
		t.Error("a file below a file was written")
	}
}
