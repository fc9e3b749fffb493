package lab_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"sotto/lab"
)

// Wherever the phone is pulled away, the tap after it pays once: not twice, and
// not for nothing.
func TestPulledAwayAnywhere(t *testing.T) {
	for _, class := range []lab.Class{lab.ClassAmountFirst, lab.ClassPlain, lab.ClassContact} {
		t.Run(string(class), func(t *testing.T) {
			l := open(t, lab.Mem)
			taps(t, l, "till/reader", `{"class":"`+string(class)+`"}`)
			const amount, most = 400, 29
			var torn, doubtful, recovered int
			for after := range most {
				before := visible(t, l, "before").Tap.Where
				s := taps(t, l, "tap", fmt.Sprintf(`{"amount":%d,"pull":"after","after":%d}`, amount, after))
				if s.Till.Ending.Again {
					torn++
				}
				if s.Tap.Where.Doubt.Minor != 0 {
					doubtful++
				}
				for tries := 0; s.Till.Ending.Again; tries++ {
					if tries == 3 {
						t.Fatalf("after %d messages: it never ends: %+v", after, s.Till)
					}
					s = taps(t, l, "tap", fmt.Sprintf(`{"amount":%d}`, amount))
				}
				if s.Tap.Story.Kind == lab.StoryRecovered {
					recovered++
				}
				if got := s.Till.Ending.Outcome; got != "approved" {
					t.Fatalf("after %d messages: %s", after, ended(t, s))
				}
				w := s.Tap.Where
				// Recovered over contacts it is posted at once.
				sold := w.Till.Minor + w.Settlement.Minor - before.Till.Minor - before.Settlement.Minor
				if w.Doubt.Minor != 0 || before.Purses.Minor-w.Purses.Minor != amount || sold != amount {
					t.Errorf("after %d messages: from %+v to %+v, want %d paid once", after, before, w, amount)
				}
			}
			if torn < 10 || doubtful == 0 || recovered != doubtful {
				t.Errorf("%d taps torn, %d in doubt, %d recovered: the hand has missed something", torn, doubtful, recovered)
			}
			s := taps(t, l, "till/settle", `{}`)
			if got := s.Bank.Funds.Shop.Minor; got != most*amount {
				t.Errorf("the shop has %d, want %d", got, most*amount)
			}
		})
	}
}

func TestPulledAwayAtTheWorstMoment(t *testing.T) {
	l := open(t, lab.Mem)
	s := taps(t, l, "tap", `{"amount":2500,"pull":"worst"}`)
	if got, want := ended(t, s), "try again: chip is gone"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if w := s.Tap.Where; w.Doubt.Minor != 2_500 || w.Till.Minor != 0 || has(t, s, metroPurse) != 9_500 {
		t.Errorf("got %+v, want CNY 25.00 in between", w)
	}
	if y := s.Tap.Story; y.Kind != lab.StoryTorn || !y.Final || y.Chosen != "Metro purse" {
		t.Errorf("the story is %+v", y)
	}
	last := s.Tap.Trace[len(s.Tap.Trace)-3]
	if last.Kind != lab.LineAPDU || last.Lost != lab.LostAnswer {
		t.Errorf("the trace says %+v of the last command", last)
	}
	order := s.Till.Sale.Order
	s = taps(t, l, "tap", `{"amount":2500}`)
	if got, want := ended(t, s), "approved: recovered"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if w := s.Tap.Where; w.Doubt.Minor != 0 || w.Till.Minor != 2_500 || s.Till.Journal[0].Order != order || s.Till.Sale != nil {
		t.Errorf("got %+v of %+v, want the sale paid", w, s.Till)
	}
}

func TestPulledAwayTooEarly(t *testing.T) {
	l := open(t, lab.Mem)
	s := taps(t, l, "tap", `{"amount":2500,"pull":"before"}`)
	if w := s.Tap.Where; !s.Till.Ending.Again || w.Doubt.Minor != 0 || has(t, s, metroPurse) != 12_000 {
		t.Errorf("got %+v", s.Tap)
	}
	if i := slices.IndexFunc(s.SIM.Applets, func(a lab.AppletState) bool { return a.Torn }); i < 0 {
		t.Error("no applet says that a debit was begun")
	}
	s = taps(t, l, "tap", `{"amount":2500}`)
	if got := ended(t, s); got != "approved: chip approves" || has(t, s, metroPurse) != 9_500 || !s.Tap.Story.Restored {
		t.Errorf("got %q and %+v", got, s.Tap.Story)
	}
}

// Another sale comes first; the torn one is found all the same.
func TestTornSaleIsFoundLater(t *testing.T) {
	l := open(t, lab.Mem)
	taps(t, l, "tap", `{"amount":2500,"pull":"worst"}`)
	if s := taps(t, l, "till/new", `{}`); s.Till.Sale != nil || s.Tap.Where.Doubt.Minor != 2_500 {
		t.Fatalf("after giving up: %+v", s.Till)
	}
	s := taps(t, l, "tap", `{"amount":1000}`)
	if found := s.Till.Ending.Found; len(found) != 1 || found[0].Amount.Minor != 2_500 || s.Tap.Where.Till.Minor != 3_500 {
		t.Errorf("got %+v and %+v, want both sales", found, s.Tap.Where)
	}
}

func TestPulledAwayByHand(t *testing.T) {
	l := open(t, lab.Mem)
	done := make(chan error, 1)
	go func() { done <- l.Tap(t.Context(), lab.Touch{Amount: 2_500, Slow: true}) }()
	s, err := l.Until(within(t), func(s lab.State) bool { return s.Tap.Busy && s.Tap.Crossing == lab.SIM })
	if err != nil {
		t.Fatal(err)
	}
	if s.Till.Ending != nil || !s.Tap.Slow {
		t.Errorf("under way: %+v", s.Tap)
	}
	for _, busy := range []string{"tap", "till/new", "till/settle", "sim/prefer", "switch"} {
		if status, body := tries(t, l, busy, `{"amount":100,"switch":"cut"}`); status != http.StatusUnprocessableEntity {
			t.Errorf("%s during a tap: status %d: %s", busy, status, body)
		}
	}
	post(t, l, "tap/pull", `{}`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s = visible(t, l, "pulled")
	balanced(t, "pulled", s)
	if got, want := ended(t, s), "try again: chip is gone"; got != want || s.Tap.Busy {
		t.Errorf("got %q, want %q", got, want)
	}
	if line := s.Tap.Trace[2]; line.Lost != lab.LostCommand {
		t.Errorf("the trace says %+v", line)
	}
}
