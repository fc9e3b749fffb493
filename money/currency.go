// Package money holds an amount in minor units of an ISO 4217 currency.
//
// Use ParseCurrency and ParseDecimal where text comes in, Check where an amount
// is about to be paid, and Add and Sub in between. An amount has no fractions
// of a minor unit, two currencies never mix, and nothing wraps around. Codes
// without a minor unit (metals, XXX, XTS) are no currencies here.
//
// The package imports neither fmt nor a map-sized table, so that it also builds
// into a card. No error contains the text that it refuses.
package money

import "errors"

// Errors of this package.
var (
	ErrCurrency = errors.New("not an active ISO 4217 currency with a minor unit")
	ErrDecimal  = errors.New("not a decimal number in this currency")
	ErrRange    = errors.New("amount is outside the range of what can be paid or counted")
	ErrMismatch = errors.New("amounts are of different currencies")
)

// Currency is an ISO 4217 alpha code, as in "CNY". Whatever was not written as
// a constant in the program comes from ParseCurrency or CurrencyByNumber.
type Currency string

// The currencies that examples and tests speak of. The table knows all others.
const (
	CNY Currency = "CNY" // two decimal places
	EUR Currency = "EUR"
	HKD Currency = "HKD"
	USD Currency = "USD"
	JPY Currency = "JPY" // none
	KWD Currency = "KWD" // three
)

// ParseCurrency reads an alpha code in capitals.
func ParseCurrency(text string) (Currency, error) {
	row, ok := find(text)
	if !ok {
		return "", ErrCurrency
	}
	return Currency(row[:3]), nil
}

// CurrencyByNumber finds a currency by its numeric code: 156 is CNY. EMV's tag
// 5F2A carries it.
func CurrencyByNumber(numeric int) (Currency, error) {
	for at := 0; at < len(table); at += rowSize {
		if row := table[at : at+rowSize]; number(row) == numeric {
			return Currency(row[:3]), nil
		}
	}
	return "", ErrCurrency
}

// Known reports whether c is a currency of the table.
func (c Currency) Known() bool {
	_, ok := find(string(c))
	return ok
}

// Numeric is the numeric code, 1 to 999, or 0 of a currency that is not known.
func (c Currency) Numeric() int {
	row, ok := find(string(c))
	if !ok {
		return 0
	}
	return number(row)
}

// Exponent is the number of decimal places: 100 minor units of an exponent of 2
// make one unit. Of a currency that is not known, ok is false.
func (c Currency) Exponent() (places int, ok bool) {
	row, ok := find(string(c))
	if !ok {
		return 0, false
	}
	return int(row[6] - '0'), true
}

// find looks a row up by alpha code, by halves: the table is sorted.
func find(alpha string) (row string, ok bool) {
	if len(alpha) != 3 {
		return "", false
	}
	low, high := 0, len(table)/rowSize
	for low < high {
		mid := (low + high) / 2
		row := table[mid*rowSize : (mid+1)*rowSize]
		switch {
		case row[:3] == alpha:
			return row, true
		case row[:3] < alpha:
			low = mid + 1
		default:
			high = mid
		}
	}
	return "", false
}

func number(row string) int {
	return int(row[3]-'0')*100 + int(row[4]-'0')*10 + int(row[5]-'0')
}
