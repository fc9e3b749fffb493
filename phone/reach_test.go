package phone

import (
	"testing"
	"time"
)

// A card that comes into reach is tried at once, or soon after the try that is
// under way; a card that nothing waits for is no matter.
func TestInReachTriesAtOnce(t *testing.T) {
	k := newBench(4)
	d := codeFor("a", dispatchID(0, 1))
	if !k.arrive(start, d) {
		t.Fatal("not taken")
	}
	now := start
	try := func(meanwhile func()) {
		jobs := k.due(now)
		if len(jobs) != 1 {
			t.Fatalf("%d jobs are due", len(jobs))
		}
		meanwhile()
		k.tried(now, jobs[0], outcome{state: "waiting"})
		now = k.wake()
	}
	for range 12 { // until the pauses are long
		try(func() {})
	}
	before := now
	try(func() {
		k.inReach(now, d.Card)
		if got := k.due(now); len(got) != 0 {
			t.Fatal("a try was begun while another is under way")
		}
	})
	if pause := now.Sub(before); pause > pauseMin {
		t.Errorf("the card came into reach within a try: the next comes after %v", pause)
	}
	for range 12 {
		try(func() {})
	}
	now = now.Add(-time.Second)
	if len(k.due(now)) != 0 {
		t.Fatal("the pause is over already")
	}
	k.inReach(now, "b")
	if len(k.due(now)) != 0 {
		t.Error("another card's coming began a try")
	}
	k.inReach(now, d.Card)
	if len(k.due(now)) != 1 {
		t.Error("the card came into reach, and nothing was tried")
	}
}
