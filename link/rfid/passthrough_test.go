package rfid

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sotto/link"
	"sotto/link/pcsc"
	"sotto/link/pcsc/pcscdtest"
	"sotto/link/vpcd"
)

// slot is a link.Reader whose chip is always there.
type slot struct {
	chip   link.Chip
	heard  [][]byte
	gone   bool // at the next command
	closes int
}

func (s *slot) Connect(context.Context) (link.Connection, error) {
	s.chip.Reset(link.Contactless)
	return s, nil
}
func (*slot) Interface() link.Interface { return link.Contactless }
func (s *slot) Close() error            { s.closes++; return nil }
func (s *slot) Transmit(_ context.Context, command []byte) ([]byte, error) {
	if s.gone {
		s.gone = false
		return nil, link.ErrGone
	}
	s.heard = append(s.heard, bytes.Clone(command))
	return s.chip.Transmit(command), nil
}

// quick is a field that takes no time.
func quick(loss float64) *Field {
	return NewField(FieldConfig{Loss: loss, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
}

// The bytes of docs/protocol/rfid.md.
func TestPassThroughBytes(t *testing.T) {
	f := quick(0)
	f.Put(card(cardID, 0x123456, echo()), 0.1)
	s := &slot{chip: VirtualReader(f)}
	p := NewPassThrough(s)
	got, err := p.Exchange(t.Context(), []byte{0x26, 0x01, 0x00})
	if err != nil || !bytes.Equal(got, unhex(t, "00 00 563412 000000 02E0")) {
		t.Errorf("got % X, %v", got, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	want := []string{
		"FFC20000 02 8100 00",
		"FFC20002 04 8F020200 00",
		"FFC20000 02 8400 00",
		"FFC20001 0C 5F4604204E0000 9503260100 00",
		"FFC20000 02 8200 00",
	}
	for i, w := range want {
		if i >= len(s.heard) || !bytes.Equal(s.heard[i], unhex(t, w)) {
			t.Errorf("%d: want %s in %X", i, w, s.heard)
		}
	}
	if s.closes != 1 {
		t.Errorf("closed %d times", s.closes)
	}
}

// reader is a chip that answers pass-through commands as it is told.
type answers struct{ to map[byte]string } // by P2

func (answers) Reset(link.Interface) {}
func (a answers) Transmit(command []byte) []byte {
	if r, ok := a.to[command[3]]; ok {
		return []byte(r)
	}
	return []byte{0x90, 0}
}

func TestReaders(t *testing.T) {
	tests := []struct {
		name string
		to   map[byte]string
		want string
	}{
		{"does not know the command", map[byte]string{0: "\x6D\x00"}, "does not let ISO/IEC 15693 through"},
		{"cannot switch", map[byte]string{2: "\xC0\x03\x01\x6A\x81\x90\x00"}, "does not let ISO/IEC 15693 through"},
		{"nothing came", map[byte]string{1: "\xC0\x03\x01\x64\x01\x90\x00"}, "no tag answers"},
		{"nothing at all", map[byte]string{1: "\x90\x00"}, "no tag answers"},
		{"an empty response", map[byte]string{1: "\x97\x00\x90\x00"}, "no tag answers"},
		{"a CRC that is wrong", map[byte]string{1: "\x96\x02\x01\x00\x97\x01\x00\x90\x00"}, "garbled"},
		{"a response", map[byte]string{1: "\xC0\x03\x00\x90\x00\x92\x01\x00\x96\x02\x00\x00\x97\x01\x00\x90\x00"}, ""},
		{"noise", map[byte]string{1: "\x90"}, "malformed"},
		{"a failure", map[byte]string{1: "\x67\x00"}, "length"},
	}
	for _, tt := range tests {
		p := NewPassThrough(&slot{chip: answers{tt.to}})
		_, err := p.Exchange(t.Context(), []byte{0x26, 1, 0})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	p := NewPassThrough(&slot{chip: answers{}})
	if _, err := p.Exchange(t.Context(), make([]byte, passRequestMax+1)); !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
}

// A session that is lost is begun anew, within the exchange if that has only begun.
func TestPassThroughReconnects(t *testing.T) {
	f := quick(0)
	f.Put(card(cardID, 7, echo()), 0.1)
	s := &slot{chip: VirtualReader(f)}
	r := NewReach(NewPassThrough(s), Config{})
	for i := range 4 {
		s.gone = i%2 == 1
		if _, err := r.Exchange(t.Context(), cardID, bytes.Repeat([]byte{1}, 600)); err != nil {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

// The longest messages, with losses, through short commands.
func TestPassThroughLongest(t *testing.T) {
	f := quick(0.1)
	f.Put(card(cardID, 7, echo()), 0.1)
	f.Put(card("card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X", 8, nil), 0.1)
	r := NewReach(NewPassThrough(&slot{chip: VirtualReader(f)}), Config{})
	message := bytes.Repeat([]byte{0x5A}, link.MessageMax-4)
	for range 5 {
		got, err := r.Exchange(t.Context(), cardID, message)
		if err != nil || !bytes.Equal(got, append([]byte("re: "), message...)) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	}
}

// All the way through pcscd, to a reader that is virtual as well.
func TestThroughPcscd(t *testing.T) {
	f := NewField(FieldConfig{})
	f.Put(card(cardID, 7, echo()), 0.1)
	d := pcscdtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- vpcd.Run(ctx, d.Slots[0].Address, VirtualReader(f), vpcd.Options{}) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	r := NewReach(NewPassThrough(pcsc.Daemon{Socket: d.Socket}.Reader(d.Slots[0].Reader)), Config{})
	limited, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	message := bytes.Repeat([]byte{0x5A}, 600)
	for range 2 {
		got, err := r.Exchange(limited, cardID, message)
		if err != nil || !bytes.Equal(got, append([]byte("re: "), message...)) {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
}

// Whatever is said to the virtual reader, it answers with a status.
func FuzzVirtualReader(f *testing.F) {
	for _, c := range []string{"FFC20000 02 8100 00", "FFC20002 04 8F020200 00", "FFC20001 05 9503260100 00", "00A40400"} {
		f.Add(unhex(f, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		field := quick(0)
		field.Put(card(cardID, 7, echo()), 0.1)
		v := VirtualReader(field)
		v.Reset(link.Contactless)
		v.Transmit(unhex(t, "FFC20000 02 8100 00"))
		v.Transmit(unhex(t, "FFC20002 04 8F020200 00"))
		if r := v.Transmit(b); len(r) < 2 || len(r) > 258 {
			t.Errorf("got %X", r)
		}
	})
}

// Whatever a reader answers, it is a response, nothing, or an error.
func FuzzPassThroughResponse(f *testing.F) {
	f.Add([]byte("\xC0\x03\x00\x90\x00\x92\x01\x00\x96\x02\x00\x00\x97\x01\x00\x90\x00"))
	f.Add([]byte("\x97\x81\x80"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := NewPassThrough(&slot{chip: answers{map[byte]string{1: string(b)}}})
		if got, err := p.Exchange(t.Context(), []byte{0x26, 1, 0}); (err == nil) != (len(got) > 0) {
			t.Errorf("%X: got %X, %v", b, got, err)
		}
		found, _ := reader{p}.inventory(t.Context())
		if len(found) > tagsMax {
			t.Errorf("%X: %d tags", b, len(found))
		}
	})
}
