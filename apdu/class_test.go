package apdu_test

import (
	"testing"

	"sotto/apdu"
)

func TestClass(t *testing.T) {
	for _, c := range []struct {
		cla     apdu.Class
		chained bool
		sm      apdu.SecureMessaging
		channel int
		inter   bool
	}{
		{0x00, false, apdu.Plain, 0, true},
		{0x03, false, apdu.Plain, 3, true},
		{0x04, false, apdu.OwnFormat, 0, true},
		{0x08, false, apdu.Protected, 0, true},
		{0x0C, false, apdu.HeaderCovered, 0, true},
		{0x10, true, apdu.Plain, 0, true},
		{0x1D, true, apdu.HeaderCovered, 1, true},
		{0x20, false, apdu.Plain, 0, false}, // reserved
		{0x3F, false, apdu.Plain, 0, false},
		{0x40, false, apdu.Plain, 4, true},
		{0x4F, false, apdu.Plain, 19, true},
		{0x50, true, apdu.Plain, 4, true},
		{0x6F, false, apdu.Protected, 19, true},
		{0x7F, true, apdu.Protected, 19, true},
		{0x80, false, apdu.Plain, 0, false}, // proprietary
		{0x94, false, apdu.Plain, 0, false},
		{0xFF, false, apdu.Plain, 0, false},
	} {
		if c.cla.Chained() != c.chained || c.cla.SecureMessaging() != c.sm || c.cla.Channel() != c.channel || c.cla.Interindustry() != c.inter {
			t.Errorf("%02X: got chained %v, messaging %d, channel %d, interindustry %v", byte(c.cla),
				c.cla.Chained(), c.cla.SecureMessaging(), c.cla.Channel(), c.cla.Interindustry())
		}
	}
}

// The chaining bit can be set and cleared in every interindustry class and
// changes nothing else; any other class stays as it is.
func TestWithChaining(t *testing.T) {
	for b := range 256 {
		c := apdu.Class(b)
		on, off := c.WithChaining(true), c.WithChaining(false)
		if !c.Interindustry() {
			if on != c || off != c {
				t.Errorf("%02X: changed to %02X, %02X", b, byte(on), byte(off))
			}
			continue
		}
		if !on.Chained() || off.Chained() || on.Channel() != c.Channel() || off.Channel() != c.Channel() ||
			on.SecureMessaging() != c.SecureMessaging() || (on != c && off != c) {
			t.Errorf("%02X: got %02X with, %02X without", b, byte(on), byte(off))
		}
		if c.Proprietary() || !c.Valid() {
			t.Errorf("%02X is interindustry and proprietary, or not valid", b)
		}
	}
}
