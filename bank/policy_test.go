package bank

import (
	"testing"

	"sotto/money"
)

// The limit is worth the same number of units in every currency.
func TestCodeDigits(t *testing.T) {
	p := Policy{LongCodeFrom: 1_000_000}
	for _, tt := range []struct {
		minor    int64
		currency string
		want     int
	}{
		{999_999, "CNY", 6}, {1_000_000, "CNY", 8},
		{9_999, "JPY", 6}, {10_000, "JPY", 8},
		{9_999_999, "KWD", 6}, {10_000_000, "KWD", 8},
	} {
		if got := p.CodeDigits(tt.minor, money.Currency(tt.currency)); got != tt.want {
			t.Errorf("%d %s: got %d digits, want %d", tt.minor, tt.currency, got, tt.want)
		}
	}
}
