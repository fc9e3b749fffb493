package voice_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"sotto/card"
	"sotto/card/voice"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// speaker is a player that remembers.
type speaker struct {
	playing []int16 // nil: silent
	plays   int
	broken  error
}

func (s *speaker) Play(samples []int16) error {
	if s.broken != nil {
		return s.broken
	}
	s.playing = samples
	s.plays++
	return nil
}

func (s *speaker) Stop() { s.playing = nil }

func (s *speaker) says(v card.View, set card.Presentation) bool {
	want := voice.Say(v, set).Samples(set.Pace)
	return s.playing != nil && bytes.Equal(voice.AppendPCM(nil, s.playing), voice.AppendPCM(nil, want))
}

func TestPromptSpeaksAndIsSilent(t *testing.T) {
	s, set := &speaker{}, card.Presentation{Means: card.ByVoice, Pace: card.PaceSlow, Times: 1}
	p := voice.NewPrompt(s, set)
	if err := p.Show(tea); err != nil || !s.says(tea, set) {
		t.Fatalf("a payment: got %v, and %d samples", err, len(s.playing))
	}
	heard := s.playing
	p.Clear()
	if s.playing != nil {
		t.Error("it speaks on after Clear")
	}
	if peak(heard) != 0 {
		t.Error("the sound of the code is left in memory")
	}
	if err := p.Show(card.View{Holder: "Lin Mei"}); err != nil || s.playing != nil {
		t.Errorf("the resting picture: got %v, and %d samples", err, len(s.playing))
	}
	s.broken = errors.New("no device")
	if err := p.Show(tea); !errors.Is(err, s.broken) {
		t.Errorf("a broken player: got %v", err)
	}
}

// display is a prompt of the other kind.
type display struct {
	view   card.View
	pages  int
	broken error
}

func (d *display) Show(v card.View) error { d.view = v; return d.broken }
func (d *display) Clear()                 { d.view = card.View{} }
func (d *display) PageNext()              { d.pages++ }

func TestBesideADisplay(t *testing.T) {
	d, s := &display{}, &speaker{broken: errors.New("no device")}
	set := card.Presentation{Means: card.ByBoth}
	var failed []error
	b := voice.Beside{Display: d, Voice: voice.NewPrompt(s, set), Failed: func(err error) { failed = append(failed, err) }}
	if err := b.Show(tea); err != nil || d.view.Code != tea.Code || len(failed) != 1 {
		t.Errorf("with a broken voice: got %v, %d failures told", err, len(failed))
	}
	s.broken = nil
	if err := b.Show(tea); err != nil || !s.says(tea, set) {
		t.Errorf("got %v", err)
	}
	b.PageNext()
	if d.pages != 1 || s.plays != 1 {
		t.Errorf("a page was turned: got %d pages, %d times spoken", d.pages, s.plays)
	}
	b.Clear()
	if s.playing != nil || d.view.Code != "" {
		t.Error("something is left after Clear")
	}
	d.broken = errors.New("no display")
	if err := b.Show(tea); !errors.Is(err, d.broken) || s.playing != nil {
		t.Errorf("with a broken display: got %v, and it speaks", err)
	}
}

type kept struct{}

func (kept) Save([]byte) error { return nil }

// voiced is a plain card that speaks: one that needs no seals to be told a code.
type voiced struct {
	*speaker
	now    time.Time
	device *card.Device
}

func newVoiced(set card.Presentation) *voiced {
	v := &voiced{speaker: &speaker{}, now: time.Unix(1_800_000_000, 0)}
	m := card.NewMemory(dyncode.Personalization{Card: ident.Raw{1}, Holder: "LIN MEI", Language: "en", Profile: dyncode.Plain})
	m.Presentation = set
	v.device = card.New(m, kept{}, voice.NewPrompt(v.speaker, set), func() time.Time { return v.now })
	return v
}

func (v *voiced) tell(t *testing.T, id byte, code string, lifetime uint16) []byte {
	t.Helper()
	m, err := dyncode.AppendLines(nil, ident.Raw{id}, dyncode.Lines{Lifetime: lifetime, Code: []byte(code), Text: [][]byte{[]byte("Pay")}})
	if err != nil {
		t.Fatal(err)
	}
	return v.device.Handle(m)
}

func said(code string) card.View {
	return card.View{Scene: card.ScenePlain, Code: code, Lines: []string{"Pay"}, Language: "en"}
}

// A card that speaks ends a code in the middle of a word when its time is over,
// when another comes, and when the power is back after a cut.
func TestNoCodeIsSpokenAfterItsTime(t *testing.T) {
	set := card.Presentation{Means: card.ByVoice, Times: 9}
	v := newVoiced(set)
	v.tell(t, 1, "482913", 5)
	if !v.says(said("482913"), set) {
		t.Fatal("the code is not spoken")
	}
	v.now = v.now.Add(4 * time.Second)
	v.device.Tick(v.now)
	if v.playing == nil {
		t.Fatal("silent before the end")
	}
	v.now = v.now.Add(time.Second)
	v.device.Tick(v.now)
	if v.playing != nil {
		t.Error("it speaks on after the end of the code")
	}
	v.tell(t, 2, "111222", 60)
	v.tell(t, 3, "333444", 60)
	if !v.says(said("333444"), set) {
		t.Error("the next code did not take the place of the one before")
	}
	// A repetition of a message is answered, and not spoken again.
	plays := v.plays
	v.tell(t, 3, "333444", 60)
	if v.plays != plays {
		t.Error("a repetition was spoken")
	}
	v.Stop()
	if newVoiced(set).plays != 0 {
		t.Error("a card that is switched on says something")
	}
}

// A card whose voice is all it has does not say "shown" when it cannot speak.
func TestACardThatCannotSpeakSaysSo(t *testing.T) {
	v := newVoiced(card.Presentation{Means: card.ByVoice})
	v.broken = errors.New("no device")
	r, err := dyncode.ParseRefusal(v.tell(t, 1, "482913", 60))
	if err != nil || r.Reason != dyncode.RefusedStorage {
		t.Errorf("got %v, %v", r.Reason, err)
	}
}

// What a seal protects is spoken like anything else: a sealed payment, with its
// amount.
func TestSealedPaymentIsSpoken(t *testing.T) {
	p := dyncode.Personalization{Card: ident.Raw{1}, Holder: "LIN MEI", Language: "zh", Profile: dyncode.CardSealed, Key: secret.New(bytes.Repeat([]byte{7}, 32))}
	m := card.NewMemory(p)
	pairing := card.Pairing{Phone: ident.Raw{2}, Secret: secret.New(bytes.Repeat([]byte{8}, 32))}
	m.Active = pairing
	s, set := &speaker{}, card.Presentation{Means: card.ByVoice}
	d := card.New(m, kept{}, voice.NewPrompt(s, set), nil)
	padded, err := dyncode.Content{
		Kind: dyncode.Payment, Code: []byte("104718"), ExpiresAt: 1 << 40, Lifetime: 60, Amount: 12850, Currency: []byte("CNY"), Payee: []byte("青瓷"),
	}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	part := dyncode.NewInner(p.Key, p.Card).Seal(nil, p.Profile, ident.Raw{9}, 1, padded)
	outer := dyncode.NewOuter(pairing.Secret, p.Card, pairing.Phone, pairing.KeySource)
	if _, err := dyncode.ParseReceipt(d.Handle(outer.Seal(nil, p.Profile, ident.Raw{9}, 1, part))); err != nil {
		t.Fatal(err)
	}
	want := card.View{Scene: card.ScenePayment, Code: "104718", Amount: "CNY 128.50", Payee: "青瓷", Language: "zh"}
	if !s.says(want, set) {
		t.Error("not what was paid")
	}
}

func TestWAV(t *testing.T) {
	samples := []int16{0, 1, -1, 32767, -32768}
	b := voice.AppendWAV([]byte("x"), samples)[1:]
	le := binary.LittleEndian
	if len(b) != 44+10 || string(b[:4]) != "RIFF" || le.Uint32(b[4:]) != uint32(len(b)-8) || string(b[8:16]) != "WAVEfmt " {
		t.Fatalf("head: % x", b)
	}
	for _, f := range []struct{ at, size, want int }{
		{16, 4, 16}, {20, 2, 1}, {22, 2, 1}, {24, 4, voice.Rate}, {28, 4, 2 * voice.Rate}, {32, 2, 2}, {34, 2, 16}, {40, 4, 10},
	} {
		got := int(le.Uint16(b[f.at:]))
		if f.size == 4 {
			got = int(le.Uint32(b[f.at:]))
		}
		if got != f.want {
			t.Errorf("field at %d: got %d, want %d", f.at, got, f.want)
		}
	}
	for i, want := range samples {
		if got := int16(le.Uint16(b[44+2*i:])); got != want {
			t.Errorf("sample %d: got %d, want %d", i, got, want)
		}
	}
}
