package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/apdu"
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

// An applet that has expired does not pay. A device without a clock has the day
// from the reader; one that is told no day cannot know. One with a clock goes by
// it.
func TestExpiryAndClock(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil))
	at := func(year int, month time.Month, day int) func() time.Time {
		return func() time.Time { return time.Date(year, month, day, 23, 59, 0, 0, time.UTC) }
	}
	lastDay, over := emv.Date{0x31, 0x12, 0x31}, emv.Date{0x32, 0x01, 0x01}
	tests := []struct {
		name  string
		clock func() time.Time
		day   emv.Date // as the reader says
		want  error
	}{
		{"the last day", at(2031, 12, 31), lastDay, nil},
		{"over", at(2032, 1, 1), over, errNobody},
		{"a reader that is late", at(2032, 1, 1), lastDay, errNobody},
		{"a reader that is early", at(2031, 12, 31), over, nil},
		{"no clock, the last day", nil, lastDay, nil},
		{"no clock, over", nil, over, errNobody},
		{"no clock, and no day", nil, emv.Date{}, nil},
		{"a clock that stands", func() time.Time { return time.Time{} }, over, errNobody},
	}
	for _, tt := range tests {
		w.clock = tt.clock
		w.reboot()
		for _, speaksSPI := range []bool{true, false} {
			x := newTill(b)
			x.day, x.speaksSPI = tt.day, speaksSPI
			if err := x.pay(w.put(link.Contactless), 10); !errors.Is(err, tt.want) {
				t.Errorf("%s, SPI %t: got %v, want %v", tt.name, speaksSPI, err, tt.want)
			}
		}
	}
}

// A till that cannot ask a bank comes to the purse behind the account that the
// holder prefers, in each class of readers; one that can comes to the account.
func TestTillWithoutABank(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 5_000, nil), b.profile(sim.Purse, 2, 9_000, nil), b.profile(sim.Account, 3, 9_000, nil))
	if err := w.device.Prefer(aid(sim.Account, 3)); err != nil {
		t.Fatal(err)
	}
	const online = emv.TTQQPBOC | emv.TTQFDDA01
	for _, tt := range []struct {
		name       string
		qualifiers emv.TTQ
		speaksSPI  bool
		want       error
	}{
		{"SPI, a bank", online, true, errOnline},
		{"SPI, no bank", online | emv.TTQOfflineOnly, true, nil},
		{"no SPI, a bank", online, false, errOnline},
		{"no SPI, no bank", online | emv.TTQOfflineOnly, false, nil},
	} {
		x := newTill(b)
		x.qualifiers, x.speaksSPI = tt.qualifiers, tt.speaksSPI
		c := w.put(link.Contactless)
		if err := x.pay(c, 100); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	// The answer to SEND POI INFORMATION has the account and one purse behind it.
	names, err := newTill(b).choose(w.put(link.Contactless), 100)
	want := [][]byte{aid(sim.Account, 3), aid(sim.Purse, 1)}
	if err != nil || !slices.EqualFunc(names, want, bytes.Equal) {
		t.Errorf("got %x, %v; want %x", names, err, want)
	}
	// The purse that is too small for it is passed over.
	names, err = newTill(b).choose(w.put(link.Contactless), 6_000)
	if want[1] = aid(sim.Purse, 2); err != nil || !slices.EqualFunc(names, want, bytes.Equal) {
		t.Errorf("got %x, %v; want %x", names, err, want)
	}
	for place, want := range map[byte]error{0x22: nil, 0x21: nil, 0x25: nil, 0x23: apdu.StatusConditions, 0x26: apdu.StatusConditions, 0x16: apdu.StatusConditions} {
		x := &slot{till: newTill(b)}
		x.place = place
		if err := x.begin(w.put(link.Contact), aid(sim.Account, 3), &sale{minor: 100}, emv.TypePurchase); !errors.Is(err, want) {
			t.Errorf("an account in a terminal of type %02X: got %v, want %v", place, err, want)
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
