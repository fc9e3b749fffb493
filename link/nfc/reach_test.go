package nfc_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
	"sotto/link/nfc"
)

func TestExchange(t *testing.T) {
	s := &slot{chip: nfc.NewCard(cardID, echo(), seeded())}
	r := nfc.NewReach(s, nfc.Config{})
	for _, n := range []int{1, 255, 256, 511, 1280, link.MessageMax - 4} {
		message := bytes.Repeat([]byte{0x5A}, n)
		got, err := r.Exchange(t.Context(), cardID, message)
		if err != nil || !bytes.Equal(got, append([]byte("re: "), message...)) {
			t.Errorf("%d bytes: got %d bytes, %v", n, len(got), err)
		}
	}
	for _, n := range []int{0, link.MessageMax + 1} {
		if _, err := r.Exchange(t.Context(), cardID, make([]byte, n)); err == nil {
			t.Errorf("%d bytes: got no error", n)
		}
	}
}

// The bytes of docs/protocol/nfc.md.
func TestBytes(t *testing.T) {
	s := &slot{chip: nfc.NewCard(cardID, link.HandlerFunc(func([]byte) []byte { return make([]byte, 300) }), seeded())}
	message := bytes.Repeat([]byte{0x4D}, 300)
	if _, err := nfc.NewReach(s, nfc.Config{}).Exchange(t.Context(), cardID, message); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{
		unhex(t, "00A40400 07 F0736F74746F00 00"),
		append(unhex(t, "10DA0100 FF"), message[:255]...),
		append(unhex(t, "00DA0100 2D"), message[255:]...),
		unhex(t, "00C00000 00"),
		unhex(t, "00C00000 2C"),
	}
	if len(s.heard) != len(want) {
		t.Fatalf("commands: got %d, want %d", len(s.heard), len(want))
	}
	for i := range want {
		if !bytes.Equal(s.heard[i], want[i]) {
			t.Errorf("%d: got %X, want %X", i, s.heard[i], want[i])
		}
	}
}

// chips that are not the card, each in its own way.
type says struct{ responses map[byte]string }

func (says) Reset(link.Interface) {}
func (s says) Transmit(command []byte) []byte {
	if r, ok := s.responses[command[1]]; ok {
		return []byte(r)
	}
	return []byte{0x6D, 0}
}

func TestOtherChips(t *testing.T) {
	reached := false
	other := nfc.NewCard("card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X", link.HandlerFunc(func([]byte) []byte { reached = true; return nil }), seeded())
	tests := []struct {
		name string
		chip link.Chip
	}{
		{"none", nil},
		{"another card", other},
		{"a bank card", says{map[byte]string{0xA4: "\x6A\x82"}}},
		{"a chip that takes every name", says{map[byte]string{0xA4: "\x90\x00"}}},
		{"an FCI without a sign", says{map[byte]string{0xA4: "\x6F\x05\xA5\x03\x80\x01\x01\x90\x00"}}},
		{"noise", says{map[byte]string{0xA4: "\x00"}}},
		{"data without end", says{map[byte]string{0xA4: "\x61\x00", 0xC0: "\x61\x00"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := nfc.NewReach(&slot{chip: tt.chip}, nfc.Config{WaitMax: 2 * time.Second})
				began := time.Now()
				_, err := r.Exchange(t.Context(), cardID, []byte("hello"))
				if !errors.Is(err, link.ErrOutOfReach) {
					t.Errorf("got %v, want %v", err, link.ErrOutOfReach)
				}
				if waited := time.Since(began); waited != 2*time.Second {
					t.Errorf("gave up after %v", waited)
				}
			})
		})
	}
	if reached {
		t.Error("another card got the message")
	}
}

// A later version ends the exchange at once: waiting does not help.
func TestOtherVersion(t *testing.T) {
	fci := "\x6F\x19\xA5\x17\x80\x01\x02\x81\x10................\x83\x00\x90\x00"
	r := nfc.NewReach(&slot{chip: says{map[byte]string{0xA4: fci}}}, nfc.Config{})
	if _, err := r.Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) {
		t.Errorf("got %v", err)
	}
}

// The right card comes after another was taken away.
func TestCardComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		other := &slot{chip: nfc.NewCard("card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X", echo(), seeded())}
		right := &slot{chip: nfc.NewCard(cardID, echo(), seeded())}
		r := nfc.NewReach(readerFunc(func(ctx context.Context) (link.Connection, error) {
			if time.Since(began) < 3*time.Second {
				return other.Connect(ctx)
			}
			return right.Connect(ctx)
		}), nfc.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, err := r.Exchange(ctx, cardID, []byte("hello")); err != nil || string(got) != "re: hello" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

type readerFunc func(context.Context) (link.Connection, error)

func (f readerFunc) Connect(ctx context.Context) (link.Connection, error) { return f(ctx) }

// What a card may say to the message, and what it means to a phone.
func TestAnswers(t *testing.T) {
	// Selects like our card, and then says this.
	for name, tt := range map[string]struct {
		chain, last string
		want        error
	}{
		"a link is refused":   {"\x69\x85", "", link.ErrOutOfReach},
		"the last is refused": {"\x90\x00", "\x69\x85", link.ErrLost},
		"silence":             {"\x90\x00", "\x6F\x00", link.ErrLost},
		"no data":             {"\x90\x00", "\x90\x00", link.ErrLost},
		"too much data":       {"\x90\x00", string(make([]byte, link.MessageMax+1)) + "\x90\x00", link.ErrLost},
		"noise":               {"\x90\x00", "\x12", link.ErrLost},
	} {
		chip := &turncoat{Card: nfc.NewCard(cardID, echo(), seeded()), chain: tt.chain, last: tt.last}
		r := nfc.NewReach(&slot{chip: chip}, nfc.Config{})
		_, err := r.Exchange(t.Context(), cardID, make([]byte, 300))
		if !errors.Is(err, tt.want) || errors.Is(err, link.ErrLost) && errors.Is(err, link.ErrOutOfReach) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

type turncoat struct {
	*nfc.Card

	chain, last string
}

func (c *turncoat) Transmit(command []byte) []byte {
	switch {
	case command[1] == 0xA4:
		return c.Card.Transmit(command)
	case command[0] == 0x10:
		return []byte(c.chain)
	}
	return []byte(c.last)
}

// never is a reader that never answers.
type never struct{}

func (never) Connect(ctx context.Context) (link.Connection, error) { return never{}, ctx.Err() }
func (never) Interface() link.Interface                            { return link.Contactless }
func (never) Close() error                                         { return nil }
func (never) Transmit(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// unplugged is a reader that is not there any more.
type unplugged struct{}

func (unplugged) Connect(context.Context) (link.Connection, error) {
	return nil, errors.New("the reader was unplugged")
}

func TestReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		r := nfc.NewReach(never{}, nfc.Config{})
		waiting := make(chan error)
		go func() { // another exchange waits for its turn, and ends with its context
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := r.Exchange(ctx, cardID, []byte("hello"))
			waiting <- err
		}()
		go func() {
			_, err := r.Exchange(ctx, cardID, []byte("hello"))
			waiting <- err
		}()
		for _, want := range []time.Duration{2 * time.Second, 15 * time.Second} {
			if err := <-waiting; !errors.Is(err, link.ErrOutOfReach) || time.Since(began) != want {
				t.Errorf("a reader that never answers: got %v after %v, want %v", err, time.Since(began), want)
			}
		}
		began = time.Now()
		if _, err := nfc.NewReach(unplugged{}, nfc.Config{}).Exchange(t.Context(), cardID, []byte("hello")); !errors.Is(err, link.ErrOutOfReach) || time.Since(began) > time.Second {
			t.Errorf("unplugged: got %v after %v", err, time.Since(began))
		}
	})
}

// The card is cut off before and after every command, with its battery and
// without: it shows the whole truth or nothing, the phone knows whether the
// message can have arrived, and the next try succeeds and shows nothing twice.
func TestCutAtEveryCommand(t *testing.T) {
	v := vectorOf(t, worked)
	for _, battery := range []bool{true, false} {
		cuts := 0
		for cutAt(t, v, cuts, battery) {
			cuts++
		}
		if cuts != 6 { // SELECT, PUT DATA, GET RESPONSE: before and after each
			t.Errorf("cuts: got %d", cuts)
		}
	}
}

// cutAt cuts once and reports whether there was something to cut.
func cutAt(t *testing.T, v vector, at int, battery bool) (reached bool) {
	t.Helper()
	message, want := v.hex(t, "message"), v.hex(t, "answer")
	b := newBoard(t, v)
	s := &slot{chip: b, cut: func(n int, response bool) bool {
		now := 2 * n
		if response {
			now++
		}
		if now == at && !reached {
			reached = true
			if battery {
				b.power(t)
			}
			return true
		}
		return false
	}}
	r := nfc.NewReach(s, nfc.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := r.Exchange(ctx, b.id, message)
	const duringSelect = 2 // there the reader looks again by itself
	if (err == nil) != (at < duringSelect || !reached) {
		t.Errorf("cut %d: got %v", at, err)
	}
	if n := len(b.shown); n > 1 || n == 1 && (b.shown[0] != v["code"] || errors.Is(err, link.ErrOutOfReach)) {
		t.Errorf("cut %d: shown %q, %v", at, b.shown, err)
	}
	s.cut = nil
	answer, err := r.Exchange(ctx, b.id, message)
	if err != nil || !bytes.Equal(answer, want) || len(b.shown) != 1 {
		t.Errorf("cut %d: again: %d bytes, %v; shown %d times", at, len(answer), err, len(b.shown))
	}
	return reached
}
