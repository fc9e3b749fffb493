package pos_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sotto/bankapi"
	"sotto/pos"
)

// sell makes so many taps of 1, 2, 3 and so on, and returns their sum.
func (w *world) sell(n int) (total int64) {
	w.t.Helper()
	for i := range n {
		w.ends(yuan(int64(i+1)), pos.OfflineProved)
		total += int64(i + 1)
	}
	return total
}

func TestABatchIsUploadedInParts(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 100_000))
	w.fake().applets[0].tapMax = 1_000_000
	w.fake().applets[0].balance = 1_000_000
	total := w.sell(1_100)
	w.bank.dumb = 1 // the answer to the first part is lost
	if _, err := w.Upload(t.Context()); err == nil {
		t.Error("a lost answer is no error")
	}
	if n := len(w.Entries(pos.StateApproved)); n != 500 {
		t.Errorf("%d are still to be uploaded", n)
	}
	done, err := w.Upload(t.Context())
	if err != nil || done.Posted != 500 {
		t.Errorf("%+v: %v", done, err)
	}
	want := []string{"post 500", "post 500", "post 100", "post 500"}
	if !slices.Equal(w.bank.calls, want) {
		t.Errorf("calls %q, want %q", w.bank.calls, want)
	}
	settled, err := w.Settle(t.Context())
	if err != nil || len(settled.Batches) != 1 || w.bank.settled[1] != (bank2{1_100, total}) {
		t.Errorf("settled %+v, bank %v: %v", settled, w.bank.settled, err)
	}
	w.wantStates()
}

// A batch may be settled again and again until the answer is heard; what is sold
// meanwhile is of the next.
func TestSettlementIsDoneOnce(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 100_000), newAccount(2, 100))
	total := w.sell(3)
	w.bank.dumb = 2 // of the upload and of the settlement
	for range 2 {
		if _, err := w.Settle(t.Context()); err == nil {
			t.Error("a lost answer is no error")
		}
		w.ends(yuan(50), pos.OfflineProved)
		w.start()
	}
	if _, err := w.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.bank.settled[1] != (bank2{3, total}) || w.bank.settled[2] != (bank2{1, 50}) || w.bank.settled[3] != (bank2{1, 50}) {
		t.Errorf("settled %v", w.bank.settled)
	}
	if settled, err := w.Settle(t.Context()); err != nil || len(settled.Batches) != 0 {
		t.Errorf("nothing is to be settled: %+v: %v", settled, err)
	}
}

// The bank's word on each tap is kept: what it does not pay is told, and is not
// in the totals.
func TestWhatTheBankDoesNotPay(t *testing.T) {
	p := newPurse(1, 5_000)
	w := newWorld(t, nil, p)
	w.ends(yuan(10), pos.OfflineProved)
	w.ends(yuan(20), pos.OfflineProved)
	w.ends(yuan(40), pos.OfflineProved)
	id := func(atc int) string { return fmt.Sprintf("%s/%d", p.pan, atc) }
	w.bank.posted[id(1)], w.bank.used[id(1)] = 10, "another cryptogram"
	w.bank.problem = bankapi.Unavailable
	if _, err := w.Upload(t.Context()); err == nil {
		t.Error("a bank that is not ready is no error")
	}
	w.bank.problem = ""
	done, err := w.Upload(t.Context())
	if err != nil || done.Posted != 2 || len(done.Disputed) != 1 {
		t.Errorf("%+v: %v", done, err)
	}
	w.wantStates(pos.Disputed, pos.Posted, pos.Posted)
	if e := w.Entries()[0]; e.Reason != bankapi.Duplicate || e.Chip != nil {
		t.Errorf("the disputed one: %+v", e)
	}
	if w.Acknowledge("T0000001-1") == nil {
		t.Error("acknowledged before the settlement")
	}
	if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[1] != (bank2{2, 60}) {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
	w.start()
	w.wantStates(pos.Disputed)
	if u := w.Unpaid(); len(u) != 1 || u[0].Receipt.Reference != "T0000001-1" {
		t.Errorf("unpaid: %v", u)
	}
	if w.Acknowledge("T0000001-2") == nil {
		t.Error("acknowledged what is not there")
	}
	if err := w.Acknowledge("T0000001-1"); err != nil {
		t.Error(err)
	}
	w.wantStates()
}

// Taps of a batch that the bank has settled without them go with the next.
func TestTapsOfASettledBatchGoWithTheNext(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.ends(yuan(10), pos.OfflineProved)
	w.bank.settled[1] = bank2{9, 9}
	if _, err := w.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.bank.settled[2] != (bank2{1, 10}) {
		t.Errorf("settled %v", w.bank.settled)
	}
	w.wantStates()
}

// A till takes the place of another with the same identification, whose batches
// the bank has settled: it goes on behind them, wherever it hears of them.
func TestATillThatReplacesAnother(t *testing.T) {
	last := func(o *pos.Options) { o.LastBatch = func(contextType) (int, error) { return 57, nil } }
	for name, tt := range map[string]struct {
		options func(*pos.Options)
		batch   int
	}{
		"it is told the first batch": {func(o *pos.Options) { o.Settings.FirstBatch = 58 }, 58},
		"it hears it from the bank":  {last, 58},
		"it finds out by trying":     {nil, 2},
	} {
		w := newWorld(t, tt.options, newPurse(1, 5_000), newAccount(2, 9_000))
		w.bank.settled[1], w.bank.settled[57] = bank2{9, 9}, bank2{9, 9}
		w.ends(yuan(6_000), pos.BankApproved)
		w.ends(yuan(10), pos.OfflineProved)
		if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[tt.batch] != (bank2{2, 6_010}) {
			t.Errorf("%s: settled %v: %v", name, w.bank.settled, err)
		}
		w.wantStates()

		w = newWorld(t, tt.options, newPurse(1, 5_000))
		w.bank.settled[1], w.bank.settled[57] = bank2{9, 9}, bank2{9, 9}
		w.ends(yuan(10), pos.OfflineProved)
		done, err := w.Settle(t.Context())
		if err != nil || len(done.Batches) != 1 || done.Batches[0].Number < tt.batch || (done.Moved == 1) == (tt.batch == 58 && name[:10] == "it is told") {
			t.Errorf("%s, offline: %+v: %v", name, done, err)
		}
		w.wantStates()
	}
}

// A bank that takes the taps in no batch is not asked for ever, and they stay.
func TestTapsThatNoBatchTakes(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000), newAccount(2, 9_000))
	w.ends(yuan(10), pos.OfflineProved)
	for n := range 20 {
		w.bank.settled[n] = bank2{9, 9}
	}
	if _, err := w.Settle(t.Context()); err == nil {
		t.Error("it has settled")
	}
	w.ends(yuan(6_000), pos.BankDeclined)
	w.wantStates(pos.StateApproved)
}

// An answer that does not fit the question changes nothing.
func TestAnUploadWithAnotherAnswer(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.sell(2)
	w.bank.forgotten = 1
	if _, err := w.Upload(t.Context()); err == nil {
		t.Error("a result that is missing is no error")
	}
	w.wantStates(pos.StateApproved, pos.StateApproved)
}

// spoilt is a bank that does not take any request with one certain tap in it.
type spoilt struct {
	*bank
	tap string
}

func (s spoilt) PostTaps(ctx contextType, r bankapi.PostTaps) (bankapi.TapsPosted, error) {
	if slices.ContainsFunc(r.Taps, func(t bankapi.Tap) bool { return t.Reference == s.tap }) {
		return bankapi.TapsPosted{}, bankapi.NewProblem(bankapi.Invalid, "")
	}
	return s.bank.PostTaps(ctx, r)
}

// One tap that spoils its part does not keep the others from being paid, and is
// not given up itself.
func TestATapThatSpoilsItsPart(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.options = func(o *pos.Options) { o.Acquirer = spoilt{w.bank, "T0000001-3"} }
	w.start()
	w.sell(7)
	done, err := w.Upload(t.Context())
	if err == nil || done.Posted != 6 {
		t.Errorf("%+v: %v", done, err)
	}
	if left := w.Entries(pos.StateApproved); len(left) != 1 || left[0].Receipt.Reference != "T0000001-3" {
		t.Errorf("left %v", left)
	}
	if _, err := w.Settle(t.Context()); err == nil || len(w.bank.settled) != 0 {
		t.Error("a batch was settled without one of its taps")
	}
}

// A reversal that waits keeps its batch from being settled, and so does a
// question that nobody has answered.
func TestNothingIsSettledBeforeItsReversals(t *testing.T) {
	w := newWorld(t, nil, newAccount(1, 5_000))
	w.ends(yuan(10), pos.BankApproved)
	w.bank.dumb = 1
	w.ends(yuan(20), pos.NoAnswer)
	w.bank.deaf = 1
	if _, err := w.Settle(t.Context()); !errors.Is(err, errLine) || len(w.bank.settled) != 0 {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
	if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[1] != (bank2{1, 10}) {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
}

// meanwhile is a bank during whose decisions something else is done.
type meanwhile struct {
	*bank
	do func()
}

func (m meanwhile) Authorize(ctx contextType, key string, r bankapi.Authorize) (bankapi.Authorization, error) {
	m.do()
	return m.bank.Authorize(ctx, key, r)
}

// A batch is not settled while the bank is being asked about one of its taps.
func TestNothingIsSettledWhileTheBankIsAsked(t *testing.T) {
	w := newWorld(t, nil, newAccount(1, 5_000))
	w.options = func(o *pos.Options) {
		o.Acquirer = meanwhile{w.bank, func() {
			if _, err := w.Settle(t.Context()); err == nil || len(w.bank.settled) != 0 {
				t.Errorf("settled %v: %v", w.bank.settled, err)
			}
		}}
	}
	w.start()
	w.ends(yuan(10), pos.BankApproved)
	if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[1] != (bank2{1, 10}) {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
}

// The journal keeps no card number longer than the bank needs it.
func TestCardNumbersAreForgotten(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000), newAccount(2, 9_000))
	has := func() (n int) {
		_ = w.journal.Each(func(_ uint64, value []byte) error {
			if containsPAN(value) {
				n++
			}
			return nil
		})
		return n
	}
	w.ends(yuan(10), pos.OfflineProved)
	if has() != 1 {
		t.Errorf("%d entries with a card number", has())
	}
	w.ends(yuan(6_000), pos.BankApproved)
	if has() != 1 {
		t.Errorf("%d entries with a card number, after an answer of the bank", has())
	}
	if _, err := w.Upload(t.Context()); err != nil || has() != 0 {
		t.Errorf("%d entries with a card number after the upload: %v", has(), err)
	}
}

// Taps, uploads, settlements and questions at once: nothing is lost or doubled.
func TestTapsAndUploadsAtOnce(t *testing.T) {
	p := newPurse(1, 100_000)
	w := newWorld(t, func(o *pos.Options) { o.Trace = nil }, p)
	var all sync.WaitGroup
	for _, do := range []func(){
		func() { _, _ = w.Tap(t.Context(), yuan(1)) },
		func() { _, _ = w.Tap(t.Context(), yuan(2)) },
		func() { _, _ = w.Upload(t.Context()) },
		func() { _, _ = w.Settle(t.Context()) },
		func() { w.Entries() },
	} {
		all.Go(func() {
			for range 40 {
				do()
			}
		})
	}
	all.Wait()
	if _, err := w.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum, count int64
	for _, b := range w.bank.settled {
		sum, count = sum+b.amount, count+b.count
	}
	if sum != 120 || count != 80 || p.balance != 100_000-120 || len(w.Entries()) != 0 {
		t.Errorf("settled %d of %d, purse %d, %d entries", sum, count, p.balance, len(w.Entries()))
	}
}

// Another currency begins another batch.
func TestABatchHasOneCurrency(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.ends(yuan(10), pos.OfflineProved)
	w.options = func(o *pos.Options) { o.Settings.Currency = "HKD" }
	w.start()
	if _, err := w.Tap(t.Context(), yuan(10)); err == nil {
		t.Error("a sale in another currency was begun")
	}
	w.options = nil
	w.start()
	w.ends(yuan(20), pos.OfflineProved)
	if entries := w.Entries(); entries[0].Batch != 1 || entries[1].Batch != 2 {
		t.Errorf("batches %d and %d", entries[0].Batch, entries[1].Batch)
	}
}

// A terminal without a bank says so, and leaves its batch open.
func TestATerminalWithoutABankDoesNotSettle(t *testing.T) {
	w := newWorld(t, offline, newPurse(1, 5_000))
	w.ends(yuan(10), pos.OfflineProved)
	if _, err := w.Settle(t.Context()); err == nil {
		t.Error("settled without a bank")
	}
	if _, err := w.Upload(t.Context()); err == nil {
		t.Error("uploaded without a bank")
	}
	w.ends(yuan(10), pos.OfflineProved)
	for _, e := range w.Entries() {
		if e.Batch != 1 {
			t.Errorf("%s is of batch %d", e.Receipt.Reference, e.Batch)
		}
	}
}

// A number that the cash register uses again is another order once the batch is
// settled, and is paid for.
func TestAnOrderIsKnownUntilItsSettlement(t *testing.T) {
	p := newPurse(1, 5_000)
	w := newWorld(t, nil, p)
	sale := yuan(10)
	sale.Order = "17"
	first := fmt.Sprintf("%s/1", p.pan) // is disputed, and stays in the journal
	w.bank.posted[first], w.bank.used[first] = 10, "another cryptogram"
	for day := range int64(3) {
		w.ends(sale, pos.OfflineProved)
		w.ends(sale, pos.AlreadyPaid)
		if _, err := w.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := p.balance, 5_000-10*(day+1); got != want {
			t.Errorf("day %d: the purse has %d, want %d", day, got, want)
		}
	}
}
