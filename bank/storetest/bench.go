package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sotto/bank"
	"sotto/ident"
)

// shop is a made-up bank under load: what its rows look like matters to a
// store, what they mean does not.
type shop struct {
	store  bank.Store
	random *rand.ChaCha8
	now    int64
	head   bank.Link
	cards  []string
	size   int             // payments in a batch
	took   []time.Duration // each commit
}

const (
	benchCards     = 1000
	benchMerchants = 20
)

// Bench measures payments as the store sees them: created, reported by the
// phone and confirmed, in batches of so many ops, each committed durably.
func Bench(b *testing.B, store bank.Store, batch int) (done int) {
	b.Helper()
	s := &shop{store: store, random: rand.NewChaCha8([32]byte{1}), now: 1_767_225_600_000, size: batch}
	s.found(b)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		s.payments(b)
		done += batch
	}
	b.StopTimer()
	elapsed := b.Elapsed()
	b.ReportMetric(float64(done)/elapsed.Seconds(), "payments/s")
	b.ReportMetric(float64(elapsed.Microseconds())/float64(done), "µs/payment")
	slices.Sort(s.took)
	b.ReportMetric(float64(s.took[len(s.took)/2].Microseconds())/1000, "ms/commit-p50")
	b.ReportMetric(float64(s.took[len(s.took)*99/100].Microseconds())/1000, "ms/commit-p99")
	b.ReportMetric(float64(s.took[len(s.took)-1].Microseconds())/1000, "ms/commit-max")
	return done
}

func (s *shop) id(kind ident.Kind) string {
	var r [10]byte
	_, _ = s.random.Read(r[:])
	return ident.Make(kind, s.now, r)
}

func (s *shop) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = s.random.Read(b)
	return b
}

// commit makes one batch of what change does to the rows of these keys.
func (s *shop) commit(b *testing.B, want []bank.Key, change func(*bank.View)) {
	b.Helper()
	ctx := context.Background()
	s.now++
	tx, err := s.store.Begin(ctx)
	if err != nil {
		b.Fatal(err)
	}
	v := bank.NewView()
	if err := tx.Load(ctx, want, v); err != nil {
		b.Fatal(err)
	}
	change(v)
	link := bank.Link{Seq: s.head.Seq + 1, At: s.now, Prev: s.head.MAC, Body: s.bytes(300 * s.size), MAC: s.bytes(32)}
	began := time.Now()
	if err := tx.Commit(ctx, v, link); err != nil {
		b.Fatal(err)
	}
	s.took = append(s.took, time.Since(began))
	s.head = link
}

func (s *shop) found(b *testing.B) {
	b.Helper()
	s.commit(b, nil, func(v *bank.View) {
		for i := range benchMerchants {
			account := fmt.Sprintf("acct_m%026d", i)
			v.Accounts.Set(v, account, &bank.Account{ID: account, Name: "Shop", Kind: "merchant", Currency: "CNY", CreatedAt: s.now})
			id := fmt.Sprintf("mer_%026d", i)
			v.Merchants.Set(v, id, &bank.Merchant{ID: id, Name: "Shop", Account: account, CreatedAt: s.now})
		}
		for range benchCards {
			account, phone, card := s.id(ident.Account), s.id(ident.Phone), s.id(ident.Card)
			s.cards = append(s.cards, card)
			v.Accounts.Set(v, account, &bank.Account{ID: account, Name: "Li Na", Kind: "customer", Currency: "CNY", Credits: 1 << 40})
			v.Phones.Set(v, phone, &bank.Phone{ID: phone, Name: "Li's phone", Status: "active", PublicKey: phone, TicketMAC: s.bytes(32)})
			v.Cards.Set(v, card, &bank.Card{ID: card, Account: account, Holder: "Li Na", Profile: "card-sealed", Language: "zh",
				Status: "active", PANSealed: s.bytes(44), PANMAC: s.bytes(32), Number: "621700******0001", Binding: "bind_1", Phone: phone})
		}
	})
}

// order is one payment on its way.
type order struct{ payment, card, account, merchant, merchantAccount, dispatch, pace, phone string }

func (s *shop) payments(b *testing.B) {
	b.Helper()
	orders := make([]order, s.size)
	want := make([]bank.Key, 0, 8*s.size)
	for i := range orders {
		m := int(s.random.Uint64() % benchMerchants)
		card := s.cards[s.random.Uint64()%benchCards]
		merchant := fmt.Sprintf("mer_%026d", m)
		orders[i] = order{card: card, merchant: merchant, merchantAccount: fmt.Sprintf("acct_m%026d", m), pace: card + "|" + merchant,
			payment: s.id(ident.Payment), dispatch: ident.Text(ident.Dispatch, ident.Raw(s.bytes(16)))}
		want = append(want, bank.Key{Kind: bank.KindIdempotency, ID: "merchant:" + merchant + "|c" + orders[i].payment},
			bank.Key{Kind: bank.KindCard, ID: card}, bank.Key{Kind: bank.KindMerchant, ID: merchant}, bank.Key{Kind: bank.KindPace, ID: orders[i].pace},
			bank.Key{Kind: bank.KindAccount, ID: orders[i].merchantAccount})
	}
	s.commit(b, want, func(v *bank.View) { s.create(v, orders) })
	want = want[:0]
	for _, o := range orders {
		want = append(want, bank.Key{Kind: bank.KindDispatch, ID: o.dispatch}, bank.Key{Kind: bank.KindCard, ID: o.card}, bank.Key{Kind: bank.KindPayment, ID: o.payment})
	}
	s.commit(b, want, func(v *bank.View) { s.report(v, orders) })
	want = want[:0]
	for _, o := range orders {
		want = append(want, bank.Key{Kind: bank.KindIdempotency, ID: "merchant:" + o.merchant + "|f" + o.payment},
			bank.Key{Kind: bank.KindPayment, ID: o.payment}, bank.Key{Kind: bank.KindCard, ID: o.card}, bank.Key{Kind: bank.KindAccount, ID: o.account},
			bank.Key{Kind: bank.KindAccount, ID: o.merchantAccount}, bank.Key{Kind: bank.KindDispatch, ID: o.dispatch})
	}
	s.commit(b, want, func(v *bank.View) { s.confirm(v, orders) })
}

func rowOf[T any](t *bank.Table[T], id string) T {
	row, ok := t.Row(id)
	if !ok {
		panic("storetest: " + id + " is not there")
	}
	return row
}

func (s *shop) create(v *bank.View, orders []order) {
	for i := range orders {
		o := &orders[i]
		c := rowOf(&v.Cards, o.card)
		o.account, o.phone = c.Account, c.Phone
		c.Counter, c.Budget, c.BudgetAt = c.Counter+1, 9000, s.now
		v.Cards.Set(v, o.card, &c)
		v.Paces.Set(v, o.pace, &bank.Pace{ID: o.pace, Budget: 4000, BudgetAt: s.now})
		v.Payments.Set(v, o.payment, &bank.Payment{ID: o.payment, Status: "awaiting_code", Merchant: o.merchant, MerchantAccount: o.merchantAccount,
			Card: o.card, CardNumber: c.Number, Payer: c.Account, Amount: 12800, Currency: "CNY", Payee: "Green Tea House", Order: "A-1001",
			Description: "Green tea, 250 g", Capture: "automatic", ReturnURL: "https://shop.example/done", Delivery: "sending", Dispatch: o.dispatch,
			CodeMAC: s.bytes(32), CreatedAt: s.now, ExpiresAt: s.now + 180_000})
		v.Dispatches.Set(v, o.dispatch, &bank.Dispatch{ID: o.dispatch, Phone: o.phone, Card: o.card, Subject: o.payment, Kind: 1, Profile: 1,
			Counter: c.Counter, Body: s.bytes(300), ExpiresAt: s.now + 180_000})
		s.keep(v, "merchant:"+o.merchant+"|c"+o.payment)
	}
}

func (s *shop) keep(v *bank.View, id string) {
	v.Idempotency.Set(v, id, &bank.Idempotency{ID: id, Request: s.bytes(32), Body: s.bytes(750), CreatedAt: s.now})
}

func (s *shop) report(v *bank.View, orders []order) {
	for _, o := range orders {
		v.Dispatches.Set(v, o.dispatch, nil)
		p := rowOf(&v.Payments, o.payment)
		p.Delivery, p.Dispatch = "on_card", ""
		v.Payments.Set(v, o.payment, &p)
	}
}

func (s *shop) confirm(v *bank.View, orders []order) {
	for _, o := range orders {
		p := rowOf(&v.Payments, o.payment)
		p.Status, p.Captured, p.CodeMAC, p.EndedAt = "succeeded", p.Amount, nil, s.now
		v.Payments.Set(v, o.payment, &p)
		debit, credit := rowOf(&v.Accounts, o.account), rowOf(&v.Accounts, o.merchantAccount)
		debit.Debits += p.Amount
		v.Accounts.Set(v, debit.ID, &debit)
		credit.Credits += p.Amount
		v.Accounts.Set(v, credit.ID, &credit)
		id := s.id(ident.Transfer)
		v.Transfers.Set(v, id, &bank.Transfer{ID: id, Kind: "payment", Debit: debit.ID, Credit: credit.ID, Amount: p.Amount, Currency: "CNY",
			Payment: p.ID, CreatedAt: s.now})
		s.keep(v, "merchant:"+o.merchant+"|f"+o.payment)
	}
}
