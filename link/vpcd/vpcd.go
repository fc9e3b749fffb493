// Package vpcd joins a chip and a reader by the framing of vsmartcard's virtual
// reader, vpcd.
//
// A chip that is to appear in a PC/SC reader uses Run, which dials the port of
// pcscd's vpcd driver: there the card is the TCP client. Without pcscd, Listen
// and Serve let a chip wait for its terminal, and Reader is that terminal's
// side; the bytes are the same.
//
// A frame is two bytes of length, high byte first, and that many bytes, at least
// one. The reader speaks first. A frame of one byte is a control: 00 power off,
// 01 power on and 02 reset have no answer, 04 is answered with the ATR. Any other
// frame is a command APDU, answered with a response APDU. Whoever breaks this
// form, stops in the middle of a frame, or sends an APDU without power loses the
// connection; so does a chip that stays mute.
//
// The chip's side says by which interface the chip is reached, and the reader
// learns it from the ATR. Nothing here is secret or authentic: a field is open to
// everyone in it, and so is this one. Listen keeps to this machine.
package vpcd

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"

	"sotto/link"
)

// DefaultAddress is the first port of the driver as Debian sets it up. The driver
// takes a chip from any address that reaches the machine: keep the port behind a
// firewall.
const DefaultAddress = "127.0.0.1:35963"

// ErrBusy says that another reader holds the chip.
var ErrBusy = errors.New("vpcd: another reader holds the chip")

var (
	errForm  = errors.New("vpcd: the peer breaks the form of the link")
	errPower = errors.New("vpcd: an APDU for a chip without power")
	errMute  = errors.New("vpcd: the chip stays mute")
)

// Options is how a chip appears. The zero value is a contactless chip that logs
// nothing.
type Options struct {
	Interface link.Interface
	ATR       []byte       // empty: that of a plain chip on this interface
	UID       []byte       // contactless, 4, 7 or 10 bytes; empty: a random id's form
	Log       *slog.Logger // nil: none
}

// The ATRs of chips that have nothing to say about themselves.
var (
	// PC/SC 2.01.14, Part 3, 3.1.3.2.3: ISO/IEC 14443-4 without historical bytes.
	contactlessATR = []byte{0x3B, 0x80, 0x80, 0x01, 0x01}
	// ISO/IEC 7816-3:2006, 8: T=1, IFSC 254, no extra guard time.
	contactATR = []byte{0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14}
	// ISO/IEC 14443-3, 6.5.4: a UID that begins with 08 is no name of the chip.
	anonymousUID = []byte{0x08, 0x73, 0x6F, 0x74}
)

// Sizes of an ATR in bytes: ISO/IEC 7816-3:2006, 8.1, TS and at most 32 more.
const (
	atrMin = 2
	atrMax = 33
)

// complete fills in what was left out and refuses what cannot be.
func (o Options) complete() (Options, error) {
	contactless := o.Interface == link.Contactless
	if len(o.ATR) == 0 && contactless {
		o.ATR = contactlessATR
	} else if len(o.ATR) == 0 {
		o.ATR = contactATR
	}
	if len(o.UID) == 0 {
		o.UID = anonymousUID
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch n := len(o.UID); {
	case !isATR(o.ATR):
		return o, errors.New("vpcd: an ATR has 2 to 33 bytes and begins with 3B or 3F")
	case isContactless(o.ATR) != contactless:
		return o, fmt.Errorf("vpcd: this is not the ATR of a %v chip: readers would not know it", o.Interface)
	case n != 4 && n != 7 && n != 10:
		return o, errors.New("vpcd: a UID has 4, 7 or 10 bytes")
	}
	return o, nil
}

func isATR(b []byte) bool {
	return len(b) >= atrMin && len(b) <= atrMax && (b[0] == 0x3B || b[0] == 0x3F)
}

// isContactless reports whether a reader made this ATR up for a chip in its
// field (PC/SC 2.01.14, Part 3, 3.1.3.2.3): 3B 8n 80 01, n historical bytes, TCK.
func isContactless(atr []byte) bool {
	return len(atr) > 4 && atr[1]&0xF0 == 0x80 && bytes.HasPrefix(atr[2:], []byte{0x80, 0x01})
}
