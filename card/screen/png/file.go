package png

import (
	"bytes"
	"os"

	"sotto/card/screen"
)

// fileScale makes a picture of 1000 pixels' width.
const fileScale = 4

// File is a screen.Panel that keeps a PNG file of the picture. It replaces the
// file whole, so that a reader never sees half a picture; its owner alone may
// read it.
type File string

// Put implements screen.Panel.
func (f File) Put(l *screen.Layout, page int) error {
	frame := l.Frame(page)
	return f.write(&frame)
}

// Blank implements screen.Panel: the picture is then of blank paper.
func (f File) Blank() error { return f.write(&screen.Frame{}) }

func (f File) write(frame *screen.Frame) error {
	var b bytes.Buffer
	if err := Encode(&b, frame, fileScale); err != nil {
		return err
	}
	next := string(f) + ".new"
	if err := os.WriteFile(next, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(f))
}
