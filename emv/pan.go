package emv

import "sotto/secret"

// Lengths of a PAN (ISO/IEC 7812-1; Book 3, Annex A1).
const (
	panMin = 8
	panMax = 19
)

// PAN is a primary account number. It prints masked, cannot be compared with
// ==, and gives its digits only to Reveal. The zero PAN is none.
type PAN struct{ digits secret.Secret }

// NewPAN takes 8 to 19 decimal digits. It does not ask for a right check digit;
// see Luhn.
func NewPAN(text string) (PAN, error) {
	if len(text) < panMin || len(text) > panMax {
		return PAN{}, ErrPAN
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return PAN{}, ErrPAN
		}
	}
	return PAN{secret.New([]byte(text))}, nil
}

// ParsePAN reads the value of 5A: two digits a byte, F behind them up to at most
// ten bytes.
func ParsePAN(b []byte) (PAN, error) {
	if len(b) > (panMax+1)/2 {
		return PAN{}, ErrPAN
	}
	var text [panMax + 1]byte
	n, ok := unpack(text[:], b)
	if !ok {
		return PAN{}, ErrPAN
	}
	return NewPAN(string(text[:n]))
}

// unpack writes the digits of a compressed numeric field, and reports whether
// nothing but F follows them.
func unpack(text, b []byte) (n int, ok bool) {
	ended := false
	for i := range 2 * len(b) {
		switch digit := nibble(b, i); {
		case digit == 0xF:
			ended = true
		case digit > 9 || ended:
			return 0, false
		default:
			text[n] = '0' + digit
			n++
		}
	}
	return n, true
}

// nibble is half a byte, from the left.
func nibble(b []byte, i int) byte { return b[i/2] >> (4 - i%2*4) & 0xF }

// Append writes the digits as the value of 5A behind dst: two a byte, and an F
// if their number is odd.
func (p PAN) Append(dst []byte) []byte {
	text := p.Reveal()
	for i := 0; i < len(text); i += 2 {
		low := byte(0xF)
		if i+1 < len(text) {
			low = text[i+1] - '0'
		}
		dst = append(dst, (text[i]-'0')<<4|low)
	}
	return dst
}

// Reveal is the digits as text; not a copy.
func (p PAN) Reveal() []byte { return p.digits.Reveal() }

// Empty reports whether there is no PAN.
func (p PAN) Empty() bool { return p.digits.Empty() }

// Equal compares in time that depends on the lengths alone.
func (p PAN) Equal(q PAN) bool { return p.digits.Equal(q.digits) }

// Luhn reports whether the check digit is right (ISO/IEC 7812-1, Annex B).
func (p PAN) Luhn() bool {
	text := p.Reveal()
	return len(text) > 0 && CheckDigit(text[:len(text)-1]) == text[len(text)-1]
}

// CheckDigit is the digit that belongs behind these digits (ISO/IEC 7812-1,
// Annex B), both as text.
func CheckDigit(text []byte) byte {
	sum := 0
	for i := range text {
		d := int(text[len(text)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// String is the masked PAN: the last four digits, and the first six of those
// that are more than ten, as PCI DSS 3.4.1 lets be shown.
func (p PAN) String() string {
	if p.Empty() {
		return "no PAN"
	}
	masked := append([]byte(nil), p.Reveal()...)
	for i := max(0, min(6, len(masked)-10)); i < len(masked)-4; i++ {
		masked[i] = '*'
	}
	return string(masked)
}

// GoString is String, for %#v.
func (p PAN) GoString() string { return p.String() }

// MarshalText is String; encoding/json and log/slog use it.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
