package vpcd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const (
	headerSize = 2
	payloadMax = 0xFFFF
)

// The controls: payloads of one byte.
const (
	powerOff byte = 0x00
	powerOn  byte = 0x01
	reset    byte = 0x02
	askATR   byte = 0x04
)

// appendFrame adds the frame of a payload to b. An empty payload is no message;
// a busy chip sends it to a second reader before it hangs up.
func appendFrame(b, payload []byte) []byte {
	if len(payload) > payloadMax {
		panic("vpcd: the payload does not fit into a frame")
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

// readFrame reads a payload of at most max bytes, possibly none. It believes no
// longer length, so that a stranger cannot make it allocate.
func readFrame(r *bufio.Reader, max int) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(header[:]))
	if n > max {
		return nil, errForm
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, unexpected(err)
	}
	return payload, nil
}

// unexpected makes an end between header and payload what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
