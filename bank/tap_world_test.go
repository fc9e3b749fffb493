package bank_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/money"
	"sotto/secret"
)

// tapKeys are the test's keys with those of applets.
var tapKeys = func() bank.Secrets {
	keys := testKeys
	root := func(b byte) secret.Secret { // of which a cipher's keys take the first half
		return secret.New(append(bytes.Repeat([]byte{b}, 16), bytes.Repeat([]byte{^b}, 16)...))
	}
	keys.AppletAC, keys.AppletMAC, keys.AppletENC = root(0xAC), root(0x3A), root(0xE2)
	return keys
}()

// withApplets opens a bank that issues applets.
func withApplets(w *world, c *bank.Config) { w.keys, c.Keys = tapKeys, tapKeys }

// newTapWorld is newWorld of such a bank, in memory.
func newTapWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := openWorld(t, sqlite.Memory, append([]option{withApplets}, options...)...)
	t.Cleanup(w.close)
	w.furnish()
	return w
}

// in lets a part of a test be the one that fails. What it returns ends it.
func (w *world) in(t *testing.T, chips ...*chip) func() {
	t.Helper()
	outer := w.t
	set := func(to tester) {
		w.t = to
		for _, c := range chips {
			c.t = to
		}
	}
	set(t)
	return func() { set(outer) }
}

// pursePAN is the n-th card number, with its check digit.
func pursePAN(n int) string {
	digits := fmt.Sprintf("62170000%07d", n)
	return digits + string(emv.CheckDigit([]byte(digits)))
}

// purseRequest asks for a purse of at most 500.00 on the customer's account.
func (w *world) purseRequest(n int) bankapi.IssueApplet {
	return bankapi.IssueApplet{
		Kind: bankapi.AppletPurse, Account: w.customer, PAN: pursePAN(n), Sequence: 1, AID: fmt.Sprintf("F0736F74746F01%04x", n),
		Label: "Purse " + fmt.Sprint(n), Expires: "2031-12", BalanceMax: 50_000,
	}
}

// purse issues a purse, and accountApplet an applet whose money is at the bank.
func (w *world) purse(n int) *chip { return w.issue(w.purseRequest(n)) }

func (w *world) accountApplet(n int) *chip {
	r := w.purseRequest(n)
	r.Kind, r.BalanceMax, r.Label = bankapi.AppletAccount, 0, "Debit"
	return w.issue(r)
}

// issue issues an applet and personalizes a chip with it.
func (w *world) issue(r bankapi.IssueApplet) *chip {
	w.t.Helper()
	var a bankapi.Applet
	w.must(bank.Issuer, w.bank.Keys().NewIssueApplet(r), &a)
	number, err := emv.NewPAN(r.PAN)
	if err != nil {
		w.t.Fatal(err)
	}
	currency, err := emv.NewNumeric(money.Currency(a.Currency).Numeric())
	if err != nil {
		w.t.Fatal(err)
	}
	c := &chip{
		t: w.t, id: a.ID, digits: r.PAN, pan: number, psn: byte(r.Sequence/10<<4 | r.Sequence%10), aid: unhex(w.t, r.AID),
		currency: a.Currency, number: currency, purse: r.Kind == bankapi.AppletPurse, most: r.BalanceMax, cvn: emv.CVN01,
	}
	suite := emv.PBOC
	if !c.purse {
		suite, c.cvn = emv.Common, emv.CVN17
	}
	c.ac, c.mac = w.masterKey(suite, 0xAC, c), w.masterKey(suite, 0x3A, c)
	return c
}

// masterKey derives a chip's key from the root itself.
func (w *world) masterKey(s emv.Suite, root byte, c *chip) emv.MasterKey {
	w.t.Helper()
	key, err := emv.NewIssuerKey(s, secret.New(bytes.Repeat([]byte{root}, 16)))
	if err != nil {
		w.t.Fatal(err)
	}
	return key.Master(c.pan, c.psn)
}

// loadRequest is what a load terminal asks of the bank.
func (c *chip) loadRequest(amount int64) bankapi.CreateLoad {
	c.t.Helper()
	d := c.ask(emv.TypeLoad, amount)
	return bankapi.CreateLoad{Amount: amount, Currency: c.currency, ChipData: d.Hex()}
}

// beginLoad goes as far as the bank's answer.
func (w *world) beginLoad(c *chip, amount int64) bankapi.Load {
	w.t.Helper()
	var l bankapi.Load
	w.must(bank.Issuer, w.bank.Keys().NewCreateLoad(c.loadRequest(amount)), &l)
	return l
}

// deliver gives the bank's answer to the chip, which must take it.
func (w *world) deliver(c *chip, l bankapi.Load) {
	w.t.Helper()
	if arc, ok := c.hear(l.IssuerAuth); !ok || arc != emv.ARCApproved {
		w.t.Fatalf("the chip does not believe the bank: %v, %v", arc, ok)
	}
	if !c.run(l.Script) {
		w.t.Fatal("the chip does not take the script")
	}
}

// resolveOp brings a cryptogram of a chip as evidence.
func (w *world) resolveOp(load string, d bankapi.ChipData) bank.Op {
	return w.bank.Keys().NewResolveLoad(load, bankapi.ResolveLoad{ChipData: d.Hex()})
}

func (w *world) resolve(load string, d bankapi.ChipData) bankapi.Load {
	w.t.Helper()
	var l bankapi.Load
	w.must(bank.Issuer, w.resolveOp(load, d), &l)
	return l
}

// fill loads a purse, with evidence and all.
func (w *world) fill(c *chip, amount int64) {
	w.t.Helper()
	l := w.beginLoad(c, amount)
	w.deliver(c, l)
	if got := w.resolve(l.ID, c.decline()); got.Status != bankapi.LoadCompleted {
		w.t.Fatalf("the load is %s", got.Status)
	}
}

// filled is a purse with this much in it.
func (w *world) filled(n int, amount int64) *chip {
	w.t.Helper()
	c := w.purse(n)
	w.fill(c, amount)
	return c
}

func actorOf(m bankapi.Merchant) bank.Actor {
	return bank.Actor{Role: bankapi.RoleMerchant, Merchant: m.ID}
}

// batchOne is the batch that most tests upload to.
const batchOne = 1

func (w *world) postOp(batch int, taps ...bankapi.Tap) bank.PostTaps {
	return w.bank.Keys().NewPostTaps(bankapi.PostTaps{Terminal: "TILL1", Batch: batch, Taps: taps})
}

// post uploads taps of the tea house's till.
func (w *world) post(taps ...bankapi.Tap) bankapi.TapsPosted {
	w.t.Helper()
	return w.postBy(w.shop(), batchOne, taps...)
}

func (w *world) postBy(actor bank.Actor, batch int, taps ...bankapi.Tap) bankapi.TapsPosted {
	w.t.Helper()
	var p bankapi.TapsPosted
	w.must(actor, w.postOp(batch, taps...), &p)
	if len(p.Results) != len(taps) {
		w.t.Fatalf("%d results for %d taps", len(p.Results), len(taps))
	}
	for i, r := range p.Results {
		if r.Reference != taps[i].Reference {
			w.t.Fatalf("result %d is about %q, want %q", i, r.Reference, taps[i].Reference)
		}
	}
	return p
}

// wantResult is one word on one tap.
func (w *world) wantResult(p bankapi.TapsPosted, i int, status bankapi.TapStatus, reason bankapi.Reason, already bool) {
	w.t.Helper()
	if r := p.Results[i]; r.Status != status || r.Reason != reason || r.Already != already {
		w.t.Errorf("tap %s: got %s %q (already: %v), want %s %q (%v)", r.Reference, r.Status, r.Reason, r.Already, status, reason, already)
	}
}

// wantBatch looks at the batch in an answer and, if it is one, the stored one.
func (w *world) wantBatch(b bankapi.Batch, count, amount, disputed int64) {
	w.t.Helper()
	if b.Count != count || b.Amount != amount || b.Disputed != disputed {
		w.t.Errorf("the batch has %d taps of %d, %d in dispute; want %d of %d, %d", b.Count, b.Amount, b.Disputed, count, amount, disputed)
	}
	if row, err := w.store.Batch(w.t.Context(), b.ID); err == nil && (row.Count != count || row.Amount != amount || row.Disputed != disputed) {
		w.t.Errorf("the stored batch has %d taps of %d, %d in dispute", row.Count, row.Amount, row.Disputed)
	}
}

func (w *world) settleOp(batch int, count, amount int64) bank.Op {
	return bank.SettleBatch{SettleBatch: bankapi.SettleBatch{
		Terminal: "TILL1", Batch: batch, Count: count, Amount: amount, Currency: "CNY",
	}}
}

// settle closes the tea house's first batch.
func (w *world) settle(count, amount int64) bankapi.Batch {
	w.t.Helper()
	var b bankapi.Batch
	w.must(w.shop(), w.settleOp(batchOne, count, amount), &b)
	if !b.Settled {
		w.t.Errorf("not settled: %+v", b)
	}
	return b
}

func (w *world) applet(c *chip) bank.Applet {
	w.t.Helper()
	a, err := w.store.Applet(w.t.Context(), c.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// wantPurse is what the bank takes the purse to hold, and the load in flight.
func (w *world) wantPurse(c *chip, balance int64, load string) {
	w.t.Helper()
	if a := w.applet(c); a.Balance != balance || a.Load != load {
		w.t.Errorf("the bank takes the purse to hold %d with load %q in flight, want %d with %q", a.Balance, a.Load, balance, load)
	}
}

// book is the account of the bank's own for this purpose.
func (w *world) book(purpose bankapi.AccountKind, currency string) string {
	w.t.Helper()
	b, err := w.store.Book(w.t.Context(), string(purpose)+"|"+currency)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Account
}

// wantMoney is all money of the currency but the vault's.
func (w *world) wantMoney(customer, float, settlement, merchant int64) {
	w.t.Helper()
	for _, c := range []struct {
		name, account string
		want          int64
	}{
		{"customer", w.customer, customer}, {"float", w.book(bankapi.AccountFloat, "CNY"), float},
		{"settlement", w.book(bankapi.AccountSettlement, "CNY"), settlement}, {"merchant", w.merchant.Account, merchant},
	} {
		if got, held := w.balance(c.account); got != c.want || held != 0 {
			w.t.Errorf("%s: got %d with %d held, want %d", c.name, got, held, c.want)
		}
	}
}

func (w *world) storedTap(c *chip, atc uint16) bank.Tap {
	w.t.Helper()
	id := fmt.Sprintf("%s.%04X", c.id, atc)
	for _, tap := range w.storedTaps(c) {
		if tap.ID == id {
			return tap
		}
	}
	w.t.Fatalf("there is no tap %s", id)
	return bank.Tap{}
}

func (w *world) storedTaps(c *chip) []bank.Tap {
	w.t.Helper()
	taps, err := w.store.Taps(w.t.Context(), c.id, bank.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return taps
}

func (w *world) disputes(merchant string) []bank.Tap {
	w.t.Helper()
	taps, err := w.store.Disputes(w.t.Context(), merchant, bank.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return taps
}

func read[T any](t tester, a bank.Answer) (v T) {
	t.Helper()
	if !a.OK() {
		t.Fatalf("refused: %s", a.Body)
	}
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func hexText(b []byte) string { return hex.EncodeToString(b) }

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
