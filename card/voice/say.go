package voice

import (
	"time"

	"sotto/card"
)

// Step is a clip, and the silence after it at the normal pace.
type Step struct {
	Clip  string
	Pause time.Duration
}

// Speech is what is said: clips of one language in their order.
type Speech struct {
	Language string // "en" or "zh"
	Steps    []Step
}

// The silences.
const (
	afterWord   = 40 * time.Millisecond
	afterDigit  = 220 * time.Millisecond
	afterGroup  = 650 * time.Millisecond
	afterPhrase = 400 * time.Millisecond
	afterRound  = 1200 * time.Millisecond
)

// timesDefault is how often a code is said when nobody has asked for more.
const timesDefault = 2

// spellMax is how many characters of a text are spelled; of a longer one the
// speech says that there is more.
const spellMax = 40

// Say composes a view. The resting picture is silence.
func Say(v card.View, p card.Presentation) Speech {
	t := teller{Speech: Speech{Language: "en"}, p: p}
	if v.Language == "zh" {
		t.Language = "zh"
	}
	switch v.Scene {
	case card.SceneIdle:
	case card.ScenePayment:
		t.phrase("pay")
		t.amount(v.Amount)
		t.text("to", "payee-unspoken", v.Payee)
		t.code(v.Code, "no-code")
	case card.SceneBind:
		t.phrase("bind")
		t.text("from", "phone-unspoken", v.Phone)
		t.code(v.Code, "no-code")
		t.phrase("bind-note")
	case card.SceneReleased:
		t.phrase("released")
	case card.ScenePlain:
		t.code(v.Code, "")
		t.lines(v.Lines)
	}
	if p.Means == card.ByBoth && t.unsaid {
		t.phrase("text-shown")
	}
	return t.Speech
}

// teller writes a speech.
type teller struct {
	Speech
	p      card.Presentation
	unsaid bool // something is on the display alone
}

func (t *teller) say(clip string, pause time.Duration) {
	t.Steps = append(t.Steps, Step{clip, pause})
}

func (t *teller) phrase(clip string) { t.say(clip, afterPhrase) }

// words says clips that belong together, as a number does.
func (t *teller) words(clips []string) {
	for i, c := range clips {
		pause := afterWord
		if i == len(clips)-1 {
			pause = afterPhrase
		}
		t.say(c, pause)
	}
}

func (t *teller) amount(text string) {
	if text == "" {
		return
	}
	clips, ok := amountClips(t.Language, text)
	switch {
	case ok:
		t.words(clips)
	case t.p.Means == card.ByBoth:
		t.unsaid = true
	default:
		t.phrase("amount-unspoken")
	}
}

// text spells what others wrote, or says that it is not said.
func (t *teller) text(label, unspoken, text string) {
	switch {
	case text == "":
	case t.p.Spell:
		t.phrase(label)
		t.spell(text)
	case t.p.Means == card.ByBoth:
		t.unsaid = true
	default:
		t.phrase(unspoken)
	}
}

// spell says letters and digits; white space is a pause, and whatever else
// stands between them is said to be other characters.
func (t *teller) spell(text string) {
	n, others := 0, false
	for _, r := range text {
		if n == spellMax {
			t.phrase("more")
			return
		}
		n++
		clip := letter(r)
		switch {
		case r == ' ':
			t.pause(afterGroup)
		case clip != "other" || !others:
			t.say(clip, afterDigit)
		}
		others = clip == "other" && r != ' '
	}
	t.pause(afterPhrase)
}

func letter(r rune) string {
	switch {
	case r >= 'a' && r <= 'z':
		return string(r - 'a' + 'A')
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return string(r)
	}
	return "other"
}

// pause makes the silence after the last step at least d.
func (t *teller) pause(d time.Duration) {
	if n := len(t.Steps); n > 0 {
		t.Steps[n-1].Pause = max(t.Steps[n-1].Pause, d)
	}
}

// lines are a plain card's text. Nobody knows what is an amount in them.
func (t *teller) lines(lines []string) {
	switch {
	case len(lines) == 0:
	case t.p.Spell:
		for _, line := range lines {
			t.spell(line)
		}
	case t.p.Means == card.ByBoth:
		t.unsaid = true
	default:
		t.phrase("message-unspoken")
	}
}

// groupSize is how many digits of a code are said in one breath.
const groupSize = 3

// code says the code, and says it again.
func (t *teller) code(code, none string) {
	if code == "" {
		if none != "" {
			t.phrase(none)
		}
		return
	}
	times := int(t.p.Times)
	if times == 0 {
		times = timesDefault
	}
	for round := range times {
		t.say(map[bool]string{true: "code", false: "again"}[round == 0], afterPhrase)
		t.digits(code)
		t.pause(afterRound)
	}
}

func (t *teller) digits(code string) {
	for i := range len(code) {
		pause := afterDigit
		if i%groupSize == groupSize-1 {
			pause = afterGroup
		}
		t.say(t.digit(code[i]), pause)
	}
}

func (t *teller) digit(d byte) string {
	switch {
	case d < '0' || d > '9': // a prompt gets none, and reads no other digit for it
		return "other"
	case d == '1' && t.Language == "zh":
		return "yao"
	}
	return string(rune(d))
}
