package pcsc

import (
	"bytes"
	"encoding/binary"
)

// Commands of pcscd's socket (pcsc-lite, winscard_msg.h).
const (
	cmdEstablish  uint32 = 0x01
	cmdConnect    uint32 = 0x04
	cmdReconnect  uint32 = 0x05
	cmdDisconnect uint32 = 0x06
	cmdTransmit   uint32 = 0x09
	cmdVersion    uint32 = 0x11
	cmdStates     uint32 = 0x12
	cmdWatch      uint32 = 0x13
	cmdUnwatch    uint32 = 0x14
)

// Values of its fields (pcsc-lite, pcsclite.h).
const (
	scopeSystem    uint32 = 2
	shareExclusive uint32 = 1
	protocolT0     uint32 = 1
	protocolAny    uint32 = 3 // T=0 or T=1
	leaveCard      uint32 = 0
	resetCard      uint32 = 1
	unpowerCard    uint32 = 2

	statePresent uint32 = 0x04
)

// Sizes in bytes. The daemon's structures have no gaps but one, behind the ATR.
const (
	wordSize    = 4
	nameSize    = 128
	atrSize     = 33
	atrGap      = 3
	stateSize   = nameSize + 3*wordSize + atrSize + atrGap + 2*wordSize
	statesCount = 16 // the daemon always sends as many, most of them empty
	eventSize   = 2 * wordSize
)

// words are fields of 32 bits as they stand in memory: the socket does not leave
// the machine.
func words(values ...uint32) []byte {
	b := make([]byte, 0, wordSize*len(values))
	for _, v := range values {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

// word is the i-th field of a message of 32-bit fields.
func word(b []byte, i int) uint32 { return binary.NativeEndian.Uint32(b[wordSize*i:]) }

// message is a command with its body.
func message(command uint32, body []byte) []byte {
	return append(words(uint32(len(body)), command), body...)
}

// state is one reader as the daemon sees it.
type state struct {
	name string
	bits uint32
	atr  []byte
}

// present reports whether a chip is there. It may be mute: the daemon says so too
// of a chip that went and came back before it looked, and only trying helps.
func (s state) present() bool { return s.bits&statePresent != 0 }

// contactless reports whether the reader made the ATR up for a chip in its field
// (PC/SC 2.01.14, Part 3, 3.1.3.2.3): 3B 8n 80 01, n historical bytes, TCK.
func (s state) contactless() bool {
	return len(s.atr) > 4 && s.atr[0] == 0x3B && s.atr[1]&0xF0 == 0x80 && bytes.HasPrefix(s.atr[2:], []byte{0x80, 0x01})
}

// parseStates reads all readers:
//
//	name[128] events(4) state(4) sharing(4) ATR[33] gap[3] ATR length(4) protocol(4)
func parseStates(b []byte) []state {
	var states []state
	for ; len(b) >= stateSize; b = b[stateSize:] {
		name, _, _ := bytes.Cut(b[:nameSize], []byte{0})
		if len(name) == 0 {
			continue // a place without a reader
		}
		fields := b[nameSize:stateSize]
		length := min(word(fields[3*wordSize+atrSize+atrGap:], 0), atrSize)
		states = append(states, state{
			name: string(name),
			bits: word(fields, 1),
			atr:  bytes.Clone(fields[3*wordSize:][:length]),
		})
	}
	return states
}
