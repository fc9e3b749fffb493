package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/bankapi"
)

const benchCards = 256

func benchOptions(b *testing.B) Options {
	b.Helper()
	return Options{Cards: benchCards, Phones: 8, Merchants: 4, Data: b.TempDir(), Log: slog.New(slog.DiscardHandler), Progress: io.Discard}
}

// The committer alone, on a real file: 256 creates at once, the phones' 256
// reports, 256 confirms. What phones and cards do is not counted.
func BenchmarkCommitter(b *testing.B) {
	o := benchOptions(b)
	var mu sync.Mutex
	var sent []bank.Dispatch
	s := &site{dir: o.Data, secrets: drawSecrets()}
	store, err := sqlite.Open(b.Context(), filepath.Join(o.Data, "bank.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	furnished := make(chan struct{})
	t := &town{cards: make([]*card, o.Cards)}
	one, err := bank.Open(b.Context(), bank.Config{
		Store: store, Keys: s.secrets, Policy: widePolicy("http://127.0.0.1"), Now: time.Now, Random: rand.Reader, Log: o.Log,
		Committed: func(c bank.Committed) {
			select {
			case <-furnished:
				mu.Lock()
				sent = append(sent, c.Dispatches...)
				mu.Unlock()
			default:
				t.deliver(b, c.Dispatches)
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer one.Close()
	s.service = &service.Service{Bank: one}
	t.settle(b, s, o)
	close(furnished)

	actor := bank.Actor{Role: bankapi.RoleMerchant, Merchant: t.merchants[0].id}
	create := func(i int) bank.Call {
		request := bankapi.CreatePayment{Card: t.cards[i].id, Amount: 12800, Currency: currency, Order: "A-1001", Description: "Green tea, 250 g"}
		return bank.Call{Op: one.Keys().NewCreatePayment(request), Actor: actor, IdempotencyKey: rand.Text()}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		payments := atOnce(b, one, benchCards, create)
		b.StopTimer()
		t.deliver(b, sent)
		sent = sent[:0]
		reports, codes := t.reports(benchCards)
		b.StartTimer()
		atOnce(b, one, benchCards, func(i int) bank.Call { return reports[i] })
		atOnce(b, one, benchCards, func(i int) bank.Call {
			op := bank.ConfirmPayment{Payment: string(member(payments[i], idMember)), Code: codes[t.cards[i].id]}
			return bank.Call{Op: op, Actor: actor, IdempotencyKey: rand.Text()}
		})
	}
	stats := one.Stats()
	b.ReportMetric(float64(b.N*benchCards)/b.Elapsed().Seconds(), "payments/s")
	b.ReportMetric(float64(stats.Ops)/float64(stats.Commits), "ops/commit")
}

// settle furnishes a bank without a bus.
func (t *town) settle(b *testing.B, s *site, o Options) {
	b.Helper()
	for i := range o.Merchants {
		m, err := newMerchant(b.Context(), s, i)
		if err != nil {
			b.Fatal(err)
		}
		t.merchants = append(t.merchants, m)
	}
	for i := range o.Phones {
		p, err := newPhone(true, o.Log)
		if err == nil {
			err = p.enrol(b.Context(), s, fmt.Sprint("Phone ", i))
		}
		if err != nil {
			b.Fatal(err)
		}
		t.phones = append(t.phones, p)
	}
	if err := t.customers(b.Context(), s, o); err != nil {
		b.Fatal(err)
	}
	for _, p := range t.phones {
		for len(p.reports) > 0 {
			<-p.reports
		}
	}
}

// deliver carries dispatches from the bank to the phones.
func (t *town) deliver(b *testing.B, dispatches []bank.Dispatch) {
	b.Helper()
	for _, d := range dispatches {
		body, err := d.Wire()
		for _, p := range t.phones {
			if err == nil && p.id == d.Phone {
				err = p.onDispatch(b.Context(), d.ID, body)
			}
		}
		if err != nil {
			b.Error(err)
		}
	}
}

// reports takes what phones have to say, and reads the codes on the cards.
func (t *town) reports(n int) (calls []bank.Call, codes map[string]string) {
	codes = map[string]string{}
	for _, p := range t.phones {
		for len(p.reports) > 0 {
			r := <-p.reports
			parsed, err := bankapi.ParseReport(r.body)
			if err != nil {
				panic(err)
			}
			calls = append(calls, bank.Call{Op: bank.Report{Report: parsed}, Actor: bank.PhoneActor(p.id)})
			s := <-r.card.payer
			codes[r.card.id] = string(s.code[:s.n])
		}
	}
	if len(calls) != n {
		panic(fmt.Sprintf("%d reports of %d payments", len(calls), n))
	}
	return calls, codes
}

// atOnce asks the bank for n things at the same time.
func atOnce(b *testing.B, one *bank.Bank, n int, call func(int) bank.Call) [][]byte {
	b.Helper()
	out := make([][]byte, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			a, err := one.Do(context.Background(), call(i))
			if err != nil || !a.OK() {
				b.Errorf("%s %v", a.Body, err)
			}
			out[i] = a.Body
		})
	}
	group.Wait()
	return out
}

// All of it: HTTP, bus, phones and cards, with 64 payers.
func BenchmarkHTTP(b *testing.B) {
	o := benchOptions(b)
	s, err := openSite(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	t, err := furnish(b.Context(), s, o)
	if err != nil {
		b.Fatal(err)
	}
	l := &load{site: s, town: t, o: o}
	payers, err := l.payers(b.Context(), 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		var group sync.WaitGroup
		for _, p := range payers {
			group.Go(func() {
				if _, err := p.pay(b.Context(), time.Now()); err != nil {
					b.Error(err)
				}
			})
		}
		group.Wait()
	}
	b.ReportMetric(float64(b.N*len(payers))/b.Elapsed().Seconds(), "payments/s")
	b.StopTimer()
	for _, p := range payers {
		p.wire.close()
	}
	for _, p := range t.phones {
		p.leave()
	}
	if err := s.close(); err != nil {
		b.Fatal(err)
	}
}
