package pack

import (
	"errors"
	"math"
	"strings"
	"testing"

	"sotto/card/voice"
)

// tone is a recording of sines, with silence around it.
func tone(rate int, seconds float64, hz ...float64) []int16 {
	quiet := make([]int16, rate/10)
	out := append([]int16(nil), quiet...)
	for i := range int(float64(rate) * seconds) {
		s := 0.0
		for _, f := range hz {
			s += 8000 * math.Sin(2*math.Pi*f*float64(i)/float64(rate))
		}
		out = append(out, int16(s))
	}
	return append(out, quiet...)
}

// wav is a recording as espeak-ng writes it; voice.AppendWAV has only one rate.
func wav(samples []int16, rate int) []byte {
	b := voice.AppendWAV(nil, samples)
	b[24], b[25], b[26] = byte(rate), byte(rate>>8), byte(rate>>16)
	return b
}

func level(samples []int16, hz float64) float64 {
	re, im := 0.0, 0.0
	for i, s := range samples {
		re += float64(s) * math.Cos(2*math.Pi*hz*float64(i)/voice.Rate)
		im += float64(s) * math.Sin(2*math.Pi*hz*float64(i)/voice.Rate)
	}
	return math.Hypot(re, im) / float64(len(samples))
}

func TestClipKeepsWhatIsHeard(t *testing.T) {
	got, err := Clip(wav(tone(22050, 0.5, 440, 5000), 22050))
	if err != nil {
		t.Fatal(err)
	}
	if want := voice.Rate / 2; len(got) < want-20 || len(got) > want+20 {
		t.Errorf("got %d samples, want about %d: silence is to be cut, sound kept", len(got), want)
	}
	peak := int16(0)
	for _, s := range got {
		peak = max(peak, s)
	}
	if peak < loudest*95/100 || peak > loudest {
		t.Errorf("got a peak of %d, want %d", peak, loudest)
	}
	// 5,000 Hz does not exist at 8,000 samples a second; it would come back as
	// 3,000.
	if kept, ghost := level(got, 440), level(got, 3000); kept < 8000 || ghost > kept/100 {
		t.Errorf("440 Hz: got %.0f; 3,000 Hz: got %.0f", kept, ghost)
	}
	if got[0] != 0 || got[len(got)-1] != 0 {
		t.Error("it begins or ends with a click")
	}
}

func TestCodingKeepsWhatIsHeard(t *testing.T) {
	in, err := Clip(wav(tone(16000, 0.3, 300, 1100), 16000))
	if err != nil {
		t.Fatal(err)
	}
	list := "# a list\n\nhum | x | hm\n"
	file, err := Bank(list, func(Word) ([]byte, error) { return wav(tone(16000, 0.3, 300, 1100), 16000), nil })
	if err != nil {
		t.Fatal(err)
	}
	bank, ok := voice.ParseBank(string(file))
	if !ok || bank.Digest() != Digest(list) || bank.Names() != 1 {
		t.Fatal("the file of clips does not read back")
	}
	out := bank.Clip(nil, "hum")
	if len(out) != len(in) {
		t.Fatalf("got %d samples, want %d", len(out), len(in))
	}
	signal, noise := 0.0, 0.0
	for i := range in {
		signal += float64(in[i]) * float64(in[i])
		noise += (float64(in[i]) - float64(out[i])) * (float64(in[i]) - float64(out[i]))
	}
	if ratio := 10 * math.Log10(signal/noise); ratio < 22 {
		t.Errorf("signal to noise: got %.1f dB, want 22", ratio)
	}
}

func TestRecordingsThatAreNone(t *testing.T) {
	good := wav(tone(8000, 0.1, 440), 8000)
	stereo := append([]byte(nil), good...)
	stereo[22] = 2
	bytes8 := append([]byte(nil), good...)
	bytes8[34] = 8
	for name, tt := range map[string]struct {
		wav  []byte
		want error
	}{
		"nothing":   {nil, ErrWAV},
		"text":      {[]byte("this is no sound at all, not even a short one, I am afraid"), ErrWAV},
		"two ears":  {stereo, ErrWAV},
		"8 bits":    {bytes8, ErrWAV},
		"cut":       {good[:40], ErrWAV},
		"too slow":  {wav(tone(8000, 0.1, 440), 4000), ErrWAV},
		"too fast":  {wav(tone(8000, 0.1, 440), rateMax+1), ErrWAV},
		"silent":    {wav(make([]int16, 1000), 8000), ErrSilent},
		"like wind": {wav(tone(8000, 0.1, 0), 8000), ErrSilent},
	} {
		if _, err := Clip(tt.wav); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	// espeak-ng cannot go back to write the size when it writes to a pipe.
	endless := append([]byte(nil), good...)
	copy(endless[40:], "\xff\xff\xff\xff")
	if _, err := Clip(endless); err != nil {
		t.Errorf("a size of all ones: %v", err)
	}
}

func TestListsThatAreNone(t *testing.T) {
	for _, list := range []string{"a", "a | b", "a | b | c | d", "a | b | c\na | b | d", strings.Repeat("x", 300) + " | b | c"} {
		if _, err := ParseList(list); !errors.Is(err, ErrList) {
			t.Errorf("%.20q: got %v", list, err)
		}
	}
}

// Whatever a recording is, it becomes a clip that can be played, or an error.
func FuzzClip(f *testing.F) {
	f.Add(wav(tone(8000, 0.1, 440), 8000))
	f.Add(wav(tone(22050, 0.01, 440), 22050))
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := Clip(b)
		if err != nil {
			return
		}
		if len(samples) == 0 || len(samples) > len(b)/2 {
			t.Fatalf("%d samples of %d bytes", len(samples), len(b))
		}
		for _, s := range samples {
			if s > loudest || s < -loudest {
				t.Fatalf("a sample of %d", s)
			}
		}
	})
}

// Whatever a list is, its words can be written down again, each name once.
func FuzzParseList(f *testing.F) {
	f.Add("# a list\n\nhum | x | hm\n")
	f.Add("a | b | c\na | b | d")
	f.Fuzz(func(t *testing.T, text string) {
		words, err := ParseList(text)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, w := range words {
			if names[w.Name] || len(w.Name) > 255 || strings.Contains(w.Name+w.Voice+w.Text, " | ") {
				t.Errorf("got %+v", w)
			}
			names[w.Name] = true
		}
	})
}
