package voice

import "sotto/money"

// mandarinUnits are the names of a currency's whole and minor unit. Without a
// minor one, what is behind the point is said as digits.
var mandarinUnits = map[money.Currency][2]string{
	money.USD: {"dollar", "cent"},
	money.HKD: {"hong-kong", ""},
	money.EUR: {"euro", "euro-cent"},
	"GBP":     {"pound", "penny"},
	money.JPY: {"yen", ""},
	money.KWD: {"dinar", "fils"},
}

// mandarinAmount says 一百二十八元零五分, 两美元五十美分, 一点二三港元, and of other
// currencies the code's letters and 一点五零零.
func mandarinAmount(a money.Amount, places int) []string {
	whole, rest := parts(a.Minor, places)
	if a.Currency == money.CNY {
		return renminbi(whole, rest)
	}
	units, named := mandarinUnits[a.Currency]
	switch {
	case !named:
		return append(append(letters(a.Currency), mandarinNumber(whole)...), decimals(a)...)
	case rest == 0:
		return counted(whole, units[0])
	case units[1] == "":
		return append(append(mandarinNumber(whole), decimals(a)...), units[0])
	case whole == 0:
		return counted(rest, units[1])
	}
	return append(counted(whole, units[0]), counted(rest, units[1])...)
}

// renminbi says yuan, jiao and fen. Between yuan and fen with no jiao stands 零.
func renminbi(yuan, rest int64) (clips []string) {
	jiao, fen := rest/10, rest%10
	if yuan != 0 || rest == 0 {
		clips = counted(yuan, "yuan")
	}
	if jiao != 0 {
		clips = append(clips, counted(jiao, "jiao")...)
	}
	if fen != 0 {
		if yuan != 0 && jiao == 0 {
			clips = append(clips, "0")
		}
		clips = append(clips, counted(fen, "fen")...)
	}
	return clips
}

// counted is a number before what it counts: two of something is 两.
func counted(n int64, unit string) []string {
	if n == 2 {
		return []string{"liang", unit}
	}
	return append(mandarinNumber(n), unit)
}

// mandarinNumber says a number below 一万亿 in the sections of four digits that
// end in 万 and 亿. A 零 stands for the zeros before a digit, be they one or
// many; those at the end of a section are silent, unless the whole of it is zero.
//
// Reading: before 百, 千, 万 and 亿 two may be 二 or 两. Spoken money has 两 where a
// single two stands there, and 二 before 十 and at the end.
func mandarinNumber(n int64) []string {
	if n == 0 {
		return []string{"0"}
	}
	var clips []string
	skipped := false // the section before was nothing but zeros
	for _, s := range []struct {
		size int64
		name string
	}{{100_000_000, "hundred-million"}, {10_000, "myriad"}, {1, ""}} {
		count := n / s.size % 10_000
		if count == 0 {
			skipped = clips != nil
			continue
		}
		switch {
		case clips != nil && (count < 1000 || skipped):
			clips = append(append(clips, "0"), section(count, false)...)
		case clips == nil && count == 2 && s.name != "":
			clips = []string{"liang"}
		default:
			clips = append(clips, section(count, clips == nil)...)
		}
		if s.name != "" {
			clips = append(clips, s.name)
		}
	}
	return clips
}

// section says 1 to 9999. The first section of a number begins with 十, not 一十.
func section(n int64, first bool) (clips []string) {
	zero := false // one is due before the next digit
	for _, place := range []struct {
		size int64
		name string
	}{{1000, "thousand"}, {100, "hundred"}, {10, "ten"}, {1, ""}} {
		digit := n / place.size % 10
		if digit == 0 {
			zero = clips != nil
			continue
		}
		if zero {
			clips, zero = append(clips, "0"), false
		}
		silent := first && clips == nil && digit == 1 && place.name == "ten"
		if !silent {
			clips = append(clips, figure(digit, place.size))
		}
		if place.name != "" {
			clips = append(clips, place.name)
		}
	}
	return clips
}

func figure(digit, size int64) string {
	if digit == 2 && size >= 100 {
		return "liang"
	}
	return string(rune('0' + digit))
}
