package voice_test

import (
	"os"
	"strings"
	"testing"

	"sotto/card/voice"
	"sotto/card/voice/pack"
)

// sizeMax is what one language may take of a card's flash, in bytes.
const sizeMax = 400_000

// The committed clips are those of the committed lists, each of a length and
// level that a word has.
func TestClipsAreThoseOfTheLists(t *testing.T) {
	for _, language := range languages {
		list, err := os.ReadFile("words/" + language + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		bank := voice.BankOf(language)
		if bank.Digest() != pack.Digest(string(list)) {
			t.Errorf("the list of %s has changed: run scripts/voice.sh", language)
		}
		words, err := pack.ParseList(string(list))
		if err != nil {
			t.Fatal(err)
		}
		if bank.Names() != len(words) {
			t.Errorf("%s: got %d clips, want %d", language, bank.Names(), len(words))
		}
		seconds := 0.0
		for _, w := range words {
			samples := bank.Clip(nil, w.Name)
			length := float64(len(samples)) / voice.Rate
			seconds += length
			if words := float64(1 + strings.Count(w.Text, " ")); length < 0.12 || length > 1.2*words+0.4 {
				t.Errorf("%s %s: %.2f s is not the length of %q", language, w.Name, length, w.Text)
			}
			if p := peak(samples); p < 17_000 || p > 26_000 {
				t.Errorf("%s %s: got a peak of %d", language, w.Name, p)
			}
			if samples[0] > 500 || samples[0] < -500 || samples[len(samples)-1] > 900 || samples[len(samples)-1] < -900 {
				t.Errorf("%s %s: begins or ends with a click", language, w.Name)
			}
		}
		info, err := os.Stat("clips/" + language + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d clips, %.0f s, %d bytes", language, len(words), seconds, info.Size())
		if info.Size() > sizeMax {
			t.Errorf("%s: %d bytes are more than %d", language, info.Size(), sizeMax)
		}
	}
}

func TestDamagedClipsAreRefused(t *testing.T) {
	b, err := os.ReadFile("clips/en.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := voice.ParseBank(string(b)); !ok {
		t.Fatal("the whole file was refused")
	}
	for _, n := range []int{0, 1, len(voice.BankMagic), len(voice.BankMagic) + voice.DigestSize + 3, 100, 1000, len(b) - 1} {
		if _, ok := voice.ParseBank(string(b[:n])); ok {
			t.Errorf("cut at %d: it was taken", n)
		}
	}
	if _, ok := voice.ParseBank("x" + string(b[1:])); ok {
		t.Error("another kind of file was taken")
	}
	if got := voice.BankOf("en").Clip(nil, "nothing"); got != nil {
		t.Errorf("a clip that is not there has %d samples", len(got))
	}
}

func FuzzParseBank(f *testing.F) {
	f.Add(voice.BankMagic + "12345678" + "\x00\x00\x00\x01" + "\x01a" + "\x00\x00\x00\x02" + "\x00\x00\x00\x00" + "\x17")
	f.Fuzz(func(t *testing.T, file string) {
		bank, ok := voice.ParseBank(file)
		if ok {
			_ = bank.Clip(nil, "a")
		}
	})
}
