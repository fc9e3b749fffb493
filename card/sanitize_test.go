package card

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSanitize(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"latin", "Green Hill Tea", "Green Hill Tea"},
		{"chinese", "绿山茶庄（总店）", "绿山茶庄（总店）"},
		{"empty", "", ""},
		{"emoji", "tea 🍵", "tea 🍵"},
		{"accents, composed and not", "Café Cafe\u0301", "Café Cafe\u0301"},
		{"vietnamese, two marks", "Vie\u0323\u0302t", "Vie\u0323\u0302t"},
		{"spaces", "  a \t b\u00A0\u3000c  ", "a b c"},
		{"only spaces", " \u3000 ", "\uFFFD"},
		{"control", "a\x00b\x1Bc\x7Fd\u0080e", "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe"},
		{"line ends", "a\nb\r\nc\u2028d\u2029e\u0085f", "a\uFFFDb\uFFFD\uFFFDc\uFFFDd\uFFFDe\uFFFDf"},
		{"bidi override", "a\u202Eb\u202C", "a\uFFFDb\uFFFD"},
		{"bidi isolates and marks", "\u2066a\u2069\u200E\u200F\u061C", "\uFFFDa\uFFFD\uFFFD\uFFFD\uFFFD"},
		{"zero width", "a\u200Bb\u200Cc\u200Dd\u2060e\uFEFFf", "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf"},
		{"soft hyphen", "a\u00ADb", "a\uFFFDb"},
		{"tags", "a\U000E0041\U000E007F", "a\uFFFD\uFFFD"},
		{"variation selectors", "a\uFE0Fb\U000E0100", "a\uFFFDb\uFFFD"},
		{"fillers", "\u3164\u115F\u1160\uFFA0\u2800\u034F", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
		{"private use", "a\uE000\U000F0000", "a\uFFFD\uFFFD"},
		{"unassigned and noncharacters", "a\u0378\uFFFE\U0010FFFF", "a\uFFFD\uFFFD\uFFFD"},
		{"annotations", "a\uFFF9b\uFFFC", "a\uFFFDb\uFFFC"},
		{"no UTF-8", "a\xFFb\xC3", "a\uFFFDb\uFFFD"},
		{"a mark without a base", "\u0301a \u0301b", "\uFFFDa \uFFFDb"},
		{"a flood of marks", "a" + strings.Repeat("\u0301", 90) + "b", "a\u0301\u0301\uFFFDb"},
		{"two floods", strings.Repeat("a"+strings.Repeat("\u0336", 9), 2), strings.Repeat("a\u0336\u0336\uFFFD", 2)},
		{"digits of other kinds stay what they are", "１２３ 𝟏𝟐𝟑 ①", "１２３ 𝟏𝟐𝟑 ①"},
		{"the marker itself", "\uFFFD", "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sanitize(tt.text); got != tt.want {
				t.Errorf("got %+q, want %+q", got, tt.want)
			}
		})
	}
}

// hostile draws text that is rich in what Sanitize looks for.
func hostile() *rapid.Generator[string] {
	special := []rune("a1字 \t\n\u00A0\u3000\u0301\u0336\u20DD\u200B\u202E\u2066\uFE0F\u3164\uE000\u0378\uFFFD\u00AD")
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.StringOf(rapid.OneOf(rapid.SampledFrom(special), rapid.Rune())).Draw(t, "text") +
			string(rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "bytes"))
	})
}

func TestSanitizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkSanitized(t, hostile().Draw(t, "hostile")) })
}

func FuzzSanitize(f *testing.F) {
	f.Add("Green Hill Tea")
	f.Add("evil\u202Etxet \u0301\u0301\u0301\xFF")
	f.Fuzz(func(t *testing.T, text string) { checkSanitized(t, text) })
}

func checkSanitized(t interface{ Errorf(string, ...any) }, text string) {
	got := Sanitize(text)
	if !utf8.ValidString(got) {
		t.Errorf("%+q: got no UTF-8", text)
	}
	if (got == "") != (text == "") {
		t.Errorf("%+q: got %+q: text vanished or came from nowhere", text, got)
	}
	if again := Sanitize(got); again != got {
		t.Errorf("%+q: got %+q, and then %+q", text, got, again)
	}
	if strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
		t.Errorf("%+q: got spaces in %+q", text, got)
	}
	marks, bases := 0, 0
	for _, r := range got {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("%+q: got %U", text, r)
		}
		if !unicode.Is(unicode.M, r) {
			marks, bases = 0, bases+1
			continue
		}
		if marks++; marks > marksMax || bases == 0 {
			t.Errorf("%+q: got %d marks on base %d", text, marks, bases)
		}
	}
}

func BenchmarkSanitize(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Sanitize("Green Hill Tea 绿山茶庄")
	}
}
