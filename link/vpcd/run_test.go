package vpcd

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sotto/link"
)

// driver is pcscd's side: it waits for the card.
type driver struct {
	t testing.TB
	l *net.TCPListener
}

func newDriver(t testing.TB) *driver {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &driver{t: t, l: l}
}

// accept waits for the card.
func (d *driver) accept() *net.TCPConn {
	d.t.Helper()
	if err := d.l.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		d.t.Fatal(err)
	}
	conn, err := d.l.AcceptTCP()
	if err != nil {
		d.t.Fatalf("no card came: %v", err)
	}
	d.t.Cleanup(func() { conn.Close() })
	return conn
}

// say sends payloads one by one, as the driver does, and returns an answer of
// so many bytes.
func say(t testing.TB, conn net.Conn, answer int, payloads ...[]byte) []byte {
	t.Helper()
	for _, payload := range payloads {
		if _, err := conn.Write(appendFrame(nil, payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, headerSize+answer)
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatal(err)
	}
	return b[headerSize:]
}

// insertChip runs a chip until the test ends, and returns how to end it sooner.
func insertChip(t testing.TB, address string, chip link.Chip, o Options) (remove func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, address, chip, o, 10*time.Millisecond) }()
	removed := false
	remove = func() {
		if removed {
			return
		}
		removed = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("run did not end with its context")
		}
	}
	t.Cleanup(remove)
	return remove
}

// The card comes, answers, is thrown out for whatever reason, and comes again.
func TestRunReconnects(t *testing.T) {
	d := newDriver(t)
	chip := &chip{}
	insertChip(t, d.l.Addr().String(), chip, Options{Interface: link.Contact})
	command := []byte{0, 0xA4, 4, 0}
	endings := []func(*net.TCPConn){
		func(c *net.TCPConn) { c.Close() },
		func(c *net.TCPConn) { _, _ = c.Write([]byte{0, 0}) },               // form
		func(c *net.TCPConn) { _, _ = c.Write([]byte{0, 1, 9}) },            // form
		func(c *net.TCPConn) { _, _ = c.Write([]byte{0, 4, 0}); c.Close() }, // in the middle
		func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },              // reset
	}
	for i, end := range endings {
		conn := d.accept()
		if atr := say(t, conn, len(contactATR), []byte{askATR}); !bytes.Equal(atr, contactATR) {
			t.Errorf("%d: ATR %x", i, atr)
		}
		if got := say(t, conn, 6, []byte{powerOn}, command); !bytes.Equal(got, append(slices.Clone(command), 0x90, 0)) {
			t.Errorf("%d: got %x", i, got)
		}
		end(conn)
	}
	d.accept()
	if len(chip.resets) != len(endings) {
		t.Errorf("resets: got %d, want %d", len(chip.resets), len(endings))
	}
}

// pcscd may be started after the card.
func TestRunWaitsForTheDriver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "driver")
	insertChip(t, path, &chip{}, Options{})
	time.Sleep(70 * time.Millisecond)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	say(t, conn, len(contactlessATR), []byte{askATR})
}

// The end of ctx is the end of the chip's presence, and no error.
func TestRunEnds(t *testing.T) {
	d := newDriver(t)
	remove := insertChip(t, d.l.Addr().String(), &chip{}, Options{})
	conn := d.accept()
	say(t, conn, len(contactlessATR), []byte{askATR})
	remove()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, address := range []string{"", "nowhere", "127.0.0.1:port"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if err := Run(ctx, address, &chip{}, Options{}); err == nil {
			t.Errorf("%q: got no error", address)
		}
		cancel()
	}
	if err := Run(t.Context(), "127.0.0.1:1", &chip{}, Options{ATR: []byte{1}}); err == nil {
		t.Error("a bad ATR: got no error")
	}
}

// The driver leaves Nagle's algorithm on and sends frames that have no answer;
// were they acknowledged late, each would cost 40 ms.
func TestAcknowledgedAtOnce(t *testing.T) {
	d := newDriver(t)
	insertChip(t, d.l.Addr().String(), quiet{}, Options{})
	conn := d.accept()
	if err := conn.SetNoDelay(false); err != nil {
		t.Fatal(err)
	}
	var times []time.Duration
	for range 100 {
		began := time.Now()
		say(t, conn, 2, []byte{reset}, []byte{0, 0xA4, 4, 0}, []byte{0, 0xA4, 4, 0, 1, 2})
		say(t, conn, 2) // the second answer
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	if fast := times[len(times)/5]; fast > 25*time.Millisecond { // others may be in the way of the rest
		t.Errorf("four of five resets and two commands took more than %v", fast)
	}
}
