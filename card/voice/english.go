package voice

import (
	"strconv"

	"sotto/money"
)

// englishUnits are the names of a currency's units, one and many; several clips
// have spaces between. A currency without a name for its minor unit has none.
var englishUnits = map[money.Currency][4][]string{
	money.CNY: {{"yuan"}, {"yuan"}, {"fen"}, {"fen"}},
	money.USD: {{"dollar"}, {"dollars"}, {"cent"}, {"cents"}},
	money.HKD: {{"hong-kong", "dollar"}, {"hong-kong", "dollars"}, {"cent"}, {"cents"}},
	money.EUR: {{"euro"}, {"euros"}, {"cent"}, {"cents"}},
	"GBP":     {{"pound"}, {"pounds"}, {"penny"}, {"pence"}},
	money.JPY: {{"yen"}, {"yen"}},
	money.KWD: {{"dinar"}, {"dinars"}, {"fils"}, {"fils"}},
}

// englishAmount says "one hundred twenty-eight dollars and five cents", and of
// other currencies "B, H, D, one point five zero zero".
func englishAmount(a money.Amount, places int) []string {
	whole, rest := parts(a.Minor, places)
	units, named := englishUnits[a.Currency]
	if !named {
		return append(append(letters(a.Currency), englishNumber(whole)...), decimals(a)...)
	}
	var clips []string
	// Several currencies have cents: only the whole unit says which.
	if whole != 0 || rest == 0 || units[2][0] == "cent" {
		clips = append(englishNumber(whole), plural(units, 0, whole)...)
	}
	if rest == 0 {
		return clips
	}
	if clips != nil {
		clips = append(clips, "and")
	}
	return append(append(clips, englishNumber(rest)...), plural(units, 2, rest)...)
}

func plural(units [4][]string, at int, n int64) []string {
	if n != 1 {
		at++
	}
	return units[at]
}

// englishNumber says a number of 0 to 999,999,999,999.
func englishNumber(n int64) []string {
	if n == 0 {
		return []string{"0"}
	}
	var clips []string
	for _, group := range []struct {
		size int64
		name string
	}{{1_000_000_000, "billion"}, {1_000_000, "million"}, {1000, "thousand"}, {1, ""}} {
		count := n / group.size
		n %= group.size
		if count == 0 {
			continue
		}
		clips = append(clips, underThousand(count)...)
		if group.name != "" {
			clips = append(clips, group.name)
		}
	}
	return clips
}

func underThousand(n int64) (clips []string) {
	if n >= 100 {
		clips = append(clips, strconv.FormatInt(n/100, 10), "hundred")
		n %= 100
	}
	if n >= 20 {
		clips = append(clips, strconv.FormatInt(n/10*10, 10))
		n %= 10
	}
	if n > 0 {
		clips = append(clips, strconv.FormatInt(n, 10))
	}
	return clips
}
