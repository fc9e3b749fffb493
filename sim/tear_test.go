package sim_test

import (
	"fmt"
	"testing"

	"sotto/link"
	"sotto/sim"
)

// torn is one way to pull the device away.
type torn struct {
	commit, command int // one of them, from 1
	after           bool
}

func (x torn) String() string {
	when := "before"
	if x.after {
		when = "after"
	}
	if x.commit > 0 {
		return fmt.Sprintf("%s commit %d", when, x.commit)
	}
	return fmt.Sprintf("%s command %d", when, x.command)
}

// everyCut are all ways to tear a flow of so many commits and commands.
func everyCut(commits, commands int) (cuts []torn) {
	for _, after := range []bool{false, true} {
		for n := 1; n <= commits; n++ {
			cuts = append(cuts, torn{commit: n, after: after})
		}
		for n := 1; n <= commands; n++ {
			cuts = append(cuts, torn{command: n, after: after})
		}
	}
	return cuts
}

// arm makes the cut happen in the flow that follows.
func (w *wallet) arm(c *cable, x torn) {
	w.flash.commits, w.flash.at, w.flash.after = 0, x.commit, x.after
	c.sent, c.at, c.after = 0, x.command, x.after
}

// reboot is a new device over what the flash still holds.
func (w *wallet) reboot() {
	w.flash.at = 0
	w.boot()
}

// like is a wallet over a copy of another one's flash.
func (w *wallet) like(t testing.TB) *wallet {
	t.Helper()
	twin := &wallet{t: t, bank: w.bank, flash: &flash{Store: w.flash.Clone()}, clock: w.clock}
	twin.boot()
	return twin
}

// The device is pulled away before and after every command, and its power goes
// before and after every commit. Money is then either in the purse or at the
// till; and the re-tap ends the same sale, or makes a new one, and debits once.
func TestTornTap(t *testing.T) {
	b := readIssuer()
	const balance, price = 10_000, 1_234
	purse := aid(sim.Purse, 1)
	whole := newWallet(t, b.profile(sim.Purse, 1, balance, nil))
	ends := map[string]int{}
	for _, x := range everyCut(2, 7) {
		w := whole.like(t)
		till := newTill(b)
		c := w.put(link.Contactless)
		w.arm(c, x)
		err := till.pay(c, price)
		if err == nil {
			t.Fatalf("%v: nothing was torn", x)
		}
		w.reboot()
		a := audit(t, w, purse)
		switch {
		case len(till.sold) != 0:
			t.Errorf("%v: sold, although the device was gone", x)
		case a.balance == balance && len(a.records) == 0:
			ends["not debited"]++
		case a.balance == balance-price && len(a.records) == 1 && till.open != nil:
			ends["debited, and the till knows to ask"]++
		default:
			t.Errorf("%v: balance %d with %d records, open %v", x, a.balance, len(a.records), till.open != nil)
		}

		// Elsewhere in between, and then the re-tap.
		for _, elsewhere := range []bool{false, true} {
			w, till := w.like(t), till.like()
			want := int64(balance - price)
			if elsewhere {
				if err := newTill(b).pay(w.put(link.Contactless), 100); err != nil {
					t.Fatalf("%v: elsewhere: %v", x, err)
				}
				want -= 100
			}
			if err := till.pay(w.put(link.Contactless), price); err != nil {
				t.Fatalf("%v: re-tap: %v", x, err)
			}
			if a := audit(t, w, purse); a.balance != want || len(till.sold) != 1 || till.open != nil {
				t.Errorf("%v: after the re-tap: balance %d, want %d; %d sales", x, a.balance, want, len(till.sold))
			}
		}
	}
	if ends["not debited"] == 0 || ends["debited, and the till knows to ask"] == 0 {
		t.Errorf("the cuts did not reach both sides: %v", ends)
	}
}

// like is a copy of the till, with a journal of its own.
func (x *till) like() *till {
	twin := *x
	twin.sold = append([]*sale(nil), x.sold...)
	return &twin
}

// A debit that was torn shows nowhere, and its transaction counter is spent.
func TestTornDebitDoesNotCount(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	till := newTill(b)
	c := w.put(link.Contactless)
	w.arm(c, torn{command: 7}) // the last record is never asked for
	if err := till.pay(c, 900); err == nil {
		t.Fatal("nothing was torn")
	}
	w.reboot()
	if a := w.shown(aid(sim.Purse, 1)); !a.Torn || a.Available != 1_000 || a.ATC != 1 {
		t.Errorf("got %+v", a)
	}
	// The choice counts the old balance too.
	if err := till.pay(w.put(link.Contactless), 950); err != nil {
		t.Fatal(err)
	}
	if a := w.shown(aid(sim.Purse, 1)); a.Torn || a.Available != 50 || a.ATC != 2 {
		t.Errorf("got %+v", a)
	}
}

// A second reading of the last record answers the same and debits nothing.
func TestLastRecordTwice(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	c := w.put(link.Contactless)
	if err := newTill(b).pay(c, 900); err != nil {
		t.Fatal(err)
	}
	commits := w.flash.commits
	first, err := c.send(readCommand(1, 3))
	if err != nil || !first.Status.OK() {
		t.Fatal(first.Status, err)
	}
	if w.flash.commits != commits {
		t.Error("a second reading was committed")
	}
	audit(t, w, aid(sim.Purse, 1))
	if r, _ := w.put(link.Contactless).send(readCommand(1, 3)); r.Status.OK() {
		t.Error("the record was read although nothing is selected")
	}
}
