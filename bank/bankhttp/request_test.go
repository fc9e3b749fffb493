package bankhttp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// watched keeps the buffers that it was asked to fill.
type watched struct {
	io.Reader
	given [][]byte
}

func (w *watched) Read(b []byte) (int, error) {
	w.given = append(w.given, b)
	return w.Reader.Read(b[:min(len(b), 700)])
}

func TestABodyIsReadWholeAndLeavesNothingBehind(t *testing.T) {
	text := strings.Repeat("6217000010000000011 ", 400)
	for _, length := range []int64{-1, 1, int64(len(text)), int64(len(text)) + 1} {
		w := &watched{Reader: strings.NewReader(text)}
		body, err := readAll(w, length)
		if err != nil || string(body) != text {
			t.Fatalf("length %d: got %d bytes, %v", length, len(body), err)
		}
		clear(body)
		for _, b := range w.given {
			if bytes.Contains(b[:cap(b)], []byte("6217")) {
				t.Errorf("length %d: something is left", length)
			}
		}
	}
	broken := io.MultiReader(strings.NewReader("half"), &failing{})
	if body, err := readAll(broken, -1); string(body) != "half" || !errors.Is(err, errFailing) {
		t.Errorf("got %q, %v", body, err)
	}
}

var errFailing = errors.New("it broke off")

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errFailing }
