package frame

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

// cut is a message as its frames, without polls.
func cut(id ID, message []byte, size int) (frames [][]byte) {
	count := pieces(len(message), size)
	for i := range count {
		h := header{kind: messagePart, last: i == count-1, number: byte(i), length: uint16(len(message)), id: id}
		frames = append(frames, appendFrame(nil, h, message[i*size:min((i+1)*size, len(message))], false))
	}
	return frames
}

func polled(frame []byte) []byte {
	frame = bytes.Clone(frame)
	frame[0] |= pollBit
	return frame
}

// deliver gives frames to the Receiver and returns the messages it made of them,
// which are answered by their first byte.
func deliver(r *Receiver, now time.Time, frames ...[]byte) (messages []string) {
	for _, f := range frames {
		if m := r.Receive(now, f); m != nil {
			messages = append(messages, string(m))
			r.Answer(now, m[:1])
		}
	}
	return messages
}

// drain is all that the Receiver has to say.
func drain(t *testing.T, r *Receiver) (said []header) {
	t.Helper()
	for {
		f, ok := r.Next(nil)
		if !ok {
			return said
		}
		h, _, err := parse(f, false)
		if err != nil {
			t.Fatalf("the card sends %X", f)
		}
		said = append(said, h)
	}
}

func TestReceiverFaults(t *testing.T) {
	message := []byte("the quick brown fox jumps over the lazy dog")
	frames := cut(7, message, 10)
	other := cut(8, bytes.ToUpper(message), 10)
	finer := cut(7, message, 9)
	back := make([][]byte, len(frames))
	for i, f := range frames {
		back[i] = bytes.Clone(f)
		back[i][0] ^= byte(messagePart ^ answerPart)
	}
	reversed := slices.Clone(frames)
	slices.Reverse(reversed)
	tests := []struct {
		name   string
		frames [][]byte
		want   int // how often the message comes out
	}{
		{"in order", frames, 1},
		{"reversed", reversed, 1},
		{"doubled", slices.Concat(frames[:3], frames), 1},
		{"again after the answer", slices.Concat(frames, frames, frames), 1},
		{"one lost", slices.Concat(frames[:2], frames[3:]), 0},
		{"lost and repeated", slices.Concat(frames[:2], frames[3:], frames[2:3]), 1},
		{"the first only, for ever", slices.Repeat(frames[:1], 5000), 0},
		{"pieces of two cuttings", slices.Concat(frames[:2], finer[2:]), 0},
		{"of another card's answer", back, 0},
		{"cut anew", slices.Concat(frames[:4], finer), 1},
		{"an earlier exchange comes late", slices.Concat(other[:2], frames, other[2:]), 0},
	}
	for _, tt := range tests {
		r := NewReceiver(Config{})
		got := deliver(r, start, tt.frames...)
		n := 0
		for _, m := range got {
			switch m {
			case string(message):
				n++
			case string(bytes.ToUpper(message)):
			default:
				t.Errorf("%s: a message that nobody sent: %q", tt.name, m)
			}
		}
		if n != tt.want {
			t.Errorf("%s: delivered %d times, want %d", tt.name, n, tt.want)
		}
	}
}

// A new exchange ends the one before; a new phone does too, where the Receiver
// is used without Peers.
func TestNewMessageDisplaces(t *testing.T) {
	for _, next := range []ID{NewID(1, 6), NewID(2, 1), NewID(1, 5+0x7FFF)} {
		r := NewReceiver(Config{})
		old, fresh := cut(NewID(1, 5), []byte("0123456789"), 4), cut(next, []byte("abcdefghij"), 4)
		got := deliver(r, start, slices.Concat(old[:2], fresh[:1], old[2:], fresh[1:])...)
		if want := []string{"abcdefghij"}; next.source() == 1 && !slices.Equal(got, want) {
			t.Errorf("%08X: got %q, want %q", uint32(next), got, want)
		}
		for _, m := range got {
			if m != "abcdefghij" && m != "0123456789" {
				t.Errorf("%08X: a message that nobody sent: %q", uint32(next), m)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name  string
		h     header
		piece int
	}{
		{"too long", header{length: MessageMax + 1}, 10},
		{"as long as can be said", header{length: 0xFFFF}, 200},
		{"no bytes at all", header{length: 0, last: true}, 0},
		{"no bytes in a piece", header{length: 10}, 0},
		{"more than the message", header{length: 10, last: true}, 11},
		{"less than the message", header{length: 10, last: true}, 9},
		{"nothing left for the last", header{length: 10, number: 1}, 5},
		{"beyond the end", header{length: 10, number: 9}, 5},
		{"the last does not come out even", header{length: 10, number: 3, last: true}, 2},
		{"the last larger than the others", header{length: 10, number: 1, last: true}, 6},
		{"too many pieces", header{length: MessageMax}, 5},
	}
	for _, tt := range tests {
		tt.h.kind, tt.h.id, tt.h.poll = messagePart, 1, true
		r := NewReceiver(Config{})
		if m := r.Receive(start, appendFrame(nil, tt.h, make([]byte, tt.piece), false)); m != nil || r.phase != resting {
			t.Errorf("%s: got %d bytes, phase %d", tt.name, len(m), r.phase)
		}
		if said := drain(t, r); said != nil {
			t.Errorf("%s: the card says %+v", tt.name, said)
		}
	}
	for _, n := range []int{1, 12, MessageMax} {
		if got := deliver(NewReceiver(Config{}), start, cut(1, make([]byte, n), 12)...); len(got) != 1 || len(got[0]) != n {
			t.Errorf("%d bytes: got %d messages", n, len(got))
		}
	}
}

// Half a message does not stay, and neither does the answer.
func TestExpire(t *testing.T) {
	frames := cut(1, []byte("0123456789"), 4)
	r := NewReceiver(Config{IdleMax: 3 * time.Second, WholeMax: 5 * time.Second, AnswerMax: 10 * time.Second})
	deliver(r, start, frames[0])
	if got := deliver(r, start.Add(3*time.Second+1), frames[1:]...); got != nil {
		t.Errorf("idle: got %q", got)
	}
	r.Reset()
	for i := range 3 { // dripping
		deliver(r, start.Add(time.Duration(2*i)*time.Second), frames[0])
	}
	if got := deliver(r, start.Add(6*time.Second), frames[1:]...); got != nil {
		t.Errorf("dripping: got %q", got)
	}
	r.Reset()
	deliver(r, start, frames[:2]...)
	r.Expire(start.Add(time.Hour))
	if r.phase != resting || !bytes.Equal(r.in.buffer[:10], make([]byte, 10)) {
		t.Error("half a message is still there")
	}
	deliver(r, start, frames...)
	deliver(r, start, frames...) // a repetition brings nothing back
	if !bytes.Equal(r.in.buffer[:10], make([]byte, 10)) {
		t.Error("the message is still there after its answer")
	}
	r.Expire(start.Add(10*time.Second + 1))
	if r.phase != resting || r.out[0] != 0 {
		t.Error("the answer is still there")
	}
}

func TestHave(t *testing.T) {
	frames := cut(1, make([]byte, 500), 10)
	r := NewReceiver(Config{})
	deliver(r, start, frames[0], frames[1], frames[3], frames[34], polled(frames[4]))
	var said []byte
	for f, ok := r.Next(nil); ok; f, ok = r.Next(nil) {
		said = append(said, f...)
	}
	want := []byte{0x23, 2, 0x01, 0xF4, 0, 0, 0, 1, 0xC0, 0, 0, 1}
	if !bytes.Equal(said, want) {
		t.Errorf("got %X, want %X", said, want)
	}
}

func TestPollOfTheUnknown(t *testing.T) {
	r := NewReceiver(Config{})
	ask := appendFrame(nil, header{kind: haveAnswer, poll: true, id: 0xA1A2A3A4}, make([]byte, haveSize), false)
	if m := r.Receive(start, ask); m != nil {
		t.Fatal("a message out of a poll")
	}
	f, _ := r.Next(nil)
	if want := []byte{0x23, 0, 0, 0, 0xA1, 0xA2, 0xA3, 0xA4, 0, 0, 0, 0}; !bytes.Equal(f, want) {
		t.Errorf("got %X, want %X", f, want)
	}
}

// While the handler works the card says that it has everything; a second message
// has to wait.
func TestWhileWorking(t *testing.T) {
	r := NewReceiver(Config{})
	frames := cut(1, []byte("0123456789"), 4)
	var message []byte
	for _, f := range frames {
		message = r.Receive(start, f)
	}
	if string(message) != "0123456789" {
		t.Fatalf("got %q", message)
	}
	if m := r.Receive(start, polled(frames[0])); m != nil {
		t.Error("delivered again")
	}
	if said := drain(t, r); len(said) != 1 || said[0].kind != haveMessage || said[0].number != 3 {
		t.Errorf("got %+v", said)
	}
	if got := deliver(r, start, cut(2, []byte("abc"), 4)...); got != nil {
		t.Errorf("a second message meanwhile: got %q", got)
	}
	r.Answer(start, []byte("yes"))
	if said := drain(t, r); len(said) != 1 || said[0].kind != answerPart || !said[0].last || !said[0].poll {
		t.Errorf("got %+v", said)
	}
	r.Answer(start, []byte("no")) // nothing waits for it
	if string(r.out[:r.length]) != "yes" {
		t.Error("an answer that nothing waited for was taken")
	}
}

// The connection comes back with smaller frames: the answer is cut anew, and the
// phone, which had a part of it, takes it.
func TestResizeBetween(t *testing.T) {
	large, small := Config{Size: 108, Window: 1}, Config{Size: 58, Window: 8}
	r := NewReceiver(large)
	message := bytes.Repeat([]byte("m"), 90)
	sender := NewSender(large, 1, message)
	answer := text(newAir(1).random, 300)
	f, _ := sender.Next(start, nil)
	if r.Receive(start, f) == nil {
		t.Fatal("no message")
	}
	r.Answer(start, answer)
	f, _ = r.Next(nil)
	sender.Receive(start, f) // 100 bytes of it
	r.Resize(58)
	for range 20 {
		for f, ok := sender.Next(start, nil); ok; f, ok = sender.Next(start, nil) {
			r.Receive(start, f)
		}
		for f, ok := r.Next(nil); ok; f, ok = r.Next(nil) {
			if len(f) > small.Size {
				t.Fatalf("a frame of %d bytes", len(f))
			}
			sender.Receive(start, f)
		}
	}
	if got, err := sender.Answer(); err != nil || !bytes.Equal(got, answer) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// Once made, the card's side allocates nothing.
func TestCardAllocatesNothing(t *testing.T) {
	p := NewPeers(2, Config{Size: 60})
	buffer := make([]byte, 0, 60)
	answer := make([]byte, 120)
	message := make([]byte, 500)
	id := ID(0)
	frames := cut(0, message, 52)
	for i := range frames {
		frames[i] = polled(frames[i])
	}
	lost := appendFrame(nil, header{kind: haveAnswer, poll: true, id: 99}, make([]byte, haveSize), false)
	got := testing.AllocsPerRun(100, func() {
		id++
		for _, f := range frames {
			f[7] = byte(id)
			r, m := p.Receive(start, 1, f)
			if m != nil {
				r.Answer(start, answer)
			}
			for _, ok := r.Next(buffer); ok; _, ok = r.Next(buffer) {
			}
		}
		r, _ := p.Receive(start, 1, lost)
		r.Next(buffer)
		p.Expire(start)
	})
	if got != 0 {
		t.Errorf("allocations per message: got %v", got)
	}
}

func TestPeersGone(t *testing.T) {
	p := NewPeers(2, Config{})
	frames := cut(1, []byte("0123456789"), 4)
	p.Receive(start, 1, frames[0])
	p.Receive(start, 2, frames[0])
	p.Gone(1)
	if _, m := p.Receive(start, 1, frames[1]); m != nil {
		t.Error("half a message outlived its connection")
	}
	var got []byte
	for _, f := range frames[1:] {
		_, got = p.Receive(start, 2, f)
	}
	if string(got) != "0123456789" {
		t.Errorf("the other phone's message: got %q", got)
	}
	if r, m := p.Receive(start, 3, []byte("not a frame at all")); r != nil || m != nil {
		t.Error("a place for what is no frame")
	}
}

func TestLongAnswerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an answer above MessageMax was taken")
		}
	}()
	NewReceiver(Config{}).Answer(start, make([]byte, MessageMax+1))
}

func TestSilence(t *testing.T) {
	s, r := NewSender(Config{}, 1, []byte("m")), NewReceiver(Config{})
	f, _ := s.Next(start, nil)
	if m := r.Receive(start, f); string(m) != "m" {
		t.Fatalf("got %q", m)
	}
	r.Answer(start, nil)
	f, _ = r.Next(nil)
	s.Receive(start, f)
	if _, err := s.Answer(); !errors.Is(err, ErrSilence) || !s.Over() {
		t.Errorf("got %v", err)
	}
}
