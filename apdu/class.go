package apdu

// Class is the class byte of a command (ISO/IEC 7816-4:2020, 5.4).
//
//	000c ssnn   first interindustry: chaining c, secure messaging ss, channel nn
//	01sc nnnn   further interindustry: channel nnnn + 4
//	001x xxxx   reserved
//	1xxx xxxx   proprietary: the bits mean what the application says
//
// Chaining, secure messaging and channel are asked of proprietary classes too;
// the answer is then none, none and 0.
type Class byte

// chainingBit is b5, in both interindustry codings.
const chainingBit = 0x10

// Valid reports whether a card may ever see c: not FF, which the transport
// keeps for itself and PC/SC for its readers.
func (c Class) Valid() bool { return c != 0xFF }

// Proprietary reports whether ISO/IEC 7816-4 leaves the meaning to others.
func (c Class) Proprietary() bool { return c&0x80 != 0 }

// Interindustry reports whether the bits mean what ISO/IEC 7816-4 says.
func (c Class) Interindustry() bool { return c.first() || c.further() }

func (c Class) first() bool   { return c&0xE0 == 0x00 }
func (c Class) further() bool { return c&0xC0 == 0x40 }

// Chained reports whether more commands of the chain follow.
func (c Class) Chained() bool { return c.Interindustry() && c&chainingBit != 0 }

// WithChaining sets or clears the chaining bit; only an Interindustry class
// has one.
func (c Class) WithChaining(more bool) Class {
	switch {
	case !c.Interindustry():
		return c
	case more:
		return c | chainingBit
	}
	return c &^ chainingBit
}

// Channel is the logical channel, 0 to 19.
func (c Class) Channel() int {
	switch {
	case c.first():
		return int(c & 0x03)
	case c.further():
		return int(c&0x0F) + 4
	}
	return 0
}

// SecureMessaging is how a command is protected.
type SecureMessaging byte

// The kinds of secure messaging.
const (
	Plain         SecureMessaging = iota // none
	OwnFormat                            // a proprietary format, as of EMV's class 04
	Protected                            // ISO format, the header is not authenticated
	HeaderCovered                        // ISO format, the header is authenticated
)

// SecureMessaging is what the class says of the command's protection.
func (c Class) SecureMessaging() SecureMessaging {
	switch {
	case c.first():
		return SecureMessaging(c >> 2 & 0x03)
	case c.further() && c&0x20 != 0:
		return Protected
	}
	return Plain
}
