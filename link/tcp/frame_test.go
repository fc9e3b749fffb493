package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"sotto/link"
)

func TestReadFrame(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"whole", []byte{0, 2, 7, 8}, nil},
		{"silence", []byte{0, 0}, nil},
		{"largest", append([]byte{6, 0}, make([]byte, link.MessageMax)...), nil},
		{"one too large", append([]byte{6, 1}, make([]byte, link.MessageMax+1)...), errFrame},
		{"far too large", append([]byte{0xFF, 0xFF}, make([]byte, 0xFFFF)...), errFrame},
		{"half a header", []byte{0}, io.EOF},
		{"half a frame", []byte{0, 2, 7}, io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		if _, err := readFrame(bytes.NewReader(tt.in[1:]), tt.in[0]); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := writeFrame(io.Discard, make([]byte, link.MessageMax+1)); !errors.Is(err, errFrame) {
		t.Errorf("write one too large: got %v, want %v", err, errFrame)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 3, 1, 2, 3})
	f.Add([]byte{0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		payload, err := readFrame(bytes.NewReader(b[1:]), b[0])
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeFrame(&again, payload); err != nil || !bytes.HasPrefix(b, again.Bytes()) {
			t.Errorf("%x: got %x, %v", b, again.Bytes(), err)
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = Serve(b.Context(), l, echo()) }()
	r := NewReach(At(l.Addr().String()))
	defer r.Close()
	message := make([]byte, 400)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Exchange(b.Context(), "card", message); err != nil {
			b.Fatal(err)
		}
	}
}
