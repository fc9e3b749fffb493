package frame

import (
	"encoding/binary"
	"errors"
)

// Frames:
//
//	byte 0     vvvl pkkk: version, last, poll, kind
//	byte 1     number
//	bytes 2-3  length of the whole message or answer, in bytes
//	bytes 4-7  id
//	payload
//	CRC-16 of all before it, low byte first, on links without a check
//
// A part has a piece of a message or answer as its payload: all but the last of
// a message have the same size, and number counts them from 0. Last marks the
// piece that ends it. A have says in number which piece is the first that is
// missing, and in 32 bits, high bit first, which of those behind it have come;
// its length is zero when nothing at all is known of the message. Poll asks the
// other side to send what it has to say.

const version = 1

type kind byte

const (
	messagePart kind = 1 // phone to card
	answerPart  kind = 2 // card to phone
	haveMessage kind = 3 // card to phone, after a poll
	haveAnswer  kind = 4 // phone to card, always a poll
)

const (
	lastBit  = 0x10
	pollBit  = 0x08
	kindBits = 0x07
	haveSize = 4
)

// ID names one exchange. Its high half is the phone's for as long as the phone
// counts on, drawn at random when it begins; the low half counts its exchanges.
// A repetition has the id of the first.
type ID uint32

// NewID makes an id of its halves.
func NewID(source, count uint16) ID { return ID(source)<<16 | ID(count) }

func (id ID) source() uint16 { return uint16(id >> 16) }

// before reports whether id is an earlier exchange of the same phone.
func (id ID) before(other ID) bool {
	return id.source() == other.source() && int16(uint16(id)-uint16(other)) < 0
}

type header struct {
	kind       kind
	last, poll bool
	number     byte
	length     uint16
	id         ID
}

var errFrame = errors.New("frame: not a frame of this version")

// parse reads a frame. The payload aliases b.
func parse(b []byte, crc bool) (header, []byte, error) {
	if crc {
		n := len(b) - CRCSize
		if n < 0 || CRC16(b[:n]) != binary.LittleEndian.Uint16(b[n:]) {
			return header{}, nil, errFrame
		}
		b = b[:n]
	}
	if len(b) < HeaderSize || b[0]>>5 != version {
		return header{}, nil, errFrame
	}
	h := header{
		kind: kind(b[0] & kindBits), last: b[0]&lastBit != 0, poll: b[0]&pollBit != 0,
		number: b[1], length: binary.BigEndian.Uint16(b[2:]), id: ID(binary.BigEndian.Uint32(b[4:])),
	}
	payload := b[HeaderSize:]
	if !h.fits(len(payload)) {
		return header{}, nil, errFrame
	}
	return h, payload, nil
}

// fits reports whether a frame of this kind has such fields and so many bytes of
// payload.
func (h header) fits(n int) bool {
	switch h.kind {
	case messagePart, answerPart:
		return true // whether it suits the others is for the assembly
	case haveMessage:
		return !h.last && !h.poll && n == haveSize
	case haveAnswer:
		return !h.last && h.poll && n == haveSize
	}
	return false
}

// appendHeader writes all that stands before the payload.
func appendHeader(dst []byte, h header) []byte {
	first := version<<5 | byte(h.kind)
	if h.last {
		first |= lastBit
	}
	if h.poll {
		first |= pollBit
	}
	dst = append(dst, first, h.number)
	dst = binary.BigEndian.AppendUint16(dst, h.length)
	return binary.BigEndian.AppendUint32(dst, uint32(h.id))
}

// appendFrame writes a frame behind dst.
func appendFrame(dst []byte, h header, payload []byte, crc bool) []byte {
	start := len(dst)
	dst = append(appendHeader(dst, h), payload...)
	if crc {
		dst = binary.LittleEndian.AppendUint16(dst, CRC16(dst[start:]))
	}
	return dst
}

// source is whose frame this is; false if it is none.
func source(b []byte) (uint16, bool) {
	if len(b) < HeaderSize || b[0]>>5 != version {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[4:]), true
}
