package vpcd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestReadFrame(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		max  int
		want []byte
		err  error
	}{
		{"a control", []byte{0, 1, 4}, 33, []byte{4}, nil},
		{"an APDU, and more behind it", []byte{0, 4, 0, 0xA4, 0, 0, 9}, 10, []byte{0, 0xA4, 0, 0}, nil},
		{"no payload", []byte{0, 0}, 10, []byte{}, nil},
		{"as long as may be", []byte{0, 3, 1, 2, 3}, 3, []byte{1, 2, 3}, nil},
		{"longer", []byte{0, 4, 1, 2, 3, 4}, 3, nil, errForm},
		{"much longer, and nothing behind it", []byte{0xFF, 0xFF}, 3, nil, errForm},
		{"nothing", nil, 3, nil, io.EOF},
		{"half a header", []byte{0}, 3, nil, io.ErrUnexpectedEOF},
		{"a header alone", []byte{0, 3}, 3, nil, io.ErrUnexpectedEOF},
		{"half a payload", []byte{0, 3, 1}, 3, nil, io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		got, err := readFrame(bufio.NewReader(bytes.NewReader(tt.in)), tt.max)
		if !bytes.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %x, %v, want %x, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// A frame that is read is the one that would be written, and never longer than
// the limit.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 4}, 33)
	f.Add([]byte{0, 0}, 1)
	f.Add([]byte{0xFF, 0xFF, 0}, payloadMax)
	f.Add([]byte{0, 5, 0, 0xA4, 4, 0}, 4)
	f.Fuzz(func(t *testing.T, b []byte, max int) {
		payload, err := readFrame(bufio.NewReader(bytes.NewReader(b)), max)
		if err != nil {
			return
		}
		if again := appendFrame(nil, payload); len(payload) > max || !bytes.HasPrefix(b, again) {
			t.Errorf("%x, at most %d: got %x", b, max, again)
		}
	})
}
