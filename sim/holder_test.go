package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/money"
	"sotto/sim"
	"sotto/sim/mem"
)

func TestHolderSeesAndDecides(t *testing.T) {
	b := readIssuer()
	one, two, three := aid(sim.Purse, 1), aid(sim.Purse, 2), aid(sim.Account, 3)
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil), b.profile(sim.Purse, 2, 9_000, nil),
		b.profile(sim.Account, 3, 7_000, func(p *cps.Profile) { p.Priority = 2 }))
	list, err := w.device.List()
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	got := list[0]
	if got.Label != "CARD 1" || got.Kind != sim.Purse || got.Available != 5_000 || got.Currency != money.CNY ||
		got.Most != 100_000 || got.TapMax != 30_000 || !got.Usable() || got.Preferred || got.Expiry.String() != "2031-12-31" {
		t.Errorf("got %+v", got)
	}
	pay := func(minor int64) string {
		t.Helper()
		w.facts = nil
		_ = newTill(b).pay(w.put(link.Contactless), minor)
		return w.facts[0]
	}
	choice := func(aid []byte) string { return fmt.Sprintf("choice: %X", aid) }
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"by priority", func() error { return nil }, choice(one)},
		{"the preferred one", func() error { return w.device.Prefer(two) }, choice(two)},
		{"the most money", func() error { return w.device.SetPolicy(sim.PolicyMostLeft) }, choice(two)},
		{"the best fit", func() error { return w.device.SetPolicy(sim.PolicyBestFit) }, choice(one)},
		{"one is locked", func() error { return w.device.Lock(one) }, choice(three)},
		{"and another", func() error { return w.device.Lock(three) }, choice(two)},
		{"and the last", func() error { return w.device.Lock(two) }, "choice: locked or blocked"},
		{"unlocked", func() error { return w.device.Unlock(one) }, choice(one)},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(s.name, err)
		}
		w.reboot() // a wish outlives the power
		if got := pay(10); got != s.want {
			t.Errorf("%s: got %s, want %s", s.name, got, s.want)
		}
	}
	if p, err := w.device.Policy(); err != nil || p != sim.PolicyBestFit {
		t.Errorf("got %v, %v", p, err)
	}
	if got := w.shown(two); !got.Held || got.Locked || got.Usable() || !got.Preferred {
		t.Errorf("got %+v", got)
	}
}

// What the issuer has locked, the holder cannot unlock, and the other way round.
func TestTwoLocks(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil))
	one := aid(sim.Purse, 1)
	if err := w.domain(w.put(link.Contact)).Lock(background, one, true); err != nil {
		t.Fatal(err)
	}
	if err := w.device.Unlock(one); err != nil {
		t.Fatal(err)
	}
	if a := w.shown(one); !a.Locked || a.Held {
		t.Errorf("got %+v", a)
	}
	if err := w.device.Lock(one); err != nil {
		t.Fatal(err)
	}
	if err := w.domain(w.put(link.Contact)).Lock(background, one, false); err != nil {
		t.Fatal(err)
	}
	if a := w.shown(one); a.Locked || !a.Held {
		t.Errorf("got %+v", a)
	}
}

func TestHolderReadsTheLog(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil))
	one := aid(sim.Purse, 1)
	for minor := int64(1); minor <= 12; minor++ {
		if err := newTill(b).pay(w.put(link.Contactless), minor); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := load(w.put(link.Contact), &ledger{bank: b, account: 500}, 300); err != nil {
		t.Fatal(err)
	}
	log, err := w.device.Log(one)
	if err != nil || len(log) != 10 {
		t.Fatal(len(log), err)
	}
	if x := log[0]; !x.Load || x.Amount != 300 || x.Balance != 5_000-78+300 || x.ATC != 13 {
		t.Errorf("got %+v", x)
	}
	if x := log[9]; x.Load || x.Amount != 4 || x.ATC != 4 || x.Currency != money.CNY || x.Date.String() != "2026-11-22" {
		t.Errorf("got %+v", x)
	}
	if _, err := w.device.Log([]byte("nobody")); !errors.Is(err, sim.ErrNoApplet) {
		t.Errorf("got %v", err)
	}
}

// An applet that has expired is not offered; a device without a clock cannot
// know.
func TestExpiryAndClock(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil))
	tests := []struct {
		clock func() time.Time
		want  error
	}{
		{func() time.Time { return time.Date(2031, 12, 31, 23, 59, 0, 0, time.UTC) }, nil},
		{func() time.Time { return time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC) }, errNobody},
		{nil, nil},
		{func() time.Time { return time.Time{} }, nil},
	}
	for i, tt := range tests {
		w.clock = tt.clock
		w.reboot()
		if err := newTill(b).pay(w.put(link.Contactless), 10); !errors.Is(err, tt.want) {
			t.Errorf("clock %d: got %v, want %v", i, err, tt.want)
		}
	}
}

// The last transaction counter is the last.
func TestCounterAtItsEnd(t *testing.T) {
	w := furnished(t, 1, func(_ int, f *sim.Furnished) { f.ATC = 0xFFFF })
	if a := w.shown(sim.FurnishedAID(0)); !a.Exhausted || a.Usable() {
		t.Errorf("got %+v", a)
	}
	c := w.put(link.Contactless)
	c.say(t, selectHex(0, ppse))
	if got := c.say(t, okSPI); !strings.Contains(got, "DF500104") {
		t.Errorf("got %s", got)
	}
}

// Nothing secret comes to an observer: no PAN in any form, no key, no
// personalization.
func TestObserverSeesNoSecrets(t *testing.T) {
	b := readIssuer()
	p := b.profile(sim.Purse, 1, 5_000, nil)
	w := &wallet{t: t, bank: b, flash: &flash{Store: mem.New()}, clock: noon}
	w.boot()
	w.install(p)
	if err := newTill(b).pay(w.put(link.Contactless), 10); err != nil {
		t.Fatal(err)
	}
	x := &slot{till: newTill(b)}
	if err := x.begin(w.put(link.Contact), aid(sim.Purse, 1), &sale{minor: 1}, emv.TypePurchase); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(w.trace, "\n")
	for _, secret := range [][]byte{p.Track2.PAN.Append(nil), p.Keys.AC.Reveal(), p.Keys.MAC.Reveal(), p.Offline.Key.P.Reveal()[:8]} {
		if strings.Contains(all, fmt.Sprintf("%X", secret)) {
			t.Error("the trace shows a secret")
		}
	}
	if !strings.Contains(all, "9F2608") || !strings.Contains(all, "570CFFFF") {
		t.Error("the trace shows too little")
	}
	if want := []string{"installed: F0736F74746F010001", "personalized: F0736F74746F010001"}; !slices.Equal(w.facts[:2], want) {
		t.Errorf("got %q", w.facts[:2])
	}
}

// A device may be asked by its holder while a reader speaks to it.
func TestHolderAndReaderAtOnce(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 90_000, nil))
	var group sync.WaitGroup
	group.Go(func() {
		for range 50 {
			if _, err := w.device.List(); err != nil {
				t.Error(err)
			}
			if err := w.device.Prefer(aid(sim.Purse, 1)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		if err := newTill(b).pay(w.put(link.Contactless), 10); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	audit(t, w, aid(sim.Purse, 1))
}
