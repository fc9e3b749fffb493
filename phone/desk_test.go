package phone

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sotto/bankapi"
)

// bench is a desk with its log.
type bench struct {
	*desk
	log []string // "state dispatch"
}

func newBench(lanes int) *bench {
	b := &bench{}
	b.desk = newDesk(lanes, rand.NewChaCha8([32]byte{1}), func(state, dispatch, _, reason string) {
		b.log = append(b.log, state+" "+dispatch)
	})
	return b
}

func codeFor(card, id string) bankapi.Dispatch {
	return bankapi.Dispatch{
		ID: id, Kind: bankapi.DispatchCode, Profile: 1, Card: card,
		ExpiresAt: start.Add(3 * time.Minute).UnixMilli(), Body: []byte("body"),
	}
}

func kindFor(kind bankapi.DispatchKind, id string) bankapi.Dispatch {
	d := codeFor("a", id)
	d.Kind = kind
	return d
}

func ids(jobs []*job) (out []string) {
	for _, j := range jobs {
		out = append(out, j.d.ID)
	}
	return out
}

// order lists what waits for a card.
func (b *bench) order(card string) []string {
	if l := b.lane(card); l != nil {
		return ids(l.jobs)
	}
	return nil
}

func (b *bench) wantLog(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(b.log, want) {
		t.Errorf("log %q, want %q", b.log, want)
	}
}

// A newer message takes the place of an older one of its kind; kinds keep their
// order, for each builds on the one before.
func TestDeskOrder(t *testing.T) {
	d0, d1, d2, d3 := dispatchID(0, 0), dispatchID(10*time.Second, 1), dispatchID(20*time.Second, 2), dispatchID(30*time.Second, 3)
	cases := []struct {
		name string
		in   []bankapi.Dispatch
		want []string
	}{
		{"one", []bankapi.Dispatch{kindFor(bankapi.DispatchCode, d0)}, []string{d0}},
		{"the newest code", []bankapi.Dispatch{kindFor(bankapi.DispatchCode, d0), kindFor(bankapi.DispatchCode, d1)}, []string{d1}},
		{"an older one late", []bankapi.Dispatch{kindFor(bankapi.DispatchCode, d1), kindFor(bankapi.DispatchCode, d0)}, []string{d1}},
		{"kinds in order", []bankapi.Dispatch{
			kindFor(bankapi.DispatchRelease, d0), kindFor(bankapi.DispatchPair, d1), kindFor(bankapi.DispatchCode, d2),
		}, []string{d0, d1, d2}},
		{"a newer code among kinds", []bankapi.Dispatch{
			kindFor(bankapi.DispatchCode, d0), kindFor(bankapi.DispatchPair, d1), kindFor(bankapi.DispatchCode, d2), kindFor(bankapi.DispatchPair, d3),
		}, []string{d2, d3}},
		{"the same again", []bankapi.Dispatch{kindFor(bankapi.DispatchCode, d0), kindFor(bankapi.DispatchCode, d0)}, []string{d0}},
		{"expired", []bankapi.Dispatch{{ID: d0, Kind: 1, Card: "a", ExpiresAt: start.UnixMilli()}}, nil},
	}
	for _, c := range cases {
		b := newBench(4)
		for _, d := range c.in {
			if !b.arrive(start, d) {
				t.Errorf("%s: %s was not taken", c.name, d.ID)
			}
		}
		if got := b.order("a"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q waits, want %q", c.name, got, c.want)
		}
	}
}

// Ids of two replicas may be out of step by a moment: then arrival counts.
func TestDeskClocksOutOfStep(t *testing.T) {
	late, early := dispatchID(time.Second, 1), dispatchID(0, 2)
	b := newBench(4)
	b.arrive(start, codeFor("a", late))
	b.arrive(start, codeFor("a", early))
	if got := b.order("a"); !slices.Equal(got, []string{early}) {
		t.Errorf("%q waits, want what came last", got)
	}
}

// One try at a time for a card; cards beside each other.
func TestDeskOneAtATime(t *testing.T) {
	a1, a2, b1 := dispatchID(0, 1), dispatchID(10*time.Second, 2), dispatchID(0, 3)
	b := newBench(4)
	b.arrive(start, codeFor("a", a1))
	b.arrive(start, codeFor("b", b1))
	first := b.due(start)
	if got := ids(first); !slices.Equal(got, []string{a1, b1}) {
		t.Fatalf("due %q, want both cards", got)
	}
	b.arrive(start, codeFor("a", a2))
	if got := b.due(start); len(got) != 0 {
		t.Errorf("due %q while the card is busy", ids(got))
	}
	b.tried(start, first[0], outcome{state: "waiting"}) // the older one failed: it is not tried again
	if got := ids(b.due(start)); !slices.Equal(got, []string{a2}) {
		t.Errorf("due %q, want the newer code", got)
	}
	b.wantLog(t, "taken "+a1, "taken "+b1, "taken "+a2, "waiting "+a1, "superseded "+a1)
}

// What is answered while something newer waits is still reported.
func TestDeskAnsweredLate(t *testing.T) {
	a1, a2 := dispatchID(0, 1), dispatchID(10*time.Second, 2)
	b := newBench(4)
	b.arrive(start, codeFor("a", a1))
	j := b.due(start)[0]
	b.arrive(start, codeFor("a", a2))
	b.tried(start, j, outcome{answer: []byte("receipt"), state: "shown"})
	if got := b.reports(start); len(got) != 1 || got[0].id != a1 {
		t.Errorf("%d reports, want that of the first", len(got))
	}
	if got := ids(b.due(start)); !slices.Equal(got, []string{a2}) {
		t.Errorf("due %q, want the second", got)
	}
}

// Pauses grow, are spread, have a bound, and end with the dispatch.
func TestDeskPauses(t *testing.T) {
	b := newBench(4)
	b.arrive(start, codeFor("a", dispatchID(0, 1)))
	now := start
	var tries int
	for {
		jobs := b.due(now)
		if len(jobs) == 0 {
			break
		}
		tries++
		b.tried(now, jobs[0], outcome{state: "waiting"})
		pause := b.wake().Sub(now)
		most := min(pauseMin<<min(tries-1, 10), pauseMax)
		if end := start.Add(3 * time.Minute).Sub(now); end < most {
			most = end
		}
		if pause <= 0 || pause > most || (pause < most/2 && !b.wake().Equal(start.Add(3*time.Minute))) {
			t.Errorf("try %d: pause %v, want half to whole of %v", tries, pause, most)
		}
		now = b.wake()
	}
	if !now.Equal(start.Add(3*time.Minute)) || tries < 30 || tries > 90 {
		t.Errorf("%d tries until %v, want some 50 until the end", tries, now.Sub(start))
	}
	if len(b.lanes) != 0 || !b.wake().IsZero() {
		t.Error("something is left after the end")
	}
	if got := b.pause(1000, 30*24*time.Hour); got > pauseEver || got < pauseEver/2 {
		t.Errorf("after a month the pause is %v, want about %v", got, pauseEver)
	}
}

// Something new for a card ends its pause: whoever pays has it at hand.
func TestDeskNewsEndsPause(t *testing.T) {
	release, pair := dispatchID(0, 1), dispatchID(10*time.Second, 2)
	b := newBench(4)
	b.arrive(start, kindFor(bankapi.DispatchRelease, release))
	for range 8 {
		b.tried(start, b.desk.lanes[0].jobs[0], outcome{state: "waiting"})
	}
	if got := b.due(start); len(got) != 0 {
		t.Fatalf("due %q in a pause", ids(got))
	}
	b.arrive(start, kindFor(bankapi.DispatchPair, pair))
	if got := ids(b.due(start)); !slices.Equal(got, []string{release}) {
		t.Errorf("due %q, want the release at once", got)
	}
}

// More cards than there is room for: the one that has waited longest goes, and
// the log says so. If all are busy the new one is not taken.
func TestDeskIsBounded(t *testing.T) {
	b := newBench(2)
	first, second, third, fourth := dispatchID(0, 1), dispatchID(0, 2), dispatchID(0, 3), dispatchID(0, 4)
	b.arrive(start, codeFor("a", first))
	b.arrive(start.Add(time.Second), codeFor("b", second))
	wiped := b.lane("a").jobs[0].d.Body
	if !b.arrive(start.Add(2*time.Second), codeFor("c", third)) {
		t.Error("the third card was not taken")
	}
	if b.lane("a") != nil || b.lane("b") == nil || b.lane("c") == nil {
		t.Error("the wrong card was dropped")
	}
	if string(wiped) != "\x00\x00\x00\x00" {
		t.Error("what was dropped was not wiped")
	}
	b.due(start.Add(2 * time.Second))
	if b.arrive(start.Add(2*time.Second), codeFor("d", fourth)) {
		t.Error("a fourth card was taken while all are busy")
	}
	b.wantLog(t, "taken "+first, "taken "+second, "dropped "+first, "taken "+third, "dropped "+fourth)
}

// Flooded with cards, codes and repetitions, nothing grows without bound, no
// card has two tries at once, and everything ends.
func TestDeskFlood(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newBench(8)
	now := start
	var trying []*job
	var telling []*done
	for range 20_000 {
		now = now.Add(time.Duration(random.IntN(400)) * time.Millisecond)
		switch random.IntN(4) {
		case 0, 1:
			d := codeFor(fmt.Sprint("card", random.IntN(20)), dispatchID(now.Sub(start), byte(random.IntN(3))))
			d.Kind = bankapi.DispatchKind(1 + random.IntN(3))
			d.ExpiresAt = now.Add(time.Duration(random.IntN(120)) * time.Second).UnixMilli()
			b.arrive(now, d)
		case 2:
			trying = append(trying, b.due(now)...)
			for i := len(trying) - 1; i >= 0; i-- {
				if random.IntN(2) == 0 {
					continue
				}
				o := []outcome{{state: "waiting"}, {state: "shown", answer: []byte("a")}, {state: "superseded", over: true}, {soon: true}}[random.IntN(4)]
				b.tried(now, trying[i], o)
				trying = slices.Delete(trying, i, i+1)
			}
		case 3:
			telling = append(telling, b.reports(now)...)
			for i := len(telling) - 1; i >= 0; i-- {
				if random.IntN(2) == 0 {
					b.reported(now, telling[i], random.IntN(3) > 0)
					telling = slices.Delete(telling, i, i+1)
				}
			}
		}
		seen := map[string]bool{}
		for _, j := range trying {
			if seen[j.d.Card] {
				t.Fatalf("seed %d: two tries at once for one card", seed)
			}
			seen[j.d.Card] = true
		}
		for _, l := range b.lanes {
			if len(l.jobs) == 0 || len(l.jobs) > 4 {
				t.Fatalf("seed %d: %d messages wait for one card", seed, len(l.jobs))
			}
		}
		if len(b.lanes) > 8 || len(b.done) > doneMax || len(telling) > reportsMax {
			t.Fatalf("seed %d: %d lanes, %d answers, %d reports", seed, len(b.lanes), len(b.done), len(telling))
		}
	}
	for _, j := range trying {
		b.tried(now, j, outcome{state: "waiting"})
	}
	for _, a := range telling {
		b.reported(now, a, true)
	}
	now = now.Add(time.Hour)
	for _, a := range b.reports(now) {
		b.reported(now, a, true)
	}
	if got := b.due(now); len(got) != 0 || len(b.lanes) != 0 {
		t.Errorf("seed %d: %d tries and %d lanes after the end", seed, len(got), len(b.lanes))
	}
}

// Answers are remembered up to a bound: those that the bank has go first.
func TestDoneIsBounded(t *testing.T) {
	b := newBench(4)
	for i := range doneMax {
		b.keep(start, codeFor("a", dispatchID(time.Duration(i), byte(i))), []byte("answer"))
	}
	for _, a := range b.reports(start) {
		b.reported(start, a, a.id != b.done[0].id) // the oldest is not heard
	}
	oldest, told := b.done[0].id, b.done[1].id
	b.keep(start, codeFor("a", dispatchID(time.Hour, 1)), []byte("answer"))
	if b.done[0].id != oldest || slices.ContainsFunc(b.done, func(a *done) bool { return a.id == told }) {
		t.Error("an unreported answer was dropped before a reported one")
	}
	for range reportsMax - 2 {
		b.keep(start, codeFor("a", dispatchID(time.Hour, 2)), []byte("answer"))
	}
	b.log = nil
	b.keep(start, codeFor("a", dispatchID(time.Hour, 3)), []byte("answer"))
	b.wantLog(t, "dropped "+oldest)
}
