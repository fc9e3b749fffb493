package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sotto/money"
	"sotto/pos"
)

// A small measurement: in every class of readers the choice pays exactly what
// any applet could have paid, and the default card what it could.
func TestChoiceReachesTheOracle(t *testing.T) {
	const wallets = 60
	r, err := Choice(t.Context(), ChoiceOptions{Wallets: wallets, Seed: 1, Data: t.TempDir(), Progress: io.Discard})
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(r.Faults, "\n"))
	}
	sum := 0
	for _, s := range r.ByApplets {
		sum += s.Taps
	}
	for _, c := range r.Classes {
		if c.Taps != wallets || c.Choice != c.Any || c.Default > c.Choice || c.Choice == 0 || c.Choice == c.Taps {
			t.Errorf("got %+v", c)
		}
	}
	if sum != wallets || len(r.Classes) != 3 || r.Applets < wallets {
		t.Errorf("got %d wallets by size, %d classes, %d applets", sum, len(r.Classes), r.Applets)
	}
	if c := r.Cost; c.Applets != 200 || c.P50 <= 0 || c.P99 < c.P50 {
		t.Errorf("got %+v", c)
	}
	if text := r.Text(); !strings.Contains(text, "0 taps ended otherwise") {
		t.Error(text)
	}
	drawn(t, ChoiceSVG(r))
}

// The same with wallets that nobody has seen before.
func TestChoiceReachesTheOracleWithAnySeed(t *testing.T) {
	o := ChoiceOptions{Wallets: 100, Seed: rand.Uint64()}
	t.Log("seed", o.Seed)
	p, err := newPress(walletApplets)
	if err != nil {
		t.Fatal(err)
	}
	tally := newChoiceTally(walletApplets)
	if err := tally.run(t.Context(), o, p); err != nil {
		t.Fatal(err)
	}
	if tally.differ != 0 {
		t.Errorf("%d taps differ:\n%s", tally.differ, strings.Join(tally.faults, "\n"))
	}
}

// With more applets than a directory holds, a reader that does not send the amount
// still finds the one that can pay.
func TestChoiceAmongManyReachesTheOracle(t *testing.T) {
	const most = 40
	p, err := newPress(most)
	if err != nil {
		t.Fatal(err)
	}
	tally := newChoiceTally(most)
	if err := tally.run(t.Context(), ChoiceOptions{Wallets: 12, Seed: 8, Applets: most}, p); err != nil {
		t.Fatal(err)
	}
	if tally.differ != 0 || tally.applets < 12*9 {
		t.Errorf("%d taps differ, with %d applets:\n%s", tally.differ, tally.applets, strings.Join(tally.faults, "\n"))
	}
}

// drawn looks that a drawing is one.
func drawn(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for n := 0; ; n++ {
		_, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && n > 20:
			return
		case err != nil:
			t.Fatalf("after %d tokens: %v", n, err)
		}
	}
}

// A tap that ends otherwise than it could is counted and shown, and is an error.
func TestChoiceThatMisses(t *testing.T) {
	paid, not := pos.Result{Outcome: pos.Approved}, pos.Result{Outcome: pos.Declined, Reason: pos.ChipDeclined}
	rich := plain()
	poor := plain()
	poor.applets[0].balance = 0
	for _, c := range []struct {
		what          string
		plan          walletPlan
		alone, choice pos.Result
		differ        int
	}{
		{"as it should be", rich, paid, paid, 0},
		{"as it should be", poor, not, not, 0},
		{"the choice misses", rich, paid, not, 1},
		{"the choice pays what nobody has", poor, not, paid, 1},
		{"the default card alone misses", rich, not, paid, 1},
	} {
		tally := newChoiceTally(walletApplets)
		tally.count(0, c.plan, c.alone, c.choice)
		r := ChoiceResult{Differ: tally.differ, Faults: tally.faults, Seed: 7}
		if err := r.err(); tally.differ != c.differ || len(tally.faults) != c.differ || (err != nil) != (c.differ > 0) {
			t.Errorf("%s: got %d, %q, %v", c.what, tally.differ, tally.faults, err)
		}
		for _, fault := range tally.faults {
			if !strings.Contains(fault, "wallet 5, policy fixed, pays CNY 10.00 with [F0736F74746F01 (default) purse") {
				t.Errorf("%s: got %q", c.what, fault)
			}
		}
	}
}

// plain is a wallet with one purse that has just enough.
func plain() walletPlan {
	return walletPlan{number: 5, policy: "fixed", amount: 1000, currency: money.CNY, applets: []appletPlan{
		{aid: []byte("\xF0sotto\x01"), currency: money.CNY, balance: 1000, tapMax: 1000, expiry: choiceToday},
	}}
}

// What the oracle says, case by case.
func TestOracle(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*walletPlan, *appletPlan)
		want   bool
	}{
		{"just enough, on the last day", func(*walletPlan, *appletPlan) {}, true},
		{"an account", func(_ *walletPlan, a *appletPlan) { a.account = true }, true},
		{"an account at a till without a bank", func(w *walletPlan, a *appletPlan) { w.offline, a.account = true, true }, false},
		{"a purse at a till without a bank", func(w *walletPlan, _ *appletPlan) { w.offline = true }, true},
		{"one cent too little", func(_ *walletPlan, a *appletPlan) { a.balance-- }, false},
		{"one cent above the limit", func(_ *walletPlan, a *appletPlan) { a.tapMax-- }, false},
		{"another currency", func(w *walletPlan, _ *appletPlan) { w.currency = money.EUR }, false},
		{"expired yesterday", func(_ *walletPlan, a *appletPlan) { a.expiry-- }, false},
		{"torn: the debit does not count", func(_ *walletPlan, a *appletPlan) { a.state = stateTorn }, true},
		{"locked by the holder", func(_ *walletPlan, a *appletPlan) { a.state = stateHeld }, false},
		{"locked by the issuer", func(_ *walletPlan, a *appletPlan) { a.state = stateLocked }, false},
		{"blocked", func(_ *walletPlan, a *appletPlan) { a.state = stateBlocked }, false},
		{"not personalised", func(_ *walletPlan, a *appletPlan) { a.state = stateBare }, false},
	} {
		w := plain()
		c.change(&w, &w.applets[0])
		if w.anyPays() != c.want || w.defaultPays() != c.want {
			t.Errorf("%s: got %v, want %v", c.what, w.anyPays(), c.want)
		}
		w.applets = append(w.applets, plain().applets[0]) // a second one that has the money
		w.applets[1].currency = w.currency
		if !w.anyPays() || w.defaultPays() != c.want {
			t.Errorf("%s, and another beside it: got %v, %v", c.what, w.anyPays(), w.defaultPays())
		}
	}
}

// The same seed draws the same wallets, and in a few thousand of them everything
// occurs that can make a tap fail.
func TestWalletsThatAreDrawn(t *testing.T) {
	seen := map[string]int{}
	for i := range 3000 {
		w := drawWallet(1, i, walletApplets)
		if again := drawWallet(1, i, walletApplets); again.String() != w.String() {
			t.Fatalf("got %v, then %v", w, again)
		}
		if n := len(w.applets); n < 1 || n > walletApplets || w.preferred >= n || w.amount < 1 || w.amount > saleMost {
			t.Fatalf("got %v", w)
		}
		seen["policy "+w.policy]++
		for j, a := range w.applets {
			if len(a.aid) < 7 || len(a.aid) > 16 || a.balance < 0 || a.balance > a.most() || a.priority > 15 {
				t.Fatalf("got %v", w)
			}
			for k, b := range w.applets {
				if j != k && bytes.Equal(a.aid, b.aid) {
					t.Fatalf("one AID twice: %v", w)
				}
				seen["prefix"] += one(j != k && bytes.HasPrefix(b.aid, a.aid))
			}
			seen["state "+stateNames[a.state]]++
			seen["account"] += one(a.account)
			seen["empty"] += one(a.balance == 0)
			seen["foreign"] += one(a.currency != w.currency)
			seen["expired"] += one(a.expiry < choiceToday)
			seen["today"] += one(a.expiry == choiceToday)
			seen["exact"] += one(a.balance == w.amount) + one(a.tapMax == w.amount)
			seen["one less"] += one(a.balance == w.amount-1) + one(a.tapMax == w.amount-1)
		}
	}
	for _, name := range slices.Concat(
		[]string{"policy preferred", "policy best-fit", "policy most-left", "policy fixed"},
		[]string{"state ", "state torn", "state locked by the holder", "state locked by the issuer", "state blocked", "state not personalised"},
		[]string{"prefix", "account", "empty", "foreign", "expired", "today", "exact", "one less"},
	) {
		if seen[name] < 10 {
			t.Errorf("%q occurs %d times", name, seen[name])
		}
	}
}

// Money that is gone without an approval, and an approval without money, are
// errors.
func TestAudit(t *testing.T) {
	p, err := newPress(1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWallet(t.Context(), p, plain(), noon)
	if err != nil {
		t.Fatal(err)
	}
	device, err := w.device(false)
	if err != nil {
		t.Fatal(err)
	}
	paid, not := pos.Result{Outcome: pos.Approved}, pos.Result{Outcome: pos.Declined}
	for _, c := range []struct {
		what  string
		r     pos.Result
		taken int64 // from an account
		good  bool
	}{
		{"nothing happened", not, 0, true},
		{"an account was debited", paid, 1000, true},
		{"approved, and nobody was debited", paid, 0, false},
		{"debited, and not approved", not, 1000, false},
		{"debited too much", paid, 1001, false},
	} {
		if err := w.audit(device, c.r, &acquirer{taken: c.taken}); (err == nil) != c.good {
			t.Errorf("%s: got %v", c.what, err)
		}
	}
}

func TestChoiceOfNothing(t *testing.T) {
	if _, err := Choice(t.Context(), ChoiceOptions{Data: t.TempDir(), Progress: io.Discard}); err == nil {
		t.Error("got no error for no wallets")
	}
}
