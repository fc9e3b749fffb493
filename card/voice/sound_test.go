package voice_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sotto/card"
	"sotto/card/voice"
)

// Nobody has listened in these tests. What they know of the sound is measured:
// levels, lengths, silences, and that a listener who compares spectra takes no
// digit for another.

var languages = []string{"en", "zh"}

var digitClips = map[string][]string{
	"en": {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	"zh": {"0", "yao", "2", "3", "4", "5", "6", "7", "8", "9"},
}

func peak(samples []int16) (most int) {
	for _, s := range samples {
		most = max(most, int(math.Abs(float64(s))))
	}
	return most
}

// bands is the spectrum that features are made of, in Hz.
var bands = []float64{250, 400, 550, 700, 900, 1100, 1400, 1700, 2000, 2400, 2800, 3300}

const slots = 10 // features are taken at ten times of a clip

// features are the logarithms of the energy in each band at each time, about
// their mean: loudness and length do not matter.
func features(samples []int16) []float64 {
	out := make([]float64, 0, slots*len(bands))
	frame := min(len(samples), 240)
	sum := 0.0
	for slot := range slots {
		from := (len(samples) - frame) * slot / (slots - 1)
		for _, hz := range bands {
			e := math.Log(1e4 + goertzel(samples[from:from+frame], hz))
			out = append(out, e)
			sum += e
		}
	}
	for i := range out {
		out[i] -= sum / float64(len(out))
	}
	return out
}

// goertzel is the energy of one frequency.
func goertzel(samples []int16, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/voice.Rate)
	a, b := 0.0, 0.0
	for _, s := range samples {
		a, b = float64(s)+c*a-b, a
	}
	return (a*a + b*b - c*a*b) / float64(len(samples))
}

func far(a, b []float64) (d float64) {
	for i := range a {
		d += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(d / float64(len(a)))
}

// templates are the features of the ten digits.
func templates(language string) (all [][]float64) {
	for _, name := range digitClips[language] {
		all = append(all, features(voice.BankOf(language).Clip(nil, name)))
	}
	return all
}

// nearest is the digit that a sound is most like.
func nearest(templates [][]float64, samples []int16) (digit int) {
	f, best := features(samples), math.Inf(1)
	for i, template := range templates {
		if d := far(f, template); d < best {
			best, digit = d, i
		}
	}
	return digit
}

func TestDigitsSoundUnlikeEachOther(t *testing.T) {
	for _, language := range languages {
		least, pair := math.Inf(1), ""
		digits := templates(language)
		for i, a := range digits {
			for j, b := range digits[:i] {
				if d := far(a, b); d < least {
					least, pair = d, digitClips[language][j]+" and "+digitClips[language][i]
				}
			}
		}
		t.Logf("%s: the two that are most alike are %s, %.2f apart", language, pair, least)
		if least < 1.2 {
			t.Errorf("%s: %s can be taken for each other", language, pair)
		}
	}
}

// heardParts splits sound at silences of at least so many samples.
func heardParts(samples []int16, silence int) (parts [][]int16, gaps []int) {
	quiet, begin := 0, -1
	for i, s := range samples {
		if s != 0 {
			if begin >= 0 && quiet >= silence {
				parts = append(parts, samples[begin:i-quiet])
				gaps = append(gaps, quiet)
				begin = i
			}
			if begin < 0 {
				begin = i
			}
			quiet = 0
			continue
		}
		quiet++
	}
	if begin >= 0 {
		parts = append(parts, samples[begin:len(samples)-quiet])
	}
	return parts, gaps
}

// A code is spoken, and a listener who has only the sound writes the same digits
// down, at every pace and in both languages. Between two digits is silence, and
// more of it after every third.
func TestCodesAreHeardAsTheyAre(t *testing.T) {
	const seed = 20261122
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, language := range languages {
		digits := templates(language)
		for pace := card.PaceNormal; pace <= card.PaceFast; pace++ {
			for range 20 {
				code := strconv.Itoa(100_000 + random.IntN(99_900_000))
				s := voice.Say(card.View{Scene: card.SceneReleased, Language: language}, card.Presentation{})
				s.Steps = voice.Say(card.View{Scene: card.ScenePlain, Code: code, Language: language}, card.Presentation{Times: 1}).Steps[1:]
				parts, gaps := heardParts(s.Samples(pace), voice.Rate/10) // the stops within a word are shorter
				var heard strings.Builder
				for _, part := range parts {
					heard.WriteString(strconv.Itoa(nearest(digits, part)))
				}
				if heard.String() != code {
					t.Errorf("%s, pace %d: code %s is heard as %s", language, pace, code, heard.String())
				}
				for i, gap := range gaps {
					if grouped := i%3 == 2; grouped != (gap > 2*slices.Min(gaps)) {
						t.Errorf("%s, pace %d: %d samples of silence after digit %d", language, pace, gap, i+1)
					}
				}
			}
		}
	}
}

// The pace changes how long a clip is and not how high it is.
func TestPaceKeepsThePitch(t *testing.T) {
	for _, language := range languages {
		for _, name := range append([]string{"code", "again"}, digitClips[language]...) {
			say := voice.Speech{Language: language, Steps: []voice.Step{{Clip: name}}}
			normal := say.Samples(card.PaceNormal)
			for pace, percent := range map[card.Pace]int{card.PaceSlow: 135, card.PaceFast: 80} {
				got := say.Samples(pace)
				if want := len(normal) * percent / 100; len(got) != want {
					t.Errorf("%s %s, pace %d: got %d samples, want %d", language, name, pace, len(got), want)
				}
				if p := peak(got); p < peak(normal)/2 || p > peak(normal)*5/4 {
					t.Errorf("%s %s, pace %d: got peak %d, normal %d", language, name, pace, p, peak(normal))
				}
				a, b := crossings(normal), crossings(got)
				if math.Abs(a-b)/a > 0.15 {
					t.Errorf("%s %s, pace %d: got %.0f zero crossings a second, normal %.0f", language, name, pace, b, a)
				}
			}
		}
	}
}

// crossings is how often a second the sound changes its sign.
func crossings(samples []int16) float64 {
	n := 0
	for i := 1; i < len(samples); i++ {
		if (samples[i] < 0) != (samples[i-1] < 0) {
			n++
		}
	}
	return float64(n) * voice.Rate / float64(len(samples))
}

// Whoever stops listening gets no more, and what was said is wiped.
func TestPiecesAreWiped(t *testing.T) {
	s := voice.Say(tea, card.Presentation{Times: 1})
	for _, stopAt := range []int{1, 3, len(s.Steps)} {
		var last []int16
		n := 0
		for piece := range s.Pieces(card.PaceNormal) {
			last = piece
			if n++; n == stopAt {
				break
			}
		}
		if n != stopAt || last == nil || peak(last) != 0 {
			t.Errorf("stopped after %d pieces of %d: a peak of %d is left", n, stopAt, peak(last))
		}
	}
}

// The same view is the same sound, and no sample stands at the end of the scale,
// where it would be cut.
func TestSpeechIsTheSameTwiceAndNotCut(t *testing.T) {
	for _, language := range languages {
		for pace := card.PaceNormal; pace <= card.PaceFast; pace++ {
			v := viewed(func(v *card.View) { v.Language = language })
			set := card.Presentation{Pace: pace, Spell: true}
			a, b := voice.Say(v, set).Samples(pace), voice.Say(v, set).Samples(pace)
			if len(a) != len(b) {
				t.Fatalf("got %d and %d samples", len(a), len(b))
			}
			for i := range a {
				if a[i] != b[i] {
					t.Fatalf("sample %d differs", i)
				}
			}
			if p := peak(a); p < 15_000 || p > 32_000 {
				t.Errorf("%s: got a peak of %d", language, p)
			}
			t.Logf("%s, pace %d: a payment is said in %.1f s", language, pace, float64(len(a))/voice.Rate)
		}
	}
}
