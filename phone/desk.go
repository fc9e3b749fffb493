package phone

import (
	"encoding/binary"
	"io"
	"slices"
	"time"

	"sotto/bankapi"
)

// Limits.
const (
	cardsMax   = 32 // lanes, unless the configuration says otherwise
	reportsMax = 4  // reports under way at once
)

// skew is how far the clocks of two replicas of the bank may lie apart: within
// it, the order of arrival counts and not the time in the ids.
const skew = 2 * time.Second

// desk decides what a phone does next. It has no clock, key, link or goroutine:
// what happened goes in with its time, and what to do comes out.
//
// One lane serves one card, in order of arrival, one message at a time. A newer
// message takes the place of an older one of its kind that still waits: the
// payer has one screen, and the newest code is the one he needs. Whatever is
// dropped stays in the bank's outbox.
type desk struct {
	lanes    []*lane
	lanesMax int
	done     []*done
	random   io.Reader
	note     func(state, dispatch, card, reason string)
}

// lane is what waits for one card. Only its first job is tried.
type lane struct {
	card string
	jobs []*job
}

// job is one dispatch on its way to its card.
type job struct {
	d       bankapi.Dispatch
	since   time.Time // arrival
	next    time.Time // the next try
	tries   int
	garbled int  // refusals by a card that could not read the message
	busy    bool // a try is under way
	stale   bool // something newer of its kind waits behind

	// For the tries themselves; the desk does not look at them.
	message []byte // as sealed: a repetition is the same bytes
	use     use
}

func newDesk(lanesMax int, random io.Reader, note func(state, dispatch, card, reason string)) *desk {
	return &desk{lanesMax: lanesMax, random: random, note: note}
}

// arrive takes a dispatch, whose body is the desk's from then on. It returns
// false if there is no room for it.
func (k *desk) arrive(now time.Time, d bankapi.Dispatch) bool {
	switch {
	case now.UnixMilli() >= d.ExpiresAt:
		k.note("expired", d.ID, d.Card, "")
	case k.answered(now, d.ID):
		k.note("repeated", d.ID, d.Card, "")
	case k.waits(d.ID):
		k.note("repeated", d.ID, d.Card, "")
	case k.overtaken(d):
		k.note("superseded", d.ID, d.Card, "")
	default:
		return k.queue(now, d)
	}
	return true
}

func (k *desk) queue(now time.Time, d bankapi.Dispatch) bool {
	l := k.lane(d.Card)
	if l == nil {
		if len(k.lanes) >= k.lanesMax && !k.evict() {
			k.note("dropped", d.ID, d.Card, "full")
			return false
		}
		l = &lane{card: d.Card}
		k.lanes = append(k.lanes, l)
	}
	l.jobs = slices.DeleteFunc(l.jobs, func(j *job) bool {
		if j.d.Kind != d.Kind {
			return false
		}
		j.stale = true
		return !j.busy && k.drop(j, "superseded")
	})
	l.jobs = append(l.jobs, &job{d: d, since: now, next: now})
	// Whoever sends something for this card has it at hand: try now.
	if head := l.jobs[0]; !head.busy {
		head.next, head.tries = now, 0
	}
	k.note("taken", d.ID, d.Card, "")
	return true
}

// drop wipes a job that will not be tried any more. It returns true.
func (k *desk) drop(j *job, state string) bool {
	k.note(state, j.d.ID, j.d.Card, "")
	j.wipe()
	return true
}

func (j *job) wipe() {
	clear(j.d.Body)
	clear(j.message)
}

func (k *desk) lane(card string) *lane {
	for _, l := range k.lanes {
		if l.card == card {
			return l
		}
	}
	return nil
}

// evict makes room by dropping the lane that has waited longest for its card.
func (k *desk) evict() bool {
	oldest := -1
	for i, l := range k.lanes {
		if !l.jobs[0].busy && (oldest < 0 || l.jobs[0].since.Before(k.lanes[oldest].jobs[0].since)) {
			oldest = i
		}
	}
	if oldest < 0 {
		return false
	}
	for _, j := range k.lanes[oldest].jobs {
		k.drop(j, "dropped")
	}
	k.lanes = slices.Delete(k.lanes, oldest, oldest+1)
	return true
}

// waits reports whether this dispatch is on its way already.
func (k *desk) waits(dispatch string) bool {
	for _, l := range k.lanes {
		for _, j := range l.jobs {
			if j.d.ID == dispatch {
				return true
			}
		}
	}
	return false
}

// overtaken reports whether something newer for the same card has come first.
func (k *desk) overtaken(d bankapi.Dispatch) bool {
	mine := milli(d.ID) + skew.Milliseconds()
	if l := k.lane(d.Card); l != nil {
		for _, j := range l.jobs {
			if mine < milli(j.d.ID) {
				return true
			}
		}
	}
	for _, a := range k.done {
		if a.card == d.Card && mine < a.made {
			return true
		}
	}
	return false
}

// due returns the jobs to try now. Each is the caller's until tried says how it
// went.
func (k *desk) due(now time.Time) (out []*job) {
	k.expire(now)
	for _, l := range k.lanes {
		if j := l.jobs[0]; !j.busy && !j.next.After(now) {
			j.busy = true
			out = append(out, j)
		}
	}
	return out
}

func (k *desk) expire(now time.Time) {
	for _, l := range k.lanes {
		l.jobs = slices.DeleteFunc(l.jobs, func(j *job) bool {
			return !j.busy && now.UnixMilli() >= j.d.ExpiresAt && k.drop(j, "expired")
		})
	}
	k.sweepLanes()
}

func (k *desk) sweepLanes() {
	k.lanes = slices.DeleteFunc(k.lanes, func(l *lane) bool { return len(l.jobs) == 0 })
}

// outcome is how a try went.
type outcome struct {
	answer []byte // the card's, or a refusal in its place; nil if there is none
	over   bool   // without an answer, and no use in another try
	soon   bool   // try again at once
	state  string // for the log
	reason string // for the log
}

// tried ends one try.
func (k *desk) tried(now time.Time, j *job, o outcome) {
	j.busy = false
	j.tries++
	k.note(o.state, j.d.ID, j.d.Card, o.reason)
	switch {
	case o.answer != nil:
		k.remove(j)
		k.keep(now, j.d, o.answer)
	case o.over:
		k.remove(j)
	case j.stale:
		k.note("superseded", j.d.ID, j.d.Card, "")
		k.remove(j)
	case o.soon:
		j.next = now
	default:
		j.next = now.Add(k.pause(j.tries, now.Sub(j.since)))
	}
}

func (k *desk) remove(j *job) {
	j.wipe()
	if l := k.lane(j.d.Card); l != nil {
		l.jobs = slices.DeleteFunc(l.jobs, func(o *job) bool { return o == j })
	}
	k.sweepLanes()
}

// The pauses between tries.
const (
	pauseMin  = 250 * time.Millisecond
	pauseMax  = 5 * time.Second // as long as a code lives; for a message of days, see pause
	pauseEver = 2 * time.Minute
)

// pause grows with the tries, and is a random half to whole of that: cards in
// one room should not be called in step.
func (k *desk) pause(tries int, age time.Duration) time.Duration {
	d := min(max(pauseMax, age/64), pauseEver)
	if tries < 10 {
		d = min(d, pauseMin<<max(tries-1, 0))
	}
	var b [8]byte
	if _, err := io.ReadFull(k.random, b[:]); err != nil {
		return d // only less spread
	}
	return d/2 + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(d/2+1))
}

// wake is when something will be due; zero is never.
func (k *desk) wake() (at time.Time) {
	for _, l := range k.lanes {
		for i, j := range l.jobs {
			if j.busy {
				continue
			}
			at = earlier(at, time.UnixMilli(j.d.ExpiresAt))
			if i == 0 {
				at = earlier(at, j.next)
			}
		}
	}
	return earlier(at, k.wakeReports())
}
