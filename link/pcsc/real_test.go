package pcsc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sotto/apdu"
	"sotto/link"
	"sotto/link/pcsc"
	"sotto/link/pcsc/pcscdtest"
	"sotto/link/vpcd"
)

// chip is a small chip with one application, for whatever reader it is in.
//
//	SELECT F0736F74746F   the application; nothing else can be selected
//	80 10                 the data back, after SELECT only
//	80 20 P1 P2           P1-P2 bytes of response data
//	80 30                 mute
type chip struct {
	selected bool
	resets   atomic.Int32
	way      atomic.Int32
	last     atomic.Pointer[[]byte] // the last command
}

func (c *chip) Reset(i link.Interface) {
	c.selected = false
	c.resets.Add(1)
	c.way.Store(int32(i))
}

var application = []byte{0xF0, 0x73, 0x6F, 0x74, 0x74, 0x6F}

func (c *chip) Transmit(b []byte) []byte {
	c.last.Store(&b)
	command, err := apdu.Parse(b)
	switch {
	case err != nil:
		return apdu.Response{Status: apdu.StatusWrongLength}.Bytes()
	case !command.CLA.Valid():
		return apdu.Response{Status: apdu.StatusWrongCLA}.Bytes()
	case command.INS == 0xA4:
		c.selected = bytes.Equal(command.Data, application)
		if !c.selected {
			return apdu.Response{Status: apdu.StatusNotFound}.Bytes()
		}
		return apdu.Response{Data: []byte{0x6F, 0x00}, Status: apdu.StatusOK}.Bytes()
	case command.INS == 0x10 && !c.selected:
		return apdu.Response{Status: apdu.StatusConditions}.Bytes()
	case command.INS == 0x10:
		return apdu.Response{Data: command.Data, Status: apdu.StatusOK}.Bytes()
	case command.INS == 0x20:
		return apdu.Response{Data: make([]byte, int(command.P1)<<8|int(command.P2)), Status: apdu.StatusOK}.Bytes()
	case command.INS == 0x30:
		return nil
	}
	return apdu.Response{Status: apdu.StatusWrongINS}.Bytes()
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// insert puts the chip into a slot until the test ends, or sooner.
func insert(t testing.TB, slot pcscdtest.Slot, c link.Chip, o vpcd.Options) (remove func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- vpcd.Run(ctx, slot.Address, c, o) }()
	var removed bool
	remove = func() {
		if removed {
			return
		}
		removed = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(remove)
	return remove
}

// within is a context that a stuck test ends with.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func connect(t testing.TB, d *pcscdtest.Daemon, name string) link.Connection {
	t.Helper()
	c, err := pcsc.Daemon{Socket: d.Socket}.Reader(name).Connect(within(t, 20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// expect sends a command and looks at the answer.
func expect(t testing.TB, c link.Connection, command, want string) {
	t.Helper()
	got, err := c.Transmit(within(t, 10*time.Second), unhex(t, command))
	if err != nil || !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%s: got %X, %v, want %s", command, got, err, want)
	}
}

const (
	selectIt = "00A40400 06 F0736F74746F 00"
	echo     = "80100000 03 010203 00"
)

// A chip on either interface, all the way through pcscd.
func TestThroughPcscd(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	for i, way := range []link.Interface{link.Contactless, link.Contact} {
		t.Run(way.String(), func(t *testing.T) {
			slot, k := d.Slots[i], &chip{}
			insert(t, slot, k, vpcd.Options{Interface: way})
			c := connect(t, d, slot.Reader)
			if c.Interface() != way || link.Interface(k.way.Load()) != way {
				t.Errorf("the reader sees a %v chip, the chip a %v reader", c.Interface(), link.Interface(k.way.Load()))
			}
			expect(t, c, echo, "6985")
			expect(t, c, "00A40400 02 3F00 00", "6A82")
			expect(t, c, selectIt, "6F00 9000")
			expect(t, c, echo, "010203 9000")
			if way == link.Contact {
				expect(t, c, "FFCA000000", "6E00")
			} else {
				expect(t, c, "FFCA000000", "08736F74 9000")
			}
		})
	}
}

// Extended lengths, up to the longest that the driver's frames can hold.
func TestExtendedLengths(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	insert(t, d.Slots[0], &chip{}, vpcd.Options{})
	c := connect(t, d, d.Slots[0].Reader)
	expect(t, c, selectIt, "6F00 9000")
	data := bytes.Repeat([]byte{0x5A}, 60000)
	command := apdu.Command{CLA: 0x80, INS: 0x10, Data: data, Ne: apdu.NeMax}.Bytes()
	if got, err := c.Transmit(t.Context(), command); err != nil || !bytes.Equal(got, append(data, 0x90, 0)) {
		t.Errorf("there and back: got %d bytes, %v", len(got), err)
	}
	for _, n := range []int{256, 257, 65533} {
		command := apdu.Command{CLA: 0x80, INS: 0x20, P1: byte(n >> 8), P2: byte(n), Ne: apdu.NeMax}.Bytes()
		if got, err := c.Transmit(t.Context(), command); err != nil || len(got) != n+2 {
			t.Errorf("%d bytes back: got %d, %v", n, len(got), err)
		}
	}
}

// A chip that speaks T=0 gets Le neither behind data nor in extended form.
func TestT0(t *testing.T) {
	t.Parallel()
	d, k := pcscdtest.Start(t), &chip{}
	insert(t, d.Slots[0], k, vpcd.Options{Interface: link.Contact, ATR: []byte{0x3B, 0x00}})
	c := connect(t, d, d.Slots[0].Reader)
	for command, heard := range map[string]string{
		"80400000":                "8040000000",
		"8040000010":              "8040000010",
		"80400000 02 0102":        "80400000 02 0102",
		"80400000 02 0102 00":     "80400000 02 0102",
		"80400000 02 010203 0405": "80400000 02 010203 0405", // for the chip to refuse
	} {
		if _, err := c.Transmit(t.Context(), unhex(t, command)); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if last := *k.last.Load(); !bytes.Equal(last, unhex(t, heard)) {
			t.Errorf("%s: the chip heard %X", command, last)
		}
	}
	if _, err := c.Transmit(t.Context(), unhex(t, "80400000 000000")); err == nil || errors.Is(err, link.ErrGone) {
		t.Errorf("extended: got %v", err)
	}
	expect(t, c, selectIt, "6F00 9000")
}

// Every connection begins with a reset, and nothing of the one before is left,
// even if another program has left the chip as it was.
func TestConnectResets(t *testing.T) {
	t.Parallel()
	d, k := pcscdtest.Start(t), &chip{}
	insert(t, d.Slots[0], k, vpcd.Options{})
	for range 2 {
		c := connect(t, d, d.Slots[0].Reader)
		expect(t, c, echo, "6985")
		expect(t, c, selectIt, "6F00 9000")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	said, err := d.Command("opensc-tool", "-r", d.Slots[0].Reader, "-s", selectIt).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "SW1=0x90, SW2=0x00") {
		t.Errorf("opensc-tool: %v\n%s", err, said)
	}
	before := k.resets.Load()
	c := connect(t, d, d.Slots[0].Reader)
	if k.resets.Load() == before {
		t.Error("the chip was not reset")
	}
	expect(t, c, echo, "6985")
}

// One holds the reader; the other is told.
func TestExclusive(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	insert(t, d.Slots[0], &chip{}, vpcd.Options{})
	c := connect(t, d, d.Slots[0].Reader)
	_, err := pcsc.Daemon{Socket: d.Socket}.Reader(d.Slots[0].Reader).Connect(within(t, 10*time.Second))
	if err == nil || !strings.Contains(err.Error(), "another program holds the reader") {
		t.Errorf("got %v", err)
	}
	expect(t, c, selectIt, "6F00 9000")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	expect(t, connect(t, d, d.Slots[0].Reader), selectIt, "6F00 9000")
}

// The chip is taken out in the middle, and comes back: at once, so that pcscd
// never sees the reader empty, and later.
func TestChipGoesAndComes(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	slot := d.Slots[0]
	for i := range 3 {
		remove := insert(t, slot, &chip{}, vpcd.Options{})
		c := connect(t, d, slot.Reader)
		expect(t, c, selectIt, "6F00 9000")
		remove()
		for range 2 {
			if _, err := c.Transmit(within(t, 10*time.Second), unhex(t, echo)); !errors.Is(err, link.ErrGone) {
				t.Errorf("got %v, want %v", err, link.ErrGone)
			}
		}
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if i%2 == 0 {
			continue
		}
		reader := pcsc.Daemon{Socket: d.Socket}.Reader(slot.Reader)
		if _, err := reader.Connect(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an empty reader: got %v", err)
		}
	}
}

// The chip goes while it works on a command.
func TestMuteChip(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	slot := d.Slots[0]
	insert(t, slot, &chip{}, vpcd.Options{})
	c := connect(t, d, slot.Reader)
	if _, err := c.Transmit(within(t, 10*time.Second), unhex(t, "80300000")); !errors.Is(err, link.ErrGone) {
		t.Errorf("got %v, want %v", err, link.ErrGone)
	}
	expect(t, connect(t, d, slot.Reader), selectIt, "6F00 9000") // it is back by itself
}

// A terminal may wait before there is a chip, as long as its context lets it.
func TestWaitsForTheChip(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	slot := d.Slots[1]
	reader := pcsc.Daemon{Socket: d.Socket}.Reader(slot.Reader)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := reader.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	came := make(chan error, 1)
	go func() {
		c, err := reader.Connect(within(t, 20*time.Second))
		if err == nil {
			err = c.Close()
		}
		came <- err
	}()
	insert(t, d.Slots[0], &chip{}, vpcd.Options{}) // the wrong one
	select {
	case err := <-came:
		t.Fatalf("with a chip in another reader: %v", err)
	case <-time.After(600 * time.Millisecond):
	}
	insert(t, slot, &chip{}, vpcd.Options{})
	if err := <-came; err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	insert(t, d.Slots[1], &chip{}, vpcd.Options{})
	daemon := pcsc.Daemon{Socket: d.Socket}
	for _, name := range []string{d.Slots[1].Reader, "00 01", "PCD 00 01", "test pcd 00 01"} {
		c, err := daemon.Reader(name).Connect(within(t, 10*time.Second))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		c.Close()
	}
	for name, want := range map[string]string{
		"PCD":      "give more of the name",
		"":         "more than one reader",
		"Gemplus":  fmt.Sprintf("there is %q, %q", d.Slots[0].Reader, d.Slots[1].Reader),
		"PCD 00 0": "give more of the name",
	} {
		if _, err := daemon.Reader(name).Connect(within(t, 10*time.Second)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

func TestNoDaemon(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "comm")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), file} {
		daemon := pcsc.Daemon{Socket: path}
		_, listed := daemon.Readers(t.Context())
		_, connected := daemon.Reader("").Connect(t.Context())
		for _, err := range []error{listed, connected} {
			if err == nil || !strings.Contains(err.Error(), "systemctl start pcscd") {
				t.Errorf("got %v", err)
			}
		}
	}
}

// The end of ctx in the middle of a command ends the connection.
func TestContextOfTransmit(t *testing.T) {
	t.Parallel()
	d := pcscdtest.Start(t)
	s := &slow{time: 300 * time.Millisecond}
	insert(t, d.Slots[0], s, vpcd.Options{})
	c := connect(t, d, d.Slots[0].Reader)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Transmit(done, unhex(t, selectIt)); !errors.Is(err, context.Canceled) || errors.Is(err, link.ErrGone) {
		t.Errorf("before: got %v", err)
	}
	expect(t, c, selectIt, "6F00 9000") // nothing was sent, nothing has ended
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Transmit(ctx, unhex(t, echo)); !errors.Is(err, link.ErrGone) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("in the middle: got %v", err)
	}
	if _, err := c.Transmit(t.Context(), unhex(t, echo)); !errors.Is(err, link.ErrGone) {
		t.Errorf("afterwards: got %v", err)
	}
	expect(t, connect(t, d, d.Slots[0].Reader), echo, "6985")
}

type slow struct {
	chip
	time time.Duration
}

func (s *slow) Transmit(b []byte) []byte {
	time.Sleep(s.time)
	return s.chip.Transmit(b)
}

// The daemon dies in the middle.
func TestDaemonGoes(t *testing.T) {
	t.Parallel()
	var c link.Connection
	t.Run("", func(t *testing.T) {
		d := pcscdtest.Start(t)
		insert(t, d.Slots[0], &chip{}, vpcd.Options{})
		var err error
		c, err = pcsc.Daemon{Socket: d.Socket}.Reader(d.Slots[0].Reader).Connect(within(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
	})
	if c == nil {
		return
	}
	if _, err := c.Transmit(t.Context(), unhex(t, echo)); !errors.Is(err, link.ErrGone) {
		t.Errorf("got %v, want %v", err, link.ErrGone)
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// 1,000 commands, none of which waits for a late acknowledgement.
func TestThousand(t *testing.T) {
	d := pcscdtest.Start(t)
	insert(t, d.Slots[0], &chip{}, vpcd.Options{})
	c := connect(t, d, d.Slots[0].Reader)
	expect(t, c, selectIt, "6F00 9000")
	var times []time.Duration
	for i := range 1000 {
		data := []byte{byte(i >> 8), byte(i)}
		command := apdu.Command{CLA: 0x80, INS: 0x10, Data: data, Ne: 256}.Bytes()
		began := time.Now()
		got, err := c.Transmit(t.Context(), command)
		times = append(times, time.Since(began))
		if err != nil || !bytes.Equal(got, append(data, 0x90, 0)) {
			t.Fatalf("%d: got %X, %v", i, got, err)
		}
	}
	slices.Sort(times)
	t.Logf("p50 %v, p99 %v", times[500], times[990])
	if fast := times[200]; fast > 25*time.Millisecond { // others may be in the way of the rest
		t.Errorf("four of five took more than %v; a late acknowledgement costs 40 ms", fast)
	}
}

// latencyMax is what DESIGN allows for one APDU through pcscd, in the middle.
const latencyMax = 300 * time.Microsecond

func BenchmarkTransmit(b *testing.B) {
	d := pcscdtest.Start(b)
	insert(b, d.Slots[0], &chip{}, vpcd.Options{})
	c := connect(b, d, d.Slots[0].Reader)
	expect(b, c, selectIt, "6F00 9000")
	command := apdu.Command{CLA: 0x80, INS: 0x10, Data: make([]byte, 32), Ne: 256}.Bytes()
	var times []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if _, err := c.Transmit(b.Context(), command); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	p50, p99 := times[len(times)/2], times[len(times)*99/100]
	b.ReportMetric(p50.Seconds()*1e3, "p50-ms")
	b.ReportMetric(p99.Seconds()*1e3, "p99-ms")
	if p50 > latencyMax {
		b.Errorf("p50: got %v, want at most %v", p50, latencyMax)
	}
}
