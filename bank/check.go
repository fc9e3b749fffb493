package bank

import (
	"net/url"
	"unicode"
	"unicode/utf8"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/money"
)

// only refuses every actor but those of one role.
func (o *opContext) only(role bankapi.Role) (Answer, bool) {
	if o.actor.Role == role {
		return Answer{}, false
	}
	return no(bankapi.Forbidden, "use a key of the role "+string(role)), true
}

// checkAmount refuses amounts and currencies the bank does not deal in.
func checkAmount(amount int64, currency string) (Answer, bool) {
	if amount < 1 || amount > dyncode.AmountMax {
		return invalid("amount", "use 1 to 999999999999 minor units"), true
	}
	if _, err := money.ParseCurrency(currency); err != nil {
		return invalid("currency", "use an ISO 4217 code of a currency with minor units known"), true
	}
	return Answer{}, false
}

// text reports whether s is minimum to maximum bytes of UTF-8 with no control
// characters. The card sanitises once more; this is so that what merchants send
// is not silently changed.
func text(s string, minimum, maximum int) bool {
	if len(s) < minimum || len(s) > maximum || !utf8.ValidString(s) {
		return false
	}
	blank := true
	for _, r := range s {
		if unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return false
		}
		blank = blank && unicode.IsSpace(r)
	}
	return !blank || minimum == 0 && s == ""
}

// pan reports whether s is 12 to 19 digits with the right check digit
// (ISO/IEC 7812-1, Annex B).
func pan(s string) bool {
	if len(s) < 12 || len(s) > 19 {
		return false
	}
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// digitsOnly tells a PAN, well-formed or not, from a card token.
func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// mask keeps what PCI DSS 3.4.1 lets be shown, the first six digits and the last
// four, but always hides six: of a PAN of 12 digits the two between would be ten
// guesses, because of its check digit.
func mask(pan string) string {
	masked := []byte(pan)
	for i := max(0, min(6, len(pan)-10)); i < len(masked)-4; i++ {
		masked[i] = '*'
	}
	return string(masked)
}

// webURL reports whether s is an absolute http or https URL with no user in it.
func webURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || len(s) > 500 || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, false
	}
	return u, true
}

// typedCode takes what a person typed: spaces and hyphens do not count.
func typedCode(s string) ([]byte, bool) {
	if len(s) > 24 {
		return nil, false
	}
	var code []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			code = append(code, c)
		case c != ' ' && c != '-':
			return nil, false
		}
	}
	return code, len(code) >= dyncode.CodeDigitsMin && len(code) <= dyncode.CodeDigitsMax
}
