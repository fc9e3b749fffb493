package bank_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

// gated holds transactions back, so that a test says which ops are one commit.
func gated(into **gateStore) option {
	return func(w *world, c *bank.Config) {
		*into = &gateStore{Store: w.store}
		c.Store = *into
	}
}

// inOneCommit asks all of them in this order, none before the others have come.
func (w *world) inOneCommit(gate *gateStore, calls ...bank.Call) []bank.Answer {
	w.t.Helper()
	open := gate.hold()
	answers := make([]bank.Answer, len(calls))
	var all sync.WaitGroup
	all.Go(func() { w.do(bank.Self, bank.Forget{}) })
	<-gate.entered
	for i, c := range calls {
		all.Go(func() { answers[i] = w.call(c) })
		for w.bank.Stats().Queue <= i {
			time.Sleep(time.Microsecond)
		}
	}
	open()
	all.Wait()
	return answers
}

// Ops of one commit find what those before them have left, although none of it
// was there when they named their rows.
func TestTapsInOneCommit(t *testing.T) {
	var gate *gateStore
	w := newTapWorld(t, gated(&gate))
	c := w.filled(1, 10_000)
	thief := actorOf(w.newMerchant("Thief"))
	d := c.mustPay(100)
	honest := bankapi.Tap{Reference: "1", Amount: 100, Currency: "CNY", ChipData: d.Hex()}
	var got []bankapi.TapsPosted
	for _, a := range w.inOneCommit(gate,
		bank.Call{Op: w.postOp(batchOne, honest), Actor: w.shop()}, bank.Call{Op: w.postOp(batchOne, honest), Actor: w.shop()},
		bank.Call{Op: w.postOp(2, c.twin(d, 900)), Actor: w.shop()}, bank.Call{Op: w.postOp(batchOne, c.twin(d, 900)), Actor: w.shop()},
		bank.Call{Op: w.postOp(batchOne, honest), Actor: thief}, bank.Call{Op: w.settleOp(batchOne, 1, 100), Actor: w.shop()},
		bank.Call{Op: w.postOp(batchOne, honest, c.tap("late", 1)), Actor: w.shop()},
	) {
		got = append(got, read[bankapi.TapsPosted](t, a))
	}
	w.wantResult(got[0], 0, bankapi.TapPosted, "", false)
	w.wantResult(got[1], 0, bankapi.TapPosted, "", true)
	w.wantResult(got[2], 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantResult(got[3], 0, bankapi.TapDisputed, bankapi.Duplicate, true)
	w.wantResult(got[4], 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantResult(got[6], 0, bankapi.TapPosted, "", true)
	w.wantResult(got[6], 1, bankapi.TapRefused, bankapi.WrongState, false)
	w.wantMoney(90_000, 9_900, 0, 100)
}

// A load, its evidence, taps and the next load in one commit.
func TestLoadsInOneCommit(t *testing.T) {
	var gate *gateStore
	w := newTapWorld(t, gated(&gate))
	c := w.purse(1)
	first := c.loadRequest(1_000)
	undelivered := c.decline()
	friend := w.friend(500)
	second := c.loadRequest(500)
	second.Account = friend
	answers := w.inOneCommit(gate,
		bank.Call{Op: w.loadOp(first), Actor: bank.Issuer}, bank.Call{Op: w.loadOp(first), Actor: bank.Issuer},
		bank.Call{Op: w.postOp(batchOne, bankapi.Tap{Reference: "1", Amount: 1, Currency: "CNY", ChipData: undelivered.Hex()}), Actor: w.shop()},
		bank.Call{Op: w.loadOp(second), Actor: bank.Issuer},
	)
	one, two := read[bankapi.Load](t, answers[0]), read[bankapi.Load](t, answers[3])
	if answers[1].Reason != bankapi.Duplicate {
		t.Errorf("got %s", answers[1].Body)
	}
	w.wantLoad(w.storedLoad(one.ID), bankapi.LoadReturned)
	w.wantBalance(friend, 0, 0)
	w.deliver(c, two)
	// Its evidence twice, a tap, and a third.
	evidence, tap := c.decline(), c.tap("2", 20)
	third := c.loadRequest(30)
	answers = w.inOneCommit(gate,
		bank.Call{Op: w.postOp(batchOne, tap), Actor: w.shop()}, bank.Call{Op: w.resolveOp(two.ID, evidence), Actor: bank.Issuer},
		bank.Call{Op: w.loadOp(third), Actor: bank.Issuer}, bank.Call{Op: w.resolveOp(two.ID, *c.asked), Actor: bank.Issuer},
	)
	for i, a := range answers {
		if !a.OK() {
			t.Errorf("%d: %s", i, a.Body)
		}
	}
	w.wantPurse(c, 480, read[bankapi.Load](t, answers[2]).ID)
	w.wantMoney(99_970, 510, 20, 0)
}

// Online taps in one commit.
func TestAuthorizeInOneCommit(t *testing.T) {
	var gate *gateStore
	w := newTapWorld(t, gated(&gate))
	c := w.accountApplet(1)
	early, q, last := c.purchase(20), c.purchase(99_990), c.purchase(15)
	answers := w.inOneCommit(gate,
		bank.Call{Op: w.reverseOp(7, early), Actor: w.shop()}, bank.Call{Op: w.authorizeOp(batchOne, q, "CNY"), Actor: w.shop()},
		bank.Call{Op: w.authorizeOp(batchOne, early, "CNY"), Actor: w.shop()}, bank.Call{Op: w.authorizeOp(2, last, "CNY"), Actor: w.shop()},
		bank.Call{Op: w.reverseOp(3, q), Actor: w.shop()}, bank.Call{Op: w.settleOp(batchOne, 0, 0), Actor: w.shop()},
	)
	var got []string
	for _, a := range answers {
		got = append(got, string(read[struct {
			Status bankapi.TapStatus `json:"status"`
		}](t, a).Status))
	}
	if want := "[reversed approved declined declined reversed ]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	w.wantMoney(100_000, 0, 0, 0)
}

// An applet that is issued in the same commit is not known yet.
func TestIssuedInOneCommit(t *testing.T) {
	var gate *gateStore
	w := newTapWorld(t, gated(&gate))
	c := w.filled(1, 100)
	// A chip that was made before its applet was issued.
	twin := *c
	twin.digits = pursePAN(2)
	twin.pan, _ = emv.NewPAN(twin.digits)
	twin.ac, twin.mac = w.masterKey(emv.PBOC, 0xAC, &twin), w.masterKey(emv.PBOC, 0x3A, &twin)
	tap, load := twin.tap("1", 1), twin.loadRequest(10)
	r := w.purseRequest(2)
	issue := func() bank.Call { return bank.Call{Op: w.bank.Keys().NewIssueApplet(r), Actor: bank.Issuer} }
	answers := w.inOneCommit(gate, issue(), bank.Call{Op: w.postOp(batchOne, tap), Actor: w.shop()},
		bank.Call{Op: w.loadOp(load), Actor: bank.Issuer}, issue())
	if !answers[0].OK() || answers[3].Reason != bankapi.Duplicate || answers[2].Reason != bankapi.NotFound {
		t.Errorf("got %s, %s, %s", answers[0].Body, answers[3].Body, answers[2].Body)
	}
	w.wantResult(read[bankapi.TapsPosted](t, answers[1]), 0, bankapi.TapRefused, bankapi.NotFound, false)
	w.must(bank.Issuer, w.loadOp(load), nil)
}

// While an upload and a load are being committed, what rests on them is judged as
// if they were done; when that commit fails, it is judged again without them.
func TestTapsRestOnACommitAtWork(t *testing.T) {
	posted, already := bankapi.TapResult{Status: bankapi.TapPosted}, bankapi.TapResult{Status: bankapi.TapPosted, Already: true}
	disputed := bankapi.TapResult{Status: bankapi.TapDisputed, Reason: bankapi.Duplicate}
	for name, c := range map[string]struct {
		commit  error
		first   bankapi.Reason
		thief   bankapi.TapResult
		again   bankapi.TapResult
		settled bankapi.Reason
	}{
		"it succeeds": {nil, "", disputed, already, ""},
		"it fails":    {errors.New("constraint"), bankapi.Internal, posted, disputed, bankapi.TotalsDiffer},
		"it is lost":  {bank.ErrConflict, "", disputed, already, ""},
	} {
		t.Run(name, func(t *testing.T) {
			slow := &slowStore{holds: make(chan error), held: make(chan struct{})}
			w := newTapFile(t, func(w *world, c *bank.Config) { // in memory one waits for the other
				slow.Store = w.store
				c.Store = slow
			})
			if c.first == bankapi.Internal {
				w.poisoned = 1
			}
			thief := w.newMerchant("Thief")
			purse := w.filled(1, 1_000)
			tap := purse.tap("1", 100)
			var answers []chan bank.Answer
			ask := func(actor bank.Actor, op bank.Op) {
				applied := w.bank.Stats().Applied
				answer := make(chan bank.Answer, 1)
				answers = append(answers, answer)
				go func() { answer <- w.do(actor, op) }()
				for w.bank.Stats().Applied == applied {
					time.Sleep(time.Millisecond)
				}
			}
			slow.slow = true
			ask(w.shop(), w.postOp(batchOne, tap))
			<-slow.held
			ask(actorOf(thief), w.postOp(batchOne, tap))
			ask(w.shop(), w.postOp(batchOne, tap))
			ask(w.shop(), w.settleOp(batchOne, 1, 100))
			slow.holds <- c.commit
			if a := <-answers[0]; a.Reason != c.first {
				t.Errorf("got %s", a.Body)
			}
			for i, want := range []bankapi.TapResult{c.thief, c.again} {
				w.wantResult(read[bankapi.TapsPosted](t, <-answers[i+1]), 0, want.Status, want.Reason, want.Already)
			}
			if a := <-answers[3]; a.Reason != c.settled {
				t.Errorf("got %s", a.Body)
			}
			// The same with a load and what comes behind it.
			answers = nil
			load, behind := purse.loadRequest(50), purse.decline()
			slow.slow = true
			ask(bank.Issuer, w.loadOp(load))
			<-slow.held
			next := purse.loadRequest(20)
			ask(bank.Issuer, w.loadOp(next))
			slow.holds <- nil
			l, second := read[bankapi.Load](t, <-answers[0]), read[bankapi.Load](t, <-answers[1])
			w.wantLoad(w.storedLoad(l.ID), bankapi.LoadReturned)
			w.deliver(purse, second)
			w.wantLoad(w.resolve(l.ID, behind), bankapi.LoadReturned)
			w.resolve(w.applet(purse).Load, purse.decline())
			w.wantPurse(purse, 920, "")
		})
	}
}

// A bank that died behind the commit, or does not know whether it happened, gives
// the answer to whoever asks again under the key: another one, started on the
// same rows, gives the same bytes.
func TestAskedAgainAfterACrash(t *testing.T) {
	var store *trouble
	w := newTapFile(t, withTrouble(&store))
	c, account := w.filled(1, 1_000), w.accountApplet(2)
	calls := []bank.Call{
		{Op: w.postOp(batchOne, c.tap("1", 100), c.tap("2", 50)), Actor: w.shop(), IdempotencyKey: "1"},
		{Op: w.authorizeOp(batchOne, account.purchase(30), "CNY"), Actor: w.shop(), IdempotencyKey: "2"},
		{Op: w.loadOp(c.loadRequest(20)), Actor: bank.Issuer, IdempotencyKey: "3"},
		{Op: w.settleOp(batchOne, 3, 180), Actor: w.shop(), IdempotencyKey: "4"},
	}
	var first [][]byte
	for i, call := range calls {
		store.blind = 20
		store.plan(nil, []error{bank.ErrLost})
		if a := w.call(call); a.Reason != bankapi.OutcomeUnknown {
			t.Fatalf("%d: got %s", i, a.Body)
		}
		a := w.call(call)
		if !a.OK() || !a.Replayed {
			t.Errorf("%d: replayed %v, %s", i, a.Replayed, a.Body)
		}
		first = append(first, a.Body)
	}
	b := w.reopened(w.tampered(t, "UPDATE account SET name = name"))
	defer b.Close()
	for i, call := range calls {
		if a, err := b.Do(t.Context(), call); err != nil || !a.Replayed || !bytes.Equal(a.Body, first[i]) {
			t.Errorf("%d: got %s, %v", i, a.Body, err)
		}
	}
	w.wantMoney(99_000-30-20, 870, 0, 180)
}

// newTapFile is newTapWorld on a file.
func newTapFile(t *testing.T, options ...option) *world {
	t.Helper()
	return newWorld(t, append([]option{withApplets}, options...)...)
}

// Whoever changes the database without the audit key is found out. The bank has
// a purse with a load in flight, one that was resolved and one that was
// returned, an account's applet, a batch that is open and one that is settled,
// each with taps of two merchants, a reversal and a dispute.
func TestAuditFindsTamperingWithTaps(t *testing.T) {
	w := newTapFile(t)
	c, account := w.filled(1, 10_000), w.accountApplet(2)
	other := actorOf(w.newMerchant("Book Shop"))
	w.resolve(w.beginLoad(c, 50).ID, c.decline())
	w.postBy(other, batchOne, c.tap("1", 100))
	w.post(c.tap("2", 200))
	w.settle(1, 200)
	p := w.postBy(w.shop(), 2, c.tap("3", 300))
	w.postBy(w.shop(), 2, func() bankapi.Tap { c.balance += 50_000; return c.tap("4", 50_000) }())
	c.balance = 9_400
	w.authorize2(account, 70)
	q := account.purchase(30)
	w.must(w.shop(), w.authorizeOp(2, q, "CNY"), nil)
	w.must(w.shop(), w.reverseOp(2, q), nil)
	l := w.beginLoad(c, 40)
	if p.Batch.Amount != 300 || l.Status != bankapi.LoadInFlight {
		t.Fatalf("got %+v, %+v", p.Batch, l)
	}
	w.verify()
	inFlight, settled, open := "status = 'in_flight'", "settled_at <> 0", "settled_at = 0 AND merchant = '"+w.merchant.ID+"'"
	for _, c := range []struct{ name, sql, fault string }{
		{"a purse's balance", `UPDATE applet SET balance = balance + 1 WHERE kind = 'purse'`, "add up to"},
		{"whose an applet's money is", `UPDATE applet SET account = (SELECT id FROM account WHERE id <> applet.account LIMIT 1)`, "another account"},
		{"an applet's kind", `UPDATE applet SET kind = 'account' WHERE kind = 'purse'`, "another account or kind"},
		{"an applet's currency", `UPDATE applet SET currency = 'JPY'`, "another account or kind"},
		{"an applet's expiry", `UPDATE applet SET expires = 203212`, "another account or kind"},
		{"where taps lead", `UPDATE applet SET settlement = account`, "another account or kind"},
		{"where taps come from", `UPDATE applet SET float_account = account`, "another account or kind"},
		{"a block", `UPDATE applet SET status = 'blocked'`, "is blocked, but"},
		{"an applet gone", `DELETE FROM applet WHERE kind = 'account'`, "missing"},
		{"a load's end", `UPDATE purse_load SET status = 'returned', ended_at = 5 WHERE ` + inFlight, "is returned, but"},
		{"a load's beginning", `UPDATE purse_load SET status = 'in_flight', ended_at = 0 WHERE status = 'completed'`, "is in_flight, but"},
		{"a load's end without its status", `UPDATE purse_load SET ended_at = 5 WHERE ` + inFlight, "add up to"},
		{"a load's amount", `UPDATE purse_load SET amount = amount - 1 WHERE ` + inFlight, "add up to"},
		{"whose a load's money was", `UPDATE purse_load SET account = (SELECT id FROM account WHERE id <> purse_load.account LIMIT 1) WHERE ` + inFlight, "account or amount"},
		{"a load gone", `DELETE FROM purse_load WHERE ` + inFlight, "missing"},
		{"a batch's amount", `UPDATE batch SET amount = amount + 1 WHERE ` + open, "add up to"},
		{"a batch's amount, taken from another's", `UPDATE batch SET amount = amount + CASE WHEN ` + open + ` THEN 1 ELSE -1 END WHERE settled_at = 0`, "merchant"},
		{"a settled batch opened again", `UPDATE batch SET settled_at = 0, transfer = '' WHERE ` + settled, "add up to"},
		{"a batch settled without money", `UPDATE batch SET settled_at = 5 WHERE ` + open, "add up to"},
		{"a batch gone", `DELETE FROM batch WHERE ` + open, "add up to"},
		{"whose a batch is", `UPDATE batch SET merchant = (SELECT id FROM merchant WHERE id <> batch.merchant LIMIT 1) WHERE ` + open, "merchant"},
		{"a batch's currency", `UPDATE batch SET currency = 'JPY' WHERE ` + open, "add up to"},
		{"the bank's own account", `UPDATE book SET account = (SELECT id FROM account WHERE kind = 'merchant' LIMIT 1) WHERE id = 'settlement|CNY'`, "add up to"},
		{"a dispute gone", `UPDATE tap SET status = 'rejected' WHERE status = 'disputed'`, "dispute"},
		{"a dispute slipped in", `UPDATE tap SET status = 'disputed' WHERE status = 'posted'`, "dispute"},
		{"what a merchant owes", `UPDATE tap SET owed = 5 WHERE status = 'disputed'`, "dispute"},
		{"the float's balance", `UPDATE account SET credits = credits + 5 WHERE kind = 'float'`, "add up to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := bank.Verify(t.Context(), w.tampered(t, c.sql), w.keys, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(report.Faults, "\n"), c.fault) {
				t.Errorf("got %q, want one that says %q", report.Faults, c.fault)
			}
		})
	}
}

// Nobody pays online, or loads, with an applet whose row was altered, or is told
// of the account that it names.
func TestAlteredAppletPaysNothing(t *testing.T) {
	w := newTapFile(t)
	purse, account := w.filled(1, 100), w.accountApplet(2)
	q, r := account.purchase(100), purse.loadRequest(100)
	inquiry := account.ask(emv.TypeBalance, 0)
	for change, usable := range map[string]bool{
		"account = '" + w.friend(1_000) + "'": false,
		"settlement = account":                false,
		"float_account = account":             false,
		"expires = 204912":                    false,
		"label = 'X'":                         true, // the control
	} {
		b := w.reopened(w.tampered(t, "UPDATE applet SET "+change))
		pay, err := b.Do(t.Context(), bank.Call{Op: w.authorizeOp(batchOne, q, "CNY"), Actor: w.shop()})
		if err != nil || (read[bankapi.Authorization](t, pay).Status == bankapi.TapApproved) != usable {
			t.Errorf("%s: got %s, %v", change, pay.Body, err)
		}
		load, err := b.Do(t.Context(), bank.Call{Op: w.loadOp(r), Actor: bank.Issuer})
		if err != nil || load.OK() != usable || !usable && load.Reason != bankapi.AppletBlockedNow {
			t.Errorf("%s: got %s, %v", change, load.Body, err)
		}
		ask, err := b.Do(t.Context(), bank.Call{Op: w.inquireOp(inquiry), Actor: bank.Issuer})
		if err != nil || ask.OK() != usable || !usable && ask.Reason != bankapi.Unavailable {
			t.Errorf("%s: got %s, %v", change, ask.Body, err)
		}
		b.Close()
	}
}

// Money that chips have moved, or give back, does not come out of the account
// that somebody has written into a row.
func TestAlteredAppletMovesNothing(t *testing.T) {
	w := newTapFile(t)
	friend := w.friend(1_000)
	purse, loaded, account := w.filled(1, 1_000), w.filled(2, 100), w.accountApplet(3)
	l, evidence := w.beginLoad(loaded, 50), loaded.decline()
	q := account.purchase(100)
	w.authorize(q)
	tap := purse.tap("1", 70)
	calls := map[string]bank.Call{
		"tap":      {Op: w.postOp(batchOne, tap), Actor: w.shop()},
		"reversal": {Op: w.reverseOp(batchOne, q), Actor: w.shop()},
		"return":   {Op: w.resolveOp(l.ID, evidence), Actor: bank.Issuer},
		"settle":   {Op: w.settleOp(batchOne, 1, 100), Actor: w.shop()},
	}
	for _, c := range []struct{ name, sql, held string }{
		{"float", "UPDATE applet SET float_account = '" + friend + "'", "tap reversal return"},
		{"settlement", "UPDATE applet SET settlement = '" + friend + "'", "tap reversal return"},
		{"account", "UPDATE applet SET account = '" + friend + "'", "tap reversal return"},
		{"book", "UPDATE book SET account = '" + friend + "' WHERE id = 'settlement|CNY'", "settle"},
		{"control", "UPDATE applet SET label = 'X'", ""},
	} {
		for name, call := range calls {
			b := w.reopened(w.tampered(t, c.sql))
			a, err := b.Do(t.Context(), call)
			held := strings.Contains(c.held, name)
			if err != nil || a.OK() == held || held && a.Reason != bankapi.Unavailable {
				t.Errorf("%s, %s: got %s, %v", c.name, name, a.Body, err)
			}
			b.Close()
		}
	}
}

// authorize2 is an online tap in the second batch.
func (w *world) authorize2(c *chip, amount int64) {
	w.t.Helper()
	w.must(w.shop(), w.authorizeOp(2, c.purchase(amount), "CNY"), nil)
}

// Nothing the bank says, stores in clear, logs or emits has a PAN or a key in
// it, and neither has anything it says to nonsense.
func TestTapsSayNoSecret(t *testing.T) {
	w := newTapFile(t)
	var said bytes.Buffer
	ask := func(actor bank.Actor, op bank.Op) bank.Answer {
		a := w.do(actor, op)
		said.Write(a.Body)
		fmt.Fprintf(&said, "%v %+v %#v", op, op, a)
		return a
	}
	issue := w.bank.Keys().NewIssueApplet(w.purseRequest(1))
	c := w.filled(2, 1_000)
	ask(bank.Issuer, issue)
	ask(bank.Issuer, issue) // duplicate
	bad := w.purseRequest(3)
	bad.Label = ""
	ask(bank.Issuer, w.bank.Keys().NewIssueApplet(bad))
	account := w.accountApplet(4)
	q := account.purchase(100)
	ask(w.shop(), w.authorizeOp(batchOne, q, "CNY"))
	ask(w.shop(), w.authorizeOp(batchOne, q, "CNY"))
	ask(w.shop(), w.reverseOp(batchOne, q))
	inquiry := account.ask(emv.TypeBalance, 0)
	ask(bank.Issuer, w.inquireOp(inquiry))
	ask(bank.Issuer, w.inquireOp(inquiry))
	unknown := q
	unknown.data.PAN, _ = emv.NewPAN(pursePAN(5))
	ask(w.shop(), w.authorizeOp(batchOne, unknown, "CNY"))
	ask(w.shop(), w.reverseOp(batchOne, unknown))
	tap := c.tap("1", 100)
	ask(w.shop(), w.postOp(batchOne, tap, tap, bankapi.Tap{Reference: "x", Amount: 1, Currency: "CNY", ChipData: tap.ChipData[:40]}))
	r := c.loadRequest(10)
	ask(bank.Issuer, w.loadOp(r))
	ask(bank.Issuer, w.loadOp(r))
	ask(bank.Issuer, w.resolveOp("load_x", c.decline()))
	ask(bank.Issuer, w.resolveOp(w.applet(c).Load, c.decline()))
	ask(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletBlocked})
	ask(w.shop(), w.settleOp(batchOne, 9, 9))
	for _, x := range []*chip{c, account} {
		row := w.applet(x)
		fmt.Fprintf(&said, "%+v", bank.AppletView(&row))
	}
	links, err := w.store.Links(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		said.Write(l.Body)
	}
	said.WriteString(w.log.String())
	disk := w.disk(t)

	leaks := map[string]string{
		"AC root": "\xAC\xAC\xAC\xAC\xAC\xAC\xAC\xAC", "MAC root": "\x3A\x3A\x3A\x3A\x3A\x3A\x3A\x3A", "ENC root": "\xE2\xE2\xE2\xE2\xE2\xE2\xE2\xE2",
	}
	for n := 1; n <= 5; n++ {
		digits := pursePAN(n)
		leaks[fmt.Sprint("PAN ", n)], leaks[fmt.Sprint("packed PAN ", n)] = digits, string(unhex(t, digits))
	}
	for name, key := range map[string]emv.MasterKey{"AC": c.ac, "MAC": c.mac, "account's AC": account.ac, "account's MAC": account.mac} {
		leaks[name+" key"] = string(key.Secret().Reveal())
		leaks[name+" key in hex"] = hexText(key.Secret().Reveal())
	}
	for name, leak := range leaks {
		if strings.Contains(said.String(), leak) || strings.Contains(strings.ToLower(said.String()), leak) {
			t.Errorf("the %s was said", name)
		}
		if strings.Contains(disk, leak) {
			t.Errorf("the %s is on the disk", name)
		}
	}
	if !strings.Contains(said.String(), "621700******"+c.digits[12:]) || !strings.Contains(disk, "621700******"+c.digits[12:]) {
		t.Error("not even the masked number is found: what was looked through?")
	}
}

// No id, however it looks, makes an op of the tap fail.
func TestTapIdsThatLeadNowhere(t *testing.T) {
	w := newTapWorld(t)
	c, account := w.filled(1, 100), w.accountApplet(2)
	for _, id := range []string{
		"", "x", "\x00", "app_\x00", "\xff\xfe", "|", "a|b|c", strings.Repeat("a", 70_000), "'; DROP TABLE tap; --", c.id, c.id + ".0001",
		strings.ToLower(c.id), w.customer, w.merchant.ID, w.merchant.ID + "|TILL1|1",
	} {
		foreign := bank.Actor{Role: bankapi.RoleMerchant, Merchant: id}
		if id == w.merchant.ID {
			foreign = bank.Issuer
		}
		for _, x := range []struct {
			actor bank.Actor
			op    bank.Op
		}{
			{foreign, w.postOp(1, bankapi.Tap{Reference: id, Amount: 1, Currency: id, ChipData: id})},
			{w.shop(), w.bank.Keys().NewPostTaps(bankapi.PostTaps{Terminal: id + "_", Batch: 1, Taps: []bankapi.Tap{{ChipData: id}}})},
			{foreign, w.authorizeOp(1, account.purchase(1), "CNY")},
			{w.shop(), w.authorizeOp(1, account.purchase(1), id)},
			{bank.Issuer, w.bank.Keys().NewInquire(bankapi.Inquire{ChipData: id})},
			{foreign, w.inquireOp(account.ask(emv.TypeBalance, 1))},
			{w.shop(), w.bank.Keys().NewReverse(bankapi.Reverse{Terminal: "T", Batch: 1, ChipData: id})},
			{foreign, bank.SettleBatch{SettleBatch: bankapi.SettleBatch{Terminal: "T", Batch: 1, Currency: "CNY"}}},
			{w.shop(), bank.SettleBatch{SettleBatch: bankapi.SettleBatch{Terminal: "T", Batch: 1, Currency: id}}},
			{bank.Issuer, w.loadOp(bankapi.CreateLoad{Account: id + "_", Amount: 1, Currency: "CNY", ChipData: c.loadRequest(1).ChipData})},
			{bank.Issuer, w.resolveOp(id, c.decline())},
			{bank.Issuer, bank.ResolveTap{Tap: id, Request: bankapi.ResolveTap{Outcome: bankapi.Accept}}}, {bank.Issuer, bank.SetAppletStatus{Applet: id + "_", Status: bankapi.AppletBlocked}},
			{bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletStatus(id)}}, {bank.Issuer, bank.PersonalizeApplet{Applet: id + "_"}},
			{bank.Issuer, w.bank.Keys().NewIssueApplet(bankapi.IssueApplet{Kind: bankapi.AppletKind(id), Account: id, PAN: id, AID: id, Label: id, Expires: id})},
			{bank.Issuer, w.bank.Keys().NewIssueApplet(bankapi.IssueApplet{Kind: bankapi.AppletAccount, Account: id, PAN: pursePAN(9), AID: "F0736F74746F", Label: "L", Expires: "2031-12"})},
		} {
			a := w.do(x.actor, x.op)
			if _, post := x.op.(bank.PostTaps); post && a.OK() {
				if r := read[bankapi.TapsPosted](t, a).Results[0]; r.Status != bankapi.TapRefused {
					t.Errorf("%.20q: got %+v", id, r)
				}
				continue
			}
			if id == w.customer && a.OK() {
				continue // an applet of his
			}
			if a.OK() || a.Reason == bankapi.Internal {
				t.Errorf("%T of %.20q by %.30q: %s", x.op, id, x.actor, a.Body)
			}
		}
	}
	w.wantMoney(99_900, 100, 0, 0)
}

// disk is all that the store has written.
func (w *world) disk(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, suffix := range []string{"", "-wal"} {
		all.Write(readFile(t, w.path+suffix))
	}
	return all.String()
}
