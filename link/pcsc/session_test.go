package pcsc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/link"
)

// daemon is a pcscd of the test's making: reply gives the answer to a command,
// nil hangs up.
func daemon(t testing.TB, reply func(command uint32, body []byte) []byte) Daemon {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "comm"))
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
			go answer(conn, reply)
		}
	}()
	return Daemon{Socket: l.Addr().String()}
}

func answer(conn net.Conn, reply func(uint32, []byte) []byte) {
	defer conn.Close()
	for {
		header := make([]byte, 2*wordSize)
		if _, err := io.ReadFull(conn, header); err != nil {
			return
		}
		body := make([]byte, word(header, 0))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		command := word(header, 1)
		if command == cmdTransmit { // the APDU comes behind the message
			apdu := make([]byte, word(body, 3))
			if _, err := io.ReadFull(conn, apdu); err != nil {
				return
			}
		}
		said := reply(command, body)
		if said == nil {
			return
		}
		if _, err := conn.Write(said); err != nil {
			return
		}
	}
}

// readers is what the daemon says of these, all with a contactless chip.
func readers(names ...string) []byte {
	b := make([]byte, statesCount*stateSize)
	for i, name := range names {
		s := b[i*stateSize:]
		copy(s, name)
		binary.NativeEndian.PutUint32(s[nameSize+wordSize:], statePresent)
		copy(s[nameSize+3*wordSize:], []byte{0x3B, 0x80, 0x80, 0x01, 0x01})
		binary.NativeEndian.PutUint32(s[stateSize-2*wordSize:], 5)
	}
	return b
}

// sound answers as pcscd does for one reader with a chip that says 9000.
func sound(command uint32, body []byte) []byte {
	answer := slices.Clone(body)
	switch command {
	case cmdVersion, cmdEstablish, cmdDisconnect:
		return answer
	case cmdStates, cmdWatch:
		return readers("Reader")
	case cmdUnwatch:
		return words(0, 0)
	case cmdConnect:
		return answer
	case cmdReconnect:
		binary.NativeEndian.PutUint32(answer[4*wordSize:], 2)
		return answer
	case cmdTransmit:
		binary.NativeEndian.PutUint32(answer[6*wordSize:], 2)
		return append(answer, 0x90, 0x00)
	}
	return nil
}

// but is sound except for one command.
func but(command uint32, reply func(body []byte) []byte) func(uint32, []byte) []byte {
	return func(c uint32, body []byte) []byte {
		if c == command {
			return reply(slices.Clone(body))
		}
		return sound(c, body)
	}
}

// with is the body with one field changed.
func with(field int, value uint32) func([]byte) []byte {
	return func(body []byte) []byte {
		binary.NativeEndian.PutUint32(body[field*wordSize:], value)
		return body
	}
}

func TestSound(t *testing.T) {
	c, err := daemon(t, sound).Reader("").Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Transmit(t.Context(), []byte{0, 0xA4, 4, 0}); err != nil || string(got) != "\x90\x00" {
		t.Errorf("got %x, %v", got, err)
	}
	if c.Interface() != link.Contactless {
		t.Errorf("got %v", c.Interface())
	}
}

// A strict daemon takes only its own version, and says which that is.
func TestVersions(t *testing.T) {
	speaks := func(majorOfDaemon, low, high uint32) Daemon {
		return daemon(t, but(cmdVersion, func(body []byte) []byte {
			result := success
			if proposed := word(body, 1); word(body, 0) != majorOfDaemon || proposed < low || proposed > high {
				result = serviceStopped
			}
			return words(majorOfDaemon, high, uint32(result))
		}))
	}
	tests := []struct {
		name             string
		major, low, high uint32
		want             string
	}{
		{"1.9.9", 4, 4, 4, ""},
		{"2.3.3", 4, 5, 5, ""},
		{"2.4.1", 4, 4, 5, ""},
		{"2.5.1", 4, 4, 6, ""},
		{"too old", 4, 3, 3, "4:3"},
		{"too new", 4, 7, 7, "4:7"},
		{"another one", 5, 4, 4, "does not speak its protocol"},
	}
	for _, tt := range tests {
		names, err := speaks(tt.major, tt.low, tt.high).Readers(t.Context())
		if tt.want == "" && (err != nil || !slices.Equal(names, []string{"Reader"})) {
			t.Errorf("%s: got %q, %v", tt.name, names, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// What can go wrong before there is a chip, and what the error says to do.
func TestErrorsOfConnect(t *testing.T) {
	hangUp := func([]byte) []byte { return nil }
	const codeOfConnect = 1 + nameSize/wordSize + 4
	tests := []struct {
		name  string
		reply func(uint32, []byte) []byte
		want  string
	}{
		{"refused by polkit", but(cmdVersion, hangUp), "access_pcsc"},
		{"hangs up later", but(cmdEstablish, hangUp), "connection to pcscd broke"},
		{"hangs up while waiting", but(cmdWatch, hangUp), "connection to pcscd broke"},
		{"no reader", but(cmdWatch, func([]byte) []byte { return readers() }), "plug one in"},
		{"two readers", but(cmdWatch, func([]byte) []byte { return readers("A 1", "B 2") }), `name one of "A 1", "B 2"`},
		{"refused for this card", but(cmdConnect, with(codeOfConnect, uint32(securityViolation))), "access_card"},
		{"held by another", but(cmdConnect, with(codeOfConnect, uint32(sharingViolation))), "another program"},
		{"a chip of another kind", but(cmdConnect, with(codeOfConnect, uint32(protocolMismatch))), "neither T=0 nor T=1"},
		{"something new", but(cmdReconnect, with(5, 0x80100099)), "80100099"},
		{"unplugged in between", but(cmdStates, func([]byte) []byte { return readers() }), "plug one in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := daemon(t, tt.reply).Reader("").Connect(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A chip that goes again before it is reset is waited for like any other.
func TestConnectTriesAgain(t *testing.T) {
	for _, result := range []code{removedCard, noSmartCard, unresponsiveCard, unpoweredCard, commError} {
		left := 2
		c, err := daemon(t, but(cmdReconnect, func(body []byte) []byte {
			if left--; left >= 0 {
				return with(5, uint32(result))(body)
			}
			return sound(cmdReconnect, body)
		})).Reader("").Connect(t.Context())
		if err != nil {
			t.Errorf("%v: %v", result, err)
			continue
		}
		c.Close()
	}
}

// What ends a connection, and what does not.
func TestErrorsOfTransmit(t *testing.T) {
	short := func(body []byte) []byte { return append(with(6, 9)(body), 0x90, 0x00) } // and then silence
	tests := []struct {
		name  string
		reply func([]byte) []byte
		gone  bool
		want  error
	}{
		{"taken out", with(7, uint32(removedCard)), true, removedCard},
		{"reset by another program", with(7, uint32(resetByOther)), true, resetByOther},
		{"not answered", with(7, uint32(notTransacted)), true, notTransacted},
		{"unplugged", with(7, uint32(readerUnavailable)), true, readerUnavailable},
		{"the virtual reader lost it", with(6, 0), true, notTransacted},
		{"half a status", with(6, 1), true, errDaemon},
		{"longer than any response", with(6, responseMax+1), true, errDaemon},
		{"as long as a number can say", with(6, 0xFFFFFFFF), true, errDaemon},
		{"less than it says", short, true, context.DeadlineExceeded},
		{"hangs up", func([]byte) []byte { return nil }, true, errLost},
		{"half an answer", func(body []byte) []byte { return body[:9] }, true, context.DeadlineExceeded},
		{"a complaint", with(7, 0x80100004), false, code(0x80100004)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := daemon(t, but(cmdTransmit, tt.reply)).Reader("").Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err = c.Transmit(ctx, []byte{0, 0xA4, 4, 0})
			if !errors.Is(err, tt.want) || errors.Is(err, link.ErrGone) != tt.gone {
				t.Errorf("got %v, want %v, gone %v", err, tt.want, tt.gone)
			}
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// A daemon that keeps silent holds nobody longer than ctx.
func TestSilentDaemon(t *testing.T) {
	silence := make(chan struct{})
	defer close(silence)
	for _, command := range []uint32{cmdVersion, cmdEstablish, cmdWatch, cmdUnwatch, cmdConnect, cmdReconnect, cmdStates} {
		d := daemon(t, but(command, func([]byte) []byte {
			<-silence
			return nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		if _, err := d.Reader("").Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%#x: got %v", command, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%#x: took %v", command, took)
		}
		cancel()
	}
}

func TestChoose(t *testing.T) {
	states := parseStates(readers("ACR122U PICC Interface", "Virtual PCD 00 00", "Virtual PCD 00 01", "Virtual PCD"))
	for name, want := range map[string]string{
		"Virtual PCD 00 01": "Virtual PCD 00 01",
		"Virtual PCD":       "Virtual PCD", // exact wins
		"picc":              "ACR122U PICC Interface",
		"00 00":             "Virtual PCD 00 00",
		"00":                "", // ambiguous
		"":                  "",
		"none":              "",
	} {
		found, err := choose(states, name)
		if found.name != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", name, found.name, err)
		}
	}
}

func TestContactless(t *testing.T) {
	for atr, want := range map[string]bool{
		"\x3B\x80\x80\x01\x01":                 true,
		"\x3B\x85\x80\x01hello\x00":            true,
		"\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14": false,
		"\x3B\x00":                             false,
		"\x3B\x80\x80":                         false,
		"\x3B\x90\x80\x01\x01":                 false,
		"\x3F\x80\x80\x01\x01":                 false,
		"":                                     false,
	} {
		if got := (state{atr: []byte(atr)}).contactless(); got != want {
			t.Errorf("%X: got %v", atr, got)
		}
	}
}

// Whatever stands in the daemon's table: no panic, no empty name, no ATR longer
// than one can be, and nothing taken from a neighbour.
func FuzzStates(f *testing.F) {
	two := readers("A", "B")[:2*stateSize] // the fuzzer is slow with long inputs
	f.Add(two)
	f.Add(two[:len(two)-1])
	for _, length := range []uint32{0, 1, 3, atrSize + 1, 0xFFFFFFFF} {
		b := slices.Clone(two)
		binary.NativeEndian.PutUint32(b[stateSize-2*wordSize:], length)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		states := parseStates(b)
		if len(states) > len(b)/stateSize {
			t.Fatalf("%d readers in %d bytes", len(states), len(b))
		}
		for _, s := range states {
			if len(s.name) == 0 || len(s.name) > nameSize || strings.Contains(s.name, "\x00") || len(s.atr) > atrSize {
				t.Errorf("got %+v", s)
			}
			_ = s.contactless()
			if len(named(s.name)) != nameSize {
				t.Errorf("%q does not fit its field", s.name)
			}
		}
	})
}

// Whatever a daemon answers to each command: Connect and Transmit end, and a
// response is at least a status.
func FuzzDaemon(f *testing.F) {
	f.Add(words(4, 4, 0), words(2, 1, 0), readers("R")[:stateSize], words(1, 3, 1, 2, 0), words(1, 1, 3, 1, 2, 0),
		append(words(1, 2, 8, 4, 3, 8, 2, 0), 0x90, 0x00))
	f.Add(words(4, 5, uint32(serviceStopped)), []byte{}, []byte{}, []byte{}, []byte{}, []byte{})
	f.Add(words(4, 4, 0), words(2, 1, 0), readers("R")[:stateSize], words(1, 3, 1, 2, 0), words(1, 1, 3, 1, 1, 0),
		append(words(1, 2, 8, 4, 3, 8, 0xFFFFFFFF, 0), 0x90, 0x00))
	f.Fuzz(func(t *testing.T, version, establish, table, connect, reconnect, transmit []byte) {
		states := filled(table, statesCount*stateSize)
		s := &session{conn: &script{replies: map[uint32][]byte{
			cmdVersion: version, cmdEstablish: establish,
			cmdWatch: states, cmdUnwatch: words(0, 0), cmdStates: states,
			cmdConnect:   append(make([]byte, wordSize+nameSize), connect...),
			cmdReconnect: reconnect, cmdTransmit: transmit, cmdDisconnect: words(0, 0, 0),
		}}}
		ctx := context.Background()
		if _, err := s.agree(ctx, minor); err != nil {
			return
		}
		if err := s.establish(ctx); err != nil {
			return
		}
		name, err := s.await(ctx, "")
		if err != nil {
			return
		}
		c := &connection{session: s}
		if err := c.open(ctx, name); err != nil {
			return
		}
		if response, err := c.Transmit(ctx, []byte{0, 0xA4, 4, 0}); err == nil && len(response) < 2 {
			t.Errorf("got %x", response)
		}
	})
}

// script is a connection to a daemon that has one answer for each command and no
// more to say than that.
type script struct {
	net.Conn // no other methods are used
	replies  map[uint32][]byte
	said     bytes.Buffer
}

func (s *script) Write(request []byte) (int, error) {
	s.said.Write(s.replies[word(request, 1)])
	return len(request), nil
}

func (s *script) Read(b []byte) (int, error) { return s.said.Read(b) }
func (s *script) Close() error               { return nil }

// filled is b with so many bytes, zeros behind it if it has fewer.
func filled(b []byte, n int) []byte {
	return append(slices.Clone(b), make([]byte, max(0, n-len(b)))...)[:n]
}
