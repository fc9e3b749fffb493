package phone

import (
	"slices"
	"time"

	"sotto/bankapi"
)

// doneMax bounds the dispatches whose answers are remembered.
const doneMax = 256

// done is a dispatch that has its answer. The bank is told until it has
// answered, and told again if it sends the dispatch again; the card is not
// asked twice.
type done struct {
	id, card string
	made     int64 // the time in its id
	answer   []byte
	told     bool // the bank has answered
	busy     bool // it is being told
	next     time.Time
	since    time.Time
	tries    int
}

// keep remembers an answer, to be reported.
func (k *desk) keep(now time.Time, d bankapi.Dispatch, answer []byte) {
	if len(k.done) >= doneMax {
		k.makeRoom()
	}
	k.done = append(k.done, &done{id: d.ID, card: d.Card, made: milli(d.ID), answer: answer, next: now, since: now})
}

// makeRoom drops the oldest answer that the bank has, or else the oldest: if
// the bank still wants that one it sends the dispatch again.
func (k *desk) makeRoom() {
	at := slices.IndexFunc(k.done, func(a *done) bool { return a.told && !a.busy })
	if at < 0 {
		at = slices.IndexFunc(k.done, func(a *done) bool { return !a.busy })
		k.note("dropped", k.done[at].id, k.done[at].card, "unreported")
	}
	k.done = slices.Delete(k.done, at, at+1)
}

// answered reports whether this dispatch has its answer, and sees to it that
// the bank hears it again.
func (k *desk) answered(now time.Time, dispatch string) bool {
	for _, a := range k.done {
		if a.id == dispatch {
			if a.told {
				a.told, a.next, a.since, a.tries = false, now, now, 0
			}
			return true
		}
	}
	return false
}

// reports returns the answers to report now. Each is the caller's until
// reported says how it went.
func (k *desk) reports(now time.Time) (out []*done) {
	room := reportsMax - k.reporting()
	for _, a := range k.done {
		if room > 0 && !a.told && !a.busy && !a.next.After(now) {
			a.busy = true
			room--
			out = append(out, a)
		}
	}
	return out
}

func (k *desk) reporting() (n int) {
	for _, a := range k.done {
		if a.busy {
			n++
		}
	}
	return n
}

// reported ends one try to tell the bank.
func (k *desk) reported(now time.Time, a *done, ok bool) {
	a.busy = false
	if ok {
		a.told = true
		k.note("reported", a.id, a.card, "")
		return
	}
	a.tries++
	a.next = now.Add(k.pause(a.tries, now.Sub(a.since)))
	k.note("unreported", a.id, a.card, "bank")
}

func (k *desk) wakeReports() (at time.Time) {
	if k.reporting() >= reportsMax {
		return at
	}
	for _, a := range k.done {
		if !a.told && !a.busy {
			at = earlier(at, a.next)
		}
	}
	return at
}
