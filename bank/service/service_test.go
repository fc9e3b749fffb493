package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/secret"
)

// Once closed, nothing of the service goes on, however it was open.
func TestCloseLeavesNothing(t *testing.T) {
	before := goroutines()
	h := newHouse(t)
	p, c := h.pair()
	h.onCard(h.pay(c))
	if len(strangers(before)) == 0 {
		t.Fatal("this test looks at nothing")
	}
	p.disconnect()
	h.end()
	if err := h.service.Close(t.Context()); err != nil {
		t.Errorf("closing again: %v", err)
	}
	eventually(t, "all goroutines end", func() bool { return len(strangers(before)) == 0 })
	h.open("127.0.0.1:0") // for the end of the test to close
}

// Open that fails leaves nothing running, wherever it fails.
func TestOpenFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bank.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	before := goroutines()
	for name, change := range map[string]func(*Config, *fragile){
		"dead store":     func(_ *Config, f *fragile) { f.fail(errDisk, nil) },
		"port taken":     func(c *Config, _ *fragile) { c.Bus.Listen = taken.Addr().String() },
		"no port at all": func(c *Config, _ *fragile) { c.Bus.Listen = "nowhere" },
	} {
		f := &fragile{Store: store}
		c := testConfig(t, &lines{})
		c.Store, c.Now = f, time.Now
		change(&c, f)
		if s, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: it opened", name)
			_ = s.Close(t.Context())
		}
		eventually(t, "nothing is left: "+name, func() bool { return len(strangers(before)) == 0 })
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an incomplete Config was taken")
			}
		}()
		c := testConfig(t, &lines{})
		_, _ = Open(t.Context(), c)
	}()
}

// goroutines are the ids of all that there are.
func goroutines() map[string]bool {
	ids := map[string]bool{}
	for id := range stacks() {
		ids[id] = true
	}
	return ids
}

func stacks() map[string]string {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	out := map[string]string{}
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		head, body, _ := strings.Cut(stack, "\n")
		id, _, _ := strings.Cut(strings.TrimPrefix(head, "goroutine "), " ")
		out[id] = body
	}
	return out
}

// strangers are goroutines that were not there before, without those of a
// client's connections that are kept for a while.
func strangers(before map[string]bool) (out []string) {
	for id, stack := range stacks() {
		if !before[id] && !strings.Contains(stack, "net/http.(*persistConn)") && !strings.Contains(stack, "phone.(*Phone)") {
			out = append(out, stack)
		}
	}
	return out
}

var testClient = &http.Client{Timeout: patience}

// /readyz says no when the store can no longer be read, or no longer written,
// and yes when it can again.
func TestReady(t *testing.T) {
	h := newHouse(t)
	ready := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := testClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.StatusCode
	}
	links := len(may(h.store.Store.Links(t.Context(), 0, 1000))(t))
	for _, c := range []struct {
		name               string
		reading, beginning error
		want               int
	}{
		{"all is well", nil, nil, http.StatusOK},
		{"nothing can be read", errDisk, nil, http.StatusServiceUnavailable},
		{"nothing can be written", nil, errDisk, http.StatusServiceUnavailable},
		{"lost", nil, bank.ErrLost, http.StatusServiceUnavailable},
		{"all is well again", nil, nil, http.StatusOK},
	} {
		h.store.fail(c.reading, c.beginning)
		if got := ready(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if n := len(may(h.store.Store.Links(t.Context(), 0, 1000))(t)); n != links {
		t.Errorf("asking wrote %d links", n-links)
	}
	closed := &Service{c: Config{Store: h.store}, Bank: may(bank.Open(t.Context(), bank.Config{Store: h.store, Keys: testKeys}))(t)}
	closed.Bank.Close()
	if closed.ready(t.Context()) == nil {
		t.Error("a bank that is closed is ready")
	}
}

// A store that hangs is noticed too.
func TestReadyWhenTheStoreHangs(t *testing.T) {
	h := newHouse(t)
	release := h.store.hang()
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := h.service.ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a store that hangs: %v", err)
	}
	release()
	if err := h.service.ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestIssuerKeyWorks(t *testing.T) {
	h := newHouse(t)
	actor, ok, err := h.service.Gate.Enter(t.Context(), may(h.service.CreateIssuerKey(t.Context()))(t))
	if err != nil || !ok || actor != bank.Issuer {
		t.Errorf("%v %v %v", actor, ok, err)
	}
	if _, ok, _ := h.service.Gate.Enter(t.Context(), secret.New([]byte("sk_"))); ok {
		t.Error("no key at all was let in")
	}
}

// manual ends what works in the background, so that a test can do it itself.
func (h *house) manual() *sweeper {
	h.service.stop()
	h.service.running.Wait()
	return &sweeper{bank: h.service.Bank, now: h.now, log: h.config.Log}
}

func (h *house) do(actor bank.Actor, op bank.Op, key string) bank.Answer {
	h.t.Helper()
	a := may(h.service.Bank.Do(h.t.Context(), bank.Call{Op: op, Actor: actor, IdempotencyKey: key}))(h.t)
	if !a.OK() {
		h.t.Fatalf("%T: %s", op, a.Body)
	}
	return a
}

// payMany makes n payments at once.
func (h *house) payMany(c *plastic, n int) {
	h.t.Helper()
	op := h.service.Bank.Keys().NewCreatePayment(bankapi.CreatePayment{Card: c.id, Amount: 100, Currency: "CNY"})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			h.do(bank.Actor{Role: bankapi.RoleMerchant, Merchant: h.merchant.ID}, op, "key-"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
		})
	}
	all.Wait()
}

// count counts payments by state, and dispatches of a phone.
func (h *house) count(phone string) (states map[bankapi.PaymentStatus]int, dispatches int) {
	h.t.Helper()
	states = map[bankapi.PaymentStatus]int{}
	for _, p := range may(h.store.Payments(h.t.Context(), "", bank.Page{Limit: 1000}))(h.t) {
		states[bankapi.PaymentStatus(p.Status)]++
	}
	return states, len(may(h.store.Store.Waiting(h.t.Context(), phone, 0))(h.t))
}

// The sweeper ends what is due and nothing else: more than one portion of
// payments, their dispatches, and a binding.
func TestSweep(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	s := h.manual()
	const n = 2*sweepMax + 50
	h.payMany(c, n)
	binding := may(h.issuer.Bind(t.Context(), bankapi.Bind{Card: c.id, Phone: p.id}))(t)
	h.pass(170 * time.Second)
	late := h.pay(c)
	s.sweep(t.Context())
	if states, dispatches := h.count(p.id); states[bankapi.AwaitingCode] != n+1 || dispatches != n+2 {
		t.Errorf("early: %v and %d dispatches", states, dispatches)
	}
	h.pass(15 * time.Second)
	s.sweep(t.Context())
	if states, dispatches := h.count(p.id); states[bankapi.AwaitingCode] != 1 || states[bankapi.Expired] != n || dispatches != 2 {
		t.Errorf("in time: %v and %d dispatches", states, dispatches)
	}
	if got := may(h.shop.Payment(t.Context(), late.ID))(t).Status; got != bankapi.AwaitingCode {
		t.Errorf("the last one is %s", got)
	}
	h.pass(10 * time.Minute)
	s.sweep(t.Context())
	if got := may(h.issuer.Binding(t.Context(), binding.ID))(t).Status; got != bankapi.BindingFailed {
		t.Errorf("the binding is %s", got)
	}
	if states, dispatches := h.count(p.id); states[bankapi.Expired] != n+1 || dispatches != 0 {
		t.Errorf("late: %v and %d dispatches", states, dispatches)
	}
}

// Answers are kept for replays as long as the policy says.
func TestSweepForgetsAnswers(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	s := h.manual()
	h.payMany(c, sweepMax+50)
	kept := func() int {
		later := h.now().Add(100 * time.Hour).UnixMilli()
		return len(may(h.store.Due(t.Context(), 0, later, 1000))(t).Idempotency)
	}
	all := kept()
	h.pass(24*time.Hour - time.Minute)
	s.sweep(t.Context())
	if got := kept(); got != all || all < sweepMax+50 {
		t.Errorf("%d of %d answers are kept within the time", got, all)
	}
	h.pass(time.Hour)
	s.sweep(t.Context())
	if got := kept(); got != 0 {
		t.Errorf("%d of %d answers are kept for ever", got, all)
	}
}

// A store that fails is asked once a tick, not in a circle, and all that is due
// ends when it works again.
func TestSweepSurvivesTheStore(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	s := h.manual()
	const n = sweepMax + 50
	h.payMany(c, n)
	h.pass(time.Hour)
	for _, fault := range [][2]error{{errDisk, nil}, {nil, errDisk}, {nil, bank.ErrLost}} {
		h.store.fail(fault[0], fault[1])
		before := strings.Count(h.log.String(), "run out of time")
		s.sweep(t.Context())
		if got := strings.Count(h.log.String(), "run out of time") - before; got != 1 {
			t.Errorf("%v: %d complaints in one sweep", fault, got)
		}
	}
	h.store.fail(nil, nil)
	s.sweep(t.Context())
	if states, _ := h.count(p.id); states[bankapi.Expired] != n {
		t.Errorf("%v", states)
	}
}

// A clock that is set back between look and op ends nothing, and no circle.
func TestSweepWithAClockThatJumps(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	s := h.manual()
	h.payMany(c, sweepMax)
	s.now = func() time.Time { return h.now().Add(time.Hour) } // and the bank's is behind
	before := h.store.begun
	s.sweep(t.Context())
	if n := h.store.begun - before; n < 2 || n > 200 {
		t.Errorf("%d transactions in one sweep", n)
	}
	if states, _ := h.count(p.id); states[bankapi.AwaitingCode] != sweepMax {
		t.Errorf("%v", states)
	}
}

// The service's own sweeper works without being asked.
func TestPaymentExpires(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	payment := h.pay(c)
	h.pass(time.Hour)
	eventually(t, "it expires", func() bool {
		return may(h.shop.Payment(t.Context(), payment.ID))(t).Status == bankapi.Expired
	})
	if got := h.events(payment.ID); !slices.Equal(got, []string{"payment.created", "payment.expired"}) {
		t.Errorf("events %v", got)
	}
}
