// Package tcp carries messages between a phone and a card over TCP, where a
// radio is not at hand.
//
// A frame is two bytes of length, high byte first, and that many bytes, at most
// link.MessageMax. A connection carries exchanges one after another: a frame to
// the card, a frame back. A frame of no bytes is the card's silence; the phone
// never sends one. Any other form closes the connection.
//
// Nothing here is secret or authentic: messages are sealed before they come and
// after they leave. Listen on loopback unless the card and phone are on
// different machines.
package tcp

import (
	"encoding/binary"
	"errors"
	"io"

	"sotto/link"
)

const headerSize = 2

// errFrame says that what came is no frame of this link.
var errFrame = errors.New("tcp: length of a frame is out of bounds")

// errSilence says that the card took the message and gave no answer.
var errSilence = errors.New("tcp: the card kept silent")

// writeFrame writes in one call, so that one message is one segment.
func writeFrame(w io.Writer, payload []byte) error {
	if len(payload) > link.MessageMax {
		return errFrame
	}
	frame := make([]byte, headerSize, headerSize+len(payload))
	binary.BigEndian.PutUint16(frame, uint16(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

// readFrame reads a frame whose first byte has come already. It believes no
// length above the limit, so that a stranger cannot make it allocate.
func readFrame(r io.Reader, first byte) ([]byte, error) {
	var second [1]byte
	if _, err := io.ReadFull(r, second[:]); err != nil {
		return nil, err
	}
	n := int(first)<<8 | int(second[0])
	if n > link.MessageMax {
		return nil, errFrame
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return payload, err
}
