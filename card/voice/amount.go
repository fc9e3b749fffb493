package voice

import (
	"strings"

	"sotto/money"
)

// amountClips are an amount as View.Amount has it, "CNY 128.00", in clips. It
// is not ok for anything else.
func amountClips(language, text string) ([]string, bool) {
	code, number, _ := strings.Cut(text, " ")
	currency, err := money.ParseCurrency(code)
	if err != nil {
		return nil, false
	}
	amount, err := money.ParseDecimal(number, currency)
	if err != nil {
		return nil, false
	}
	places, _ := currency.Exponent()
	if language == "zh" {
		return mandarinAmount(amount, places), true
	}
	return englishAmount(amount, places), true
}

// parts splits an amount into whole units and the minor ones beside them.
func parts(minor int64, places int) (whole, rest int64) {
	unit := int64(1)
	for range places {
		unit *= 10
	}
	return minor / unit, minor % unit
}

// decimals are the digits after the point, all of them, or nothing for none.
func decimals(a money.Amount) []string {
	_, fraction, _ := strings.Cut(a.Decimal(), ".")
	if strings.Trim(fraction, "0") == "" {
		return nil
	}
	clips := []string{"point"}
	for i := range len(fraction) {
		clips = append(clips, fraction[i:i+1])
	}
	return clips
}

// letters are a currency's code, for those that have no name among the clips.
func letters(c money.Currency) []string { return strings.Split(string(c), "") }
