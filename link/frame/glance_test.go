package frame

import (
	"testing"
	"time"
)

// An onlooker who sees all frames of an exchange counts its pieces.
func TestLook(t *testing.T) {
	for _, tt := range []struct {
		crc          bool
		size, pieces int
	}{{false, 20, 3}, {true, 20, 4}, {false, 100, 1}} {
		c := Config{Size: tt.size, CRC: tt.crc}
		s, now := NewSender(c, NewID(1, 1), make([]byte, 36)), time.Unix(1000, 0)
		for number := range tt.pieces {
			b, _ := s.Next(now, nil)
			want := Glance{Piece: true, Number: number, Count: tt.pieces}
			if got, ok := Look(b, tt.crc); got != want || !ok {
				t.Errorf("size %d: got %+v, %v, want %+v", tt.size, got, ok, want)
			}
		}
	}
	have := appendFrame(nil, header{kind: haveMessage, number: 3, length: 36, id: 9}, make([]byte, haveSize), false)
	if got, ok := Look(have, false); got != (Glance{}) || !ok {
		t.Errorf("have: got %+v, %v", got, ok)
	}
}

func TestLookAtNonsense(t *testing.T) {
	part := header{kind: messagePart, length: 36, id: 9}
	late := part
	late.number = 200
	for name, b := range map[string][]byte{
		"nothing": nil, "short": {0x21, 0, 0}, "another version": {0x41, 0, 0, 1, 0, 0, 0, 1, 1},
		"no such kind": {0x20, 0, 0, 1, 0, 0, 0, 1, 1},
		"no piece":     appendFrame(nil, part, nil, false),
		"beyond":       appendFrame(nil, late, make([]byte, 12), false),
	} {
		if got, ok := Look(b, false); ok {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if _, ok := Look(appendFrame(nil, part, make([]byte, 12), false), true); ok {
		t.Error("a frame without its CRC was read")
	}
}

func FuzzLook(f *testing.F) {
	f.Add(appendFrame(nil, header{kind: messagePart, length: 36, id: 9}, make([]byte, 12), true), true)
	f.Add(appendFrame(nil, header{kind: haveMessage, number: 3, length: 36, id: 9}, make([]byte, haveSize), false), false)
	f.Fuzz(func(t *testing.T, b []byte, crc bool) {
		if g, ok := Look(b, crc); g.Piece && (!ok || g.Number >= g.Count || g.Count > countMax) {
			t.Errorf("got %+v, %v", g, ok)
		}
	})
}
