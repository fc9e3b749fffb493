package bank_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// One day at the till: a purse is loaded, pays three times, and the merchant is
// paid when the batch is settled (B5, B7 at the bank's side).
func TestOneDay(t *testing.T) {
	w := newTapWorld(t)
	c := w.purse(1)
	w.wantMoney(100_000, 0, 0, 0)
	w.fill(c, 20_000)
	w.wantMoney(80_000, 20_000, 0, 0)
	w.wantPurse(c, 20_000, "")

	p := w.post(c.tap("1", 1_500), c.tap("2", 2_000))
	w.wantResult(p, 0, bankapi.TapPosted, "", false)
	w.wantResult(p, 1, bankapi.TapPosted, "", false)
	w.wantBatch(p.Batch, 2, 3_500, 0)
	p = w.post(c.tap("3", 500))
	w.wantBatch(p.Batch, 3, 4_000, 0)
	if p.Batch.Terminal != "TILL1" || p.Batch.Number != 1 || p.Batch.Merchant != w.merchant.ID || p.Batch.Currency != "CNY" || p.Batch.Settled {
		t.Errorf("got %+v", p.Batch)
	}
	w.wantMoney(80_000, 16_000, 4_000, 0)
	w.wantPurse(c, c.balance, "")
	if got := w.applet(c).ATC; got != int64(c.atc) {
		t.Errorf("the highest counter seen is %d, want %d", got, c.atc)
	}
	tap := w.storedTap(c, c.atc)
	if view := bank.TapView(&tap); view.Terminal != "TILL1" || view.Batch != 1 || view.Reference != "3" || view.Amount != 500 ||
		view.ATC != int(c.atc) || view.Number != "621700******"+c.digits[12:] || view.Merchant != w.merchant.ID {
		t.Errorf("got %+v", view)
	}
	b := w.settle(3, 4_000)
	w.wantMoney(80_000, 16_000, 0, 4_000)
	if transfer, err := w.store.Transfer(t.Context(), b.Transfer); err != nil || transfer.Kind != string(bankapi.TransferSettlement) || transfer.Note != b.ID {
		t.Errorf("got %+v, %v", transfer, err)
	}
}

// What happens is told to whom it concerns: the merchant, and the issuer alone of
// loads and applets.
func TestEventsOfTaps(t *testing.T) {
	w := newTapWorld(t)
	from := len(w.events)
	c, account := w.purse(1), w.accountApplet(2)
	w.fill(c, 1_000)
	returned := w.beginLoad(c, 5)
	w.resolve(returned.ID, c.decline())
	d := c.mustPay(100)
	p := w.post(bankapi.Tap{Reference: "1", Amount: 100, Currency: "CNY", ChipData: d.Hex()}, c.tap("2", 50))
	w.post(c.twin(d, 700))
	q, poor := account.purchase(30), account.purchase(100_000)
	approved, declined := w.authorize(q), w.authorize(poor)
	w.reverse(q)
	w.settle(2, 150)
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletBlocked}, nil)
	w.must(bank.Issuer, bank.PersonalizeApplet{Applet: c.id}, nil)
	type event struct {
		kind, merchant, object string
		amount                 int64
	}
	shop := w.merchant.ID
	dispute := w.disputes("")[0].ID
	want := []event{
		{"applet.issued", "", c.id, 0}, {"applet.issued", "", account.id, 0},
		{"load.in_flight", "", "", 1_000}, {"load.completed", "", "", 1_000},
		{"load.in_flight", "", returned.ID, 5}, {"load.returned", "", returned.ID, 5},
		{"taps.posted", shop, p.Batch.ID, 150}, {"tap.disputed", shop, dispute, 700},
		{"tap.approved", shop, approved.Tap, 30}, {"tap.declined", shop, declined.Tap, 100_000}, {"tap.reversed", shop, approved.Tap, 30},
		{"batch.settled", shop, p.Batch.ID, 150}, {"applet.blocked", "", c.id, 0}, {"applet.personalized", "", c.id, 0},
	}
	var got []event
	for _, e := range w.events[from:] {
		if e.Type != "account.opened" {
			got = append(got, event{e.Type, e.Merchant, e.Object, e.Amount})
		}
	}
	want[2].object, want[3].object = got[2].object, got[2].object
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

// What is uploaded again, in another order, in other parts or all at once with
// others, is posted once and answered as before.
func TestPostedOnce(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	var taps []bankapi.Tap
	for i := range 6 {
		taps = append(taps, c.tap(fmt.Sprint(i), 100+int64(i)))
	}
	p := w.post(taps[3], taps[1])
	w.wantBatch(p.Batch, 2, 204, 0)

	slices.Reverse(taps)
	p = w.post(taps...)
	w.wantBatch(p.Batch, 6, 615, 0)
	for i := range taps {
		w.wantResult(p, i, bankapi.TapPosted, "", i == 2 || i == 4)
	}
	for range 2 {
		for _, tap := range taps {
			p = w.post(tap)
			w.wantResult(p, 0, bankapi.TapPosted, "", true)
			w.wantBatch(p.Batch, 6, 615, 0)
		}
	}
	// In a later batch too, and after the first one is settled.
	p = w.postBy(w.shop(), 2, taps...)
	w.wantBatch(p.Batch, 0, 0, 0)
	w.settle(6, 615)
	p = w.post(taps...)
	for i := range taps {
		w.wantResult(p, i, bankapi.TapPosted, "", true)
	}
	w.wantMoney(90_000, 9_385, 0, 615)
}

// One upload with the same tap twice posts it once.
func TestTwiceInOneUpload(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	tap := c.tap("1", 100)
	p := w.post(tap, tap, tap)
	w.wantResult(p, 0, bankapi.TapPosted, "", false)
	w.wantResult(p, 1, bankapi.TapPosted, "", true)
	w.wantResult(p, 2, bankapi.TapPosted, "", true)
	w.wantBatch(p.Batch, 1, 100, 0)
}

// Many uploads of the same taps at the same time post each once.
func TestUploadsAtOnce(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	var taps []bankapi.Tap
	for i := range 20 {
		taps = append(taps, c.tap(fmt.Sprint(i), 100))
	}
	var mu sync.Mutex
	fresh := 0
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			mine := slices.Clone(taps)
			if n%2 == 1 {
				slices.Reverse(mine)
			}
			for part := range slices.Chunk(mine, 5+n) {
				p := w.post(part...)
				mu.Lock()
				for _, r := range p.Results {
					if r.Status != bankapi.TapPosted {
						t.Errorf("got %+v", r)
					}
					if !r.Already {
						fresh++
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if fresh != len(taps) {
		t.Errorf("%d taps were posted, want %d", fresh, len(taps))
	}
	w.wantMoney(90_000, 8_000, 2_000, 0)
	w.settle(20, 2_000)
}

// An upload whose answer was lost is asked again under its key: the same bytes
// come back, and nothing moves; not even when the batch was settled meanwhile.
func TestUploadReplayed(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	first := w.postOp(batchOne, c.tap("1", 100), c.tap("2", 50))
	call := bank.Call{Op: first, Actor: w.shop(), IdempotencyKey: "up-1", Request: sha256.Sum256([]byte("1, 2"))}
	body := w.call(call).Body
	for range 2 {
		if a := w.call(call); !a.Replayed || !bytes.Equal(a.Body, body) {
			t.Errorf("got %s, want %s", a.Body, body)
		}
	}
	w.wantBatch(read[bankapi.TapsPosted](t, bank.Answer{Body: body}).Batch, 2, 150, 0)
	w.settle(2, 150)
	if a := w.call(call); !a.Replayed || !bytes.Equal(a.Body, body) {
		t.Errorf("got %s", a.Body)
	}
	call.Request = sha256.Sum256([]byte("another"))
	if a := w.call(call); a.Reason != bankapi.IdempotencyReuse {
		t.Errorf("got %s", a.Body)
	}
	w.wantMoney(90_000, 9_850, 0, 150)
}

// twin is another cryptogram under the counter of one that was made before, as
// no honest chip makes it.
func (c *chip) twin(d bankapi.ChipData, amount int64) bankapi.Tap {
	c.t.Helper()
	d.Input.Amount = amountField(c.t, amount)
	c.sign(&d)
	return bankapi.Tap{Reference: "twin", Amount: amount, Currency: c.currency, ChipData: d.Hex()}
}

// A counter pays once. Another content under it is kept for somebody to look at,
// once, is in no total, and does not stop the batch from being settled.
func TestSameCounterOtherContent(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	d := c.mustPay(100)
	honest := bankapi.Tap{Reference: "1", Amount: 100, Currency: "CNY", ChipData: d.Hex()}
	w.post(honest)

	for i := range 3 {
		p := w.post(c.twin(d, 900))
		w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Duplicate, i > 0)
		w.wantBatch(p.Batch, 1, 100, 1)
	}
	p := w.post(c.twin(d, 800), honest)
	w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantResult(p, 1, bankapi.TapPosted, "", true)
	w.wantBatch(p.Batch, 1, 100, 2)
	w.wantMoney(90_000, 9_900, 100, 0)
	w.wantPurse(c, 9_900, "")

	disputes := w.disputes(w.merchant.ID)
	if len(disputes) != 2 || len(w.disputes("")) != 2 || len(w.disputes("mer_x")) != 0 {
		t.Fatalf("%d disputes, want 2", len(disputes))
	}
	if got := disputes[0].Amount + disputes[1].Amount; got != 1_700 || disputes[0].Reason != string(bankapi.Duplicate) || disputes[0].Applet != c.id {
		t.Errorf("got %+v", disputes)
	}
	w.settle(1, 100)
	// In a batch that is settled a dispute is kept too, and changes it no more.
	p = w.post(c.twin(d, 700))
	w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantBatch(p.Batch, 1, 100, 2)
	w.wantMoney(90_000, 9_900, 0, 100)
}

// The same, when both come in one upload, or in two that are committed together.
func TestBothContentsTogether(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	d := c.mustPay(100)
	honest := bankapi.Tap{Reference: "1", Amount: 100, Currency: "CNY", ChipData: d.Hex()}
	p := w.post(honest, c.twin(d, 900), c.twin(d, 900), c.twin(d, 800))
	w.wantResult(p, 0, bankapi.TapPosted, "", false)
	w.wantResult(p, 1, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantResult(p, 2, bankapi.TapDisputed, bankapi.Duplicate, true)
	w.wantResult(p, 3, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantBatch(p.Batch, 1, 100, 2)
	w.wantMoney(90_000, 9_900, 100, 0)
}

// A cryptogram that another merchant brings has been paid already, whoever of
// the two was served; it is paid once.
func TestStolenTap(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	thief := w.newMerchant("Thief")
	tap := c.tap("1", 100)
	w.post(tap)
	for i := range 2 {
		p := w.postBy(actorOf(thief), batchOne, tap)
		w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Duplicate, i > 0)
		w.wantBatch(p.Batch, 0, 0, 1)
	}
	if got := w.disputes(thief.ID); len(got) != 1 || got[0].Merchant != thief.ID {
		t.Errorf("got %+v", got)
	}
	w.wantBalance(thief.Account, 0, 0)
	w.wantMoney(90_000, 9_900, 100, 0)
	// Another batch of the same merchant is no other merchant.
	p := w.postBy(w.shop(), 2, tap)
	w.wantResult(p, 0, bankapi.TapPosted, "", true)
}

// A purse that cannot have had the money is not believed, whatever its
// cryptogram says: a chip that was broken makes any.
func TestPurseThatCannotHaveHadIt(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	c.balance = 50_000 // it lies
	p := w.post(c.tap("1", 600), c.tap("2", 600), c.tap("3", 400))
	w.wantResult(p, 0, bankapi.TapPosted, "", false)
	w.wantResult(p, 1, bankapi.TapDisputed, bankapi.InsufficientFunds, false)
	w.wantResult(p, 2, bankapi.TapPosted, "", false)
	w.wantBatch(p.Batch, 2, 1_000, 1)
	p = w.post(c.tap("4", 1))
	w.wantResult(p, 0, bankapi.TapDisputed, bankapi.InsufficientFunds, false)
	w.wantPurse(c, 0, "")
	w.wantMoney(99_000, 0, 1_000, 0)

	// Uploaded again it stays what it was, also when there is money now.
	again := bankapi.Tap{Reference: "2", Amount: 600, Currency: "CNY"}
	c.balance = 50_000
	d := c.mustPay(600)
	again.ChipData = d.Hex()
	w.post(again)
	c.balance = 0
	w.fill(c, 5_000)
	p = w.post(again)
	w.wantResult(p, 0, bankapi.TapDisputed, bankapi.InsufficientFunds, true)
	w.wantPurse(c, 5_000, "")
}

// An upload has room for 500 taps and no more.
func TestFiveHundredTaps(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 10_000)
	var taps []bankapi.Tap
	for i := range 501 {
		taps = append(taps, c.tap(fmt.Sprint(i), 2))
	}
	problem := w.refused(bankapi.Invalid, w.shop(), w.postOp(batchOne, taps...))
	if problem.Field != "taps" {
		t.Errorf("the bank complains of %q", problem.Field)
	}
	w.wantMoney(90_000, 10_000, 0, 0)
	p := w.post(taps[:500]...)
	for i := range p.Results {
		w.wantResult(p, i, bankapi.TapPosted, "", false)
	}
	w.wantBatch(p.Batch, 500, 1_000, 0)
	problem = w.refused(bankapi.Invalid, w.shop(), w.postOp(batchOne))
	if problem.Field != "taps" {
		t.Errorf("no taps: the bank complains of %q", problem.Field)
	}
}

// noShops are actors that are not merchants, though one of them has a merchant's
// id.
func (w *world) noShops() []bank.Actor {
	return []bank.Actor{
		bank.Issuer, bank.Payer, bank.Self, bank.PhoneActor(w.phone.ID), {Role: bankapi.RoleIssuer, Merchant: w.merchant.ID},
	}
}

// A batch is in the currency of the merchant's account. A tap of another is
// refused, and leaves the others and the totals alone; a merchant who is paid in
// it can bring it.
func TestBatchHasOneCurrency(t *testing.T) {
	w := newTapWorld(t)
	yuan := w.filled(1, 1_000)
	yen := w.filledYen(2, 1_000)
	ramen := w.merchantIn("JPY", 9)
	first, second := yuan.tap("1", 100), yen.tap("2", 300)
	p := w.post(second, first) // whatever comes first
	w.wantResult(p, 0, bankapi.TapRefused, bankapi.WrongState, false)
	w.wantResult(p, 1, bankapi.TapPosted, "", false)
	w.wantBatch(p.Batch, 1, 100, 0)
	p = w.postBy(w.shop(), 2, second)
	w.wantResult(p, 0, bankapi.TapRefused, bankapi.WrongState, false)
	if p.Batch.Currency != "CNY" {
		t.Errorf("got %+v", p.Batch)
	}
	p = w.postBy(actorOf(ramen), batchOne, first, second)
	w.wantResult(p, 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantResult(p, 1, bankapi.TapPosted, "", false)
	if p.Batch.Currency != "JPY" || p.Batch.Amount != 300 {
		t.Errorf("got %+v", p.Batch)
	}
	w.wantBalance(w.book(bankapi.AccountSettlement, "JPY"), 300, 0)
	w.must(actorOf(ramen), bank.SettleBatch{SettleBatch: bankapi.SettleBatch{Terminal: "TILL1", Batch: 1, Count: 1, Amount: 300, Currency: "JPY"}}, nil)
	w.wantBalance(ramen.Account, 300, 0)
	w.wantMoney(99_000, 900, 100, 0)
}

// merchantIn is a merchant who is paid in this currency.
func (w *world) merchantIn(currency string, n byte) bankapi.Merchant {
	w.t.Helper()
	_, key, err := w.bank.Keys().DrawKey(w.now().UnixMilli(), bytes.NewReader(bytes.Repeat([]byte{n}, 100)))
	if err != nil {
		w.t.Fatal(err)
	}
	var shop bankapi.Merchant
	w.must(bank.Issuer, bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: "Shop", Currency: currency}, Key: key}, &shop)
	return shop
}

// filledYen is a purse in JPY, of a customer of its own.
func (w *world) filledYen(n int, amount int64) *chip {
	w.t.Helper()
	var vault, account bankapi.Account
	open := func(kind bankapi.AccountKind, into *bankapi.Account) {
		w.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Sato", Kind: kind, Currency: "JPY"}}, into)
	}
	open(bankapi.AccountInternal, &vault)
	open(bankapi.AccountCustomer, &account)
	w.must(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: vault.ID, Credit: account.ID, Amount: 100_000, Currency: "JPY"}}, nil)
	r := w.purseRequest(n)
	r.Account = account.ID
	c := w.issue(r)
	w.fill(c, amount)
	return c
}

// What a purse has paid offline is paid to the merchant, though it is blocked
// or has expired meanwhile.
func TestBlockedPurseHasPaid(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	first, second := c.tap("1", 100), c.tap("2", 200)
	var a bankapi.Applet
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletBlocked}, &a)
	if a.Status != bankapi.AppletBlocked {
		t.Errorf("got %+v", a)
	}
	w.wantResult(w.post(first), 0, bankapi.TapPosted, "", false)
	w.wait(5 * 366 * 24 * 3600 * 1e9)
	w.wantResult(w.post(second), 0, bankapi.TapPosted, "", false)
	w.wantMoney(99_000, 700, 300, 0)
}

// Two purses of one holder, and one PAN with two sequence numbers, are apart.
func TestPursesAreApart(t *testing.T) {
	w := newTapWorld(t)
	first := w.filled(1, 1_000)
	r := w.purseRequest(1)
	r.Sequence = 2
	second := w.issue(r)
	w.fill(second, 500)
	p := w.post(first.tap("1", 1_000), second.tap("2", 500))
	w.wantResult(p, 0, bankapi.TapPosted, "", false)
	w.wantResult(p, 1, bankapi.TapPosted, "", false)
	w.wantPurse(first, 0, "")
	w.wantPurse(second, 0, "")
}
