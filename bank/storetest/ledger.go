package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"

	"sotto/bank"
)

func (b *book) transfer(id, debit, credit string, amount int64) {
	b.commit(func(v *bank.View) {
		from, _ := v.Accounts.Row(debit)
		to, _ := v.Accounts.Row(credit)
		from.Debits, to.Credits = from.Debits+amount, to.Credits+amount
		v.Accounts.Set(v, debit, &from)
		v.Accounts.Set(v, credit, &to)
		v.Transfers.Set(v, id, &bank.Transfer{ID: id, Debit: debit, Credit: credit, Amount: amount, Currency: "CNY"})
	}, bank.Key{Kind: bank.KindAccount, ID: debit}, bank.Key{Kind: bank.KindAccount, ID: credit})
}

func (b *book) accounts(ids ...string) {
	b.commit(func(v *bank.View) {
		for _, id := range ids {
			v.Accounts.Set(v, id, &bank.Account{ID: id, Currency: "CNY"})
		}
	})
}

func (b *book) sums() map[string]bank.Sum {
	b.Helper()
	sums := map[string]bank.Sum{}
	for _, s := range must1(b.store.Sums(background))(b) {
		if _, twice := sums[s.Account]; twice {
			b.Errorf("Sums has %s twice", s.Account)
		}
		sums[s.Account] = s
	}
	return sums
}

func testSums(b *book) {
	b.accounts("a", "b", "c", "idle")
	b.transfer("t1", "a", "b", 500)
	b.transfer("t2", "b", "c", 200)
	b.transfer("t3", "a", "c", 1<<61)
	b.commit(func(v *bank.View) {
		for i, status := range []string{"authorized", "authorized", "awaiting_code", "succeeded", "canceled"} {
			id := fmt.Sprint("p", i)
			v.Payments.Set(v, id, &bank.Payment{ID: id, Status: status, Payer: "b", Amount: 30})
		}
		held, _ := v.Accounts.Row("b")
		held.Held = 60
		v.Accounts.Set(v, "b", &held)
	}, bank.Key{Kind: bank.KindAccount, ID: "b"})
	const big = 1 << 61
	want := map[string]bank.Sum{
		"a":    {Account: "a", Currency: "CNY", Debits: 500 + big, DebitsMoved: 500 + big},
		"b":    {Account: "b", Currency: "CNY", Debits: 200, Credits: 500, DebitsMoved: 200, CreditsMoved: 500, Held: 60, HeldByPayments: 60},
		"c":    {Account: "c", Currency: "CNY", Credits: 200 + big, CreditsMoved: 200 + big},
		"idle": {Account: "idle", Currency: "CNY"},
	}
	if got := b.sums(); !reflect.DeepEqual(got, want) {
		b.Errorf("got %+v, want %+v", got, want)
	}
}

func testTampering(b *book) {
	b.accounts("a", "b")
	b.transfer("t1", "a", "b", 500)
	for _, c := range []struct {
		name   string
		tamper func(*bank.View)
		undo   func(*bank.View)
		shows  string
	}{
		{
			"a balance that grew",
			func(v *bank.View) { v.Accounts.Set(v, "b", &bank.Account{ID: "b", Currency: "CNY", Credits: 501}) },
			func(v *bank.View) { v.Accounts.Set(v, "b", &bank.Account{ID: "b", Currency: "CNY", Credits: 500}) }, "b",
		},
		{
			"a hold without a payment",
			func(v *bank.View) {
				v.Accounts.Set(v, "b", &bank.Account{ID: "b", Currency: "CNY", Credits: 500, Held: 1})
			},
			func(v *bank.View) { v.Accounts.Set(v, "b", &bank.Account{ID: "b", Currency: "CNY", Credits: 500}) }, "b",
		},
		{
			"a transfer slipped in",
			func(v *bank.View) {
				v.Transfers.Set(v, "t2", &bank.Transfer{ID: "t2", Debit: "b", Credit: "a", Amount: 5})
			},
			func(v *bank.View) { v.Transfers.Set(v, "t2", nil) }, "a",
		},
		{
			"a transfer to an account that is not there",
			func(v *bank.View) {
				v.Transfers.Set(v, "t2", &bank.Transfer{ID: "t2", Debit: "ghost", Credit: "ghost 2", Amount: 5})
			},
			func(v *bank.View) { v.Transfers.Set(v, "t2", nil) }, "ghost 2",
		},
		{
			"a transfer taken out",
			func(v *bank.View) { v.Transfers.Set(v, "t1", nil) },
			func(v *bank.View) {
				v.Transfers.Set(v, "t1", &bank.Transfer{ID: "t1", Debit: "a", Credit: "b", Amount: 500})
			}, "a",
		},
	} {
		keys := []bank.Key{{Kind: bank.KindAccount, ID: "b"}, {Kind: bank.KindTransfer, ID: "t1"}, {Kind: bank.KindTransfer, ID: "t2"}}
		b.commit(c.tamper, keys...)
		if s, ok := b.sums()[c.shows]; !ok || s.Debits == s.DebitsMoved && s.Credits == s.CreditsMoved && s.Held == s.HeldByPayments {
			b.Errorf("%s: got %+v (there: %v), want one that does not add up", c.name, s, ok)
		}
		b.commit(c.undo, keys...)
		for _, s := range b.sums() {
			if s.Debits != s.DebitsMoved || s.Credits != s.CreditsMoved || s.Held != s.HeldByPayments {
				b.Errorf("%s, taken back: got %+v, want one that adds up", c.name, s)
			}
		}
	}
	b.commit(func(v *bank.View) { // sums that no number holds are an error, not a small number
		v.Transfers.Set(v, "t8", &bank.Transfer{ID: "t8", Debit: "a", Credit: "b", Amount: math.MaxInt64})
		v.Transfers.Set(v, "t9", &bank.Transfer{ID: "t9", Debit: "a", Credit: "b", Amount: math.MaxInt64})
	})
	if sums, err := b.store.Sums(background); err == nil {
		b.Errorf("sums beyond 63 bits: got %+v, want an error", sums)
	}
}

func testBigBatch(b *book) {
	const n = 5000
	keys := make([]bank.Key, n)
	for i := range keys {
		keys[i] = bank.Key{Kind: bank.KindPayment, ID: fmt.Sprintf("pay_%06d", i)}
	}
	for _, status := range []string{"awaiting_code", "succeeded"} {
		b.commit(func(v *bank.View) {
			for i, k := range keys {
				p, _ := v.Payments.Row(k.ID)
				p.ID, p.Status, p.Amount = k.ID, status, p.Amount+int64(i)
				v.Payments.Set(v, k.ID, &p)
			}
		}, keys...)
	}
	tx, v := b.load(keys...)
	tx.Rollback()
	for i, k := range keys {
		if p, there := v.Payments.Row(k.ID); !there || p.Status != "succeeded" || p.Amount != 2*int64(i) {
			b.Fatalf("%s: got %+v (there: %v), want it succeeded with amount %d", k.ID, p, there, 2*i)
		}
	}
}

// testSnapshots moves money while others add it up: they never see it between
// two accounts.
func testSnapshots(b *book) {
	b.accounts("a", "b")
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				sums, err := b.store.Sums(background)
				var total int64
				for _, s := range sums {
					total += s.Credits - s.Debits
					if s.Debits != s.DebitsMoved || s.Credits != s.CreditsMoved {
						b.Errorf("a reader sees half a commit: %+v", s)
						return
					}
				}
				if err != nil || total != 0 {
					b.Errorf("a reader sees %d instead of zero (%v)", total, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 100 {
		b.transfer(fmt.Sprint("t", i), "a", "b", int64(i+1))
	}
	close(done)
	readers.Wait()
}

func testOwnCopies(b *book) {
	b.commit(func(v *bank.View) { v.Cards.Set(v, "card", &bank.Card{ID: "card", PANMAC: []byte("pan")}) })
	first := must1(b.store.Card(background, "card"))(b)
	clear(first.PANMAC)
	tx, v := b.load(bank.Key{Kind: bank.KindCard, ID: "card"})
	tx.Rollback()
	loaded, _ := v.Cards.Row("card")
	if again := must1(b.store.Card(background, "card"))(b); string(again.PANMAC) != "pan" || string(loaded.PANMAC) != "pan" {
		b.Errorf("got %q and %q after a reader changed his copy, want %q", again.PANMAC, loaded.PANMAC, "pan")
	}
}

func testContext(b *book) {
	b.number(50)
	ctx, cancel := context.WithCancel(background)
	cancel()
	tx, err := b.store.Begin(ctx)
	if err == nil {
		err = tx.Load(ctx, []bank.Key{{Kind: bank.KindAccount, ID: "unknown"}}, bank.NewView())
		tx.Rollback()
	}
	_, listing := b.store.Payments(ctx, "", bank.Page{Limit: 50})
	for name, err := range map[string]error{"load": err, "list": listing} {
		if !errors.Is(err, context.Canceled) {
			b.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
	b.accounts("after") // the store goes on
}
