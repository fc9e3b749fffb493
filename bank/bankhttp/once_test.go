package bankhttp_test

import (
	"bytes"
	"sync"
	"testing"

	"sotto/bankapi"
)

func TestOneKeyMakesOnePayment(t *testing.T) {
	w := newWorld(t)
	const n = 20
	answers := make([]response, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = w.post(w.shop, "/v1/payments", w.request(100), "Idempotency-Key", "order-1") })
	}
	all.Wait()
	replayed := 0
	for _, r := range answers {
		if r.StatusCode != 201 || !bytes.Equal(r.body, answers[0].body) {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
		if r.Header.Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	var list bankapi.List[bankapi.Payment]
	w.get(w.shop, "/v1/payments", &list)
	if len(list.Data) != 1 || replayed != n-1 {
		t.Errorf("got %d payments, %d replays", len(list.Data), replayed)
	}
	if r := w.post(w.shop, "/v1/payments", w.request(101), "Idempotency-Key", "order-1"); r.problem(t).Reason() != bankapi.IdempotencyReuse {
		t.Errorf("another body: %s", r.body)
	}
	if r := w.post(w.shop, "/v1/payments/"+list.Data[0].ID+"/cancel", nil, "Idempotency-Key", "order-1"); r.problem(t).Reason() != bankapi.IdempotencyReuse {
		t.Errorf("another path: %s", r.body)
	}
}

func TestOneOfManyConfirmsSucceeds(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	code := w.code(p.ID)
	var mu sync.Mutex
	count := map[int]int{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r := w.post(w.shop, "/v1/payments/"+p.ID+"/confirm", bankapi.Confirm{Code: code})
			mu.Lock()
			defer mu.Unlock()
			count[r.StatusCode]++
		})
	}
	all.Wait()
	if count[200] != 1 || count[409] != 19 || w.balance(w.customer) != 10_000_000-100 {
		t.Errorf("got %v, and %d in the account", count, w.balance(w.customer))
	}
}
