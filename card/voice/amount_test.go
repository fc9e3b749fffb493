package voice_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/card"
	"sotto/card/voice"
	"sotto/money"
)

// spoken are the clips of an amount alone.
func spoken(t interface{ Fatalf(string, ...any) }, language string, a money.Amount) []string {
	s := voice.Say(card.View{Scene: card.ScenePayment, Amount: a.String(), Code: "000000", Language: language}, card.Presentation{Times: 1})
	var clips []string
	for _, step := range s.Steps {
		clips = append(clips, step.Clip)
	}
	end := slices.Index(clips, "code")
	if end < 2 || clips[0] != "pay" {
		t.Fatalf("%s: no amount is said: %q", a, clips)
	}
	return clips[1:end]
}

// hanzi writes clips down as a Chinese reader would.
var hanzi = map[string]string{
	"0": "零", "1": "一", "2": "二", "3": "三", "4": "四", "5": "五", "6": "六", "7": "七", "8": "八", "9": "九",
	"liang": "两", "ten": "十", "hundred": "百", "thousand": "千", "myriad": "万", "hundred-million": "亿", "point": "点",
	"yuan": "元", "jiao": "角", "fen": "分", "dollar": "美元", "cent": "美分", "hong-kong": "港元", "euro": "欧元",
	"euro-cent": "欧分", "pound": "英镑", "penny": "便士", "yen": "日元", "dinar": "科威特第纳尔", "fils": "费尔",
}

func written(language string, clips []string) string {
	if language == "en" {
		return strings.Join(clips, " ")
	}
	var b strings.Builder
	for _, c := range clips {
		if h := hanzi[c]; h != "" {
			c = h
		}
		b.WriteString(c)
	}
	return b.String()
}

func TestAmountsAreSaidAsPeopleSayThem(t *testing.T) {
	for _, tt := range []struct{ amount, currency, english, mandarin string }{
		{"0.01", "CNY", "1 fen", "一分"},
		{"0.02", "CNY", "2 fen", "两分"},
		{"0.10", "CNY", "10 fen", "一角"},
		{"0.22", "CNY", "20 2 fen", "两角两分"},
		{"1.05", "CNY", "1 yuan and 5 fen", "一元零五分"},
		{"2.00", "CNY", "2 yuan", "两元"},
		{"10.50", "CNY", "10 yuan and 50 fen", "十元五角"},
		{"12.00", "CNY", "12 yuan", "十二元"},
		{"20.02", "CNY", "20 yuan and 2 fen", "二十元零两分"},
		{"22.00", "CNY", "20 2 yuan", "二十二元"},
		{"101.00", "CNY", "1 hundred 1 yuan", "一百零一元"},
		{"110.00", "CNY", "1 hundred 10 yuan", "一百一十元"},
		{"128.50", "CNY", "1 hundred 20 8 yuan and 50 fen", "一百二十八元五角"},
		{"200.00", "CNY", "2 hundred yuan", "两百元"},
		{"1002.00", "CNY", "1 thousand 2 yuan", "一千零二元"},
		{"1010.00", "CNY", "1 thousand 10 yuan", "一千零一十元"},
		{"2222.22", "CNY", "2 thousand 2 hundred 20 2 yuan and 20 2 fen", "两千两百二十二元两角两分"},
		{"10000.00", "CNY", "10 thousand yuan", "一万元"},
		{"10001.00", "CNY", "10 thousand 1 yuan", "一万零一元"},
		{"10010.00", "CNY", "10 thousand 10 yuan", "一万零一十元"},
		{"12000.00", "CNY", "12 thousand yuan", "一万两千元"},
		{"20000.00", "CNY", "20 thousand yuan", "两万元"},
		{"100100.00", "CNY", "1 hundred thousand 1 hundred yuan", "十万零一百元"},
		{"110000.00", "CNY", "1 hundred 10 thousand yuan", "十一万元"},
		{"1000000.00", "CNY", "1 million yuan", "一百万元"},
		{"1001000.00", "CNY", "1 million 1 thousand yuan", "一百万一千元"},
		{"1020000.00", "CNY", "1 million 20 thousand yuan", "一百零二万元"},
		{"9999999.99", "CNY", "9 million 9 hundred 90 9 thousand 9 hundred 90 9 yuan and 90 9 fen", "九百九十九万九千九百九十九元九角九分"},
		{"100020003.00", "CNY", "1 hundred million 20 thousand 3 yuan", "一亿零二万零三元"},
		{"100003000.00", "CNY", "1 hundred million 3 thousand yuan", "一亿零三千元"},
		{"1.00", "USD", "1 dollar", "一美元"},
		{"2.01", "USD", "2 dollars and 1 cent", "两美元一美分"},
		{"0.99", "USD", "0 dollars and 90 9 cents", "九十九美分"},
		{"5.01", "GBP", "5 pounds and 1 penny", "五英镑一便士"},
		{"0.02", "GBP", "2 pence", "两便士"},
		{"1.20", "EUR", "1 euro and 20 cents", "一欧元二十欧分"},
		{"1.23", "HKD", "1 hong-kong dollar and 20 3 cents", "一点二三港元"},
		{"2.00", "HKD", "2 hong-kong dollars", "两港元"},
		{"1", "JPY", "1 yen", "一日元"},
		{"12800", "JPY", "12 thousand 8 hundred yen", "一万两千八百日元"},
		{"1.234", "KWD", "1 dinar and 2 hundred 30 4 fils", "一科威特第纳尔两百三十四费尔"},
		{"0.001", "KWD", "1 fils", "一费尔"},
		{"1.500", "BHD", "B H D 1 point 5 0 0", "BHD一点五零零"},
		{"20.000", "BHD", "B H D 20", "BHD二十"},
		{"0.05", "CHF", "C H F 0 point 0 5", "CHF零点零五"},
		{"500", "KRW", "K R W 5 hundred", "KRW五百"},
	} {
		a, err := money.ParseDecimal(tt.amount, money.Currency(tt.currency))
		if err != nil {
			t.Fatal(err)
		}
		for language, want := range map[string]string{"en": tt.english, "zh": tt.mandarin} {
			if got := written(language, spoken(t, language, a)); got != want {
				t.Errorf("%s in %s: got %q, want %q", a, language, got, want)
			}
		}
	}
}

// What is heard is the amount: a listener, who shares nothing with the speaker,
// writes down the same number and the same currency.
func TestAmountsAreHeardAsTheyAre(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		t.Run(language, rapid.MakeCheck(func(t *rapid.T) {
			currency := rapid.SampledFrom([]money.Currency{"CNY", "USD", "EUR", "GBP", "HKD", "JPY", "KWD", "BHD", "CHF", "KRW", "CLF"}).Draw(t, "currency")
			digits := rapid.IntRange(1, 12).Draw(t, "digits")
			most := int64(1)
			for range digits {
				most *= 10
			}
			a := money.Amount{Minor: rapid.Int64Range(1, most-1).Draw(t, "minor"), Currency: currency}
			clips := spoken(t, language, a)
			got, err := listenTo(language, clips)
			if err != nil || got != a {
				t.Fatalf("%s is said %q and heard as %s, %v", a, written(language, clips), got, err)
			}
		}))
	}
}

// listenTo understands an amount.
func listenTo(language string, clips []string) (money.Amount, error) {
	l := listener{clips: clips, numeral: englishNumeral, units: englishNames}
	if language == "zh" {
		l.numeral, l.units = mandarinNumeral, mandarinNames
	}
	return l.amount()
}

// What the units are called, and how many of the minor unit they are.
type name struct {
	currency money.Currency
	minor    int64
}

var englishNames = map[string]name{
	"yuan": {"CNY", 100}, "fen": {"CNY", 1}, "euro": {"EUR", 100}, "euros": {"EUR", 100},
	"pound": {"GBP", 100}, "pounds": {"GBP", 100}, "penny": {"GBP", 1}, "pence": {"GBP", 1}, "yen": {"JPY", 1},
	"dinar": {"KWD", 1000}, "dinars": {"KWD", 1000}, "fils": {"KWD", 1},
	"dollar": {"USD", 100}, "dollars": {"USD", 100}, "cent": {"", 1}, "cents": {"", 1},
}

var mandarinNames = map[string]name{
	"yuan": {"CNY", 100}, "jiao": {"CNY", 10}, "fen": {"CNY", 1}, "dollar": {"USD", 100}, "cent": {"USD", 1},
	"euro": {"EUR", 100}, "euro-cent": {"EUR", 1}, "pound": {"GBP", 100}, "penny": {"GBP", 1}, "yen": {"JPY", 1},
	"hong-kong": {"HKD", 100}, "dinar": {"KWD", 1000}, "fils": {"KWD", 1},
}

type listener struct {
	clips   []string
	numeral func([]string) (int64, error)
	units   map[string]name
}

func (l listener) amount() (a money.Amount, err error) {
	if len(l.clips) > 3 && len(l.clips[0]) == 1 && l.clips[0][0] >= 'A' {
		a.Currency = money.Currency(strings.Join(l.clips[:3], ""))
		places, _ := a.Currency.Exponent()
		a.Minor, err = l.pointed(l.clips[3:], places)
		return a, err
	}
	from := 0
	for i, c := range l.clips {
		unit, isUnit := l.units[c]
		switch {
		case c == "and":
			from = i + 1
		case c == "hong-kong" && !isUnit: // the next word says which
			a.Currency = "HKD"
		case isUnit:
			end := i
			if a.Currency == "" {
				a.Currency = unit.currency
			}
			if i > 0 && l.clips[i-1] == "hong-kong" {
				end--
			}
			var n int64
			if words := l.clips[from:end]; slices.Contains(words, "point") {
				n, err = l.pointed(words, 2)
				unit.minor = 1
			} else {
				n, err = l.numeral(words)
			}
			if err != nil {
				return a, err
			}
			a.Minor += n * unit.minor
			from = i + 1
		}
	}
	if from != len(l.clips) {
		return a, fmt.Errorf("nothing is counted by %q", l.clips[from:])
	}
	return a, nil
}

// pointed hears whole, point, digits.
func (l listener) pointed(clips []string, places int) (int64, error) {
	whole, fraction := clips, []string(nil)
	if at := slices.Index(clips, "point"); at >= 0 {
		whole, fraction = clips[:at], clips[at+1:]
	}
	n, err := l.numeral(whole)
	if err != nil || fraction != nil && len(fraction) != places {
		return 0, fmt.Errorf("%q: %w", clips, err)
	}
	for i := range places {
		digit := int64(0)
		if fraction != nil {
			digit, err = strconv.ParseInt(fraction[i], 10, 8)
		}
		n = 10*n + digit
	}
	return n, err
}

// englishNumeral adds up from the largest name downwards.
func englishNumeral(clips []string) (int64, error) {
	var total, group int64
	names := map[string]int64{"thousand": 1e3, "million": 1e6, "billion": 1e9}
	for _, c := range clips {
		if size, ok := names[c]; ok {
			total, group = total+group*size, 0
			continue
		}
		if c == "hundred" {
			group *= 100
			continue
		}
		n, err := strconv.ParseInt(c, 10, 64)
		if err != nil {
			return 0, err
		}
		group += n
	}
	return total + group, nil
}

// heard is a digit at a power of ten.
type heard struct {
	digit int64
	place int
	zero  bool // a 零 was said before it
}

// mandarinNumeral finds out at which place each digit stands, and insists on the
// rule for 零: it is said exactly where a place between two digits is empty, and
// is not at the end of the higher digit's own section.
func mandarinNumeral(clips []string) (n int64, err error) {
	if slices.Equal(clips, []string{"0"}) {
		return 0, nil
	}
	digits, err := mandarinDigits(clips)
	if err != nil {
		return 0, err
	}
	for i, d := range digits {
		power := d.digit
		for range d.place {
			power *= 10
		}
		n += power
		if i == 0 {
			continue
		}
		want, above := false, digits[i-1].place
		for z := d.place + 1; z < above; z++ {
			want = want || z/4 != above/4 || d.place/4 == above/4
		}
		if above <= d.place || d.zero != want {
			return 0, fmt.Errorf("零 or an order that nobody says in %q", clips)
		}
	}
	return n, nil
}

func mandarinDigits(clips []string) (all []heard, err error) {
	within := map[string]int{"ten": 1, "hundred": 2, "thousand": 3}
	sections := map[string]int{"myriad": 4, "hundred-million": 8}
	begin, zero, open := 0, false, false // open: a digit without its place yet
	for i, c := range clips {
		switch {
		case c == "0" && !zero && !open:
			zero = true
		case c == "liang" || c >= "1" && c <= "9" && len(c) == 1:
			if open {
				return nil, fmt.Errorf("two digits side by side in %q", clips)
			}
			d := heard{digit: 2, zero: zero}
			if c != "liang" {
				d.digit = int64(c[0] - '0')
			}
			all, open, zero = append(all, d), true, false
		case within[c] > 0 && (open || i == 0 && c == "ten"):
			if !open {
				all = append(all, heard{digit: 1})
			}
			all[len(all)-1].place, open = within[c], false
		case sections[c] > 0 && begin < len(all):
			for j := begin; j < len(all); j++ {
				all[j].place += sections[c]
			}
			begin, open = len(all), false
		default:
			return nil, fmt.Errorf("%q makes no sense in %q", c, clips)
		}
	}
	if zero || len(all) == 0 {
		return nil, fmt.Errorf("%q ends in nothing", clips)
	}
	return all, nil
}
