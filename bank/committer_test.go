package bank_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	stdsql "database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
)

func (w *world) keyed(key string, r bankapi.CreatePayment) bank.Call {
	return bank.Call{
		Op: w.bank.Keys().NewCreatePayment(r), Actor: w.shop(), IdempotencyKey: key, Request: sha256.Sum256([]byte(r.Order)),
	}
}

// The same request with the same key happens once and is answered with the same
// bytes, also when all of them come at once.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	const same = 20
	bodies := make([][]byte, same)
	var all sync.WaitGroup
	for i := range same {
		all.Go(func() { bodies[i] = w.call(w.keyed("k1", w.request(100))).Body })
	}
	all.Wait()
	for _, b := range bodies {
		if !bytes.Equal(b, bodies[0]) {
			t.Fatalf("two answers to one request:\n%s\n%s", b, bodies[0])
		}
	}
	other := w.request(100)
	other.Order = "B-2"
	if a := w.call(w.keyed("k1", other)); a.Reason != bankapi.IdempotencyReuse {
		t.Errorf("another request under the key: %s", a.Body)
	}
	// A refusal that changed nothing is not kept, whatever the reason: nobody can
	// fill the store with them, and the key is free for another try.
	for range 4 {
		w.pay(100)
	}
	commits := w.bank.Stats().Commits
	nobody := bank.Call{Op: bank.EnrolPhone{TicketMAC: []byte{1}, PublicKey: "UX", BoxKey: make([]byte, 32), KeySource: make([]byte, 32)}, Actor: bank.Self, IdempotencyKey: "k2"}
	if a := w.call(nobody); a.Reason != bankapi.Forbidden || w.bank.Stats().Commits != commits {
		t.Errorf("a stranger's request was written: %s", a.Body)
	}
	if a := w.call(w.keyed("k2", w.request(100))); a.Reason != bankapi.Paced {
		t.Fatalf("got %s", a.Body)
	}
	w.wait(time.Hour)
	if a := w.call(w.keyed("k2", w.request(100))); !a.OK() || a.Replayed {
		t.Errorf("after the wait: %s", a.Body)
	}
	// A wrong code under a key is replayed and costs one attempt only.
	p := w.pay(100)
	confirm := bank.Call{Op: bank.ConfirmPayment{Payment: p.ID, Code: w.wrong(p.ID)}, Actor: w.shop(), IdempotencyKey: "k3"}
	for i := range 7 {
		if a := w.call(confirm); a.Reason != bankapi.WrongCode || a.Replayed != (i > 0) {
			t.Errorf("try %d: %s", i, a.Body)
		}
	}
	if got := w.payment(p.ID).Attempts; got != 1 {
		t.Errorf("%d attempts", got)
	}
	// Kept answers are forgotten after a day.
	w.wait(25 * time.Hour)
	due, err := w.store.Due(t.Context(), w.now().UnixMilli(), w.now().Add(-24*time.Hour).UnixMilli(), 100)
	if err != nil || len(due.Idempotency) == 0 {
		t.Fatalf("due: %v, %v", due, err)
	}
	w.must(bank.Self, bank.Forget{Idempotency: due.Idempotency, Dispatches: due.Dispatches}, nil)
	if a := w.call(confirm); a.Replayed {
		t.Error("a day later it is still replayed")
	}
}

// Of many confirmations at once one succeeds.
func TestConcurrentConfirms(t *testing.T) {
	w := newWorld(t)
	p := w.pay(12_800)
	code := w.code(p.ID)
	var mu sync.Mutex
	got := map[bankapi.Reason]int{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a := w.do(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: code})
			mu.Lock()
			defer mu.Unlock()
			got[a.Reason]++
		})
	}
	all.Wait()
	if got[""] != 1 || got[bankapi.WrongState] != 49 {
		t.Errorf("got %v", got)
	}
	w.wantBalance(w.customer, 87_200, 0)
}

// trouble is a store that fails in the ways a database can.
type trouble struct {
	*sqlite.Store
	mu      sync.Mutex
	commits []error // for the commits to come, before they happen
	after   []error // the same, after they have happened
	begins  int
	blind   int // times that HasLink fails
}

type troubleTx struct {
	bank.Tx
	t *trouble
}

func (t *trouble) Begin(ctx context.Context) (bank.Tx, error) {
	t.mu.Lock()
	t.begins++
	t.mu.Unlock()
	tx, err := t.Store.Begin(ctx)
	return troubleTx{tx, t}, err
}

func (x troubleTx) Commit(ctx context.Context, v *bank.View, l bank.Link) error {
	if err := x.t.next(&x.t.commits); err != nil {
		x.Rollback()
		return err
	}
	if err := x.Tx.Commit(ctx, v, l); err != nil {
		return err
	}
	return x.t.next(&x.t.after)
}

func (t *trouble) next(from *[]error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(*from) == 0 {
		return nil
	}
	err := (*from)[0]
	*from = (*from)[1:]
	return err
}

func (t *trouble) plan(commits, after []error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits, t.after, t.begins = commits, after, 0
}

func withTrouble(into **trouble) option {
	return func(w *world, c *bank.Config) {
		*into = &trouble{Store: w.store}
		c.Store = *into
	}
}

func TestStoreTrouble(t *testing.T) {
	var store *trouble
	w := newWorld(t, withTrouble(&store))
	account := bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "x", Kind: bankapi.AccountCustomer, Currency: "CNY"}}
	count := func() int {
		all, err := w.store.Accounts(t.Context(), bank.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := count()
	w.poisoned = 1 // what is refused for good
	for _, c := range []struct {
		name           string
		commits, after []error
		want           bankapi.Reason
		made, begins   int
	}{
		{"asked to try again", []error{bank.ErrConflict, bank.ErrConflict}, nil, "", 1, 3},
		{"lost before it happened", []error{bank.ErrLost}, nil, "", 1, 2},
		{"lost after it happened", nil, []error{bank.ErrLost}, "", 1, 1},
		{"refused for good", []error{errors.New("constraint")}, nil, bankapi.Internal, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := count()
			store.plan(c.commits, c.after)
			if a := w.do(bank.Issuer, account); a.Reason != c.want {
				t.Errorf("got %s", a.Body)
			}
			if made := count() - before; made != c.made || store.begins != c.begins {
				t.Errorf("%d accounts in %d transactions, want %d in %d", made, store.begins, c.made, c.begins)
			}
		})
	}
	if count() != before+3 {
		t.Errorf("%d accounts", count())
	}
}

// A commit whose outcome cannot be found out breaks nothing that comes after it,
// whether it has happened or not, and its key tells what it was.
func TestOutcomeUnknown(t *testing.T) {
	for name, happened := range map[string]bool{"it happened": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			var store *trouble
			w := newWorld(t, withTrouble(&store))
			lost := []error{bank.ErrLost}
			if store.blind = 20; happened {
				store.plan(nil, lost)
			} else {
				store.plan(lost, nil)
			}
			pay := w.keyed("k", w.request(100))
			if a := w.call(pay); a.Reason != bankapi.OutcomeUnknown || a.Replayed {
				t.Fatalf("got %s", a.Body)
			}
			a := w.call(pay)
			if !a.OK() || a.Replayed != happened {
				t.Errorf("asked again: replayed %v, %s", a.Replayed, a.Body)
			}
			w.pay(100)
		})
	}
}

func (t *trouble) HasLink(ctx context.Context, seq int64, mac []byte) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.blind > 0 {
		t.blind--
		return false, errors.New("no connection")
	}
	return t.Store.HasLink(ctx, seq, mac)
}

// In a batch that the store refuses, the others still succeed.
func TestPoisonFailsAlone(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bank.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	picky := &pickyStore{Store: store, entered: make(chan struct{}, 1), gate: make(chan struct{})}
	b, err := bank.Open(t.Context(), bank.Config{
		Store: picky, Keys: testKeys, Policy: bank.DefaultPolicy(), Now: time.Now,
		Random: rand.NewChaCha8([32]byte{1}), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	answers := make(chan bank.Answer, 40)
	ask := func(name string) {
		a, err := b.Do(t.Context(), bank.Call{Actor: bank.Issuer, Op: bank.CreateAccount{
			CreateAccount: bankapi.CreateAccount{Name: name, Kind: bankapi.AccountCustomer, Currency: "CNY"},
		}})
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}
	go ask("first") // holds the committer, so that the rest makes one batch
	<-picky.entered
	for i := range 20 {
		go ask(map[bool]string{true: "poison", false: "good"}[i == 7])
	}
	for b.Stats().Queue < 20 {
		time.Sleep(time.Millisecond)
	}
	close(picky.gate)
	failed := 0
	for range 21 {
		if a := <-answers; !a.OK() {
			failed++
		}
	}
	if s := b.Stats(); failed != 1 || s.Poisoned != 1 || picky.largest != 20 {
		t.Errorf("%d failed, %d poisoned, largest batch %d", failed, s.Poisoned, picky.largest)
	}
}

// pickyStore refuses an account by its name, and holds the first transaction.
type pickyStore struct {
	*sqlite.Store
	entered, gate chan struct{}
	once          sync.Once
	largest       int
}

type pickyTx struct {
	bank.Tx
	s *pickyStore
}

func (s *pickyStore) Begin(ctx context.Context) (bank.Tx, error) {
	s.once.Do(func() {
		s.entered <- struct{}{}
		<-s.gate
	})
	tx, err := s.Store.Begin(ctx)
	return pickyTx{tx, s}, err
}

func (x pickyTx) Commit(ctx context.Context, v *bank.View, l bank.Link) error {
	n, bad := 0, false
	v.Accounts.Changed(func(_ string, a *bank.Account, _ bool) bool {
		n++
		bad = bad || a.Name == "poison"
		return true
	})
	x.s.largest = max(x.s.largest, n)
	if bad {
		x.Rollback()
		return errors.New("constraint failed")
	}
	return x.Tx.Commit(ctx, v, l)
}

// A full queue refuses at once and says when to come again; what waits in it is
// done, also when the bank is closed meanwhile; after that it refuses all.
func TestFullQueueAndClosing(t *testing.T) {
	var gate *gateStore
	w := newWorld(t, func(w *world, c *bank.Config) {
		gate = &gateStore{Store: w.store}
		c.Store = gate
	})
	open := gate.hold()
	defer open()
	var waiting sync.WaitGroup
	var done atomic.Int64
	ask := func() {
		if a := w.do(bank.Self, bank.Forget{}); a.OK() {
			done.Add(1)
		}
	}
	waiting.Go(ask)
	<-gate.entered
	const room = 4096
	for range room {
		waiting.Go(ask)
	}
	for w.bank.Stats().Queue < room {
		time.Sleep(time.Millisecond)
	}
	if a := w.do(bank.Self, bank.Forget{}); a.Reason != bankapi.Busy || a.RetryAfter < 1 {
		t.Errorf("with a full queue: %s", a.Body)
	}
	waiting.Go(w.bank.Close)
	open()
	waiting.Wait()
	if got := done.Load(); got != room+1 {
		t.Errorf("%d of %d that waited were done", got, room+1)
	}
	if a := w.do(bank.Issuer, bank.CreateAccount{}); a.Reason != bankapi.Unavailable {
		t.Errorf("after Close: %s", a.Body)
	}
}

// Whoever changes the database without the audit key is found out.
func TestAuditFindsTampering(t *testing.T) {
	for _, c := range []struct{ name, sql, fault string }{
		{"an amount", `UPDATE transfer SET amount = amount + 1 WHERE kind = 'payment'`, "was changed"},
		{"a transfer gone", `DELETE FROM transfer WHERE kind = 'payment'`, "missing"},
		{"a balance", `UPDATE account SET credits = credits + 5 WHERE kind = 'customer'`, "balance"},
		{"a payment", `UPDATE payment SET status = 'refunded'`, "is refunded, but succeeded"},
		{"what was captured", `UPDATE payment SET captured = captured + 1`, "amounts"},
		{"the payer of a refund to come", `UPDATE payment SET payer = merchant_account`, "accounts"},
		{"a payment gone", `DELETE FROM payment`, "missing"},
		{"a payment slipped in", `INSERT INTO payment SELECT 'pay_x', status, merchant, merchant_account, card, card_number, payer, amount,
			captured, refunded, currency, payee, order_number, description, capture, return_url, delivery, dispatch, code_mac, attempts,
			reason, created_at, expires_at, ended_at FROM payment`, "knows nothing"},
		{"a card blocked", `UPDATE card SET status = 'blocked'`, "is blocked, but"},
		{"whose money a card moves", `UPDATE card SET account = (SELECT id FROM account WHERE id <> card.account LIMIT 1)`, "another account"},
		{"a card's profile", `UPDATE card SET profile = 'plain'`, "profile"},
		{"where a merchant's money goes", `UPDATE merchant SET account = (SELECT id FROM account WHERE id <> merchant.account LIMIT 1)`, "opened for it"},
		{"a card gone", `DELETE FROM card`, "missing"},
		{"a binding", `UPDATE binding SET status = 'pending'`, "is pending, but"},
		{"a phone", `UPDATE phone SET status = 'revoked'`, "is revoked, but"},
		{"a key's role", `UPDATE api_key SET role = 'issuer', merchant = ''`, "role"},
		{"a key's end", `UPDATE api_key SET revoked_at = 5`, "revoked"},
		{"a key gone", `DELETE FROM api_key`, "missing"},
		{"a hold", `UPDATE account SET held = 5 WHERE kind = 'customer'`, "holds"},
		{"a link's body", `UPDATE link SET body = CAST(replace(CAST(body AS TEXT), 'payment.succeeded', 'payment.succeedeD') AS BLOB) WHERE CAST(body AS TEXT) LIKE '%payment.succeeded%'`, "was changed"},
		{"a link gone", `DELETE FROM link WHERE seq = 3`, "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.pay(12_800)
			w.must(bank.Payer, bank.ConfirmPayment{Payment: p.ID, Code: w.code(p.ID)}, nil)
			copied := w.tampered(t, c.sql)
			report, err := bank.Verify(t.Context(), copied, w.keys, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(report.Faults, "\n"), c.fault) {
				t.Errorf("got %q, want one that says %q", report.Faults, c.fault)
			}
		})
	}
}

// tampered is a copy of the database on which this SQL was run.
func (w *world) tampered(t *testing.T, sql string) *sqlite.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(w.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := stdsql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.ExecContext(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("the tampering touched nothing: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
