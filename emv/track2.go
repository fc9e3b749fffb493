package emv

import "sotto/secret"

// Track2 is track 2 equivalent data (57; Book 3, Annex A1; ISO/IEC 7813). It
// prints as its masked PAN.
type Track2 struct {
	PAN           PAN
	Expiry        [2]byte       // YYMM
	Service       Numeric       // service code, three digits
	Discretionary secret.Secret // decimal digits as text
}

const (
	track2Max   = 19  // bytes
	separator   = 0xD // between PAN and expiry
	afterPAN    = 4 + 3
	track2Digit = 2 * track2Max
)

// ParseTrack2 reads the value of 57: the PAN, D, expiry, service code and
// discretionary digits, and an F if their number is odd.
func ParseTrack2(b []byte) (Track2, error) {
	if len(b) > track2Max {
		return Track2{}, ErrTrack2
	}
	var text [track2Digit]byte // digits, without the separator
	at, n := -1, 0
	for i := range 2 * len(b) {
		switch d := nibble(b, i); {
		case d <= 9:
			text[n] = '0' + d
			n++
		case d == separator && at < 0:
			at = i
		case d == 0xF && i == 2*len(b)-1 && at >= 0:
		default:
			return Track2{}, ErrTrack2
		}
	}
	if at < 0 || n < at+afterPAN {
		return Track2{}, ErrTrack2
	}
	pan, err := NewPAN(string(text[:at]))
	if err != nil {
		return Track2{}, ErrTrack2
	}
	rest := text[at:n]
	t := Track2{PAN: pan, Discretionary: secret.New(rest[afterPAN:])}
	t.Expiry = [2]byte{pack(rest[0], rest[1]), pack(rest[2], rest[3])}
	t.Service = Numeric{pack('0', rest[4]), pack(rest[5], rest[6])}
	if err := t.check(); err != nil {
		return Track2{}, err
	}
	return t, nil
}

func pack(high, low byte) byte { return (high-'0')<<4 | (low - '0') }

// check reports what would keep the fields from being written.
func (t Track2) check() error {
	month, err := digits(t.Expiry[1:])
	if _, yearErr := digits(t.Expiry[:1]); yearErr != nil || err != nil || month < 1 || month > 12 {
		return ErrTrack2
	}
	if _, err := t.Service.Number(); err != nil || t.PAN.Empty() {
		return ErrTrack2
	}
	for _, d := range t.Discretionary.Reveal() {
		if d < '0' || d > '9' {
			return ErrTrack2
		}
	}
	if len(t.PAN.Reveal())+1+afterPAN+len(t.Discretionary.Reveal()) > track2Digit {
		return ErrTrack2
	}
	return nil
}

// Append writes the value of 57 behind dst.
func (t Track2) Append(dst []byte) ([]byte, error) {
	if err := t.check(); err != nil {
		return dst, err
	}
	var nibbles [track2Digit]byte
	n := 0
	put := func(text ...byte) {
		for _, d := range text {
			nibbles[n] = d & 0xF // of '0' to '9' and of the separator itself
			n++
		}
	}
	put(t.PAN.Reveal()...)
	put(separator)
	put(t.Expiry[0]>>4, t.Expiry[0], t.Expiry[1]>>4, t.Expiry[1])
	put(t.Service[0], t.Service[1]>>4, t.Service[1])
	put(t.Discretionary.Reveal()...)
	if n%2 == 1 {
		put(0xF)
	}
	for pairs := nibbles[:n]; len(pairs) > 0; pairs = pairs[2:] {
		dst = append(dst, pairs[0]<<4|pairs[1])
	}
	return dst, nil
}

// String is the masked PAN.
func (t Track2) String() string { return t.PAN.String() }

// GoString is String, for %#v.
func (t Track2) GoString() string { return t.PAN.String() }
