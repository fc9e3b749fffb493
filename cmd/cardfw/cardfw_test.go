package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sotto/card"
	"sotto/dyncode"
)

// The firmware on another machine answers, shows and keeps exactly what the card
// does on this one, under traffic good and bad.
func TestRandomTrafficOnAnotherMachine(t *testing.T) {
	const seed = 20261122
	t.Logf("seed %d", seed)
	on := firmwareOn(t)
	for i, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		t.Run(profile.String(), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			x := newIssuer(profile, []string{"en", "zh"}[i])
			b, n := newBoard(t, on), newNative(card.NewMemory(x.who))
			b.load(card.NewMemory(x.who))
			now, sent, receipts, pictures := start, [][]byte(nil), 0, map[string]bool{}
			for step := range 300 {
				switch random.IntN(8) {
				case 0:
					now = now.Add(time.Duration(random.IntN(60_000)) * time.Millisecond)
					n.now = now
					n.device.Tick(now)
					b.must('T', timed(now, nil)...)
				case 1:
					n.device.PageNext()
					b.must('N')
				default:
					message := x.traffic(random, now, sent)
					sent = append(sent, message)
					n.now = now
					want := n.device.Handle(message)
					if got := b.must('M', timed(now, message)...); !bytes.Equal(got, want) {
						t.Fatalf("step %d: got answer % x, want % x", step, got, want)
					}
					if _, err := dyncode.ParseReceipt(want); err == nil {
						receipts++
					}
				}
				picture := b.must('S')
				if !bytes.Equal(picture, n.panel.Frame.Bits[:]) {
					t.Fatalf("step %d: another picture", step)
				}
				pictures[string(picture)] = true
			}
			if receipts < 40 || len(pictures) < 40 {
				t.Errorf("only %d receipts and %d pictures: too little was tried", receipts, len(pictures))
			}
			if got := b.kept(); !bytes.Equal(got, n.kept) {
				t.Error("the flash has another memory")
			}
		})
	}
}

// memory is what is kept, read.
func (b *board) memory() card.Memory {
	b.t.Helper()
	m, err := card.ParseMemory(b.kept())
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// kept is the memory in the flash's file.
func (b *board) kept() []byte {
	b.t.Helper()
	f, err := os.Open(filepath.Join(b.flash, "flash"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	c, err := openChip(f, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return c.newest()
}

// The battery is pulled at every write to flash while a payment arrives. When it
// is back, the card rests; the message that was cut comes again and is answered
// by a receipt, if nothing of it had been kept, or refused for its counter; and
// the next payment is shown.
func TestBatteryPulledAtEveryWrite(t *testing.T) {
	on := firmwareOn(t)
	seen := map[string]int{}
	for at := byte(1); ; at++ {
		x := newIssuer(dyncode.CardSealed, "en")
		b := newBoard(t, on)
		b.load(x.bound())
		resting := b.must('S')
		b.must('M', timed(start, x.pay(start, 0, "100000", "Tea House", 1))...) // so that both pages are in use
		was := b.memory()
		message, next := x.pay(start, 0, "482913", "Tea House", 12800), x.pay(start, 0, "506718", "Tea House", 100)
		b.must('X', 0, 0, 0, at)
		answer, alive := b.ask('M', timed(start, message)...)
		if alive {
			if _, err := x.inner.Verify(answer); err != nil {
				t.Errorf("without a cut: %v", err)
			}
			break
		}
		if status := <-b.status; status != statusPower {
			t.Fatalf("cut %d: the machine ended with status %d", at, status)
		}
		b.status <- 0
		b.powerOn()
		if got := b.must('S'); !bytes.Equal(got, resting) {
			t.Errorf("cut %d: the card does not rest when the power is back", at)
		}
		if now := b.memory(); now.BankCounter < was.BankCounter || now.Shown != was.Shown && now.Shown.Counter != was.BankCounter+1 {
			t.Errorf("cut %d: the memory is neither that before nor one after", at)
		}
		again := b.must('M', timed(start, message)...)
		if _, err := x.inner.Verify(again); err == nil {
			seen["receipt"]++
		} else if r, err := dyncode.ParseRefusal(again); err == nil && r.Reason == dyncode.RefusedCounter {
			seen["counter"]++
		} else {
			t.Errorf("cut %d: the message again is answered % x", at, again)
		}
		if _, err := x.inner.Verify(b.must('M', timed(start, next)...)); err != nil {
			t.Errorf("cut %d: the next payment is not shown: %v", at, err)
		}
	}
	t.Logf("the message again: %v", seen)
	if seen["receipt"] == 0 || seen["counter"] == 0 {
		t.Errorf("got %v: the cuts did not go through the update", seen)
	}
}

func TestFramesThatAreNone(t *testing.T) {
	var out bytes.Buffer
	c, err := openChip(&memoryFile{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := newIssuer(dyncode.CardSealed, "en")
	memory, err := x.bound().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(op byte, body ...byte) []byte {
		return append([]byte{op, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	in := bytes.Join([][]byte{frame('S'), frame('L', 1, 2), frame('L', memory...), frame('?'), frame('M', 1), frame('X', 1), frame('T', make([]byte, 8)...)}, nil)
	if err := (&firmware{chip: c}).serve(bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := bytes.Join([][]byte{
		frame('E', errBlank), frame('E', errMemory), frame('L'), frame('E', errUnknown), frame('E', errUnknown), frame('E', errUnknown), frame('T'),
	}, nil)
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got  % x\nwant % x", out.Bytes(), want)
	}
	for _, bad := range [][]byte{{'M', 0xFF, 0xFF}, {'M', 0, 5, 1}, {'M', 0}} {
		if err := (&firmware{chip: c}).serve(bytes.NewReader(bad), &out); err == nil {
			t.Errorf("% x was taken", bad)
		}
	}
}

// Whatever comes on the line, the firmware answers each frame that is one, and the
// power goes only when it was told to.
func FuzzFrames(f *testing.F) {
	x := newIssuer(dyncode.CardSealed, "en")
	memory, err := x.bound().Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	frame := func(op byte, body ...byte) []byte {
		return append([]byte{op, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	message := frame('M', timed(start, x.pay(start, 0, "482913", "Tea House", 1))...)
	f.Add(bytes.Join([][]byte{frame('L', memory...), message, frame('S'), frame('N'), frame('H')}, nil))
	f.Add(bytes.Join([][]byte{frame('L', memory...), frame('X', 0, 0, 0, 2), message}, nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		type lost struct{}
		defer func() {
			if r := recover(); r != nil && (r != lost{} || bytes.IndexByte(in, 'X') < 0) {
				t.Errorf("%v", r)
			}
		}()
		c, err := openChip(&memoryFile{}, func() { panic(lost{}) })
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_ = (&firmware{chip: c}).serve(bytes.NewReader(in), &out)
		for rest := out.Bytes(); len(rest) > 0; {
			n := 3 + int(rest[1])<<8 + int(rest[2])
			if n > len(rest) {
				t.Fatalf("half an answer: % x", rest)
			}
			rest = rest[n:]
		}
	})
}

// memoryFile is a file in memory.
type memoryFile struct{ b [pages * pageSize]byte }

func (m *memoryFile) ReadAt(b []byte, at int64) (int, error)  { return copy(b, m.b[at:]), nil }
func (m *memoryFile) WriteAt(b []byte, at int64) (int, error) { return copy(m.b[at:], b), nil }
