package rfid

import (
	"bytes"
	"encoding/binary"
	"errors"

	"sotto/link/frame"
)

// UIDSize is the size of a UID in bytes.
const UIDSize = 8

// UID is a tag's unique identifier as it stands on the air, low byte first: the
// serial number, the manufacturer, and E0 (ISO/IEC 15693-3:2019, 4.1).
type UID [UIDSize]byte

// manufacturer is whose custom commands these are (ISO/IEC 7816-6): that of the
// ST25DV family.
const manufacturer = 0x02

// NewUID is that of a tag with this serial number, of which 48 bits count.
func NewUID(serial uint64) (u UID) {
	binary.LittleEndian.PutUint64(u[:], serial)
	u[6], u[7] = manufacturer, 0xE0
	return u
}

// Request flags (ISO/IEC 15693-3:2019, 7.3.1). All requests here use one
// subcarrier and the high data rate.
const (
	flagSubcarrier = 0x01 // two subcarriers in the response
	flagHighRate   = 0x02
	flagInventory  = 0x04
	flagExtension  = 0x08
	flagSelect     = 0x10 // without flagInventory
	flagAddress    = 0x20 // without flagInventory
	flagOption     = 0x40
	flagAFI        = 0x10 // with flagInventory
	flagOneSlot    = 0x20 // with flagInventory
)

// Commands: of the standard (ISO/IEC 15693-3:2019, 10), and custom ones.
const (
	cmdInventory    = 0x01
	cmdStayQuiet    = 0x02
	cmdResetToReady = 0x26

	cmdWriteMessage  = 0xAA
	cmdMessageLength = 0xAB
	cmdReadMessage   = 0xAC
	cmdReadRegister  = 0xAD
	cmdWriteRegister = 0xAE

	customFirst = 0xA0
	customLast  = 0xDF
)

// regMailbox is the dynamic register that tells and says how the mailbox stands.
const regMailbox = 0x0D

// Bits of regMailbox.
const (
	mailboxOn      = 0x01
	hostPut        = 0x02 // a message of the card's waits for the reader
	readerPut      = 0x04 // a message of the reader's waits for the card
	hostMissed     = 0x10
	readerMissed   = 0x20
	hostCurrent    = 0x40 // the bytes in the mailbox are the card's
	readerCurrent  = 0x80
	mailboxSizeMax = 256 // bytes
)

// Code is what a tag answers instead (ISO/IEC 15693-3:2019, 7.4.2).
type Code byte

// The codes.
const (
	CodeNotSupported  Code = 0x01
	CodeNotRecognized Code = 0x02 // a format error
	CodeNoOption      Code = 0x03
	CodeUnknown       Code = 0x0F // of the mailbox: off, taken, or empty
)

func (c Code) Error() string {
	switch c {
	case CodeNotSupported:
		return "rfid: the tag does not know the command"
	case CodeNotRecognized:
		return "rfid: the tag finds the request malformed"
	case CodeNoOption:
		return "rfid: the tag does not have the option"
	case CodeUnknown:
		return "rfid: the tag refuses"
	}
	return "rfid: the tag refuses, for a reason of its own"
}

// errorFlag is in the flags of a response that has a Code.
const errorFlag = 0x01

var errResponse = errors.New("rfid: the tag's response breaks its form")

// request is a request without its CRC.
type request struct {
	flags   byte
	command byte
	uid     UID // with flagAddress
	params  []byte
}

// custom reports whether the manufacturer's code stands behind the command.
func (r request) custom() bool { return r.command >= customFirst && r.command <= customLast }

func (r request) inventory() bool { return r.flags&flagInventory != 0 }
func (r request) addressed() bool { return !r.inventory() && r.flags&flagAddress != 0 }

func (r request) bytes() []byte {
	b := []byte{r.flags, r.command}
	if r.custom() {
		b = append(b, manufacturer)
	}
	if r.addressed() {
		b = append(b, r.uid[:]...)
	}
	return append(b, r.params...)
}

// parseRequest reads a request without its CRC; false if it is none, or one with
// the custom command of another manufacturer. Its params alias b.
func parseRequest(b []byte) (r request, ok bool) {
	if len(b) < 2 {
		return r, false
	}
	r.flags, r.command, b = b[0], b[1], b[2:]
	if r.custom() {
		if len(b) < 1 || b[0] != manufacturer {
			return r, false
		}
		b = b[1:]
	}
	if r.addressed() {
		if len(b) < UIDSize {
			return r, false
		}
		r.uid, b = UID(b), b[UIDSize:]
	}
	r.params = b
	return r, true
}

// parseResponse is the data behind the flags of a response without its CRC.
func parseResponse(b []byte) ([]byte, error) {
	switch {
	case len(b) < 1:
		return nil, errResponse
	case b[0]&errorFlag == 0:
		return b[1:], nil
	case len(b) != 2:
		return nil, errResponse
	}
	return nil, Code(b[1])
}

// appendCRC puts the check behind a frame, and checked takes it away again.
func appendCRC(b []byte) []byte {
	return binary.LittleEndian.AppendUint16(b[:len(b):len(b)], frame.CRC16(b))
}

func checked(b []byte) ([]byte, bool) {
	n := len(b) - frame.CRCSize
	if n < 0 || frame.CRC16(b[:n]) != binary.LittleEndian.Uint16(b[n:]) {
		return nil, false
	}
	return b[:n], true
}

// mask is the beginning of a UID, from its low bits: those that shall answer an
// inventory.
type mask struct {
	bits  int
	value UID
}

func (m mask) covers(u UID) bool {
	whole, rest := m.bits/8, m.bits%8
	if !bytes.Equal(u[:whole], m.value[:whole]) {
		return false
	}
	return rest == 0 || (u[whole]^m.value[whole])<<(8-rest) == 0
}

// params writes a mask behind an inventory: its bits, and whole bytes.
func (m mask) params() []byte {
	return append([]byte{byte(m.bits)}, m.value[:(m.bits+7)/8]...)
}

// parseMask reads it.
func parseMask(b []byte) (m mask, ok bool) {
	if len(b) < 1 || b[0] > 8*UIDSize || len(b) != 1+(int(b[0])+7)/8 {
		return m, false
	}
	m.bits = int(b[0])
	copy(m.value[:], b[1:])
	return m, true
}

// halves are the two masks of one bit more.
func (m mask) halves() (zero, one mask) {
	zero, one = m, m
	zero.bits++
	one.bits++
	one.value[m.bits/8] |= 1 << (m.bits % 8)
	return zero, one
}
