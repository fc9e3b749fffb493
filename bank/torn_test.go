package bank_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// A till takes the cryptogram and does not read the last record: the purse has
// its money again and spends it all at an honest till. That one is paid, and the
// other is not, whoever comes first and in however many uploads.
func TestTornTapIsNotPaid(t *testing.T) {
	for name, upload := range map[string]func(w *world, cheat bank.Actor, torn, honest bankapi.Tap){
		"before": func(w *world, cheat bank.Actor, torn, honest bankapi.Tap) {
			w.wantResult(w.postBy(cheat, 1, torn), 0, bankapi.TapPosted, "", false)
			w.wantResult(w.post(honest), 0, bankapi.TapPosted, "", false)
		},
		"after": func(w *world, cheat bank.Actor, torn, honest bankapi.Tap) {
			w.wantResult(w.post(honest), 0, bankapi.TapPosted, "", false)
			p := w.postBy(cheat, 1, torn)
			w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Torn, false)
			w.wantBatch(p.Batch, 0, 0, 1)
		},
		"in one upload": func(w *world, cheat bank.Actor, torn, honest bankapi.Tap) {
			p := w.postBy(cheat, 1, torn, honest)
			w.wantResult(p, 0, bankapi.TapPosted, "", false)
			w.wantResult(p, 1, bankapi.TapPosted, "", false)
			w.wantBatch(p.Batch, 1, 10_000, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTapWorld(t)
			cheat := actorOf(w.newMerchant("Cheat"))
			if strings.HasPrefix(name, "in one") {
				cheat = w.shop()
			}
			c := w.filled(1, 10_000)
			torn := c.tornTap("torn", 4_000)
			atc := c.atc
			upload(w, cheat, torn, c.tap("honest", 10_000))
			w.wantPurse(c, 0, "")
			w.wantMoney(90_000, 0, 10_000, 0)
			if got := w.storedTap(c, atc); got.Status != string(bankapi.TapDisputed) || got.Reason != string(bankapi.Torn) || got.Owed != 0 || got.Told != 6_000 {
				t.Errorf("got %+v", got)
			}
			w.wantResult(w.postBy(cheat, 1, torn), 0, bankapi.TapDisputed, bankapi.Torn, true)
			if got := w.disputes(cheat.Merchant); len(got) != 1 || got[0].ATC != int64(atc) {
				t.Errorf("the disputes are %+v", got)
			}
		})
	}
}

// Whatever the purse says next gives the tear away, not only a tap: the question
// of a load, and the answer to it.
func TestTornTapIsFoundByLoads(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	p := w.post(c.tornTap("1", 300))
	w.wantBatch(p.Batch, 1, 300, 0)
	l := w.beginLoad(c, 50)
	w.wantPurse(c, 1_000, l.ID)
	w.wantMoney(98_950, 1_050, 0, 0)
	w.deliver(c, l)
	torn := c.tornTap("2", 1_050)
	w.wantLoad(w.resolve(l.ID, c.decline()), bankapi.LoadCompleted)
	w.wantResult(w.post(torn), 0, bankapi.TapDisputed, bankapi.Torn, false)
	w.wantPurse(c, 1_050, "")
	w.wantMoney(98_950, 1_050, 0, 0)
}

// A debit that a till has found in the chip's log comes without its balance. That
// is no way to hide a tear, and no reason to accuse who has been paid.
func TestTapWithoutItsBalance(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newTapWorld(t)
		c := w.filled(1, 1_000)
		before := c.tap("0", 100)
		found := mute(t, c.tap("1", 200))
		torn := mute(t, c.tornTap("2", 350))
		last := c.tap("3", 700)
		taps := []bankapi.Tap{before, found, torn, last}
		if late {
			taps = []bankapi.Tap{last, torn, found, before}
		}
		for _, tap := range taps {
			w.post(tap)
		}
		if got := w.disputes(""); len(got) != 1 || got[0].Reference != "2" {
			t.Errorf("late %v: got %+v", late, got)
		}
		w.wantPurse(c, 0, "")
		w.wantMoney(99_000, 0, 1_000, 0)
	}
}

// mute is a tap as a till finds it in the chip's log.
func mute(t *testing.T, tap bankapi.Tap) bankapi.Tap {
	t.Helper()
	d, err := bankapi.ParseChipData(tap.ChipData)
	if err != nil {
		t.Fatal(err)
	}
	d.IAD.IDD = nil
	tap.ChipData = d.Hex()
	return tap
}

// Nobody is accused because others are late, or because the purse was loaded: an
// honest tap is posted in whatever order taps and loads of the purse are heard,
// and stays so.
func TestHonestTapsAreNeverAccused(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newTapWorld(t)
		c := w.filled(1, 5_000)
		var taps []bankapi.Tap
		sum := int64(0)
		for i := range 60 {
			switch random.IntN(9) {
			case 0:
				w.fill(c, 1_000)
			case 1:
				c.decline()
			case 2: // nothing says yet whether it has arrived
				if l := w.beginLoad(c, 700); random.IntN(3) > 0 {
					w.deliver(c, l)
				}
			default:
				if amount := random.Int64N(200) + 1; amount <= c.balance {
					tap := c.tap(fmt.Sprint(i), amount)
					if random.IntN(4) == 0 {
						tap = mute(t, tap)
					}
					taps = append(taps, tap)
					sum += amount
				}
			}
		}
		random.Shuffle(len(taps), func(i, j int) { taps[i], taps[j] = taps[j], taps[i] })
		for _, tap := range taps {
			w.wantResult(w.post(tap), 0, bankapi.TapPosted, "", false)
		}
		if load := w.applet(c).Load; load != "" {
			w.resolve(load, c.decline())
		}
		w.wantPurse(c, c.balance, "")
		w.settle(int64(len(taps)), sum)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A chip that says what no honest one can is no witness against a merchant.
func TestBrokenChipAccusesNobody(t *testing.T) {
	for name, lie := range map[string]int64{"more than it had": 1, "less than it had": -1} {
		w := newTapWorld(t)
		c := w.filled(1, 1_000)
		w.post(c.tap("1", 300))
		c.balance = 1_000 + lie
		w.post(c.tap("2", 100))
		if got := w.disputes(""); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// What a purse has said is kept within bounds: of more gaps than it remembers
// the bank forgets the oldest, and decides nothing there.
func TestTrailIsBounded(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 50_000)
	old := c.tornTap("old", 10)
	var late []bankapi.Tap
	for i := range 100 {
		late = append(late, c.tap(fmt.Sprint("l", i), 20))
		w.wantResult(w.post(c.tap(fmt.Sprint("t", i), 20)), 0, bankapi.TapPosted, "", false)
	}
	if n := len(w.applet(c).Trail); n > 2_000 {
		t.Errorf("the trail has %d bytes", n)
	}
	w.wantResult(w.post(old), 0, bankapi.TapPosted, "", false)
	for _, tap := range late {
		w.wantResult(w.post(tap), 0, bankapi.TapPosted, "", false)
	}
	if n := len(w.applet(c).Trail); n > 40 {
		t.Errorf("with every gap filled the trail has %d bytes", n)
	}
}

// A merchant who was paid for a torn tap with his batch owes it. How the issuer
// ends the dispute decides who bears the loss; asked again, nothing happens.
func TestDisputesEnd(t *testing.T) {
	for _, c := range []struct {
		name                string
		settled             bool
		outcome             bankapi.Outcome
		merchant, disputes  int64 // accounts
		owed                int64 // before
		status, other       bankapi.TapStatus
		float, fromCustomer int64
	}{
		{"open, accepted", false, bankapi.Accept, 300, -300, 0, bankapi.TapAccepted, "", 1_000, 1_000},
		{"open, rejected", false, bankapi.Reject, 0, 0, 0, bankapi.TapRejected, "", 1_000, 1_000},
		{"settled, accepted", true, bankapi.Accept, 300, -300, 300, bankapi.TapAccepted, "", 1_000, 1_000},
		{"settled, rejected", true, bankapi.Reject, 0, 0, 300, bankapi.TapRejected, "", 1_000, 1_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTapWorld(t)
			chip := w.filled(1, 1_000)
			tap := chip.tornTap("1", 300)
			id := w.post(tap).Results[0].Tap
			if c.settled {
				w.settle(1, 300)
			}
			op := func(outcome bankapi.Outcome) bank.Op {
				return bank.ResolveTap{Tap: id, Request: bankapi.ResolveTap{Outcome: outcome}}
			}
			w.refused(bankapi.WrongState, bank.Issuer, op(c.outcome)) // nobody disputes it yet
			w.resolve(w.beginLoad(chip, 1).ID, chip.decline())
			if got := w.disputes(""); len(got) != 1 || got[0].ID != id || got[0].Owed != c.owed {
				t.Fatalf("got %+v", got)
			}
			w.verify()
			w.refused(bankapi.Forbidden, w.shop(), op(c.outcome))
			w.refused(bankapi.Invalid, bank.Issuer, op("maybe"))
			w.refused(bankapi.NotFound, bank.Issuer, bank.ResolveTap{Tap: id + "0", Request: bankapi.ResolveTap{Outcome: c.outcome}})
			for range 2 {
				var got bankapi.TapRecord
				w.must(bank.Issuer, op(c.outcome), &got)
				if got.Status != c.status || got.Owed != 0 || got.Reason != bankapi.Torn {
					t.Errorf("got %+v", got)
				}
				w.wantMoney(100_000-c.fromCustomer, c.float, 0, c.merchant)
				w.wantDisputes(c.disputes)
			}
			other := map[bankapi.Outcome]bankapi.Outcome{bankapi.Accept: bankapi.Reject, bankapi.Reject: bankapi.Accept}
			w.refused(bankapi.WrongState, bank.Issuer, op(other[c.outcome]))
			if got := w.disputes(""); len(got) != 0 {
				t.Errorf("still in dispute: %+v", got)
			}
			w.wantResult(w.post(tap), 0, bankapi.TapDisputed, bankapi.Torn, true)
		})
	}
}

// wantDisputes is what the bank's account of disputes holds, which is opened when
// it is first needed.
func (w *world) wantDisputes(want int64) {
	w.t.Helper()
	if _, err := w.store.Book(w.t.Context(), "disputes|CNY"); err == nil || want != 0 {
		w.wantBalance(w.book(bankapi.AccountDisputes, "CNY"), want, 0)
	}
}

// Who does not have what he owes stays in dispute.
func TestDebtIsCollectedWhenItCanBe(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	id := w.post(c.tornTap("1", 300)).Results[0].Tap
	w.settle(1, 300)
	c.decline()
	w.must(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{
		Debit: w.merchant.Account, Credit: w.customer, Amount: 1, Currency: "CNY",
	}}, nil)
	w.postBy(w.shop(), 2, c.tap("2", 1_000))
	reject := bank.ResolveTap{Tap: id, Request: bankapi.ResolveTap{Outcome: bankapi.Reject}}
	w.refused(bankapi.InsufficientFunds, bank.Issuer, reject)
	w.wantDisputes(-300)
	w.must(w.shop(), w.settleOp(2, 1, 1_000), nil)
	w.must(bank.Issuer, reject, nil)
	w.wantDisputes(0)
	w.wantMoney(99_001, 0, 0, 999)
}

// The dispute, the settlement and what gives the tear away, in one commit.
func TestTornInOneCommit(t *testing.T) {
	var gate *gateStore
	w := newTapWorld(t, gated(&gate))
	c := w.filled(1, 1_000)
	first, second, honest := c.tornTap("1", 300), c.tornTap("2", 400), c.tap("3", 1_000)
	answers := w.inOneCommit(gate,
		bank.Call{Op: w.postOp(1, first), Actor: w.shop()}, bank.Call{Op: w.settleOp(1, 1, 300), Actor: w.shop()},
		bank.Call{Op: w.postOp(2, second), Actor: w.shop()}, bank.Call{Op: w.postOp(3, honest), Actor: w.shop()},
	)
	for i, a := range answers {
		if !a.OK() {
			t.Errorf("%d: %s", i, a.Body)
		}
	}
	w.wantMoney(99_000, 0, 1_000, 300)
	w.wantDisputes(-300)
	if got := w.disputes(""); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}
