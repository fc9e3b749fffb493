package bank_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

func (w *world) loadOp(r bankapi.CreateLoad) bank.Op { return w.bank.Keys().NewCreateLoad(r) }

func (w *world) storedLoad(id string) bankapi.Load {
	w.t.Helper()
	l, err := w.store.Load(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return bank.LoadView(&l)
}

// wantLoad is where a load stands. What the chip is to be told is there while it
// is in flight, and no longer.
func (w *world) wantLoad(l bankapi.Load, status bankapi.LoadStatus) {
	w.t.Helper()
	if l.Status != status || (l.Script != "") != (status == bankapi.LoadInFlight) || (l.IssuerAuth != "") != (status == bankapi.LoadInFlight) {
		w.t.Errorf("got %+v, want it %s", l, status)
	}
	if got := w.storedLoad(l.ID); got != l {
		w.t.Errorf("got %+v, and %+v is stored", l, got)
	}
}

// The whole life of a load: ARQC, answer, script, evidence.
func TestLoad(t *testing.T) {
	w := newTapWorld(t)
	c := w.purse(1)
	l := w.beginLoad(c, 20_000)
	w.wantLoad(l, bankapi.LoadInFlight)
	if l.Applet != c.id || l.Account != w.customer || l.Amount != 20_000 || l.Currency != "CNY" || l.ATC != int(c.atc) || l.ResponseCode != "00" {
		t.Errorf("got %+v", l)
	}
	w.wantPurse(c, 0, l.ID)
	w.wantMoney(80_000, 20_000, 0, 0)
	w.deliver(c, l)
	if c.balance != 20_000 || c.run(l.Script) {
		t.Errorf("the purse holds %d", c.balance)
	}
	evidence := c.decline()
	for range 3 {
		w.wantLoad(w.resolve(l.ID, evidence), bankapi.LoadCompleted)
		w.wantPurse(c, 20_000, "")
		w.wantMoney(80_000, 20_000, 0, 0)
	}
	if got := w.applet(c).ATC; got != int64(c.atc) {
		t.Errorf("the highest counter seen is %d, want %d", got, c.atc)
	}
	// A second one, on top, of another customer's account.
	friend := w.friend(5_000)
	r := c.loadRequest(5_000)
	r.Account = friend
	var second bankapi.Load
	w.must(bank.Issuer, w.loadOp(r), &second)
	w.deliver(c, second)
	if c.balance != 25_000 {
		t.Errorf("the purse holds %d", c.balance)
	}
	w.wantResult(w.post(c.tap("1", 24_999)), 0, bankapi.TapPosted, "", false)
	w.wantLoad(w.storedLoad(second.ID), bankapi.LoadCompleted)
	w.wantPurse(c, 1, "")
	w.wantBalance(friend, 0, 0)
}

// friend is another customer with this much money.
func (w *world) friend(amount int64) string {
	w.t.Helper()
	var a bankapi.Account
	w.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Han Mei", Kind: bankapi.AccountCustomer, Currency: "CNY"}}, &a)
	w.must(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: w.internal, Credit: a.ID, Amount: amount, Currency: "CNY"}}, nil)
	return a.ID
}

// A load whose answer was lost is asked again under its key.
func TestLoadReplayed(t *testing.T) {
	w := newTapWorld(t)
	c := w.purse(1)
	r := c.loadRequest(700)
	call := bank.Call{Op: w.loadOp(r), Actor: bank.Issuer, IdempotencyKey: "l-1", Request: sha256.Sum256([]byte(r.ChipData))}
	first, again := w.call(call), w.call(call)
	if !again.Replayed || !bytes.Equal(first.Body, again.Body) {
		t.Errorf("got %s", again.Body)
	}
	w.deliver(c, read[bankapi.Load](t, again))
	w.refused(bankapi.Duplicate, bank.Issuer, w.loadOp(r))
	w.wantMoney(99_300, 700, 0, 0)
	w.resolve(w.applet(c).Load, c.decline())
	w.refused(bankapi.Duplicate, bank.Issuer, w.loadOp(r))
	w.wantPurse(c, 700, "")
}

// Evidence is what the purse itself has said later. No reader can bring other.
func TestEvidence(t *testing.T) {
	w := newTapWorld(t)
	c, other := w.filled(1, 1_000), w.filled(2, 1_000)
	old := c.mustPay(1)
	r := c.loadRequest(700)
	arqc := *c.asked
	var l bankapi.Load
	w.must(bank.Issuer, w.loadOp(r), &l)
	w.deliver(c, l)

	refuse := func(name string, want bankapi.Reason, field string, actor bank.Actor, op bank.Op) {
		t.Helper()
		if p := w.refused(want, actor, op); p.Field != field {
			t.Errorf("%s: the bank complains of %q", name, p.Field)
		}
		w.wantLoad(w.storedLoad(l.ID), bankapi.LoadInFlight)
	}
	refuse("an earlier counter", bankapi.Invalid, "chip_data", bank.Issuer, w.resolveOp(l.ID, old))
	refuse("its own counter", bankapi.Invalid, "chip_data", bank.Issuer, w.resolveOp(l.ID, arqc))
	second := arqc // the second GENERATE AC of the load itself
	second.CID, second.IAD.CVR = emv.TC, emv.CVRSecondTC|emv.CVRFirstARQC
	c.sign(&second)
	refuse("its own TC", bankapi.Invalid, "chip_data", bank.Issuer, w.resolveOp(l.ID, second))
	refuse("another purse's", bankapi.Invalid, "chip_data", bank.Issuer, w.resolveOp(l.ID, other.decline()))
	forged := c.decline()
	lied := forged
	lied.IAD.CVR = lied.IAD.CVR.WithScripts(lied.IAD.CVR.Scripts() - 1)
	lied.Input.CVR = lied.IAD.CVR
	refuse("another CVR", bankapi.NotGenuine, "", bank.Issuer, w.resolveOp(l.ID, lied))
	lied = forged
	lied.Input.ATC++
	refuse("another counter", bankapi.NotGenuine, "", bank.Issuer, w.resolveOp(l.ID, lied))
	refuse("an account's", bankapi.Invalid, "chip_data", bank.Issuer, w.resolveOp(l.ID, w.accountApplet(3).ask(0, 1)))
	refuse("unknown", bankapi.NotFound, "", bank.Issuer, w.resolveOp("load_x", forged))
	refuse("no hex", bankapi.Invalid, "chip_data", bank.Issuer, w.bank.Keys().NewResolveLoad(l.ID, bankapi.ResolveLoad{ChipData: "x"}))
	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.PhoneActor(w.phone.ID)} {
		refuse("nobody's business", bankapi.Forbidden, "", actor, w.resolveOp(l.ID, forged))
	}
	// A tap that is refused or in dispute says nothing of it either.
	tap := c.twin(old, 2)
	w.post(bankapi.Tap{Reference: "old", Amount: 1, Currency: "CNY", ChipData: old.Hex()})
	w.wantResult(w.post(tap), 0, bankapi.TapDisputed, bankapi.Duplicate, false)
	w.wantLoad(w.storedLoad(l.ID), bankapi.LoadInFlight)

	w.wantLoad(w.resolve(l.ID, forged), bankapi.LoadCompleted)
	w.wantPurse(c, 1_699, "")
}

// A reader that keeps an ARQC back cannot use it when the purse has gone on: the
// script could never be executed, and whoever holds the purse would wait for his
// money, or lose it to a load that arrived meanwhile.
func TestWithheldARQC(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	withheld := c.loadRequest(700)
	w.fill(c, 300)
	w.refused(bankapi.WrongState, bank.Issuer, w.loadOp(withheld))
	w.wantMoney(98_700, 1_300, 0, 0)
	withheld = c.loadRequest(700)
	w.post(c.tap("1", 100))
	w.refused(bankapi.WrongState, bank.Issuer, w.loadOp(withheld))
	// While one is in flight the bank says that first.
	withheld = c.loadRequest(700)
	l := w.beginLoad(c, 50)
	w.refused(bankapi.LoadPending, bank.Issuer, w.loadOp(withheld))
	w.deliver(c, l)
	evidence := c.decline()
	w.resolve(l.ID, evidence)
	// What has been evidence can still begin its own load.
	r := c.loadRequest(20)
	w.resolve(l.ID, *c.asked)
	var next bankapi.Load
	w.must(bank.Issuer, w.loadOp(r), &next)
	w.deliver(c, next)
	w.resolve(next.ID, c.decline())
	w.wantPurse(c, 1_270, "")
}

// Of two loads at once one is begun at most, of one ARQC or of two; and each
// moves its money once.
func TestLoadsAtOnce(t *testing.T) {
	for round := range 8 {
		w := newTapWorld(t)
		c := w.purse(1)
		r := c.loadRequest(700)
		second := r
		if round%2 == 1 {
			second = c.loadRequest(500)
		}
		answers := w.atOnce(map[string]bank.Call{
			"first": {Op: w.loadOp(r), Actor: bank.Issuer}, "second": {Op: w.loadOp(second), Actor: bank.Issuer},
			"third": {Op: w.loadOp(second), Actor: bank.Issuer},
		})
		begun := 0
		for name, a := range answers {
			if a.OK() {
				begun++
			} else if !slices.Contains([]bankapi.Reason{bankapi.Duplicate, bankapi.LoadPending}, a.Reason) {
				t.Errorf("round %d, %s: %s", round, name, a.Body)
			}
		}
		if begun < 1 || begun > 2 || begun == 2 && round%2 == 0 {
			t.Errorf("round %d: %d were begun", round, begun)
		}
		l := w.storedLoad(w.applet(c).Load)
		w.wantMoney(100_000-l.Amount, l.Amount, 0, 0)
		if round%2 == 1 {
			w.deliver(c, l) // of the two the later one is in flight
			w.resolve(l.ID, c.decline())
			w.wantPurse(c, 500, "")
		}
	}
}

// A blocked purse, or one that has expired, is loaded no more, but what is in
// flight is still resolved.
func TestLoadOfABlockedPurse(t *testing.T) {
	w := newTapWorld(t)
	c := w.filled(1, 1_000)
	l := w.beginLoad(c, 700)
	w.deliver(c, l)
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletBlocked}, nil)
	w.refused(bankapi.AppletBlockedNow, bank.Issuer, w.loadOp(c.loadRequest(1)))
	w.wantLoad(w.resolve(l.ID, c.decline()), bankapi.LoadCompleted)
	w.must(bank.Issuer, bank.SetAppletStatus{Applet: c.id, Status: bankapi.AppletActive}, nil)
	late := w.beginLoad(c, 20)
	w.wait(5 * 366 * 24 * 3600 * 1e9)
	w.refused(bankapi.AppletBlockedNow, bank.Issuer, w.loadOp(c.loadRequest(1)))
	w.wantLoad(w.resolve(late.ID, c.decline()), bankapi.LoadReturned)
	w.wantPurse(c, 1_700, "")
	w.wantMoney(98_300, 1_700, 0, 0)
}

// No load begins with the last counter there is: no cryptogram would ever say
// what became of it.
func TestLoadAtTheLastCounter(t *testing.T) {
	w := newTapWorld(t)
	c := w.purse(1)
	c.atc = 0xFFFD
	l := w.beginLoad(c, 700)
	w.deliver(c, l)
	w.refused(bankapi.AppletBlockedNow, bank.Issuer, w.loadOp(c.loadRequest(1)))
	w.resolve(l.ID, *c.asked)
	w.wantPurse(c, 700, "")
}

func TestReasonsOfLoadInOrder(t *testing.T) {
	w := newTapWorld(t)
	c, account := w.filled(1, 1_000), w.accountApplet(2)
	yen := w.filledYen(3, 100)
	used := c.loadRequest(10)
	usedATC := c.atc
	w.must(bank.Issuer, w.loadOp(used), nil)
	w.resolve(w.applet(c).Load, c.decline())
	type request struct {
		bankapi.CreateLoad
		data   bankapi.ChipData
		told   int64 // balance
		signed bool
	}
	spoils := []struct {
		name  string
		want  bankapi.Reason
		field string
		apart bool
		spoil func(*request)
	}{
		{"no hex", bankapi.Invalid, "chip_data", false, func(r *request) { r.ChipData = "no hex" }},
		{"unknown PAN", bankapi.NotFound, "", false, func(r *request) { r.signed = false; r.data.PAN, _ = emv.NewPAN(pursePAN(77)) }},
		{"cryptogram", bankapi.NotGenuine, "", false, func(r *request) { r.signed = false; r.data.AC[0] ^= 1 }},
		{"account's cryptogram", bankapi.NotGenuine, "", true, func(r *request) {
			r.signed = false
			r.data.IAD.CVN = emv.CVN17
			c.signAs(&r.data, w.masterKey(emv.Common, 0xAC, c))
		}},
		{"an account", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.signed = false
			r.data = account.ask(emv.TypeLoad, 100)
		}},
		{"balance", bankapi.NotGenuine, "", false, func(r *request) { r.data.IAD.IDD = c.told(c.atc-1, r.told) }},
		{"no balance", bankapi.NotGenuine, "", true, func(r *request) { r.data.IAD.IDD = nil }},
		{"balance that is no number", bankapi.NotGenuine, "", true, func(r *request) {
			idd := slices.Clone(r.data.IAD.IDD)
			idd[5] = 0xAA
			r.data.IAD.IDD = idd
		}},
		{"TC", bankapi.Invalid, "chip_data", true, func(r *request) { r.data.CID = emv.TC }},
		{"AAC that the reader calls an ARQC", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.data.IAD.CVR = emv.CVRSecondNone | emv.CVRFirstAAC
		}},
		{"end of a transaction that the reader calls its beginning", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.data.IAD.CVR = emv.CVRSecondAAC | emv.CVRFirstARQC
		}},
		{"a purchase", bankapi.Invalid, "chip_data", true, func(r *request) { r.data.Input.Type = emv.TypePurchase }},
		{"nothing", bankapi.Invalid, "chip_data", true, func(r *request) { r.Amount, r.data.Input.Amount = 0, emv.Amount{} }},
		{"less than nothing", bankapi.Invalid, "chip_data", true, func(r *request) { r.Amount = -100 }},
		{"amount", bankapi.Invalid, "chip_data", false, func(r *request) { r.Amount++ }},
		{"currency", bankapi.Invalid, "chip_data", true, func(r *request) { r.Currency = "JPY" }},
		{"currency that the purse does not have", bankapi.Invalid, "chip_data", true, func(r *request) {
			r.Currency, r.data.Input.Currency = "JPY", emv.Numeric{0x03, 0x92}
		}},
		{"no account", bankapi.Invalid, "account", false, func(r *request) { r.Account = "acct_x" }},
		{"a merchant's account", bankapi.Invalid, "account", true, func(r *request) { r.Account = w.merchant.Account }},
		{"the vault", bankapi.Invalid, "account", true, func(r *request) { r.Account = w.internal }},
		{"the float", bankapi.Invalid, "account", true, func(r *request) { r.Account = w.book(bankapi.AccountFloat, "CNY") }},
		{"an account in JPY", bankapi.Invalid, "account", true, func(r *request) { r.Account = w.applet(yen).Account }},
		{"a counter that was used", bankapi.Duplicate, "", false, func(r *request) {
			r.data.Input.ATC = usedATC
			r.data.IAD.IDD = c.told(usedATC, r.told)
		}},
		{"more than the purse may hold", bankapi.Invalid, "amount", false, func(r *request) {
			r.Amount = 49_001
			r.data.Input.Amount = amountField(c.t, r.Amount)
		}},
		{"more than the account has", bankapi.InsufficientFunds, "", false, func(r *request) { r.Account = w.friend(99) }},
	}
	for i, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			defer w.in(t, c)()
			r := request{bankapi.CreateLoad{Amount: 100, Currency: "CNY"}, c.ask(emv.TypeLoad, 100), c.balance, true}
			if !s.apart {
				for j := len(spoils) - 1; j > i; j-- { // what is above alters what is below
					if !spoils[j].apart {
						spoils[j].spoil(&r)
					}
				}
			}
			s.spoil(&r)
			if r.signed {
				c.sign(&r.data)
			}
			if r.ChipData == "" {
				r.ChipData = r.data.Hex()
			}
			if p := w.refused(s.want, bank.Issuer, w.loadOp(r.CreateLoad)); p.Field != s.field {
				t.Errorf("the bank complains of %q, want %q", p.Field, s.field)
			}
		})
	}
	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.PhoneActor(w.phone.ID)} {
		w.refused(bankapi.Forbidden, actor, w.loadOp(c.loadRequest(1)))
	}
	w.wantMoney(99_000, 1_000, 0, 0)
	w.fill(c, 49_000) // to the brim
	w.wantMoney(50_000, 50_000, 0, 0)
}
