package screen_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/card"
	"sotto/card/screen"
)

// texts draws strings of every temper: plain, CJK, any runes, broken UTF-8.
var texts = rapid.OneOf(
	rapid.StringMatching(`[A-Za-z0-9 .,&'/-]{0,60}`),
	rapid.StringMatching(`[一-龥，。（）A-Za-z ]{0,60}`),
	rapid.String(),
	rapid.StringN(0, 1000, -1),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
)

var (
	codes   = rapid.StringMatching(`[0-9]{6}|[0-9]{8}`)
	amounts = rapid.StringMatching(`(CNY|USD|JPY) [0-9]{1,3}(,[0-9]{3}){0,5}\.[0-9]{2}`)
)

func drawView(t *rapid.T) card.View {
	v := card.View{
		Scene:    card.Scene(rapid.IntRange(0, 5).Draw(t, "scene")), // 5 is no scene
		Code:     codes.Draw(t, "code"),
		Amount:   amounts.Draw(t, "amount"),
		Payee:    texts.Draw(t, "payee"),
		Phone:    texts.Draw(t, "phone"),
		CardID:   texts.Draw(t, "card"),
		Holder:   texts.Draw(t, "holder"),
		Language: rapid.SampledFrom([]string{"", "en", "zh", "xx"}).Draw(t, "language"),
	}
	v.Lines = rapid.SliceOfN(texts, 0, 4).Draw(t, "lines")
	for range rapid.IntRange(0, 4).Draw(t, "details") {
		v.Details = append(v.Details, card.Detail{
			Kind: card.DetailKind(rapid.IntRange(0, 5).Draw(t, "kind")),
			Text: texts.Draw(t, "detail"),
		})
	}
	return v
}

// shownBy lists the fields that a scene shows.
func shownBy(v card.View) []string {
	fields := []string{v.CardID, v.Holder}
	switch v.Scene {
	case card.ScenePayment, card.SceneBind:
		fields = append(fields, v.Code, v.Amount, v.Payee, v.Phone)
		for _, d := range v.Details {
			fields = append(fields, d.Text)
		}
	case card.SceneReleased:
		fields = append(fields, v.Phone)
	case card.ScenePlain:
		fields = append(append(fields, v.Code), v.Lines...)
	}
	return fields
}

func count(texts []string) map[rune]int {
	n := make(map[rune]int)
	for _, s := range texts {
		for _, r := range s {
			n[r]++
		}
	}
	return n
}

func TestEveryRuneStandsOnSomePage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		l := screen.Compose(v)
		var lines, want []string
		for page := range l.Pages() {
			lines = append(lines, l.Lines(page)...)
		}
		for _, s := range shownBy(v) {
			want = append(want, screen.Shown(s))
		}
		got := count(lines)
		for r, n := range count(want) {
			if got[r] < n {
				t.Errorf("%q: got %d on the pages, want at least %d", r, got[r], n)
			}
		}
	})
}

func TestCodeAndAmountStandOnEveryPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		v.Scene = rapid.SampledFrom([]card.Scene{card.ScenePayment, card.SceneBind, card.ScenePlain}).Draw(t, "scene with a code")
		l := screen.Compose(v)
		for page := range l.Pages() {
			lines := l.Lines(page)
			if !slices.Contains(lines, v.Code) {
				t.Errorf("page %d: got %q, want the code %s", page, lines, v.Code)
			}
			if v.Scene == card.ScenePayment && !strings.HasSuffix(lines[0], "  "+v.Amount) {
				t.Errorf("page %d: got title %q, want the amount %s", page, lines[0], v.Amount)
			}
		}
	})
}

func TestScenesWithoutCodeNeverShowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := card.View{CardID: "A", Holder: "B", Code: codes.Draw(t, "code"), Amount: "CNY 1.00", Payee: "C"}
		v.Scene = rapid.SampledFrom([]card.Scene{card.SceneIdle, card.SceneReleased, 77}).Draw(t, "scene")
		clean := card.View{Scene: v.Scene, CardID: "A", Holder: "B"}
		got, want := screen.Render(v, 0), screen.Render(clean, 0)
		if !got.Equal(&want) {
			t.Error("a stale code, amount or payee changed the picture")
		}
	})
}

func TestCodesDifferInTheirFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{0,8}`)
		a, b := digits.Draw(t, "a"), digits.Draw(t, "b")
		v := payment(func(v *card.View) { v.Code = a })
		f := screen.Render(v, 0)
		v.Code = b
		g := screen.Render(v, 0)
		if got, want := f.Equal(&g), a == b; got != want {
			t.Errorf("codes %q and %q: equal frames: got %v, want %v", a, b, got, want)
		}
	})
}

func TestRenderIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		l := screen.Compose(v)
		page := rapid.Int().Draw(t, "page")
		f, g := l.Frame(page), screen.Render(v, page)
		if !f.Equal(&g) {
			t.Error("two renderings of one view differ")
		}
		last := screen.Render(v, -1)
		if want := l.Frame(l.Pages() - 1); !last.Equal(&want) {
			t.Error("page -1 is not the last page")
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("482913", "CNY 128.00", "Blue Kiln 青瓷\u202e😀", "x", 0)
	f.Add("", "\xff\xfe", " ", "\x1b[2J", -1)
	f.Fuzz(func(t *testing.T, code, amount, payee, other string, page int) {
		for scene := range card.Scene(6) {
			l := screen.Compose(card.View{
				Scene: scene, Code: code, Amount: amount, Payee: payee, Phone: other, CardID: other, Holder: payee,
				Details: []card.Detail{{Kind: card.DetailOrder, Text: other}}, Lines: []string{payee, other}, Language: other,
			})
			frame := l.Frame(page)
			for y := range screen.Height {
				if frame.Bits[y*screen.Stride+31]&0x3f != 0 {
					t.Fatalf("row %d: ink past the last column", y)
				}
			}
			if len(l.Lines(page)) == 0 {
				t.Fatal("a page without lines")
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	chinese := goldenViews[1].view
	long := chinese
	long.Payee = strings.Repeat("杭州青瓷文化有限公司", 100)
	for _, bb := range []struct {
		name string
		view card.View
	}{{"latin", payment(nil)}, {"chinese", chinese}, {"1000-runes", long}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = screen.Render(bb.view, 0)
			}
		})
	}
}
