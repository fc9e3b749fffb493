package vpcd

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"sotto/link"
)

// chip notes what it is told, and answers with what it was sent and 9000. Its
// special commands: FF in INS is answered with as many bytes as P1-P2 says, none
// at all for 0.
type chip struct {
	resets  []link.Interface
	heard   [][]byte
	powered bool
	dark    bool // an APDU reached it before any reset
}

func (c *chip) Reset(i link.Interface) {
	c.resets = append(c.resets, i)
	c.powered = true
}

func (c *chip) Transmit(command []byte) []byte {
	c.heard = append(c.heard, bytes.Clone(command))
	c.dark = c.dark || !c.powered
	if len(command) >= 4 && command[0] == 0xFF { // no chip takes this class
		return []byte{0x6E, 0x00}
	}
	if len(command) >= 4 && command[1] == 0xFF {
		return make([]byte, int(command[2])<<8|int(command[3]))
	}
	return append(bytes.Clone(command), 0x90, 0x00)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func complete(t testing.TB, o Options) Options {
	t.Helper()
	o, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What the reader sends, and what comes back: nothing, or bytes, or the end.
func TestAnswer(t *testing.T) {
	const on, off, again = "01", "00", "02"
	seven := Options{UID: []byte{4, 1, 2, 3, 4, 5, 6}}
	tests := []struct {
		name   string
		as     Options
		before []string
		send   string
		want   string
		err    error
	}{
		{"ATR, contactless", Options{}, nil, "04", "3B80800101", nil},
		{"ATR, contact", Options{Interface: link.Contact}, nil, "04", "3BE000FF8131FE4514", nil},
		{"ATR, one's own", Options{Interface: link.Contact, ATR: []byte{0x3B, 0}}, nil, "04", "3B00", nil},
		{"power on", Options{}, nil, on, "", nil},
		{"power off", Options{}, []string{on}, off, "", nil},
		{"reset", Options{}, nil, again, "", nil},
		{"an APDU", Options{}, []string{on}, "00A40400", "00A404009000", nil},
		{"an APDU after a reset", Options{}, []string{again}, "00A40400", "00A404009000", nil},
		{"two bytes are for the chip to refuse", Options{}, []string{on}, "00A4", "00A49000", nil},
		{"an APDU without power", Options{}, nil, "00A40400", "", errPower},
		{"an APDU after power off", Options{}, []string{on, off}, "00A40400", "", errPower},
		{"no payload", Options{}, []string{on}, "", "", errForm},
		{"a control nobody knows", Options{}, []string{on}, "03", "", errForm},
		{"a mute chip", Options{}, []string{on}, "00FF0000", "", errMute},
		{"half a status", Options{}, []string{on}, "00FF0001", "6F00", nil},
		{"the shortest answer", Options{}, []string{on}, "00FF0002", "0000", nil},

		{"UID", Options{}, []string{on}, "FFCA000000", "08736F749000", nil},
		{"UID of 7 bytes", seven, []string{on}, "FFCA000000", "040102030405069000", nil},
		{"UID, its length", Options{}, []string{on}, "FFCA000004", "08736F749000", nil},
		{"UID, extended", Options{}, []string{on}, "FFCA0000000000", "08736F749000", nil},
		{"UID, too short", seven, []string{on}, "FFCA000004", "6C07", nil},
		{"UID, too long", Options{}, []string{on}, "FFCA00000A", "08736F746282", nil},
		{"UID, no length", Options{}, []string{on}, "FFCA0000", "6700", nil},
		{"UID, with data", Options{}, []string{on}, "FFCA0000011100", "6700", nil},
		{"UID, malformed", Options{}, []string{on}, "FFCA", "6700", nil},
		{"historical bytes", Options{}, []string{on}, "FFCA010000", "6A81", nil},
		{"UID without power", Options{}, nil, "FFCA000000", "", errPower},
		{"UID of a chip in a slot", Options{Interface: link.Contact}, []string{on}, "FFCA000000", "6E00", nil},
		{"another command of a reader", Options{}, []string{on}, "FF00510000", "6E00", nil},
	}
	for _, tt := range tests {
		c := &card{chip: &chip{}, as: complete(t, tt.as)}
		for _, s := range tt.before {
			if _, err := c.answer(unhex(t, s)); err != nil {
				t.Fatalf("%s: %s: %v", tt.name, s, err)
			}
		}
		got, err := c.answer(unhex(t, tt.send))
		if !bytes.Equal(got, unhex(t, tt.want)) || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %X, %v, want %s, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// Each power on and each reset reaches the chip, with the interface; power off
// does not, since the next power on says all there is to say.
func TestResets(t *testing.T) {
	for _, way := range []link.Interface{link.Contactless, link.Contact} {
		chip := &chip{}
		c := &card{chip: chip, as: complete(t, Options{Interface: way})}
		for _, control := range []byte{powerOn, askATR, reset, powerOff, powerOn} {
			if _, err := c.answer([]byte{control}); err != nil {
				t.Fatal(err)
			}
		}
		if len(chip.resets) != 3 || chip.resets[0] != way {
			t.Errorf("%v: got %v", way, chip.resets)
		}
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name string
		o    Options
	}{
		{"ATR too short", Options{Interface: link.Contact, ATR: []byte{0x3B}}},
		{"ATR too long", Options{Interface: link.Contact, ATR: append([]byte{0x3B}, make([]byte, 33)...)}},
		{"no ATR", Options{Interface: link.Contact, ATR: []byte{0, 0}}},
		{"ATR of the other interface", Options{Interface: link.Contact, ATR: contactlessATR}},
		{"ATR of the other interface", Options{ATR: contactATR}},
		{"UID of 5 bytes", Options{UID: make([]byte, 5)}},
	}
	for _, tt := range tests {
		if _, err := tt.o.complete(); err == nil {
			t.Errorf("%s: got no error", tt.name)
		}
	}
}

func TestATR(t *testing.T) {
	tests := []struct {
		name, atr        string
		valid, fromField bool
	}{
		{"contactless, none", "3B80800101", true, true},
		{"contactless, with historical bytes", "3B8F8001804F0CA000000306030001000000006A", true, true},
		{"contact, T=1", "3BE000FF8131FE4514", true, false},
		{"contact, T=0", "3B00", true, false},
		{"contact, T=0, looks alike", "3B80008001", true, false},
		{"inverse convention", "3F6500", true, false},
		{"something else", "48545450", false, false},
	}
	for _, tt := range tests {
		atr := unhex(t, tt.atr)
		if isATR(atr) != tt.valid || isContactless(atr) != tt.fromField {
			t.Errorf("%s: got valid %v, contactless %v", tt.name, isATR(atr), isContactless(atr))
		}
	}
}

// Whatever a reader sends: as many answers as questions, in frames that can be
// read, and no APDU for a chip that has not been reset.
func FuzzCard(f *testing.F) {
	f.Add(unhex(f, "000101 000104 000400A40400 000100"), true)
	f.Add(unhex(f, "000102 0005FFCA000000 000103"), false)
	f.Add(unhex(f, "000400A40400"), true)
	f.Add(unhex(f, "000101 000400FFFFFF"), true)
	f.Fuzz(func(t *testing.T, stream []byte, slot bool) {
		way := link.Contactless
		if slot {
			way = link.Contact
		}
		chip := &chip{}
		c := &card{chip: chip, as: complete(t, Options{Interface: way})}
		in := bufio.NewReader(bytes.NewReader(stream))
		for {
			payload, err := readFrame(in, payloadMax)
			if err != nil {
				break
			}
			reply, err := c.answer(payload)
			if err != nil {
				break
			}
			asks := len(payload) > 1 || payload[0] == askATR
			if asks != (reply != nil) || len(reply) == 1 || len(reply) > payloadMax {
				t.Fatalf("%x: got %x", payload, reply)
			}
		}
		if chip.dark {
			t.Error("the chip was spoken to without power")
		}
	})
}
