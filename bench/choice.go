package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sotto/pos"
	"sotto/sim"
)

// ChoiceOptions of Choice.
type ChoiceOptions struct {
	Wallets int
	Seed    uint64
	// Applets, where it is more than 8, has wallets of 9 to so many applets drawn.
	Applets int
	// Offline are tills that have no bank to ask: only purses can pay there.
	Offline bool
	// Clockless are devices without a clock, which do not know what has expired.
	Clockless bool

	Data     string // a folder on a disk, for the device with 200 applets
	Progress io.Writer
}

// ChoiceResult is what Choice has measured.
type ChoiceResult struct {
	Machine   Machine `json:"machine"`
	Wallets   int     `json:"wallets"`
	Applets   int     `json:"applets"`
	Most      int     `json:"most_applets,omitempty"` // in one wallet, where it is not the usual 8
	Seed      uint64  `json:"seed"`
	Offline   bool    `json:"tills_without_bank,omitempty"`
	Clockless bool    `json:"devices_without_clock,omitempty"`
	Seconds   float64 `json:"seconds"`

	Classes   []ChoiceClass `json:"classes"`
	ByApplets []ChoiceClass `json:"by_applets"` // of the first class; wallets of 1 applet first
	Cost      ChoiceCost    `json:"choice_of_200"`

	Differ int      `json:"differ"` // taps that ended otherwise than the oracle says
	Faults []string `json:"faults"` // the first of them
}

// ChoiceClass is how many taps succeed in one class of readers, or with wallets
// of one size.
type ChoiceClass struct {
	Class   string `json:"class,omitempty"`
	Reader  string `json:"reader,omitempty"`
	Applets int    `json:"applets,omitempty"`
	Taps    int    `json:"taps"`
	Default int    `json:"default_card_only"`
	Choice  int    `json:"with_the_choice"`
	Any     int    `json:"any_applet_could"` // by the oracle
}

// percent of the taps.
func (c ChoiceClass) percent(n int) float64 { return round(100*float64(n)/float64(max(c.Taps, 1)), 2) }

// Choice measures how many taps succeed: with a default card only, with the
// device's choice, and, as an oracle says that shares no code with it, with any
// applet at all. Every tap is that of a real device and a real till. If the
// choice misses what an applet could have paid, or the other way round, or money
// goes astray, the result is an error.
func Choice(ctx context.Context, o ChoiceOptions) (ChoiceResult, error) {
	r := ChoiceResult{
		Machine: describeMachine(o.Data), Wallets: o.Wallets, Seed: o.Seed, Offline: o.Offline, Clockless: o.Clockless, Faults: []string{},
	}
	switch {
	case o.Wallets < 1:
		return r, errors.New("there is nothing to measure: give at least one wallet")
	case o.Applets > sim.AppletsMax:
		return r, fmt.Errorf("a SIM holds %d applets", sim.AppletsMax)
	case o.Applets > walletApplets:
		r.Most = o.Applets
	default:
		o.Applets = walletApplets
	}
	press, err := newPress(o.Applets)
	if err != nil {
		return r, err
	}
	_, _ = fmt.Fprintf(o.Progress, "tapping with %d wallets of seed %d, twice in each class of readers\n", o.Wallets, o.Seed)
	began := time.Now()
	w := newChoiceTally(o.Applets)
	usual := debug.SetGCPercent(wastefully)
	err = w.run(ctx, o, press)
	debug.SetGCPercent(usual)
	if err != nil {
		return r, err
	}
	r.Seconds = round(time.Since(began).Seconds(), 1)
	w.bySize = slices.DeleteFunc(w.bySize, func(c ChoiceClass) bool { return c.Taps == 0 && r.Most > 0 })
	r.Applets, r.Classes, r.ByApplets, r.Differ, r.Faults = w.applets, w.classes, w.bySize, w.differ, append(r.Faults, w.faults...)
	_, _ = fmt.Fprintln(o.Progress, "choosing among 200 applets")
	if r.Cost, err = choiceCost(ctx, press, o.Data); err != nil {
		return r, err
	}
	return r, r.err()
}

// wastefully is how a process collects its garbage that soon ends (GOGC): a
// quarter of the CPU time less, for memory that nobody misses. The choice among
// 200 applets is measured as usual.
const wastefully = 400

func (r ChoiceResult) err() error {
	if r.Differ == 0 {
		return nil
	}
	return fmt.Errorf("%d taps did not end as the oracle says; 'faults' shows the first wallets, which seed %d draws again", r.Differ, r.Seed)
}

// choiceTally counts taps.
type choiceTally struct {
	mu      sync.Mutex
	classes []ChoiceClass
	bySize  []ChoiceClass
	applets int
	differ  int
	faults  []string
}

// choiceFaults is how many wallets are shown that differ.
const choiceFaults = 5

func newChoiceTally(most int) *choiceTally {
	t := &choiceTally{}
	for _, c := range readerClasses {
		t.classes = append(t.classes, ChoiceClass{Class: c.name, Reader: c.about})
	}
	for i := range most {
		t.bySize = append(t.bySize, ChoiceClass{Applets: i + 1})
	}
	return t
}

// run shares the wallets out among as many workers as may run at a time. The
// first error ends all of them.
func (t *choiceTally) run(ctx context.Context, o ChoiceOptions, p *press) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(o.Wallets) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := t.pay(ctx, o, p, int(i)); err != nil {
					stop(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// pay draws one wallet and taps with it, with the default card only and with the
// choice, in each class.
func (t *choiceTally) pay(ctx context.Context, o ChoiceOptions, p *press, i int) error {
	plan := drawWallet(o.Seed, i, o.Applets)
	plan.offline = o.Offline
	clock := noon
	if o.Clockless {
		clock = nil
	}
	w, err := newWallet(ctx, p, plan, clock)
	if err != nil {
		return fmt.Errorf("make %v: %w", plan, err)
	}
	for at, class := range readerClasses {
		var results [2]pos.Result
		for one, alone := range []bool{true, false} {
			if results[one], err = w.tap(ctx, class, alone); err != nil {
				return fmt.Errorf("class %s, %v: %w", class.name, plan, err)
			}
		}
		t.count(at, plan, results[0], results[1])
	}
	return nil
}

// count adds two taps of one wallet: with the default card only, and with the
// choice.
func (t *choiceTally) count(class int, plan walletPlan, alone, choice pos.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	into := []*ChoiceClass{&t.classes[class]}
	if class == 0 {
		t.applets += len(plan.applets)
		into = append(into, &t.bySize[len(plan.applets)-1])
	}
	for _, c := range into {
		c.Taps++
		c.Default += one(alone.Outcome == pos.Approved)
		c.Choice += one(choice.Outcome == pos.Approved)
		c.Any += one(plan.anyPays())
	}
	t.compare(class, "the default card only", plan, alone, plan.defaultPays())
	t.compare(class, "the choice", plan, choice, plan.anyPays())
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// compare holds a tap against the oracle.
func (t *choiceTally) compare(class int, how string, plan walletPlan, r pos.Result, could bool) {
	if could == (r.Outcome == pos.Approved) {
		return
	}
	t.differ++
	if len(t.faults) < choiceFaults {
		word := "could not pay"
		if could {
			word = "could pay"
		}
		t.faults = append(t.faults, fmt.Sprintf("class %s with %s: %s, %s, although it %s: %v",
			readerClasses[class].name, how, r.Outcome, r.Reason, word, plan))
	}
}
