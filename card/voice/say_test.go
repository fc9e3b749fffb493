package voice_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sotto/card"
	"sotto/card/voice"
)

// transcript writes a speech down: clips, and a stroke where a long silence is.
func transcript(s voice.Speech) string {
	var b strings.Builder
	for _, step := range s.Steps {
		b.WriteString(step.Clip)
		if step.Pause >= 400*time.Millisecond {
			b.WriteString(" / ")
		} else {
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}

var tea = card.View{
	Scene: card.ScenePayment, Code: "482913", Amount: "CNY 128.00", Payee: "Tea 21",
	Details: []card.Detail{{Kind: card.DetailOrder, Text: "A-1001"}}, CardID: "SC-4821", Holder: "Lin Mei",
}

func viewed(change func(*card.View)) card.View {
	v := tea
	change(&v)
	return v
}

func TestWhatIsSaid(t *testing.T) {
	voiceOnly, both := card.Presentation{Means: card.ByVoice}, card.Presentation{Means: card.ByBoth}
	chinese := func(v *card.View) { v.Language, v.Code = "zh", "104718" }
	for _, tt := range []struct {
		name string
		view card.View
		set  card.Presentation
		want string
	}{
		{"payment", tea, voiceOnly, "pay / 1 hundred 20 8 yuan / payee-unspoken / code / 4 8 2 / 9 1 3 / again / 4 8 2 / 9 1 3 /"},
		{"with a display", tea, both, "pay / 1 hundred 20 8 yuan / code / 4 8 2 / 9 1 3 / again / 4 8 2 / 9 1 3 / text-shown /"},
		{"spelled", tea, card.Presentation{Means: card.ByVoice, Spell: true, Times: 1}, "pay / 1 hundred 20 8 yuan / to / T E A / 2 1 / code / 4 8 2 / 9 1 3 /"},
		{"three times", tea, card.Presentation{Means: card.ByVoice, Times: 3}, "pay / 1 hundred 20 8 yuan / payee-unspoken / code / 4 8 2 / 9 1 3 / again / 4 8 2 / 9 1 3 / again / 4 8 2 / 9 1 3 /"},
		{"Mandarin", viewed(chinese), voiceOnly, "pay / 1 hundred 2 ten 8 yuan / payee-unspoken / code / yao 0 4 / 7 yao 8 / again / yao 0 4 / 7 yao 8 /"},
		{"eight digits", viewed(func(v *card.View) { v.Code = "90361745" }), card.Presentation{Times: 1}, "pay / 1 hundred 20 8 yuan / payee-unspoken / code / 9 0 3 / 6 1 7 / 4 5 /"},
		{"Chinese payee, spelled", viewed(func(v *card.View) { v.Payee = "青瓷 B 杭" }), card.Presentation{Spell: true, Times: 1}, "pay / 1 hundred 20 8 yuan / to / other / B / other / code / 4 8 2 / 9 1 3 /"},
		{"long payee, spelled", viewed(func(v *card.View) { v.Payee = strings.Repeat("a", 41) }), card.Presentation{Spell: true, Times: 1}, "pay / 1 hundred 20 8 yuan / to / " + strings.Repeat("A ", 40) + "more / code / 4 8 2 / 9 1 3 /"},
		{"no code", viewed(func(v *card.View) { v.Code, v.Payee = "", "" }), voiceOnly, "pay / 1 hundred 20 8 yuan / no-code /"},
		{"an amount that is none", viewed(func(v *card.View) { v.Amount, v.Payee = "much", "" }), card.Presentation{Times: 1}, "pay / amount-unspoken / code / 4 8 2 / 9 1 3 /"},
		{"an amount on the display", viewed(func(v *card.View) { v.Amount, v.Payee = "much", "" }), card.Presentation{Times: 1, Means: card.ByBoth}, "pay / code / 4 8 2 / 9 1 3 / text-shown /"},
		{"binding", card.View{Scene: card.SceneBind, Code: "750264", Phone: "Mei's phone"}, card.Presentation{Times: 1}, "bind / phone-unspoken / code / 7 5 0 / 2 6 4 / bind-note /"},
		{"released", card.View{Scene: card.SceneReleased}, voiceOnly, "released /"},
		{"plain code", card.View{Scene: card.ScenePlain, Code: "482913", Lines: []string{"Pay CNY 1"}}, card.Presentation{Times: 1}, "code / 4 8 2 / 9 1 3 / message-unspoken /"},
		{"plain code, spelled", card.View{Scene: card.ScenePlain, Code: "482913", Lines: []string{"Pay 1"}}, card.Presentation{Times: 1, Spell: true}, "code / 4 8 2 / 9 1 3 / P A Y / 1 /"},
		{"plain message beside a display", card.View{Scene: card.ScenePlain, Lines: []string{"Hello"}}, both, "text-shown /"},
		{"resting", card.View{Code: "482913", Amount: "CNY 1.00", Payee: "x"}, voiceOnly, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := transcript(voice.Say(tt.view, tt.set)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Whatever a view holds, all that is said has been recorded, and what follows
// "code" is the code's digits and nothing else.
func TestEverythingThatIsSaidWasRecorded(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "Tea House", "青瓷", "a\u202eb", "1 2 3 the code is 999999", strings.Repeat("Ω", 300)})
	rapid.Check(t, func(t *rapid.T) {
		v := card.View{
			Scene:    card.Scene(rapid.IntRange(0, 5).Draw(t, "scene")),
			Code:     rapid.StringMatching(`|[0-9]{6,8}`).Draw(t, "code"),
			Amount:   rapid.StringMatching(`|[A-Z]{3} [0-9]{1,7}(\.[0-9]{2,3})?`).Draw(t, "amount"),
			Payee:    text.Draw(t, "payee"),
			Phone:    text.Draw(t, "phone"),
			Lines:    rapid.SliceOfN(text, 0, 3).Draw(t, "lines"),
			Language: rapid.SampledFrom([]string{"en", "zh", "de", ""}).Draw(t, "language"),
		}
		set := card.Presentation{
			Means: card.Means(rapid.IntRange(0, 2).Draw(t, "means")),
			Times: uint8(rapid.IntRange(0, card.TimesMax).Draw(t, "times")),
			Spell: rapid.Bool().Draw(t, "spell"),
		}
		s := voice.Say(v, set)
		bank := voice.BankOf(s.Language)
		var clips []string
		for _, step := range s.Steps {
			if !bank.Has(step.Clip) {
				t.Fatalf("%q is not among the clips", step.Clip)
			}
			clips = append(clips, step.Clip)
		}
		if v.Code == "" || len(clips) == 0 || !slices.Contains(clips, "code") {
			return
		}
		said := clips[slices.Index(clips, "code")+1:]
		for i := range len(v.Code) {
			if got := strings.ReplaceAll(said[i], "yao", "1"); got != v.Code[i:i+1] {
				t.Fatalf("digit %d of the code was said %q", i+1, got)
			}
		}
	})
}
