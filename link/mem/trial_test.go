package mem

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"sotto/link"
)

// stamped are the ends of a link that carries numbers: messages of so many bytes,
// and answers of 54, of which the first four say which they are.
type stamped struct {
	size   int
	number uint32
	shown  uint32
	says   func(number uint32) []byte // instead of the card
}

func (s *stamped) Next() []byte {
	s.number++
	return append(binary.BigEndian.AppendUint32(nil, s.number), make([]byte, s.size-4)...)
}

func (s *stamped) Handle(message []byte) []byte {
	if len(message) != s.size {
		return nil
	}
	s.shown = binary.BigEndian.Uint32(message)
	if s.says != nil {
		return s.says(s.shown)
	}
	return append(bytes.Clone(message[:4]), make([]byte, 50)...)
}

func (s *stamped) Shown() bool { return s.shown == s.number }

func (s *stamped) Judge(answer []byte) Verdict {
	switch {
	case len(answer) == 1:
		return TooLate
	case binary.BigEndian.Uint32(answer) == s.number:
		return Receipt
	}
	return Wrong
}

func numbers(size int) func(*Clock) Ends {
	return func(*Clock) Ends { return &stamped{size: size} }
}

func wired(s Setting) link.Reach { return NewWire(s.Radio, 1, s.Card, s.Clock.Waiter()) }

// Out of range, every delivery expires, when it should, and the phone knows.
func TestOutOfRange(t *testing.T) {
	o := Trial{
		Technology: BLE, Metres: 40, Deliveries: 20, ExpiryMax: 3 * time.Second, Link: wired, Ends: numbers(216),
	}.Run()
	if o.Expired != 20 || o.Delivered+o.Wrong+o.Unheard != 0 || o.AirPackets != 0 {
		t.Errorf("got %+v", o)
	}
}

// Over a radio that does not repeat by itself, the frames do, in the smallest
// pieces that there are. The few that are given up are for whoever tries again.
func TestWireRepeats(t *testing.T) {
	bare := BLE
	bare.RepeatsMax, bare.PacketMax = 0, 20
	o := Trial{Technology: bare, Loss: 0.2, Deliveries: 1000, Link: wired, Ends: numbers(1280)}.Run()
	t.Logf("%+v", o)
	if o.Delivered < 980 || o.Wrong != 0 || o.Unheard != 0 || o.Repeated != 0 {
		t.Errorf("got %+v", o)
	}
	if o.MessageBytes != 1280 || o.AnswerBytes != 54 || o.AirBytes < 1334 {
		t.Errorf("bytes: got %v, %v and %v on the air", o.MessageBytes, o.AnswerBytes, o.AirBytes)
	}
}

// What the card says decides what a delivery was.
func TestVerdicts(t *testing.T) {
	for name, tt := range map[string]struct {
		says func(uint32) []byte
		want [4]int // delivered, expired, wrong, unheard
	}{
		"a receipt":             {nil, [4]int{10, 0, 0, 0}},
		"too late":              {func(uint32) []byte { return []byte{1} }, [4]int{0, 10, 0, 10}},
		"of another":            {func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n+1) }, [4]int{0, 0, 10, 0}},
		"shown and never heard": {func(uint32) []byte { return nil }, [4]int{0, 10, 0, 10}},
	} {
		o := Trial{
			Technology: BLE, Deliveries: 10, Link: wired,
			Ends: func(*Clock) Ends { return &stamped{size: 40, says: tt.says} },
		}.Run()
		if got := [4]int{o.Delivered, o.Expired, o.Wrong, o.Unheard}; got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// A card that is carried off and comes back within twice the time that a code has
// gets about half of the messages; the phone knows of each which it was.
func TestCardComesBack(t *testing.T) {
	o := Trial{
		Technology: NFC, Deliveries: 1000, ExpiryMax: 10 * time.Second, AwayMax: 20 * time.Second, Ends: numbers(216),
		Link: func(s Setting) link.Reach { return waiting{NewField(s.Radio, &chip{}, s.Clock.Waiter()), s.Card} },
	}.Run()
	if o.Delivered+o.Expired != 1000 || o.Delivered < 450 || o.Delivered > 550 || o.Unheard+o.Wrong != 0 {
		t.Errorf("got %+v", o)
	}
	if o.ShownMax > 10*time.Second || o.ShownMax < 9*time.Second || o.ShownP50 < 4*time.Second || o.ShownP50 > 6*time.Second {
		t.Errorf("shown after %v, at most %v", o.ShownP50, o.ShownMax)
	}
}

// waiting is a link that waits for the card and hands the message over at once.
type waiting struct {
	*Field

	card link.Handler
}

func (w waiting) Exchange(ctx context.Context, _ string, message []byte) ([]byte, error) {
	if _, err := w.Connect(ctx); err != nil {
		return nil, link.ErrOutOfReach
	}
	return w.card.Handle(message), nil
}
