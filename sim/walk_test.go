package sim_test

import (
	"testing"

	"pgregory.net/rapid"

	"sotto/link"
	"sotto/sim"
)

// A purse goes from till to till and to the bank, and is pulled away wherever it
// pleases. When every till has seen it again and the bank has heard from it once
// more, what the tills sold, what the purse holds and what the bank has add up to
// what there was, and nobody was debited twice.
func TestMoneyIsEitherHereOrThere(t *testing.T) {
	b := readIssuer()
	const balance, account = 50_000, 40_000
	purse := aid(sim.Purse, 1)
	whole := newWallet(t, b.profile(sim.Purse, 1, balance, nil))
	rapid.Check(t, func(rt *rapid.T) {
		w := whole.like(t)
		tills := []*till{newTill(b), newTill(b)}
		tills[1].speaksSPI = false
		tills[1].unpredictable = 0x8000
		l := &ledger{bank: b, account: account, float: balance}
		approved := map[*till]int64{}

		// visit has the flow torn, or not, and the device restarted.
		visit := func(flow func(c *cable) error) bool {
			c := w.put(rapid.SampledFrom([]link.Interface{link.Contactless, link.Contact}).Draw(rt, "face"))
			var x torn
			switch rapid.IntRange(0, 3).Draw(rt, "tear") {
			case 0:
				x.commit = rapid.IntRange(1, 4).Draw(rt, "commit")
			case 1:
				x.command = rapid.IntRange(1, 9).Draw(rt, "command")
			}
			x.after = rapid.Bool().Draw(rt, "after")
			w.arm(c, x)
			err := flow(c)
			w.reboot()
			return err == nil
		}
		for range rapid.IntRange(1, 12).Draw(rt, "visits") {
			switch n := rapid.IntRange(0, 2).Draw(rt, "where"); n {
			case 0, 1:
				minor := rapid.Int64Range(1, 6_000).Draw(rt, "price")
				visit(func(c *cable) error {
					c.face = link.Contactless
					w.device.Reset(c.face)
					if open := tills[n].open; open != nil {
						minor = open.minor // the payer comes back for the same thing
					}
					err := tills[n].pay(c, minor)
					if err == nil {
						approved[tills[n]] += minor
					}
					return err
				})
			case 2:
				minor := rapid.Int64Range(1, 30_000).Draw(rt, "load")
				visit(func(c *cable) error {
					_, err := load(c, l, minor)
					return err
				})
			}
			audit(t, w, purse)
		}

		for _, x := range tills {
			if open := x.open; open != nil {
				if err := x.pay(w.put(link.Contactless), open.minor); err != nil {
					rt.Fatalf("the payer comes back: %v", err)
				}
				approved[x] += open.minor
			}
		}
		before := audit(t, w, purse).balance
		if _, err := load(w.put(link.Contact), l, 1); err != nil {
			rt.Fatalf("the last load: %v", err)
		}
		var sold int64
		for _, x := range tills {
			var sum int64
			for _, s := range x.sold {
				sum += s.minor
			}
			if sum != approved[x] {
				rt.Fatalf("a till has sold for %d and said yes to %d", sum, approved[x])
			}
			sold += sum
		}
		if got := l.float - sold; got != before {
			rt.Fatalf("the purse has %d; loaded less sold is %d", before, got)
		}
		if l.account+l.float+l.flying != account+balance {
			rt.Fatalf("the bank has %+v", l)
		}
	})
}
