package frame

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sotto/link"
)

func TestMessageMaxIsThatOfLink(t *testing.T) {
	if MessageMax != link.MessageMax {
		t.Errorf("got %d, want %d", MessageMax, link.MessageMax)
	}
}

// The check value that catalogues give for this CRC, and its residue.
func TestCRC16(t *testing.T) {
	b := []byte("123456789")
	if got := CRC16(b); got != 0x906E {
		t.Errorf("got %04X, want 906E", got)
	}
	// ISO/IEC 13239: over data and check the register is F0B8, complemented 0F47.
	if got := CRC16(append(b, 0x6E, 0x90)); got != 0x0F47 {
		t.Errorf("residue: got %04X, want 0F47", got)
	}
}

// The bytes of docs/protocol/link.md.
func TestBytes(t *testing.T) {
	c := Config{Size: 20, CRC: true}
	s := NewSender(c, 0x1234_0001, []byte("0123456789ABCDEF"))
	r := NewReceiver(c)
	want := [][]byte{
		{0x21, 0, 0, 16, 0x12, 0x34, 0, 1, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0x69, 0x4D},
		{0x39, 1, 0, 16, 0x12, 0x34, 0, 1, 'A', 'B', 'C', 'D', 'E', 'F', 0x33, 0x85},
		{0x3A, 0, 0, 4, 0x12, 0x34, 0, 1, 't', 'h', 'e', 'n', 0xD8, 0xF1},
	}
	for i := range 2 {
		f, ok := s.Next(start, nil)
		if !ok || !bytes.Equal(f, want[i]) {
			t.Errorf("%d: got % X, want % X", i, f, want[i])
		}
		if m := r.Receive(start, f); m != nil {
			r.Answer(start, []byte("then"))
		}
	}
	f, ok := r.Next(nil)
	if !ok || !bytes.Equal(f, want[2]) {
		t.Errorf("answer: got % X, want % X", f, want[2])
	}
	damaged := bytes.Clone(f)
	damaged[9] ^= 1
	if s.Receive(start, damaged) {
		t.Error("a damaged frame was taken")
	}
	s.Receive(start, f)
	if got, err := s.Answer(); err != nil || string(got) != "then" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A sender that nobody hears polls less and less often, and gives up; what it
// then says depends on whether the message can have arrived.
func TestSenderGivesUp(t *testing.T) {
	c := Config{Size: 28, Window: 2, Timeout: 100 * time.Millisecond, TimeoutMax: 400 * time.Millisecond, TriesMax: 5}
	for _, tt := range []struct {
		length, frames int
		want           error
	}{
		{40, 2 + 4, ErrLost},    // two pieces: all were sent once
		{100, 2 + 4, ErrUnsent}, // five pieces
	} {
		s, now, sent := NewSender(c, 1, make([]byte, tt.length)), start, 0
		for !s.Over() {
			for _, ok := s.Next(now, nil); ok; _, ok = s.Next(now, nil) {
				sent++
			}
			now = s.Due()
		}
		if _, err := s.Answer(); !errors.Is(err, tt.want) || sent != tt.frames {
			t.Errorf("%d bytes: got %v after %d frames, want %v after %d", tt.length, err, sent, tt.want, tt.frames)
		}
		if got, want := now.Sub(start), (100+200+400+400+400)*time.Millisecond; got != want {
			t.Errorf("%d bytes: gave up after %v, want %v", tt.length, got, want)
		}
	}
}

// A card that takes everything and never keeps it ends the exchange.
func TestSenderTiresOfLapses(t *testing.T) {
	s := NewSender(Config{Size: 28}, 1, make([]byte, 40))
	nothing := appendFrame(nil, header{kind: haveMessage, id: 1}, make([]byte, haveSize), false)
	all := appendFrame(nil, header{kind: haveMessage, number: 2, length: 40, id: 1}, make([]byte, haveSize), false)
	for range 2 * lapsesMax {
		s.Receive(start, all)
		s.Receive(start, nothing)
	}
	if _, err := s.Answer(); !errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
}

// loopback is a Pipe with a card at its end, whose time stands unless nothing
// comes.
type loopback struct {
	card  *Peers
	now   time.Time
	out   [][]byte
	mute  bool
	fails error
}

func (l *loopback) Now() time.Time { return l.now }

func (l *loopback) Send(frame []byte) error {
	if l.mute {
		return l.fails
	}
	r, m := l.card.Receive(l.now, 0, frame)
	if m != nil {
		r.Answer(l.now, m)
	}
	for f, ok := r.Next(nil); ok; f, ok = r.Next(nil) {
		l.out = append(l.out, f)
	}
	return l.fails
}

func (l *loopback) Receive(until time.Time) ([]byte, error) {
	if len(l.out) == 0 {
		l.now = until
		return nil, nil
	}
	f := l.out[0]
	l.out = l.out[1:]
	return f, nil
}

func TestRun(t *testing.T) {
	c := Config{Size: 64}
	message := text(newAir(3).random, 700)
	l := &loopback{card: NewPeers(1, c), now: start}
	if got, err := NewSender(c, 1, message).Run(l); err != nil || !bytes.Equal(got, message) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	broken := errors.New("broken")
	s := NewSender(c, 2, message)
	if _, err := s.Run(&loopback{mute: true, fails: broken, now: start}); !errors.Is(err, broken) || !errors.Is(s.Unheard(), ErrUnsent) {
		t.Errorf("got %v, %v", err, s.Unheard())
	}
	if _, err := NewSender(c, 3, message).Run(&loopback{mute: true, now: start}); !errors.Is(err, ErrUnsent) {
		t.Errorf("nobody hears: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x39, 1, 0, 16, 0x12, 0x34, 0, 1, 'A', 'B', 'C', 'D', 'E', 'F'}, false)
	f.Add([]byte{0x3A, 0, 0, 4, 0x12, 0x34, 0, 1, 't', 'h', 'e', 'n', 0xD8, 0xF1}, true)
	f.Fuzz(func(t *testing.T, b []byte, crc bool) {
		h, payload, err := parse(b, crc)
		if err != nil {
			return
		}
		if again := appendFrame(nil, h, payload, crc); !bytes.Equal(again, b) {
			t.Errorf("%X became %X", b, again)
		}
	})
}

// split makes frames of fuzzed bytes: a length, and so many bytes.
func split(b []byte) (frames [][]byte) {
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		frames, b = append(frames, b[1:1+n]), b[1+n:]
	}
	return frames
}

func joined(frames ...[]byte) (b []byte) {
	for _, f := range frames {
		b = append(append(b, byte(len(f))), f...)
	}
	return b
}

// Whatever comes, the card neither panics nor delivers what is no message, and
// what it says is well formed.
func FuzzReceiver(f *testing.F) {
	f.Add(joined(cut(1, []byte("0123456789"), 4)...))
	f.Add(joined(append(cut(2, []byte("abcdef"), 2), cut(1, []byte("0123456789"), 4)...)...))
	f.Add(joined(appendFrame(nil, header{kind: haveAnswer, poll: true, id: 1, length: 300, number: 2}, []byte{0xFF, 0, 0, 1}, false)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := NewPeers(2, Config{Size: 30})
		now := start
		for _, frame := range split(b) {
			now = now.Add(100 * time.Millisecond)
			r, m := p.Receive(now, uint32(len(frame)%2), frame)
			if r == nil {
				continue
			}
			if m != nil {
				if len(m) > MessageMax || len(m) == 0 {
					t.Fatalf("a message of %d bytes", len(m))
				}
				r.Answer(now, m)
			}
			n := 0
			for f, ok := r.Next(nil); ok; f, ok = r.Next(nil) {
				if _, _, err := parse(f, false); err != nil || len(f) > 30 {
					t.Fatalf("the card sends %X", f)
				}
				if n++; n > WindowMax {
					t.Fatal("no end of frames")
				}
			}
		}
	})
}

// Whatever a card sends, the phone neither panics nor sends without end.
func FuzzSender(f *testing.F) {
	f.Add(joined(appendFrame(nil, header{kind: haveMessage, number: 1, length: 100, id: 1}, []byte{0x80, 0, 0, 0}, false)))
	f.Add(joined(appendFrame(nil, header{kind: answerPart, last: true, poll: true, length: 3, id: 1}, []byte("yes"), false)))
	f.Add(joined(appendFrame(nil, header{kind: haveMessage, id: 1}, []byte{0, 0, 0, 0}, false)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSender(Config{Size: 30}, 1, make([]byte, 100))
		now := start
		for _, frame := range split(b) {
			n := 0
			for f, ok := s.Next(now, nil); ok; f, ok = s.Next(now, nil) {
				if _, _, err := parse(f, false); err != nil || len(f) > 30 {
					t.Fatalf("the phone sends %X", f)
				}
				if n++; n > WindowMax {
					t.Fatal("no end of frames")
				}
			}
			s.Receive(now, frame)
			now = now.Add(time.Millisecond)
		}
		if answer, err := s.Answer(); err == nil && len(answer) > MessageMax {
			t.Fatalf("an answer of %d bytes", len(answer))
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	c := Config{Size: 244}
	message := make([]byte, 400)
	l := &loopback{card: NewPeers(1, c), now: start}
	b.ReportAllocs()
	for id := ID(0); b.Loop(); id++ {
		if _, err := NewSender(c, id, message).Run(l); err != nil {
			b.Fatal(err)
		}
	}
}
