package money

import (
	"math"
	"strconv"
	"strings"
)

// MinorMax is the largest amount that can be paid, in minor units: the twelve
// digits of EMV's "Amount, Authorised" (tag 9F02, format n 12).
const MinorMax = 999_999_999_999

// Amount is a number of minor units. It may be negative as a balance or a
// difference may; Check says whether it can be paid.
type Amount struct {
	Minor    int64
	Currency Currency
}

// Check reports what keeps a from being paid: ErrCurrency, or ErrRange if it is
// not 1 to MinorMax minor units.
func (a Amount) Check() error {
	switch {
	case !a.Currency.Known():
		return ErrCurrency
	case a.Minor < 1 || a.Minor > MinorMax:
		return ErrRange
	}
	return nil
}

// Add is a + b: ErrMismatch if they differ in currency, ErrRange if the sum does
// not fit 64 bits.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a.Minor + b.Minor
	switch {
	case a.Currency != b.Currency:
		return Amount{}, ErrMismatch
	case (sum > a.Minor) != (b.Minor > 0): // b 0: both sides are false
		return Amount{}, ErrRange
	}
	return Amount{sum, a.Currency}, nil
}

// Sub is a - b, with the errors of Add.
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a.Minor - b.Minor
	switch {
	case a.Currency != b.Currency:
		return Amount{}, ErrMismatch
	case (difference < a.Minor) != (b.Minor > 0):
		return Amount{}, ErrRange
	}
	return Amount{difference, a.Currency}, nil
}

// ParseDecimal reads an amount as a person writes it: digits, and after a full
// stop at most as many decimal places as the currency has. "12", "12.3" and
// "12.30" are the same amount of CNY; "12.", ".5", "012", "-1", "1,000" and
// "1e3" are refused with ErrDecimal, more than MinorMax with ErrRange.
func ParseDecimal(text string, c Currency) (Amount, error) {
	places, ok := c.Exponent()
	if !ok {
		return Amount{}, ErrCurrency
	}
	whole, fraction, dotted := strings.Cut(text, ".")
	switch {
	case !digitsOnly(whole) || len(whole) > 1 && whole[0] == '0':
		return Amount{}, ErrDecimal
	case dotted && (!digitsOnly(fraction) || len(fraction) > places):
		return Amount{}, ErrDecimal
	}
	minor, err := strconv.ParseInt(whole+fraction+zeros[:places-len(fraction)], 10, 64)
	if err != nil || minor > MinorMax {
		return Amount{}, ErrRange
	}
	return Amount{minor, c}, nil
}

const zeros = "0000" // the largest exponent of the table is 4

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Decimal writes the number alone with all its decimal places: "128.00" of CNY,
// "500" of JPY. Of a currency that is not known it is the minor units.
func (a Amount) Decimal() string {
	places, _ := a.Currency.Exponent()
	sign, digits := "", strconv.FormatUint(magnitude(a.Minor), 10)
	if a.Minor < 0 {
		sign = "-"
	}
	if places == 0 {
		return sign + digits
	}
	if short := places + 1 - len(digits); short > 0 {
		digits = zeros[:short] + digits
	}
	point := len(digits) - places
	return sign + digits[:point] + "." + digits[point:]
}

// String writes currency and number: "CNY 128.00", "JPY 500", "KWD 1.234". A
// currency that is not known is not repeated, for it may be anything.
func (a Amount) String() string {
	if !a.Currency.Known() {
		return a.Decimal() + " minor units of an unknown currency"
	}
	return string(a.Currency) + " " + a.Decimal()
}

// magnitude is |n|, also of the one number whose negative is no int64.
func magnitude(n int64) uint64 {
	switch {
	case n == math.MinInt64:
		return 1 << 63
	case n < 0:
		return uint64(-n)
	}
	return uint64(n)
}
