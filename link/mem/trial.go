package mem

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"sotto/link"
)

// Trial measures deliveries over one link: from the moment at which the phone has
// a message until the card has it whole, which is when it shows. It takes no time
// but that of the computer.
type Trial struct {
	Technology  Technology
	Metres      float64
	Loss        float64 // share of the packets that are lost besides
	Seed        uint64
	Deliveries  int           // 0: 10,000
	MessageSize int           // bytes; 0: 216, a sealed payment with all its details
	AnswerSize  int           // bytes; 0: 54, a receipt
	ExpiryMax   time.Duration // 0: 180 s
	// Link makes the way to the card, with all that repeats and falls over.
	Link func(Setting) link.Reach
}

// TrialCard is the id of the card that a Trial sends to.
const TrialCard = "card_00000000000000000000000000"

// Setting is what a link of a Trial is made of.
type Setting struct {
	Radio  *Radio
	Clock  *Clock
	Card   link.Handler
	Random *rand.Rand // not for anything secret
}

// Outcome is what came of a Trial.
type Outcome struct {
	Technology  string
	Loss        float64
	MessageSize int

	Delivered int // the phone has the card's answer
	Expired   int // it was told that there is none before the expiry
	Wrong     int // an answer to another message, or none and no error: a fault
	Unheard   int // of the expired: the card shows it, and the phone does not know
	Repeated  int // messages that the card got more than once, which it knows

	ShownP50, ShownP99, ShownMax          time.Duration
	AnsweredP50, AnsweredP99, AnsweredMax time.Duration

	AirBytes   float64 // on the air for each delivery, both ways, with all overhead
	AirPackets float64
}

// Run does all deliveries one after another.
func (t Trial) Run() Outcome {
	r := &trialRun{
		Trial: t.complete(),
		radio: NewRadio(t.Technology, t.Seed),
		clock: NewClock(time.Unix(1_700_000_000, 0)),
	}
	r.radio.Place(t.Metres)
	r.radio.Disturb(t.Loss)
	random := rand.New(rand.NewPCG(t.Seed, 1)) //nolint:gosec // a simulation repeats itself; nothing here is secret
	reach := t.Link(Setting{Radio: r.radio, Clock: r.clock, Card: link.HandlerFunc(r.show), Random: random})
	for i := range r.Deliveries {
		r.deliver(reach, i)
	}
	return r.outcome()
}

// complete is the trial with what was left out.
func (t Trial) complete() Trial {
	c := t
	c.Deliveries = or(t.Deliveries, 10_000)
	c.MessageSize = or(t.MessageSize, 216)
	c.AnswerSize = or(t.AnswerSize, 54)
	c.ExpiryMax = or(t.ExpiryMax, 180*time.Second)
	return c
}

// trialRun is a Trial at work.
type trialRun struct {
	Trial

	radio    *Radio
	clock    *Clock
	out      Outcome
	number   int       // of the delivery
	shownAt  time.Time // zero: not yet
	times    int
	shown    []time.Duration
	answered []time.Duration
}

// show is the card.
func (r *trialRun) show(message []byte) []byte {
	answer := make([]byte, r.AnswerSize)
	if len(message) != r.MessageSize || !slices.Equal(message[:4], stamp(r.number)) {
		return answer // another delivery's, which its phone has given up
	}
	if r.times++; r.times == 1 {
		r.shownAt = r.clock.Now()
	}
	copy(answer, stamp(r.number))
	return answer
}

func stamp(n int) []byte { return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }

func (r *trialRun) deliver(reach link.Reach, number int) {
	r.number, r.times, r.shownAt = number, 0, time.Time{}
	message := make([]byte, r.MessageSize)
	copy(message, stamp(number))
	began := r.clock.Now()
	ctx, cancel := r.clock.Timeout(context.Background(), r.ExpiryMax)
	defer cancel()
	answer, err := reach.Exchange(ctx, TrialCard, message)
	switch {
	case err == nil && r.times > 0 && len(answer) == r.AnswerSize && slices.Equal(answer[:4], message[:4]):
		r.out.Delivered++
		r.answered = append(r.answered, r.clock.Now().Sub(began))
	case err == nil:
		r.out.Wrong++
	default:
		r.out.Expired++
		if r.times > 0 {
			r.out.Unheard++
		}
	}
	if r.times > 0 {
		r.shown = append(r.shown, r.shownAt.Sub(began))
	}
	if r.times > 1 {
		r.out.Repeated++
	}
}

func (r *trialRun) outcome() Outcome {
	o, traffic := r.out, r.radio.Traffic()
	o.Technology, o.Loss, o.MessageSize = r.Trial.Technology.Name, r.Loss, r.MessageSize
	o.ShownP50, o.ShownP99, o.ShownMax = spread(r.shown)
	o.AnsweredP50, o.AnsweredP99, o.AnsweredMax = spread(r.answered)
	o.AirBytes = float64(traffic.Bytes) / float64(r.Deliveries)
	o.AirPackets = float64(traffic.Packets) / float64(r.Deliveries)
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
