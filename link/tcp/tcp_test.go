package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"sotto/link"
)

func echo() link.Handler {
	return link.HandlerFunc(func(m []byte) []byte { return append([]byte("re: "), m...) })
}

var quick = limits{connectionsMax: 3, idleMax: 300 * time.Millisecond, frameMax: 150 * time.Millisecond}

// start serves on loopback until the test ends, and waits for the server.
func start(t *testing.T, h link.Handler, limit limits) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l, h, limit) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("serve did not end with its context")
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestExchange(t *testing.T) {
	r := NewReach(At(start(t, echo(), defaults)))
	defer r.Close()
	for _, m := range [][]byte{{1}, []byte("hello"), make([]byte, link.MessageMax-4)} {
		got, err := r.Exchange(t.Context(), "card", m)
		if err != nil || !bytes.Equal(got, append([]byte("re: "), m...)) {
			t.Errorf("%d bytes: got %d bytes, %v", len(m), len(got), err)
		}
	}
	for _, n := range []int{0, link.MessageMax + 1} {
		if _, err := r.Exchange(t.Context(), "card", make([]byte, n)); err == nil {
			t.Errorf("%d bytes: got no error", n)
		}
	}
}

// sends is a peer that says this and waits. That the other side hangs up on it
// is no error of the test's.
func sends(b []byte) func(net.Conn) { return func(c net.Conn) { _, _ = c.Write(b) } }

// patience is more than a test needs on a busy machine.
const patience = 30 * time.Second

// Whatever breaks the form ends its connection, and the card stays reachable.
func TestHostilePeers(t *testing.T) {
	address := start(t, echo(), quick)
	attacks := map[string]func(net.Conn){
		"oversized length": sends([]byte{0xFF, 0xFF, 1, 2, 3}),
		"no bytes":         sends([]byte{0, 0}),
		"half a header":    sends([]byte{0}),
		"half a frame":     sends([]byte{0, 9, 1, 2}),
		"garbage":          sends(bytes.Repeat([]byte{0xA5}, 9000)),
		"nothing":          func(net.Conn) {},
		"drip": func(c net.Conn) {
			sends([]byte{4, 0})(c)
			for { // until it is hung up on
				if _, err := c.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		},
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			go attack(c)
			if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(c)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open after %v", patience)
			}
			if len(said) != 0 {
				t.Errorf("got an answer of %d bytes", len(said))
			}
			r := NewReach(At(address))
			defer r.Close()
			if _, err := r.Exchange(t.Context(), "card", []byte("hello")); err != nil {
				t.Errorf("the card is not reachable: %v", err)
			}
		})
	}
}

func TestTooManyConnections(t *testing.T) {
	address := start(t, echo(), quick)
	var held []net.Conn
	for range quick.connectionsMax {
		c := dial(t, address)
		if err := writeFrame(c, []byte("hello")); err != nil { // an answer: it has its slot
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 11)); err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	late := dial(t, address)
	if err := late.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := late.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many: got %v, want it closed", err)
	}
	held[0].Close()
	r := NewReach(At(address))
	defer r.Close()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := r.Exchange(t.Context(), "card", []byte("hello")); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a slot that came free was not given")
}

func TestOneExchangeAtATime(t *testing.T) {
	var inside, most atomic.Int32
	address := start(t, link.HandlerFunc(func(m []byte) []byte {
		most.Store(max(most.Load(), inside.Add(1)))
		time.Sleep(5 * time.Millisecond)
		inside.Add(-1)
		return m
	}), defaults)
	done := make(chan error)
	for range 4 {
		go func() {
			r := NewReach(At(address))
			defer r.Close()
			for range 5 {
				if _, err := r.Exchange(context.Background(), "card", []byte("hello")); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 1 {
		t.Errorf("exchanges at once: got %d", most.Load())
	}
}

// The server's idle limit closes kept connections; a phone does not notice.
func TestReconnects(t *testing.T) {
	r := NewReach(At(start(t, echo(), quick)))
	defer r.Close()
	for range 3 {
		if _, err := r.Exchange(t.Context(), "card", []byte("hello")); err != nil {
			t.Error(err)
		}
		time.Sleep(quick.idleMax + 50*time.Millisecond)
	}
}

func TestErrorsOfReach(t *testing.T) {
	silent := start(t, link.HandlerFunc(func([]byte) []byte { return nil }), quick)
	stuck := start(t, link.HandlerFunc(func([]byte) []byte { time.Sleep(400 * time.Millisecond); return []byte{1} }), quick)
	liar := liar(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tests := []struct {
		name, address string
		want          error
	}{
		{"unknown card", "", link.ErrOutOfReach},
		{"nobody listens", closed.Addr().String(), link.ErrOutOfReach},
		{"silence", silent, link.ErrLost},
		{"too slow", stuck, link.ErrLost},
		{"an answer out of bounds", liar, link.ErrLost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReach(At(tt.address))
			defer r.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			for range 2 {
				if _, err := r.Exchange(ctx, "card", []byte("hello")); !errors.Is(err, tt.want) && ctx.Err() == nil {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			}
		})
	}
}

// An answer that comes after its exchange was given up is not the next one's.
func TestLateAnswerIsNotTheNextOne(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	givenUp := make(chan struct{})
	address := start(t, link.HandlerFunc(func(m []byte) []byte {
		if string(m) == "first" {
			giveUp()
			<-givenUp
		}
		return m
	}), defaults)
	r := NewReach(At(address))
	defer r.Close()
	if _, err := r.Exchange(ctx, "card", []byte("first")); !errors.Is(err, link.ErrLost) {
		t.Errorf("got %v, want %v", err, link.ErrLost)
	}
	close(givenUp)
	got, err := r.Exchange(t.Context(), "card", []byte("second"))
	if err != nil || string(got) != "second" {
		t.Errorf("got %q, %v", got, err)
	}
}

// liar is a peer whose answers have impossible lengths.
func liar(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			sends([]byte{0xFF, 0xFF, 0})(c)
			defer c.Close()
		}
	}()
	return l.Addr().String()
}
