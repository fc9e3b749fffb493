package card

// Presentation is how a card presents (A4), set when it is personalised. The
// zero Presentation is the display alone.
type Presentation struct {
	Means Means
	Pace  Pace
	// Times is how often a code is said; 0 is twice, TimesMax the most.
	Times uint8
	// Spell lets a voice spell text that others wrote, above all the payee.
	Spell bool
}

// Means is what a card presents with.
type Means uint8

// The means.
const (
	ByDisplay Means = iota
	ByVoice
	ByBoth
)

// Pace is how fast a card speaks.
type Pace uint8

// The paces.
const (
	PaceNormal Pace = iota
	PaceSlow
	PaceFast
)

// TimesMax is the most that a card says one code without being asked again.
const TimesMax = 9

func (p Presentation) valid() bool {
	return p.Means <= ByBoth && p.Pace <= PaceFast && p.Times <= TimesMax
}

// A presentation in memory is four bytes: means, pace, times, and 1 for Spell.
const presentationSize = 4

func (p Presentation) bytes() [presentationSize]byte {
	b := [presentationSize]byte{byte(p.Means), byte(p.Pace), p.Times}
	if p.Spell {
		b[3] = 1
	}
	return b
}

func readPresentation(b []byte) (Presentation, bool) {
	if len(b) != presentationSize || b[3] > 1 {
		return Presentation{}, false
	}
	p := Presentation{Means(b[0]), Pace(b[1]), b[2], b[3] == 1}
	return p, p.valid() && p != Presentation{}
}
