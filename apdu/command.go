// Package apdu reads and writes the command-response pairs of ISO/IEC
// 7816-4:2020.
//
// Use Parse and Command.Bytes for commands, ParseResponse and Response.Bytes
// for responses, Split and Chain for command chaining, Transmit (reader) and
// Pending (card) for GET RESPONSE.
//
// All length fields, short and extended, are read strictly: nothing may be
// missing and nothing left over. What Parse takes, Bytes writes again byte for
// byte. Parsing copies nothing and never panics, and no error contains bytes of
// a command or response. It does not say which instructions exist: that is the
// card's answer, 6D00 or 6E00.
package apdu

import "errors"

// Limits of one command or response, in bytes.
const (
	DataMax      = 65535 // command data, extended
	NeMax        = 65536 // response data, extended
	DataMaxShort = 255
	NeMaxShort   = 256
)

// ErrCommand says that bytes are no command APDU: too short, or the length
// fields do not agree with the length.
var ErrCommand = errors.New("apdu: malformed command")

// Command is a command APDU. The zero values of Data and Ne make case 1.
type Command struct {
	CLA         Class
	INS, P1, P2 byte
	Data        []byte // up to DataMax bytes; Parse lets it alias its input
	// Ne is how many bytes of response data are expected at most, 0 to NeMax.
	// On the wire Le zero stands for the largest, 256 or 65536.
	Ne int
	// Extended asks for extended length fields where short ones would do.
	// Where short ones do not do, they are extended anyhow.
	Extended bool
}

// insGetResponse is the one instruction that this package itself speaks of.
const insGetResponse = 0xC0

// Parse reads a command APDU of any of the cases 1, 2S, 3S, 4S, 2E, 3E and 4E
// (ISO/IEC 7816-3:2006, 12.1.3).
func Parse(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, ErrCommand
	}
	c := Command{CLA: Class(b[0]), INS: b[1], P1: b[2], P2: b[3]}
	switch body := b[4:]; {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2S
		c.Ne = expected(int(body[0]), NeMaxShort)
		return c, nil
	case body[0] != 0:
		return parseShort(c, int(body[0]), body[1:])
	default:
		return parseExtended(c, body[1:])
	}
}

// parseShort reads what follows Lc in cases 3S and 4S.
func parseShort(c Command, nc int, b []byte) (Command, error) {
	switch len(b) {
	case nc + 1:
		c.Ne = expected(int(b[nc]), NeMaxShort)
	case nc:
	default:
		return Command{}, ErrCommand
	}
	c.Data = b[:nc:nc]
	return c, nil
}

// parseExtended reads what follows the zero byte that opens the length fields
// of cases 2E, 3E and 4E.
func parseExtended(c Command, b []byte) (Command, error) {
	if len(b) < 2 {
		return Command{}, ErrCommand
	}
	n, b := int(b[0])<<8|int(b[1]), b[2:]
	switch len(b) {
	case 0: // case 2E: n is Le
		c.Ne = expected(n, NeMax)
		c.Extended = !c.long()
		return c, nil
	case n + 2:
		c.Ne = expected(int(b[n])<<8|int(b[n+1]), NeMax)
	case n:
	default:
		return Command{}, ErrCommand
	}
	if n == 0 { // an Lc of zero
		return Command{}, ErrCommand
	}
	c.Data = b[:n:n]
	c.Extended = !c.long()
	return c, nil
}

// expected is Ne for this Le, whose zero stands for the largest.
func expected(le, most int) int {
	if le == 0 {
		return most
	}
	return le
}

// long reports whether the length fields must be extended.
func (c Command) long() bool { return len(c.Data) > DataMaxShort || c.Ne > NeMaxShort }

// Bytes is the command as it stands on the wire.
func (c Command) Bytes() []byte {
	return c.Append(make([]byte, 0, 4+3+len(c.Data)+2))
}

// Append writes the command behind dst. It panics when Data is longer than
// DataMax or Ne is not 0 to NeMax: both are errors of the program, not of data.
func (c Command) Append(dst []byte) []byte {
	if len(c.Data) > DataMax || c.Ne < 0 || c.Ne > NeMax {
		panic("apdu: cannot be written: data too long or Ne out of range")
	}
	dst = append(dst, byte(c.CLA), c.INS, c.P1, c.P2)
	if c.Extended || c.long() {
		return c.appendExtended(dst)
	}
	if len(c.Data) > 0 {
		dst = append(dst, byte(len(c.Data)))
		dst = append(dst, c.Data...)
	}
	if c.Ne > 0 {
		dst = append(dst, byte(c.Ne)) // 256 wraps to the zero that stands for it
	}
	return dst
}

func (c Command) appendExtended(dst []byte) []byte {
	if len(c.Data) == 0 && c.Ne == 0 {
		return dst // case 1 has no length field to extend
	}
	dst = append(dst, 0)
	if len(c.Data) > 0 {
		dst = append(dst, byte(len(c.Data)>>8), byte(len(c.Data)))
		dst = append(dst, c.Data...)
	}
	if c.Ne > 0 {
		dst = append(dst, byte(c.Ne>>8), byte(c.Ne)) // 65536 wraps to zero
	}
	return dst
}
