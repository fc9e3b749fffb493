package bank_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// world is a bank on a real database with one customer, card, phone and
// merchant, a clock that the test moves, and all that the bank has sent.
type world struct {
	t      tester
	bank   *bank.Bank
	store  *sqlite.Store
	path   string
	keys   bank.Secrets
	log    bytes.Buffer
	mu     sync.Mutex
	clock  time.Time
	outbox []bank.Dispatch
	events []bankapi.Event

	internal, customer string
	merchant           bankapi.Merchant
	card               bankapi.Card
	phone              bankapi.Phone
	profile            dyncode.Profile
	poisoned           int64 // ops that a test lets fail
}

// tester is what a test and a sequence of rapid's have in common.
type tester interface {
	rapid.TB
	Context() context.Context
}

var testKeys = func() bank.Secrets {
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	return bank.Secrets{
		IssuerMaster: key(1), CodePepper: key(2), PANEncryption: key(3), PANLookup: key(4),
		PhoneTransport: key(5), APIKeys: key(6), Audit: key(7),
	}
}()

const testPAN = "6217000010000000011"

type option func(*world, *bank.Config)

func withProfile(p dyncode.Profile) option { return func(w *world, _ *bank.Config) { w.profile = p } }

func withPolicy(change func(*bank.Policy)) option {
	return func(_ *world, c *bank.Config) { change(&c.Policy) }
}

// newWorld opens a bank whose card is bound and proven, with CNY 1000.00.
func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := openWorld(t, filepath.Join(t.TempDir(), "bank.db"), options...)
	t.Cleanup(w.close)
	w.furnish()
	return w
}

// openWorld opens a bank with nothing in it.
func openWorld(t tester, path string, options ...option) *world {
	t.Helper()
	w := &world{t: t, path: path, keys: testKeys, clock: time.UnixMilli(1_800_000_000_000), profile: dyncode.CardSealed}
	store, err := sqlite.Open(t.Context(), w.path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	c := bank.Config{
		Store: store, Keys: testKeys, Policy: bank.DefaultPolicy(), Now: w.now,
		Random: rand.NewChaCha8([32]byte{9}), Log: slog.New(slog.NewTextHandler(&w.log, nil)), Committed: w.committed,
	}
	for _, o := range options {
		o(w, &c)
	}
	if w.bank, err = bank.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return w
}

// close ends a test with the audit. No op may have failed that was not meant to.
func (w *world) close() {
	w.bank.Close()
	w.verify()
	if got := w.bank.Stats().Poisoned; got != w.poisoned {
		w.t.Errorf("%d ops failed, want %d:\n%s", got, w.poisoned, w.log.String())
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func (w *world) committed(c bank.Committed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outbox = append(w.outbox, c.Dispatches...)
	w.events = append(w.events, c.Events...)
}

func (w *world) furnish() {
	w.t.Helper()
	var a bankapi.Account
	w.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Vault", Kind: bankapi.AccountInternal, Currency: "CNY"}}, &a)
	w.internal = a.ID
	w.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY"}}, &a)
	w.customer = a.ID
	w.must(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: w.internal, Credit: w.customer, Amount: 100_000, Currency: "CNY"}}, nil)
	w.merchant = w.newMerchant("Tea House")
	w.must(bank.Issuer, w.bank.Keys().NewIssueCard(bankapi.IssueCard{
		Account: w.customer, PAN: testPAN, Holder: "LI WEI", Profile: w.profile.String(),
	}), &w.card)
	w.phone = w.newPhone("Li Wei's phone", 1)
	b := w.bind(w.phone)
	w.must(bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: w.code(b.ID)}, nil)
}

func (w *world) newMerchant(name string) bankapi.Merchant {
	w.t.Helper()
	var m bankapi.Merchant
	_, key, err := w.bank.Keys().DrawKey(w.now().UnixMilli(), rand.NewChaCha8([32]byte(sha256.New().Sum([]byte(name + "________________________________"))[:32])))
	if err != nil {
		w.t.Fatal(err)
	}
	w.must(bank.Issuer, bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: name, Currency: "CNY"}, Key: key}, &m)
	return m
}

func (w *world) newPhone(name string, n byte) bankapi.Phone {
	w.t.Helper()
	var p bankapi.Phone
	ticket := w.bank.Keys().TicketMAC(secret.New([]byte{n}))
	w.must(bank.Issuer, bank.InvitePhone{InvitePhone: bankapi.InvitePhone{Name: name}, TicketMAC: ticket}, &p)
	w.must(bank.Self, bank.EnrolPhone{TicketMAC: ticket, PublicKey: fmt.Sprint("U", n), BoxKey: bytes.Repeat([]byte{n}, 32), KeySource: bytes.Repeat([]byte{n}, 32)}, &p)
	return p
}

func (w *world) bind(p bankapi.Phone) bankapi.Binding {
	w.t.Helper()
	var b bankapi.Binding
	w.must(bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: w.card.ID, Phone: p.ID}}, &b)
	return b
}

func (w *world) shop() bank.Actor {
	return bank.Actor{Role: bankapi.RoleMerchant, Merchant: w.merchant.ID}
}

// do asks the bank once.
func (w *world) do(actor bank.Actor, op bank.Op) bank.Answer {
	w.t.Helper()
	return w.call(bank.Call{Op: op, Actor: actor})
}

func (w *world) call(c bank.Call) bank.Answer {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := w.bank.Do(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// must asks the bank and reads its answer.
func (w *world) must(actor bank.Actor, op bank.Op, into any) {
	w.t.Helper()
	a := w.do(actor, op)
	if !a.OK() {
		w.t.Fatalf("%T: %s", op, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refused asks for what the bank must not do.
func (w *world) refused(want bankapi.Reason, actor bank.Actor, op bank.Op) bankapi.Problem {
	w.t.Helper()
	a := w.do(actor, op)
	if a.Reason != want {
		w.t.Fatalf("%T: got %q %s, want %q", op, a.Reason, a.Body, want)
	}
	return *a.Problem()
}

func (w *world) request(amount int64) bankapi.CreatePayment {
	return bankapi.CreatePayment{Card: w.card.ID, Amount: amount, Currency: "CNY", Order: "A-1001", Description: "Green tea"}
}

func (w *world) pay(amount int64) bankapi.Payment {
	w.t.Helper()
	return w.payWith(w.request(amount))
}

func (w *world) payWith(r bankapi.CreatePayment) bankapi.Payment {
	w.t.Helper()
	var p bankapi.Payment
	w.must(w.shop(), w.bank.Keys().NewCreatePayment(r), &p)
	return p
}

// dispatched is the newest message about a payment or binding.
func (w *world) dispatched(subject string) bank.Dispatch {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.outbox) - 1; i >= 0; i-- {
		if w.outbox[i].Subject == subject {
			return w.outbox[i]
		}
	}
	w.t.Fatalf("nothing was sent for %s", subject)
	return bank.Dispatch{}
}

// content opens a dispatch with the keys of phone and card, as those two would.
func (w *world) content(d bank.Dispatch) dyncode.Content {
	w.t.Helper()
	card, phone, id := raw(w.t, ident.Card, d.Card), raw(w.t, ident.Phone, d.Phone), raw(w.t, ident.Dispatch, d.ID)
	body := d.Body
	pair := bankapi.DispatchKind(d.Kind) == bankapi.DispatchPair
	if pair || dyncode.Profile(d.Profile) != dyncode.CardSealed && bankapi.DispatchKind(d.Kind) == bankapi.DispatchCode {
		opened, err := dyncode.NewBox(dyncode.PhoneKey(w.keys.PhoneTransport, phone), phone).Open(card, id, body)
		if err != nil {
			w.t.Fatal(err)
		}
		body = opened
	}
	if pair {
		pairing, err := bankapi.ParsePairing(body)
		if err != nil {
			w.t.Fatal(err)
		}
		body = pairing.BankPart
	}
	if dyncode.Profile(d.Profile) != dyncode.Plain {
		part, err := dyncode.ParseBankPart(body)
		if err != nil {
			w.t.Fatal(err)
		}
		if body = part.Clear; body == nil {
			inner := dyncode.NewInner(dyncode.CardKey(w.keys.IssuerMaster, card), card)
			if body, err = inner.Open(nil, dyncode.Profile(d.Profile), id, part); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	c, err := dyncode.ParseContent(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) code(subject string) string {
	w.t.Helper()
	return string(w.content(w.dispatched(subject)).Code)
}

// wrong is a code that is not the payment's.
func (w *world) wrong(payment string) string {
	w.t.Helper()
	code := []byte(w.code(payment))
	code[0] = '0' + (code[0]-'0'+1)%10
	return string(code)
}

// receipt is what the card answers to a dispatch.
func (w *world) receipt(d bank.Dispatch, r dyncode.Result) []byte {
	w.t.Helper()
	card := raw(w.t, ident.Card, d.Card)
	inner := dyncode.NewInner(dyncode.CardKey(w.keys.IssuerMaster, card), card)
	return inner.AppendReceipt(nil, dyncode.Receipt{Result: r, Message: raw(w.t, ident.Dispatch, d.ID), Counter: d.Counter})
}

func (w *world) report(d bank.Dispatch, answer []byte) {
	w.t.Helper()
	w.must(bank.PhoneActor(d.Phone), bank.Report{Report: bankapi.Report{Dispatch: d.ID, Answer: answer}}, nil)
}

func (w *world) payment(id string) bank.Payment {
	w.t.Helper()
	p, err := w.store.Payment(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// balance is what an account has, and how much of it is held.
func (w *world) balance(id string) (balance, held int64) {
	w.t.Helper()
	a, err := w.store.Account(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Credits - a.Debits, a.Held
}

func (w *world) wantBalance(id string, balance, held int64) {
	w.t.Helper()
	if b, h := w.balance(id); b != balance || h != held {
		w.t.Errorf("the account has %d with %d held, want %d with %d", b, h, balance, held)
	}
}

// verify is the audit that ends every test.
func (w *world) verify() {
	w.t.Helper()
	report, err := bank.Verify(context.Background(), w.store, w.keys, nil)
	if err != nil {
		w.t.Error(err)
	}
	for _, fault := range report.Faults {
		w.t.Error("audit: " + fault)
	}
	if report.Links == 0 || report.Accounts == 0 {
		w.t.Error("the audit looked at nothing")
	}
}

func raw(t tester, kind ident.Kind, id string) ident.Raw {
	t.Helper()
	r, err := ident.Parse(kind, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
