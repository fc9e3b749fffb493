package bank_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
)

// Any sequence of ops, alone or many in one batch, has the outcome that a small
// model of the bank foresees: reasons, balances, holds, states, which code is
// valid, attempts, locks, budgets, replays. The model (model_rules_test.go) is
// written from the promises and shares no code with the rules.
func TestBankAgreesWithItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		defer m.end()
		for range rapid.IntRange(40, 200).Draw(t, "rounds") {
			if rapid.IntRange(0, 5).Draw(t, "together") == 5 {
				m.together()
			} else {
				m.alone()
			}
			m.compare()
		}
	})
}

// modelPolicy has small numbers, so that short sequences reach every limit.
// Clocks move in whole seconds, at which no budget has to be rounded.
var modelPolicy = bank.Policy{
	PublicURL: "http://127.0.0.1", CodeLifetime: 60_000, PaymentLifetime: 150_000, HoldLifetime: 300_000, BindLifetime: 100_000,
	LongCodeFrom: 5_000, AttemptsMax: 3, PairFailuresMax: 4, CardFailuresMax: 6, CardLock: 200_000,
	PairBurst: 3, PairInterval: 20_000, CardBurst: 4, CardInterval: 10_000, IdempotencyKept: 1_000_000,
}

// step is one op and what the model makes of it.
type step struct {
	name string
	call bank.Call
	// rule foresees the reason and moves the model on. It gets the answer only
	// to learn from it what is random: ids.
	rule func(a bank.Answer) bankapi.Reason
}

type model struct {
	*world
	t     *rapid.T
	gate  *gateStore
	now   int64
	read  int // messages of the outbox that the model knows of
	names int // of phones made so far
	// changes counts what has come of ops that were refused.
	changes int

	accounts  []*mAccount
	cards     []*mCard
	phones    []*mPhone
	merchants []*mMerchant
	pairs     map[[2]any]*mPair
	payments  []*mPayment
	bindings  []*mBinding
	sent      []*mDispatch
	kept      map[string]*mKept
}

func newModel(t *rapid.T) *model {
	m := &model{t: t, pairs: map[[2]any]*mPair{}, kept: map[string]*mKept{}}
	m.world = openWorld(t, sqlite.Memory, func(w *world, c *bank.Config) {
		m.gate = &gateStore{Store: w.store}
		c.Store, c.Policy = m.gate, modelPolicy
		seed := rapid.Uint64().Draw(t, "seed")
		c.Random = rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, seed)))
	})
	m.now = m.world.now().UnixMilli()
	m.furnishModel()
	return m
}

// end is the audit.
func (m *model) end() {
	if m.t.Failed() {
		m.bank.Close()
		_ = m.store.Close()
		return
	}
	m.compare()
	m.once()
	m.close()
}

// once looks for what no payment may have: two transfers.
func (m *model) once() {
	all, err := m.store.Transfers(context.Background(), "", bank.Page{Limit: 1000})
	if err != nil {
		m.t.Fatal(err)
	}
	paid := map[string]int{}
	for _, t := range all {
		if t.Kind == string(bankapi.TransferPayment) {
			if paid[t.Payment]++; paid[t.Payment] > 1 {
				m.t.Errorf("payment %s was made twice", t.Payment)
			}
		}
	}
}

// alone does one op, or moves the clock.
func (m *model) alone() {
	switch rapid.IntRange(0, 19).Draw(m.t, "alone") {
	case 19, 18, 17:
		m.tick(rapid.Int64Range(1, 30).Draw(m.t, "seconds"))
	case 16:
		m.tick(rapid.SampledFrom([]int64{0, -3, -20, 60, 100, 150, 200, 300, 1001}).Draw(m.t, "seconds"))
	case 15:
		m.sweep()
	default:
		s := m.draw()
		m.settle(s, m.callOf(s))
	}
}

// together does some ops as one batch: each finds what those before it have
// left, though none of that is committed.
func (m *model) together() {
	steps := make([]step, rapid.IntRange(2, 12).Draw(m.t, "size"))
	for i := range steps {
		if steps[i] = m.draw(); i > 0 && rapid.IntRange(0, 4).Draw(m.t, "again") == 0 {
			steps[i] = steps[i-1]
		}
	}
	open := m.gate.hold()
	answers := make([]bank.Answer, len(steps))
	var all sync.WaitGroup
	all.Go(func() { m.callOf(step{call: bank.Call{Op: bank.Forget{}, Actor: bank.Self}}) })
	<-m.gate.entered
	for i, s := range steps {
		all.Go(func() { answers[i] = m.callOf(s) })
		for m.bank.Stats().Queue <= i {
			time.Sleep(time.Microsecond)
		}
	}
	open()
	all.Wait()
	for i, s := range steps {
		m.settle(s, answers[i])
	}
}

func (m *model) callOf(s step) bank.Answer {
	a, err := m.bank.Do(context.Background(), s.call)
	if err != nil {
		panic(err)
	}
	return a
}

// settle holds an answer against the model.
func (m *model) settle(s step, a bank.Answer) {
	m.t.Helper()
	key := ""
	if s.call.IdempotencyKey != "" {
		key = fmt.Sprint(s.call.Actor, s.call.IdempotencyKey)
	}
	if was := m.kept[key]; key != "" && was != nil {
		switch {
		case was.request != s.call.Request:
			if a.Reason != bankapi.IdempotencyReuse {
				m.t.Fatalf("%s: a key was used for two requests: %s", s.name, a.Body)
			}
		case !a.Replayed || a.Reason != was.answer.Reason || !bytes.Equal(a.Body, was.answer.Body):
			m.t.Fatalf("%s: not replayed: %s", s.name, a.Body)
		}
		return
	}
	changes := m.changes
	want := s.rule(a)
	if a.Reason != want || a.Replayed {
		m.t.Fatalf("%s: got %q %s, want %q", s.name, a.Reason, a.Body, want)
	}
	if key != "" && (a.OK() || m.changes > changes) { // else it is as if it had not been asked
		m.kept[key] = &mKept{s.call.Request, a, m.now}
	}
}

func (m *model) tick(seconds int64) {
	m.wait(time.Duration(seconds) * time.Second)
	m.now += seconds * 1000
}

// sweep is what the sweeper does.
func (m *model) sweep() {
	due, err := m.store.Due(context.Background(), m.now, m.now-modelPolicy.IdempotencyKept, 1000)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, op := range []bank.Op{
		bank.Expire{Payments: due.Payments, Bindings: due.Bindings}, bank.Forget{Dispatches: due.Dispatches, Idempotency: due.Idempotency},
	} {
		if a := m.callOf(step{call: bank.Call{Op: op, Actor: bank.Self}}); !a.OK() {
			m.t.Fatalf("%T: %s", op, a.Body)
		}
	}
	m.ruleSweep()
}

// gateStore holds a transaction back, so that ops gather behind it.
type gateStore struct {
	*sqlite.Store
	mu            sync.Mutex
	entered, gate chan struct{}
}

func (g *gateStore) hold() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gate := make(chan struct{})
	g.entered, g.gate = make(chan struct{}), gate
	return sync.OnceFunc(func() { close(gate) })
}

func (g *gateStore) Begin(ctx context.Context) (bank.Tx, error) {
	g.mu.Lock()
	entered, gate := g.entered, g.gate
	g.gate = nil
	g.mu.Unlock()
	if gate != nil {
		close(entered)
		<-gate
	}
	return g.Store.Begin(ctx)
}
