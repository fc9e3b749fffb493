package vpcd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/link"
)

var quick = limits{first: 150 * time.Millisecond, idle: 400 * time.Millisecond, frame: 150 * time.Millisecond, refusals: 2}

// slow is a chip whose commands take their time.
type slow struct {
	chip
	time time.Duration
}

func (s *slow) Transmit(command []byte) []byte {
	time.Sleep(s.time)
	return s.chip.Transmit(command)
}

// start serves a chip until the test ends, and waits for the server.
func start(t testing.TB, chip link.Chip, o Options, limit limits) (address string) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, l, chip, o, limit)
	return l.Addr().String()
}

func startOn(t testing.TB, l net.Listener, chip link.Chip, o Options, limit limits) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l, chip, o, limit) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("serve did not end with its context")
		}
	}
	t.Cleanup(stop)
	return stop
}

func connect(t testing.TB, address string) link.Connection {
	t.Helper()
	r, err := NewReader(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := r.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// answers checks that the chip is there and answers.
func answers(t testing.TB, c link.Connection) {
	t.Helper()
	command := []byte{0, 0xA4, 4, 0}
	got, err := c.Transmit(t.Context(), command)
	if err != nil || !bytes.Equal(got, append(command, 0x90, 0)) {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestDirect(t *testing.T) {
	for _, way := range []link.Interface{link.Contactless, link.Contact} {
		chip := &chip{}
		c := connect(t, start(t, chip, Options{Interface: way}, defaults))
		if c.Interface() != way || len(chip.resets) != 1 || chip.resets[0] != way {
			t.Errorf("%v: got %v, resets %v", way, c.Interface(), chip.resets)
		}
		for _, n := range []int{4, 5, 261, payloadMax - 2} {
			command := make([]byte, n)
			got, err := c.Transmit(t.Context(), command)
			if err != nil || !bytes.Equal(got, append(command, 0x90, 0)) {
				t.Errorf("%v, %d bytes: got %d, %v", way, n, len(got), err)
			}
		}
		for _, n := range []int{0, 1, 3, payloadMax + 1} {
			if _, err := c.Transmit(t.Context(), make([]byte, n)); err == nil || errors.Is(err, link.ErrGone) {
				t.Errorf("%v, %d bytes: got %v", way, n, err)
			}
		}
		answers(t, c) // a command that was not sent ends nothing
	}
}

func TestDirectOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sim")
	l, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, l, &chip{}, Options{}, defaults)
	answers(t, connect(t, path))
}

// One reader at a time; the second is told so, and comes when the first has gone.
func TestSecondReaderWaits(t *testing.T) {
	chip := &chip{}
	address := start(t, chip, Options{}, defaults)
	first := connect(t, address)
	r, err := NewReader(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := r.Connect(ctx); !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the first is there: got %v, want %v", err, ErrBusy)
	}
	answers(t, first)

	came := make(chan link.Connection, 1)
	go func() {
		c, err := r.Connect(context.Background())
		if err != nil {
			t.Error(err)
		}
		came <- c
	}()
	time.Sleep(20 * time.Millisecond) // so that it has been refused once
	first.Close()
	second := <-came
	defer second.Close()
	answers(t, second)
	if len(chip.resets) != 2 {
		t.Errorf("resets: got %d, want one for each reader", len(chip.resets))
	}
}

// A terminal may be started before its SIM.
func TestReaderWaitsForTheChip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sim")
	r, err := NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan error, 1)
	go func() {
		c, err := r.Connect(context.Background())
		if err == nil {
			err = c.Close()
		}
		came <- err
	}()
	time.Sleep(30 * time.Millisecond)
	l, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, l, &chip{}, Options{}, defaults)
	if err := <-came; err != nil {
		t.Error(err)
	}
}

func TestNobodyListens(t *testing.T) {
	r, err := NewReader(filepath.Join(t.TempDir(), "sim"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = r.Connect(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("got %v", err)
	}
}

func TestChipGoes(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := startOn(t, l, &chip{}, Options{}, defaults)
	c := connect(t, l.Addr().String())
	answers(t, c)
	stop()
	for range 2 {
		if _, err := c.Transmit(t.Context(), []byte{0, 0xA4, 4, 0}); !errors.Is(err, link.ErrGone) {
			t.Errorf("got %v, want %v", err, link.ErrGone)
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// A chip that stays mute is gone, and comes back for the next reader.
func TestMuteChip(t *testing.T) {
	address := start(t, &chip{}, Options{}, defaults)
	c := connect(t, address)
	if _, err := c.Transmit(t.Context(), []byte{0, 0xFF, 0, 0}); !errors.Is(err, link.ErrGone) {
		t.Errorf("got %v, want %v", err, link.ErrGone)
	}
	answers(t, connect(t, address))
}

// The end of ctx in the middle of a command ends the connection: a late answer
// is not the next one's. A ctx that was done before ends nothing.
func TestContextOfTransmit(t *testing.T) {
	s := &slow{time: 100 * time.Millisecond}
	address := start(t, s, Options{}, defaults)
	c := connect(t, address)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Transmit(done, []byte{0, 0xA4, 0, 1}); !errors.Is(err, context.Canceled) || errors.Is(err, link.ErrGone) {
		t.Errorf("before: got %v", err)
	}
	answers(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Transmit(ctx, []byte{0, 0xA4, 0, 2})
	if !errors.Is(err, link.ErrGone) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("in the middle: got %v", err)
	}
	if _, err := c.Transmit(t.Context(), []byte{0, 0xA4, 0, 3}); !errors.Is(err, link.ErrGone) {
		t.Errorf("afterwards: got %v", err)
	}
	answers(t, connect(t, address))
	for _, command := range s.heard {
		if command[3] == 1 || command[3] == 3 {
			t.Errorf("the chip heard %x", command)
		}
	}
}

// sends is a peer that says this and waits. That the other side hangs up on it
// is no error of the test's.
func sends(b []byte) func(net.Conn) { return func(c net.Conn) { _, _ = c.Write(b) } }

// Whatever breaks the form ends its connection, and the chip can be reached by
// the next reader.
func TestHostileReaders(t *testing.T) {
	on := []byte{0, 1, powerOn}
	attacks := map[string]struct {
		attack  func(net.Conn)
		replies int
	}{
		"no payload":             {sends([]byte{0, 0}), 0},
		"a control nobody knows": {sends([]byte{0, 1, 7}), 0},
		"an APDU without power":  {sends([]byte{0, 4, 0, 0xA4, 0, 0}), 0},
		"half a header":          {sends([]byte{0}), 0},
		"half a frame":           {sends([]byte{0xFF, 0xFF, 1, 2}), 0},
		"another protocol":       {sends([]byte("GET / HTTP/1.1\r\nHost: sim\r\n\r\n")), 0},
		"nothing":                {func(net.Conn) {}, 0},
		"one ATR, then nothing":  {sends([]byte{0, 1, askATR}), 7},
		"power, then garbage":    {sends(append(on, bytes.Repeat([]byte{0xA5}, 9000)...)), 0},
		"drip": {func(c net.Conn) {
			sends([]byte{0xFF, 0xFF})(c)
			for range 100 {
				if _, err := c.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, 0},
		"does not read": {func(c net.Conn) { // until the answers fill all buffers
			sends(on)(c)
			for big := appendFrame(nil, make([]byte, payloadMax-2)); ; {
				if _, err := c.Write(big); err != nil {
					return
				}
			}
		}, -1},
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			chip := &chip{}
			address := start(t, chip, Options{}, quick)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			began := time.Now()
			if err := conn.SetReadDeadline(began.Add(3 * time.Second)); err != nil {
				t.Fatal(err)
			}
			attacked := make(chan struct{})
			go func() {
				a.attack(conn)
				close(attacked)
			}()
			if a.replies < 0 {
				<-attacked
			} else if said, err := io.ReadAll(conn); len(said) != a.replies || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got an answer of %d bytes, %v, want %d", len(said), err, a.replies)
			}
			answers(t, connect(t, address))
			if chip.dark {
				t.Error("the chip was spoken to without power")
			}
		})
	}
}

// A flood of connections neither blocks the one that is served nor the next.
func TestFlood(t *testing.T) {
	address := start(t, &chip{}, Options{}, defaults)
	c := connect(t, address)
	var flood []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		flood = append(flood, conn)
	}
	answers(t, c)
	for _, conn := range flood { // so that none is left in the queue to get the chip next
		if n, _ := io.ReadFull(conn, make([]byte, 3)); n > headerSize {
			t.Error("a second reader was answered")
		}
	}
	c.Close()
	answers(t, connect(t, address))
}

// What listens need not be a chip.
func TestHostileChips(t *testing.T) {
	long := append([]byte{0, 34, 0x3B}, make([]byte, 33)...)
	atr := appendFrame(nil, contactlessATR)
	tests := []struct {
		name    string
		said    []byte
		connect string // part of the error; empty: it connects
		// Then a command is sent, and must end in ErrGone.
	}{
		{"another protocol", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "no chip"},
		{"ATR too long", long, "no chip"},
		{"ATR too short", []byte{0, 1, 0x3B}, "no chip"},
		{"no ATR", []byte{0, 2, 1, 2}, "no chip"},
		{"busy for ever", []byte{0, 0}, "another reader"},
		{"hangs up", nil, "EOF"},
		{"hangs up in the ATR", atr[:4], "EOF"},
		{"no status", append(atr, 0, 1, 0x90), ""},
		{"no payload", append(atr, 0, 0), ""},
		{"half an answer", append(atr, 0, 9, 1, 2), ""},
		{"two answers", append(atr, 0, 2, 0x90, 0, 0, 2, 0x90, 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewReader(liar(t, tt.said))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			c, err := r.Connect(ctx)
			if tt.connect != "" {
				if err == nil || !strings.Contains(err.Error(), tt.connect) {
					t.Errorf("got %v, want %q", err, tt.connect)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Transmit(t.Context(), []byte{0, 0xA4, 4, 0}); !errors.Is(err, link.ErrGone) {
				t.Errorf("got %v, want %v", err, link.ErrGone)
			}
		})
	}
}

// liar is a peer that says this to everyone, hears what is said, and hangs up.
func liar(t *testing.T, said []byte) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				sends(said)(conn)
				_ = conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func BenchmarkDirect(b *testing.B) {
	c := connect(b, start(b, quiet{}, Options{}, defaults))
	command := make([]byte, 30)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Transmit(b.Context(), command); err != nil {
			b.Fatal(err)
		}
	}
}

// quiet is a chip that keeps no notes.
type quiet struct{}

func (quiet) Reset(link.Interface)   {}
func (quiet) Transmit([]byte) []byte { return []byte{0x90, 0} }
