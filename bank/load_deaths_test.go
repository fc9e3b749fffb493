package bank_test

import (
	"bytes"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// deaths are the points at which the link can die, each as how far the load then
// comes.
var deaths = []struct {
	name  string
	took  bool // the purse has the money
	heard func(w *world, c *chip) (load string)
}{
	{"before the bank was asked", false, func(_ *world, c *chip) string {
		c.loadRequest(700)
		return ""
	}},
	{"before the bank's answer", false, func(w *world, c *chip) string { return w.beginLoad(c, 700).ID }},
	{"before the script", false, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		if _, ok := c.hear(l.IssuerAuth); !ok {
			w.t.Error("the chip does not believe the bank")
		}
		return l.ID
	}},
	{"in the midst of the script", false, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		c.hear(l.IssuerAuth)
		if c.run(spoiled(l.Script)) {
			w.t.Error("the chip took a spoiled script")
		}
		return l.ID
	}},
	{"behind the script", true, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		w.deliver(c, l)
		return l.ID
	}},
	{"behind the script, which the reader followed with a spoiled one", true, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		w.deliver(c, l)
		if c.run(spoiled(l.Script)) || !c.failed {
			w.t.Error("the chip took a spoiled script")
		}
		return l.ID
	}},
	{"behind the script, which the reader gave twice", true, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		w.deliver(c, l)
		c.run(l.Script)
		return l.ID
	}},
	{"with the evidence", true, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		w.deliver(c, l)
		c.decline()
		return l.ID
	}},
	{"behind the script, and the next was asked of the purse but not of the bank", true, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		w.deliver(c, l)
		c.loadRequest(50)
		return l.ID
	}},
	{"before the script, and the next was asked of the purse but not of the bank", false, func(w *world, c *chip) string {
		l := w.beginLoad(c, 700)
		c.loadRequest(50)
		return l.ID
	}},
}

// spoiled is a script with a wrong MAC.
func spoiled(script string) string {
	last := len(script) - 1
	return script[:last] + string("0123456789abcdef"[(bytes.IndexByte([]byte("0123456789abcdef"), script[last])+1)%16])
}

// histories are what came before.
var histories = []struct {
	name string
	of   func(w *world, n int) *chip
}{
	{"first load", func(w *world, n int) *chip { return w.purse(n) }},
	{"after one that arrived", func(w *world, n int) *chip { return w.filled(n, 1_000) }},
	{"after one that did not", func(w *world, n int) *chip {
		c := w.filled(n, 1_000)
		w.resolve(w.beginLoad(c, 10).ID, c.decline())
		return c
	}},
	{"after sixteen", func(w *world, n int) *chip {
		c := w.filled(n, 985)
		for range 15 {
			w.fill(c, 1)
		}
		return c
	}},
	{"after one whose fate the bank does not know, but took", func(w *world, n int) *chip {
		c := w.purse(n)
		w.deliver(c, w.beginLoad(c, 1_000))
		return c
	}},
	{"after a failed script", func(w *world, n int) *chip {
		c := w.filled(n, 1_000)
		l := w.beginLoad(c, 10)
		c.hear(l.IssuerAuth)
		if c.run(spoiled(l.Script)) {
			w.t.Error("the chip took a spoiled script")
		}
		w.resolve(l.ID, c.decline())
		return c
	}},
}

// proofs are the ways to bring evidence.
var proofs = []struct {
	name  string
	bring func(w *world, c *chip, load string)
}{
	{"by an AAC", func(w *world, c *chip, load string) {
		d := c.decline()
		if load == "" {
			load = w.applet(c).Load // of the history
		}
		if load != "" {
			w.resolve(load, d)
		}
	}},
	{"by a tap", func(w *world, c *chip, _ string) {
		if c.balance > 0 {
			w.wantResult(w.post(c.tap("proof", 1)), 0, bankapi.TapPosted, "", false)
			return
		}
		w.beginLoad(c, 1) // an empty purse can only ask
		w.resolve(w.applet(c).Load, c.decline())
	}},
	{"by the next load", func(w *world, c *chip, _ string) {
		l := w.beginLoad(c, 2)
		w.deliver(c, l)
		w.resolve(l.ID, c.decline())
	}},
	{"by an ARQC that is refused", func(w *world, c *chip, _ string) {
		r := c.loadRequest(50_001)
		w.refused(bankapi.Invalid, bank.Issuer, w.loadOp(r))
	}},
}

// Wherever the link dies, the purse's next cryptogram that reaches the bank
// tells where the money is, and the bank then takes the purse to hold what it
// holds.
func TestLinkDies(t *testing.T) {
	for _, history := range histories {
		w, n := newTapWorld(t), 0
		for _, death := range deaths {
			for _, proof := range proofs {
				t.Run(history.name+"/"+death.name+"/"+proof.name, func(t *testing.T) {
					defer w.in(t)()
					n++
					customer, _ := w.balance(w.customer)
					float, settlement := w.onBooks()
					c := history.of(w, n)
					before := c.balance
					load := death.heard(w, c)
					if took := c.balance - before; took != map[bool]int64{true: 700}[death.took] {
						t.Fatalf("the purse took %d", took)
					}
					proof.bring(w, c, load)
					w.wantPurse(c, c.balance, "")
					if load != "" {
						w.wantLoad(w.storedLoad(load), map[bool]bankapi.LoadStatus{true: bankapi.LoadCompleted, false: bankapi.LoadReturned}[death.took])
					}
					_, tapped := w.onBooks()
					tapped -= settlement
					w.wantMoney(customer-c.balance-tapped, float+c.balance, settlement+tapped, 0)
				})
			}
		}
	}
}

// onBooks is what the bank's own accounts of the tap hold, 0 if there are none
// yet.
func (w *world) onBooks() (float, settlement int64) {
	w.t.Helper()
	if _, err := w.store.Book(w.t.Context(), "float|CNY"); err != nil {
		return 0, 0
	}
	float, _ = w.balance(w.book(bankapi.AccountFloat, "CNY"))
	settlement, _ = w.balance(w.book(bankapi.AccountSettlement, "CNY"))
	return float, settlement
}
