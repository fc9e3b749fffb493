package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"sotto/bankapi"
	"sotto/card"
	"sotto/card/voice"
)

// speaker is the card's loudspeaker: what is said can be fetched for as long as it
// is on. It implements voice.Player.
type speaker struct {
	mu      sync.Mutex
	samples []int16
	count   int // speeches so far
}

// Play implements voice.Player.
func (s *speaker) Play(samples []int16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = samples
	s.count++
	return nil
}

// Stop implements voice.Player.
func (s *speaker) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = nil
}

// wav is what is being said, as a file; nil is silence.
func (s *speaker) wav() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.samples == nil {
		return nil
	}
	return voice.AppendWAV(nil, s.samples)
}

// VoiceState is what can be heard of the card, at GET /lab/card/voice.wav.
type VoiceState struct {
	Speaks  bool    `json:"speaks"`
	Seconds float64 `json:"seconds,omitempty"`
	Speech  int     `json:"speech"` // counts: another number is another speech
}

func (s *speaker) look() VoiceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return VoiceState{
		Speaks: s.samples != nil, Seconds: float64(len(s.samples)) / voice.Rate, Speech: s.count,
	}
}

// Presents is how the card presents (card.Presentation).
type Presents struct {
	By    string `json:"by"`    // display, voice or both
	Pace  string `json:"pace"`  // normal, slow or fast
	Times int    `json:"times"` // how often it says a code
	Spell bool   `json:"spell"` // it spells the payee
}

// By their numbers in package card.
var (
	meansNames = []string{card.ByDisplay: "display", card.ByVoice: "voice", card.ByBoth: "both"}
	paceNames  = []string{card.PaceNormal: "normal", card.PaceSlow: "slow", card.PaceFast: "fast"}
)

// timesUnsaid is how often a card says a code whose holder has not chosen.
const timesUnsaid = 2

func presentsOf(p card.Presentation) Presents {
	times := int(p.Times)
	if times == 0 {
		times = timesUnsaid
	}
	return Presents{By: meansNames[p.Means], Pace: paceNames[p.Pace], Times: times, Spell: p.Spell}
}

// presentation is the way back.
func (p Presents) presentation() (card.Presentation, error) {
	means, pace := slices.Index(meansNames, p.By), slices.Index(paceNames, p.Pace)
	switch {
	case means < 0:
		return card.Presentation{}, errAsk("the card presents by display, voice or both")
	case pace < 0:
		return card.Presentation{}, errAsk("the card speaks at a normal, slow or fast pace")
	case p.Times < 1 || p.Times > card.TimesMax:
		return card.Presentation{}, errAsk("the card says a code 1 to 9 times")
	}
	return card.Presentation{Means: card.Means(means), Pace: card.Pace(pace), Times: uint8(p.Times), Spell: p.Spell}, nil
}

// Present sets how the card presents, and the card keeps it.
func (l *Lab) Present(p Presents) error {
	set, err := p.presentation()
	if err != nil {
		return err
	}
	return l.card.use(set)
}

// voice answers with what the card says just now. It may hold the code, as the
// card's screen does.
func (l *Lab) voice(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	here := l.world.here
	l.mu.Unlock()
	var sound []byte
	if here && l.ready.Load() {
		sound = l.card.face.speaker.wav()
	}
	if sound == nil {
		p := bankapi.NewProblem(bankapi.NotFound, "the card says nothing: it rests, is not here, or presents by its display alone")
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p)
		return
	}
	defer clear(sound)
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Content-Length", strconv.Itoa(len(sound)))
	_, _ = w.Write(sound)
}
