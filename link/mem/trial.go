package mem

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"sotto/link"
)

// Trial measures deliveries over one link: from the moment at which the phone has
// a message until the card shows it. It takes no time but that of the computer.
type Trial struct {
	Technology Technology
	Metres     float64
	Loss       float64 // share of the packets that are lost besides
	Seed       uint64
	Deliveries int           // 0: 10,000
	ExpiryMax  time.Duration // 0: 180 s
	// AwayMax is how long the card is elsewhere when the phone gets a message:
	// any time up to this. 0: it is in reach.
	AwayMax time.Duration
	// Link makes the way to the card, with all that repeats and falls over.
	Link func(Setting) link.Reach
	// Ends makes those who are at its ends.
	Ends func(*Clock) Ends
}

// Ends are the two ends of a link: where messages come from, and the card.
type Ends interface {
	// Next is the next message, now that the phone gets it.
	Next() []byte
	// Handler is the card's side.
	link.Handler
	// Shown reports whether the card shows the present message.
	Shown() bool
	// Judge tells what an answer says of the present message.
	Judge(answer []byte) Verdict
}

// Verdict is what an answer says of a message.
type Verdict uint8

// The verdicts.
const (
	Wrong   Verdict = iota // it says nothing true of it
	Receipt                // the card has shown it
	TooLate                // the card says that its time was over
)

// TrialCard is the id of the card that a Trial sends to.
const TrialCard = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"

// Setting is what a link of a Trial is made of.
type Setting struct {
	Radio  *Radio
	Clock  *Clock
	Card   link.Handler
	Random *rand.Rand // not for anything secret
}

// Outcome is what came of a Trial.
type Outcome struct {
	Technology string
	Loss       float64

	Delivered int // the phone has the card's receipt
	Expired   int // the phone knows of no receipt before the expiry
	Wrong     int // an answer that is none to this message: a fault
	Unheard   int // of the expired: the card has shown it, and the phone does not know
	Repeated  int // messages that the card got more than once, which it knows

	ShownP50, ShownP99, ShownMax          time.Duration
	AnsweredP50, AnsweredP99, AnsweredMax time.Duration

	// Bytes for each delivery: of message and answer, and on the air, both ways,
	// with all that is around them.
	MessageBytes, AnswerBytes, AirBytes float64
	AirPackets                          float64
}

// Run does all deliveries one after another.
func (t Trial) Run() Outcome {
	r := &trialRun{
		Trial: t.complete(),
		radio: NewRadio(t.Technology, t.Seed),
		clock: NewClock(time.Unix(1_700_000_000, 0)),
	}
	r.ends = t.Ends(r.clock)
	r.radio.Place(t.Metres)
	r.radio.Disturb(t.Loss)
	r.random = rand.New(rand.NewPCG(t.Seed, 1)) //nolint:gosec // a simulation repeats itself; nothing here is secret
	reach := t.Link(Setting{Radio: r.radio, Clock: r.clock, Card: link.HandlerFunc(r.handle), Random: r.random})
	for range r.Deliveries {
		r.deliver(reach)
	}
	return r.outcome()
}

// complete is the trial with what was left out.
func (t Trial) complete() Trial {
	c := t
	c.Deliveries = or(t.Deliveries, 10_000)
	c.ExpiryMax = or(t.ExpiryMax, 180*time.Second)
	return c
}

// trialRun is a Trial at work.
type trialRun struct {
	Trial

	radio    *Radio
	clock    *Clock
	random   *rand.Rand
	ends     Ends
	out      Outcome
	message  []byte    // the present one
	shownAt  time.Time // zero: not yet
	times    int       // that the card got it
	shown    []time.Duration
	answered []time.Duration
}

// handle is the card, looked at.
func (r *trialRun) handle(message []byte) []byte {
	if bytes.Equal(message, r.message) {
		r.times++
	}
	answer := r.ends.Handle(message)
	if r.shownAt.IsZero() && r.ends.Shown() {
		r.shownAt = r.clock.Now()
	}
	return answer
}

func (r *trialRun) deliver(reach link.Reach) {
	r.message, r.times, r.shownAt = r.ends.Next(), 0, time.Time{}
	r.out.MessageBytes += float64(len(r.message))
	began := r.clock.Now()
	stay := r.carryOff()
	defer stay()
	ctx, cancel := r.clock.Timeout(context.Background(), r.ExpiryMax)
	defer cancel()
	answer, err := reach.Exchange(ctx, TrialCard, r.message)
	verdict := TooLate
	if err == nil {
		verdict = r.ends.Judge(answer)
	}
	switch verdict {
	case Receipt:
		r.out.Delivered++
		r.out.AnswerBytes += float64(len(answer))
		r.answered = append(r.answered, r.clock.Now().Sub(began))
	case TooLate:
		r.out.Expired++
		if !r.shownAt.IsZero() {
			r.out.Unheard++
		}
	case Wrong:
		r.out.Wrong++
	}
	if !r.shownAt.IsZero() {
		r.shown = append(r.shown, r.shownAt.Sub(began))
	}
	if r.times > 1 {
		r.out.Repeated++
	}
}

// carryOff takes the card away, and brings it back after a while, if it is still
// waited for.
func (r *trialRun) carryOff() (stay func()) {
	if r.AwayMax <= 0 {
		return func() {}
	}
	r.radio.Place(r.Technology.RangeMax + 1)
	back := r.clock.Now().Add(time.Duration(r.random.Int64N(int64(r.AwayMax))))
	return r.clock.At(back, func() { r.radio.Place(r.Metres) })
}

func (r *trialRun) outcome() Outcome {
	o, traffic, n := r.out, r.radio.Traffic(), float64(r.Deliveries)
	o.Technology, o.Loss = r.Trial.Technology.Name, r.Loss
	o.ShownP50, o.ShownP99, o.ShownMax = spread(r.shown)
	o.AnsweredP50, o.AnsweredP99, o.AnsweredMax = spread(r.answered)
	o.MessageBytes, o.AnswerBytes = o.MessageBytes/n, o.AnswerBytes/float64(max(o.Delivered, 1))
	o.AirBytes, o.AirPackets = float64(traffic.Bytes)/n, float64(traffic.Packets)/n
	return o
}

func spread(times []time.Duration) (p50, p99, most time.Duration) {
	if len(times) == 0 {
		return 0, 0, 0
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*99/100], times[len(times)-1]
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
