package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/money"
)

func TestCurrencies(t *testing.T) {
	for _, c := range []struct {
		code    string
		numeric int
		places  int
	}{
		{"AED", 784, 2}, {"ALL", 8, 2}, {"CNY", 156, 2}, {"HKD", 344, 2}, {"USD", 840, 2}, {"EUR", 978, 2},
		{"JPY", 392, 0}, {"KRW", 410, 0}, {"CLP", 152, 0}, {"ISK", 352, 0}, {"XAF", 950, 0}, {"VND", 704, 0},
		{"KWD", 414, 3}, {"BHD", 48, 3}, {"TND", 788, 3}, {"IQD", 368, 3},
		{"CLF", 990, 4}, {"UYW", 927, 4},
		{"XCG", 532, 2}, {"XAD", 396, 2}, {"SLE", 925, 2}, {"VED", 926, 2}, {"ZWG", 924, 2},
	} {
		got, err := money.ParseCurrency(c.code)
		if err != nil || string(got) != c.code || !got.Known() {
			t.Errorf("ParseCurrency(%s): got %q, %v", c.code, got, err)
		}
		if places, ok := got.Exponent(); !ok || places != c.places || got.Numeric() != c.numeric {
			t.Errorf("%s: got number %d, %d places, want %d, %d", c.code, got.Numeric(), places, c.numeric, c.places)
		}
		if back, err := money.CurrencyByNumber(c.numeric); err != nil || back != got {
			t.Errorf("CurrencyByNumber(%d): got %q, %v, want %s", c.numeric, back, err, c.code)
		}
	}
}

func TestParseCurrencyRefuses(t *testing.T) {
	for why, codes := range map[string][]string{
		"no minor unit":      {"XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XTS", "XXX", "XBA", "XBB", "XBC", "XBD"},
		"withdrawn":          {"ANG", "BGN", "CUC", "DEM", "HRK", "SLL", "ZWL"},
		"not a code":         {"", "C", "CN", "CNYX", "cny", "Cny", "000", "ZZZ", "AAA", " CN", "CNY ", "CN\x00", "156"},
		"a seam of the rows": {"Y15", "562", "NY1", "2CN"},
	} {
		for _, code := range codes {
			c, err := money.ParseCurrency(code)
			if !errors.Is(err, money.ErrCurrency) || c != "" {
				t.Errorf("%s: %q was taken for a currency: %q, %v", why, code, c, err)
			}
			bad := money.Currency(code)
			if _, ok := bad.Exponent(); ok || bad.Known() || bad.Numeric() != 0 {
				t.Errorf("%s: %q is known", why, code)
			}
		}
	}
	for _, numeric := range []int{-156, 0, 1, 959, 963, 999, 1000, 1156} {
		if c, err := money.CurrencyByNumber(numeric); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("number %d: got %q, %v", numeric, c, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		give money.Amount
		want error
	}{
		{"the least", money.Amount{Minor: 1, Currency: money.CNY}, nil},
		{"the most", money.Amount{Minor: money.MinorMax, Currency: money.JPY}, nil},
		{"nothing", money.Amount{Currency: money.CNY}, money.ErrRange},
		{"less than nothing", money.Amount{Minor: -1, Currency: money.CNY}, money.ErrRange},
		{"thirteen digits", money.Amount{Minor: money.MinorMax + 1, Currency: money.CNY}, money.ErrRange},
		{"no currency", money.Amount{Minor: 1}, money.ErrCurrency},
		{"gold, and nothing of it: the currency comes first", money.Amount{Currency: "XAU"}, money.ErrCurrency},
	} {
		if got := c.give.Check(); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency money.Currency
		minor    int64
		err      error
	}{
		{"12.34", money.CNY, 1234, nil},
		{"12.3", money.CNY, 1230, nil},
		{"12", money.CNY, 1200, nil},
		{"0.05", money.CNY, 5, nil},
		{"0", money.CNY, 0, nil},
		{"500", money.JPY, 500, nil},
		{"1.234", money.KWD, 1234, nil},
		{"0.0001", "CLF", 1, nil},
		{"9999999999.99", money.CNY, money.MinorMax, nil},
		{"999999999999", money.JPY, money.MinorMax, nil},

		{"10000000000", money.CNY, 0, money.ErrRange},
		{"1000000000000", money.JPY, 0, money.ErrRange},
		{"99999999999999999999999999", money.CNY, 0, money.ErrRange},
		{"12.345", money.CNY, 0, money.ErrDecimal},
		{"12.340", money.CNY, 0, money.ErrDecimal},
		{"500.0", money.JPY, 0, money.ErrDecimal},
		{"500.", money.JPY, 0, money.ErrDecimal},
		{"", money.CNY, 0, money.ErrDecimal},
		{".", money.CNY, 0, money.ErrDecimal},
		{".5", money.CNY, 0, money.ErrDecimal},
		{"5.", money.CNY, 0, money.ErrDecimal},
		{"00", money.CNY, 0, money.ErrDecimal},
		{"012", money.CNY, 0, money.ErrDecimal},
		{"-1", money.CNY, 0, money.ErrDecimal},
		{"+1", money.CNY, 0, money.ErrDecimal},
		{"1.+1", money.CNY, 0, money.ErrDecimal},
		{"1.2.3", money.CNY, 0, money.ErrDecimal},
		{"1,000", money.CNY, 0, money.ErrDecimal},
		{"1_000", money.CNY, 0, money.ErrDecimal},
		{"1e3", money.CNY, 0, money.ErrDecimal},
		{"0x1F", money.CNY, 0, money.ErrDecimal},
		{" 1", money.CNY, 0, money.ErrDecimal},
		{"1\n", money.CNY, 0, money.ErrDecimal},
		{"١٢", money.CNY, 0, money.ErrDecimal},
		{"１２", money.CNY, 0, money.ErrDecimal},
		{"1", "XXX", 0, money.ErrCurrency},
		{"1", "", 0, money.ErrCurrency},
	} {
		got, err := money.ParseDecimal(c.text, c.currency)
		if !errors.Is(err, c.err) || got.Minor != c.minor || (err == nil && got.Currency != c.currency) {
			t.Errorf("ParseDecimal(%q, %s): got %d %s, %v, want %d, %v", c.text, c.currency, got.Minor, got.Currency, err, c.minor, c.err)
		}
	}
}

func TestString(t *testing.T) {
	for want, a := range map[string]money.Amount{
		"CNY 128.00":                           {Minor: 12800, Currency: money.CNY},
		"CNY 0.05":                             {Minor: 5, Currency: money.CNY},
		"CNY 0.00":                             {Currency: money.CNY},
		"CNY -0.05":                            {Minor: -5, Currency: money.CNY},
		"CNY -12.34":                           {Minor: -1234, Currency: money.CNY},
		"JPY 500":                              {Minor: 500, Currency: money.JPY},
		"JPY 0":                                {Currency: money.JPY},
		"KWD 1.234":                            {Minor: 1234, Currency: money.KWD},
		"KWD 0.001":                            {Minor: 1, Currency: money.KWD},
		"CLF 0.0001":                           {Minor: 1, Currency: "CLF"},
		"CNY -92233720368547758.08":            {Minor: math.MinInt64, Currency: money.CNY},
		"CNY 92233720368547758.07":             {Minor: math.MaxInt64, Currency: money.CNY},
		"7 minor units of an unknown currency": {Minor: 7, Currency: "\x1b[2J"},
		"0 minor units of an unknown currency": {},
	} {
		if got := a.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Add and Sub agree with integers that know no bounds, or refuse.
func TestAddAndSubNeverWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3),
			rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64 - 1, math.MaxInt64}))
		a := money.Amount{Minor: minor.Draw(t, "a"), Currency: money.CNY}
		b := money.Amount{Minor: minor.Draw(t, "b"), Currency: money.CNY}
		for name, op := range map[string]struct {
			do   func(money.Amount) (money.Amount, error)
			want *big.Int
		}{
			"add": {a.Add, new(big.Int).Add(big.NewInt(a.Minor), big.NewInt(b.Minor))},
			"sub": {a.Sub, new(big.Int).Sub(big.NewInt(a.Minor), big.NewInt(b.Minor))},
		} {
			got, err := op.do(b)
			if !op.want.IsInt64() {
				if !errors.Is(err, money.ErrRange) || got != (money.Amount{}) {
					t.Fatalf("%s wrapped: %d, %v, want %s", name, got.Minor, err, op.want)
				}
				continue
			}
			if err != nil || got.Minor != op.want.Int64() || got.Currency != money.CNY {
				t.Fatalf("%s: got %d, %v, want %s", name, got.Minor, err, op.want)
			}
		}
	})
}

func TestCurrenciesDoNotMix(t *testing.T) {
	yuan, yen := money.Amount{Minor: 1, Currency: money.CNY}, money.Amount{Minor: 1, Currency: money.JPY}
	for name, op := range map[string]func(money.Amount) (money.Amount, error){"add": yuan.Add, "sub": yuan.Sub} {
		if got, err := op(yen); !errors.Is(err, money.ErrMismatch) || got != (money.Amount{}) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// Every numeric code leads to its currency and back; amounts of every currency
// survive being written and read.
func TestEveryCurrencyRoundTrips(t *testing.T) {
	found := 0
	for numeric := range 1000 {
		c, err := money.CurrencyByNumber(numeric)
		if err != nil {
			continue
		}
		found++
		if again, err := money.ParseCurrency(string(c)); err != nil || again != c || c.Numeric() != numeric {
			t.Errorf("%d: got %q, number %d, %v", numeric, again, c.Numeric(), err)
		}
		for _, minor := range []int64{0, 1, 9, 10, 99, 100, 9999, 10000, 12345, money.MinorMax} {
			a := money.Amount{Minor: minor, Currency: c}
			if got, err := money.ParseDecimal(a.Decimal(), c); err != nil || got != a {
				t.Errorf("%s: got %v, %v", a, got, err)
			}
		}
	}
	// List one of 2026-01-01 has 178 codes, 13 of them without a minor unit.
	if found != 165 {
		t.Errorf("got %d currencies, want 165", found)
	}
}

// Whatever ParseDecimal takes, it writes again as the same amount, and the text
// differs from what was read by closing zeros alone.
func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"12.34", "12.3", "12", "0", "0.05", "00.5", "-1", "9999999999.99", "99999999999999999999"} {
		for _, code := range []string{"CNY", "JPY", "KWD", "CLF", "XAU", ""} {
			f.Add(seed, code)
		}
	}
	f.Fuzz(func(t *testing.T, text, code string) {
		c := money.Currency(code)
		a, err := money.ParseDecimal(text, c)
		if err != nil {
			if a != (money.Amount{}) {
				t.Fatal("an error came with an amount")
			}
			return
		}
		if a.Minor < 0 || a.Minor > money.MinorMax || a.Currency != c {
			t.Fatalf("%q reads as %v", text, a)
		}
		written := a.Decimal()
		again, err := money.ParseDecimal(written, c)
		if err != nil || again != a {
			t.Fatalf("%q reads as %v, which reads as %v, %v", text, a, again, err)
		}
		if tail, ok := strings.CutPrefix(written, text); !ok || strings.Trim(tail, ".0") != "" {
			t.Errorf("%q is written as %q", text, written)
		}
	})
}
