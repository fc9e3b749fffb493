package vpcd

import (
	"bytes"
	"time"

	"sotto/apdu"
	"sotto/link"
)

// card is the chip in the slot or field of whoever is connected.
type card struct {
	chip    link.Chip
	as      Options
	powered bool
}

// answer takes one frame of the reader and returns the payload to send back,
// nil if there is none. An error ends the connection.
func (c *card) answer(payload []byte) ([]byte, error) {
	switch len(payload) {
	case 0:
		return nil, errForm
	case 1:
		return c.control(payload[0])
	}
	if !c.powered {
		return nil, errPower
	}
	if c.as.Interface == link.Contactless && isGetData(payload) {
		return getData(payload, c.as.UID), nil
	}
	response := c.chip.Transmit(payload)
	switch n := len(response); {
	case n == 0:
		return nil, errMute
	case n < 2 || n > payloadMax:
		return apdu.Response{Status: apdu.StatusUnknown}.Bytes(), nil
	}
	return response, nil
}

func (c *card) control(code byte) ([]byte, error) {
	switch code {
	case powerOff:
		c.powered = false
	case powerOn, reset:
		c.powered = true
		c.chip.Reset(c.as.Interface)
	case askATR: // pcscd asks for it to see whether the chip is still there
		return c.as.ATR, nil
	default:
		return nil, errForm
	}
	return nil, nil
}

// isGetData knows the reader's own GET DATA, FF CA: a contactless reader answers
// it itself. A slot passes it on like anything else, and the chip refuses the
// class (apdu.Class.Valid).
func isGetData(command []byte) bool { return bytes.HasPrefix(command, []byte{0xFF, 0xCA}) }

// getData answers it (PC/SC 2.01.14, Part 3, 3.2.2.1.3): P1 00 is the UID; P1 01
// would be historical bytes, of which there are none.
func getData(command, uid []byte) []byte {
	c, err := apdu.Parse(command)
	switch {
	case err != nil || len(c.Data) != 0 || c.Ne == 0:
		return apdu.Response{Status: apdu.StatusWrongLength}.Bytes()
	case c.P1 != 0 || c.P2 != 0:
		return apdu.Response{Status: apdu.StatusNotSupported}.Bytes()
	case c.Ne < len(uid):
		return apdu.Response{Status: apdu.RetryWith(len(uid))}.Bytes()
	case c.Ne > len(uid) && c.Ne != apdu.NeMaxShort && c.Ne != apdu.NeMax:
		return apdu.Response{Data: uid, Status: 0x6282}.Bytes() // end reached before Le bytes
	}
	return apdu.Response{Data: uid, Status: apdu.StatusOK}.Bytes()
}

// exchange takes one frame of the reader, waiting idle for it, and answers it.
func (c *card) exchange(w *wire, idle time.Duration) error {
	payload, err := w.receive(idle, payloadMax)
	if err != nil {
		return err
	}
	reply, err := c.answer(payload)
	if err != nil || reply == nil {
		return err
	}
	return w.send(appendFrame(make([]byte, 0, headerSize+len(reply)), reply))
}
