package bank_test

import (
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

// Any sequence of loads that die anywhere, taps at several tills, uploads late,
// twice, in any order, by thieves and by tills that tear what they then bring,
// disputes and how they end, online taps, reversals and settlements
// leaves all money where the chips, tills and answers say that it is; after
// every step, to the last minor unit.
func TestTapsAgreeWithTheirModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTapModel(t)
		defer m.end()
		for range rapid.IntRange(40, 200).Draw(t, "rounds") {
			if rapid.IntRange(0, 4).Draw(t, "together") == 4 {
				m.together()
			} else {
				m.alone(m.draw())
			}
			m.audit()
		}
	})
}

// tapModel is the world outside of the bank: what chips really hold, what tills
// have, and what the bank has been told and has answered. It asks the bank's
// rules nothing.
type tapModel struct {
	*world
	t    *rapid.T
	gate *gateStore

	holders   []*mHolder
	purses    []*mPurse
	debits    []*mDebit
	shops     []*mShop
	tills     []*mTill
	questions []*mQuestion
	kept      []mAnswer
	calls     int
	lost      map[string]int64 // by currency: what is owed to the bank, or was paid by it, for disputes
}

// mHolder is a customer with an account.
type mHolder struct {
	id, currency, vault string
	balance             int64
}

// mPurse is a purse in somebody's hand.
type mPurse struct {
	*chip
	holder   *mHolder
	blocked  bool
	expires  time.Time
	seen     uint16 // highest counter that the bank has acted upon
	load     *mLoad // that the bank waits to hear of
	used     map[uint16]bool
	withheld []mRequest // ARQCs of which the bank has not heard

	before map[uint16]int64 // what the purse held before each of its transactions
	took   map[uint16]bool  // those in which it was loaded
	told   map[uint16]bool  // those that the bank has heard
}

// mRequest is an ARQC for a load, in a reader's hand.
type mRequest struct {
	bankapi.CreateLoad
	atc  uint16
	told int64 // balance
}

type mLoad struct {
	id     string
	amount int64
	atc    uint16
	payer  *mHolder
	took   bool // the purse has executed it
}

// mDebit is an applet whose money is at the bank.
type mDebit struct {
	*chip
	holder  *mHolder
	blocked bool
	seen    uint16 // highest counter that the bank has acted upon
}

type mShop struct {
	bankapi.Merchant
	currency string
	paid     int64
}

// mTill is a terminal, with what it has for the bank.
type mTill struct {
	shop     *mShop
	terminal string
	batch    int
	count    int64
	amount   int64
	disputed int64
	closed   map[int][2]int64 // count and amount of its settled batches
	taps     []*mTap          // all it ever made, uploaded or not
}

// mTap is money that has left a purse, or seemed to.
type mTap struct {
	bankapi.Tap
	purse  *mPurse
	atc    uint16
	torn   bool   // it has not
	till   *mTill // that has brought it first
	batch  int
	paid   bool   // and the purse's money is gone, as far as the bank knows
	stolen *mShop // whose claim to it is in dispute, or was
	owed   bool
	ended  map[string]bankapi.Outcome // of its disputes, by their ids
}

// mQuestion is an ARQC of an account's applet.
type mQuestion struct {
	online
	debit  *mDebit
	till   *mTill
	batch  int
	status bankapi.TapStatus // "" until the bank has heard of it
}

// mAnswer is a call that was done, to be asked again.
type mAnswer struct {
	call   bank.Call
	answer bank.Answer
}

func newTapModel(t *rapid.T) *tapModel {
	m := &tapModel{t: t, lost: map[string]int64{}}
	m.world = openWorld(t, sqlite.Memory, withApplets, func(w *world, c *bank.Config) {
		m.gate = &gateStore{Store: w.store}
		c.Store = m.gate
		c.Random = rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, rapid.Uint64().Draw(t, "seed"))))
	})
	m.furnishTaps()
	return m
}

// end is the audit.
func (m *tapModel) end() {
	if m.t.Failed() {
		m.bank.Close()
		_ = m.store.Close()
		return
	}
	m.audit()
	m.close()
}

func (m *tapModel) furnishTaps() {
	open := func(name string, kind bankapi.AccountKind, currency string) string {
		var a bankapi.Account
		m.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: name, Kind: kind, Currency: currency}}, &a)
		return a.ID
	}
	for _, currency := range []string{"CNY", "JPY"} {
		vault := open("Vault", bankapi.AccountInternal, currency)
		for _, name := range []string{"Li Wei", "Han Mei"} {
			h := &mHolder{id: open(name, bankapi.AccountCustomer, currency), currency: currency, vault: vault}
			m.holders = append(m.holders, h)
			m.alone(m.fundStep(h, 60_000))
		}
	}
	for i, h := range []int{0, 1, 2, 0} {
		r := m.appletRequest(i+1, m.holders[h])
		r.Kind, r.BalanceMax = bankapi.AppletPurse, 30_000
		p := &mPurse{
			holder: m.holders[h], used: map[uint16]bool{}, before: map[uint16]int64{}, took: map[uint16]bool{}, told: map[uint16]bool{},
		}
		p.expires = time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC)
		if i == 3 {
			r.Expires, p.expires = "2027-02", time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
		}
		p.chip = m.issue(r)
		m.purses = append(m.purses, p)
	}
	for i, h := range []int{0, 3} {
		m.debits = append(m.debits, &mDebit{chip: m.issue(m.appletRequest(10+i, m.holders[h])), holder: m.holders[h]})
	}
	for i, currency := range []string{"CNY", "CNY", "JPY"} {
		m.shops = append(m.shops, &mShop{Merchant: m.merchantIn(currency, byte(i+1)), currency: currency})
	}
	for i, shop := range []int{0, 0, 1, 2} {
		m.tills = append(m.tills, &mTill{shop: m.shops[shop], terminal: fmt.Sprint("TILL", i), batch: 1, closed: map[int][2]int64{}})
	}
}

func (m *tapModel) appletRequest(n int, h *mHolder) bankapi.IssueApplet {
	return bankapi.IssueApplet{
		Kind: bankapi.AppletAccount, Account: h.id, PAN: pursePAN(n), AID: "F0736F74746F", Label: "L", Expires: "2031-12",
	}
}

// alone does one op, if the step needs the bank.
func (m *tapModel) alone(s step) {
	if s.call.Op != nil {
		m.learnFrom(s, m.ask(s.call))
	}
}

func (m *tapModel) ask(c bank.Call) bank.Answer {
	a, err := m.bank.Do(context.Background(), c)
	if err != nil {
		panic(err)
	}
	return a
}

func (m *tapModel) learnFrom(s step, a bank.Answer) {
	if want := s.rule(a); a.Reason != want || a.Replayed {
		m.t.Fatalf("%s: got %q %s, want %q", s.name, a.Reason, a.Body, want)
	}
	if a.OK() && s.call.IdempotencyKey != "" {
		m.kept = append(m.kept, mAnswer{s.call, a})
	}
}

// together does some ops in one commit.
func (m *tapModel) together() {
	var steps []step
	for range rapid.IntRange(2, 8).Draw(m.t, "size") {
		if s := m.draw(); s.call.Op != nil {
			steps = append(steps, s)
		}
	}
	open := m.gate.hold()
	answers := make([]bank.Answer, len(steps))
	var all sync.WaitGroup
	all.Go(func() { m.ask(bank.Call{Op: bank.Forget{}, Actor: bank.Self}) })
	<-m.gate.entered
	for i, s := range steps {
		all.Go(func() { answers[i] = m.ask(s.call) })
		for m.bank.Stats().Queue <= i {
			time.Sleep(time.Microsecond)
		}
	}
	open()
	all.Wait()
	for i, s := range steps {
		m.learnFrom(s, answers[i])
	}
}

// audit looks where the money is. It is in accounts, on chips, in tills, or on
// its way; and everything that is written about it agrees.
func (m *tapModel) audit() {
	m.t.Helper()
	want := map[string]int64{}
	for _, h := range m.holders {
		want[h.id] = h.balance
	}
	for _, s := range m.shops {
		want[s.Account] = s.paid
	}
	for _, p := range m.purses {
		a := m.applet(p.chip)
		float, booked := p.balance, p.balance
		for _, till := range m.tills {
			for _, tap := range till.taps {
				switch {
				case tap.purse != p || tap.paid != tap.torn:
				case tap.torn:
					float, booked = float-tap.Amount, booked-tap.Amount
				default:
					float, booked = float+tap.Amount, booked+tap.Amount
				}
			}
		}
		switch {
		case p.load != nil && p.load.took:
			booked -= p.load.amount
		case p.load != nil:
			float += p.load.amount
		}
		want[a.Float] += float
		if a.Balance != booked || (p.load == nil) != (a.Load == "") || p.load != nil && a.Load != p.load.id {
			m.t.Fatalf("the bank takes %s to hold %d with load %q in flight, want %d with %+v", p.digits[12:], a.Balance, a.Load, booked, p.load)
		}
		if a.ATC != int64(p.seen) {
			m.t.Fatalf("the highest counter of %s is %d, want %d", p.digits[12:], a.ATC, p.seen)
		}
	}
	for currency, lost := range m.lost {
		want[m.book(bankapi.AccountDisputes, currency)] = -lost
	}
	for _, till := range m.tills {
		want[m.book(bankapi.AccountSettlement, till.shop.currency)] += till.amount
		m.auditBatch(till)
	}
	m.auditAccounts(want)
}

func (m *tapModel) auditBatch(till *mTill) {
	b, err := m.store.Batch(context.Background(), fmt.Sprintf("%s|%s|%d", till.shop.ID, till.terminal, till.batch))
	if err != nil {
		b = bank.Batch{}
	}
	if b.Count != till.count || b.Amount != till.amount || b.Disputed != till.disputed || b.SettledAt != 0 {
		m.t.Fatalf("%s: batch %d has %d taps of %d and %d disputes, want %d of %d and %d", till.terminal, till.batch, b.Count, b.Amount, b.Disputed, till.count, till.amount, till.disputed)
	}
}

func (m *tapModel) auditAccounts(want map[string]int64) {
	sum := map[string]int64{}
	accounts, err := m.store.Accounts(context.Background(), bank.Page{Limit: 1000})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, a := range accounts {
		has := a.Credits - a.Debits
		sum[a.Currency] += has
		if w, known := want[a.ID]; has != w && (known || a.Kind != string(bankapi.AccountInternal)) {
			m.t.Fatalf("%s account %q in %s holds %d, want %d", a.Kind, a.Name, a.Currency, has, w)
		}
		if a.Held != 0 {
			m.t.Fatalf("%d is held", a.Held)
		}
	}
	for currency, s := range sum {
		if s != 0 {
			m.t.Fatalf("%s sums to %d", currency, s)
		}
	}
}
