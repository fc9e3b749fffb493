package nfc

import (
	"bytes"
	"testing"

	"sotto/link/frame"
)

// Whatever a chip says to SELECT, it is the card only if it has the card's sign.
func FuzzParseFCI(f *testing.F) {
	const id = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	good := appendFCI(nil, frame.NewSign(id, [8]byte{1}))
	f.Add(good)
	f.Add(good[:20])
	f.Add([]byte{0x6F, 0x05, 0xA5, 0x03, 0x80, 0x01, 0x02})
	f.Fuzz(func(t *testing.T, b []byte) {
		version, sign, err := parseFCI(b)
		if err == nil && (version == Version && sign.Of(id)) && !bytes.Contains(b, sign[:]) {
			t.Errorf("%X", b)
		}
	})
}
