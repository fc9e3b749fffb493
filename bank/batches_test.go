package bank_test

import (
	"strings"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// A batch is settled when the terminal's totals are the bank's, and once.
func TestSettlement(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	w.post(c.tap("1", 100), c.tap("2", 250))
	for name, totals := range map[string][2]int64{
		"a tap too few": {1, 350}, "a tap too many": {3, 350}, "too little": {2, 349}, "too much": {2, 351}, "nothing": {0, 0},
		"another one's": {-2, -350},
	} {
		problem := w.refused(bankapi.TotalsDiffer, w.shop(), w.settleOp(batchOne, totals[0], totals[1]))
		if !strings.Contains(problem.Detail, "2 taps of 350") {
			t.Errorf("%s: the bank says %q", name, problem.Detail)
		}
	}
	w.wantMoney(90_000, 9_650, 350, 0)
	b := w.settle(2, 350)
	w.wantMoney(90_000, 9_650, 0, 350)
	w.wait(1e9)
	for range 2 {
		if again := w.settle(2, 350); again != b {
			t.Errorf("asked again: got %+v, want %+v", again, b)
		}
	}
	w.refused(bankapi.TotalsDiffer, w.shop(), w.settleOp(batchOne, 0, 0))
	w.wantMoney(90_000, 9_650, 0, 350)

	// What comes too late for it goes into the next.
	late := c.tap("3", 50)
	w.wantResult(w.post(late), 0, bankapi.TapRefused, bankapi.WrongState, false)
	w.wantResult(w.postBy(w.shop(), 2, late), 0, bankapi.TapPosted, "", false)
	w.must(w.shop(), w.settleOp(2, 1, 50), nil)
	w.wantMoney(90_000, 9_600, 0, 400)
}

// An empty batch is settled too, with no money moved; one of nothing but
// disputes is empty. Nothing can be added to it.
func TestSettlementOfNothing(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 100)
	if b := w.settle(0, 0); b.Transfer != "" || b.Amount != 0 {
		t.Errorf("got %+v", b)
	}
	w.settle(0, 0)
	tap := c.tap("1", 100)
	w.wantResult(w.post(tap), 0, bankapi.TapRefused, bankapi.WrongState, false)
	w.postBy(w.shop(), 2, tap)
	c.balance = 101 // it lies
	p := w.postBy(w.shop(), 3, c.tap("2", 100))
	w.wantBatch(p.Batch, 0, 0, 1)
	w.must(w.shop(), w.settleOp(3, 0, 0), nil)
	w.wantMoney(99_900, 0, 100, 0)
}

// A batch that nobody has begun is that of the merchant who asks, and of the
// terminal and number that it names.
func TestBatchesAreApart(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	other := w.newMerchant("Book Shop")
	w.post(c.tap("1", 100))
	w.postBy(actorOf(other), batchOne, c.tap("2", 200))
	w.must(w.shop(), w.bank.Keys().NewPostTaps(bankapi.PostTaps{Terminal: "TILL2", Batch: 1, Taps: []bankapi.Tap{c.tap("3", 300)}}), nil)
	w.postBy(w.shop(), 2, c.tap("4", 400))
	w.refused(bankapi.TotalsDiffer, actorOf(other), w.settleOp(batchOne, 1, 100))
	w.must(actorOf(other), w.settleOp(batchOne, 1, 200), nil)
	w.wantBalance(other.Account, 200, 0)
	w.settle(1, 100)
	w.wantMoney(99_000, 0, 700, 100)
	page := bank.Page{Limit: 10}
	for merchant, want := range map[string]int{w.merchant.ID: 3, other.ID: 1, "": 4} {
		if got, err := w.store.Batches(t.Context(), merchant, page); err != nil || len(got) != want {
			t.Errorf("%d batches of %q, want %d (%v)", len(got), merchant, want, err)
		}
	}
}

func TestReasonsOfSettlementInOrder(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	w.post(c.tap("1", 100))
	good := bankapi.SettleBatch{Terminal: "TILL1", Batch: 1, Count: 1, Amount: 100, Currency: "CNY"}
	for _, actor := range w.noShops() {
		w.refused(bankapi.Forbidden, actor, bank.SettleBatch{SettleBatch: good})
	}
	w.refused(bankapi.Forbidden, bank.Actor{Role: bankapi.RoleMerchant, Merchant: "mer_gone"}, bank.SettleBatch{SettleBatch: good})
	spoils := []struct {
		want  bankapi.Reason
		field string
		spoil func(*bankapi.SettleBatch)
	}{
		{bankapi.Invalid, "terminal", func(r *bankapi.SettleBatch) { r.Terminal = "TILL|1" }},
		{bankapi.Invalid, "batch", func(r *bankapi.SettleBatch) { r.Batch = 0 }},
		{bankapi.Invalid, "currency", func(r *bankapi.SettleBatch) { r.Currency = "JPY" }},
		{bankapi.TotalsDiffer, "", func(r *bankapi.SettleBatch) { r.Amount = 99 }},
	}
	for i := range spoils {
		r := good
		for _, s := range spoils[i:] {
			s.spoil(&r)
		}
		if p := w.refused(spoils[i].want, w.shop(), bank.SettleBatch{SettleBatch: r}); p.Field != spoils[i].field {
			t.Errorf("got %q, want %q", p.Field, spoils[i].field)
		}
	}
	// Nor can a new batch be one of a currency that the merchant is not paid in.
	r := good
	r.Batch, r.Currency, r.Count, r.Amount = 7, "JPY", 0, 0
	w.refused(bankapi.Invalid, w.shop(), bank.SettleBatch{SettleBatch: r})
	r.Currency = "no"
	w.refused(bankapi.Invalid, w.shop(), bank.SettleBatch{SettleBatch: r})
	w.wantMoney(99_000, 900, 100, 0)
}
