package storetest

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"sotto/bank"
)

func testWaiting(b *book) {
	add := func(id, phone string, expires int64) {
		b.commit(func(v *bank.View) {
			v.Dispatches.Set(v, id, &bank.Dispatch{ID: id, Phone: phone, Body: []byte(id), ExpiresAt: expires})
		})
	}
	add("z", "ph_1", 2000) // ids are random, the order is that of arrival
	add("a", "ph_1", 1500)
	add("x", "ph_2", 9000)
	b.commit(func(v *bank.View) { // within a batch too
		for _, id := range []string{"m", "c", "y", "b"} {
			v.Dispatches.Set(v, id, &bank.Dispatch{ID: id, Phone: "ph_1", Body: []byte(id), ExpiresAt: 3000})
		}
	})
	b.commit(func(v *bank.View) { v.Dispatches.Set(v, "y", nil) }, bank.Key{Kind: bank.KindDispatch, ID: "y"})
	add("k", "ph_1", 2500)
	for now, want := range map[int64][]string{
		0: {"z", "a", "m", "c", "b", "k"}, 1499: {"z", "a", "m", "c", "b", "k"}, 1500: {"z", "m", "c", "b", "k"},
		2000: {"m", "c", "b", "k"}, 2500: {"m", "c", "b"}, 3000: {},
	} {
		got := []string{}
		for _, d := range must1(b.store.Waiting(background, "ph_1", now))(b) {
			got = append(got, string(d.Body))
		}
		if !slices.Equal(got, want) {
			b.Errorf("waiting at %d: got %v, want %v", now, got, want)
		}
	}
	if got := must1(b.store.Waiting(background, "ph_3", 0))(b); len(got) != 0 {
		b.Errorf("waiting for a phone without any: got %v", got)
	}
}

func testDue(b *book) {
	b.commit(func(v *bank.View) {
		for i, status := range []string{"awaiting_code", "authorized", "succeeded", "declined", "expired", "canceled", "refunded"} {
			id := fmt.Sprint("pay_", status)
			v.Payments.Set(v, id, &bank.Payment{ID: id, Status: status, ExpiresAt: 1000 + int64(i)})
		}
		for i, status := range []string{"pending", "confirmed", "active", "failed", "revoked"} {
			id := fmt.Sprint("bind_", status)
			v.Bindings.Set(v, id, &bank.Binding{ID: id, Status: status, ExpiresAt: 1000 + int64(i)})
		}
		v.Dispatches.Set(v, "dsp_1", &bank.Dispatch{ID: "dsp_1", ExpiresAt: 1000})
		v.Dispatches.Set(v, "dsp_2", &bank.Dispatch{ID: "dsp_2", ExpiresAt: 1001})
		v.Idempotency.Set(v, "key_1", &bank.Idempotency{ID: "key_1", CreatedAt: 501})
		v.Idempotency.Set(v, "key_2", &bank.Idempotency{ID: "key_2", CreatedAt: 500}) // a clock may go back
	})
	check := func(now, before int64, want bank.Due) {
		b.Helper()
		got := must1(b.store.Due(background, now, before, 10))(b)
		for _, list := range []*[]string{&got.Payments, &got.Bindings, &got.Dispatches, &got.Idempotency} {
			slices.Sort(*list)
		}
		if !reflect.DeepEqual(got, want) {
			b.Errorf("due at %d, answers before %d: got %+v, want %+v", now, before, got, want)
		}
	}
	check(999, 500, bank.Due{})
	check(1000, 501, bank.Due{Payments: []string{"pay_awaiting_code"}, Bindings: []string{"bind_pending"},
		Dispatches: []string{"dsp_1"}, Idempotency: []string{"key_2"}})
	check(1001, 502, bank.Due{Payments: []string{"pay_authorized", "pay_awaiting_code"}, Bindings: []string{"bind_pending"},
		Dispatches: []string{"dsp_1", "dsp_2"}, Idempotency: []string{"key_1", "key_2"}})
	b.commit(func(v *bank.View) { // what has ended is not due any more
		v.Payments.Set(v, "pay_authorized", &bank.Payment{ID: "pay_authorized", Status: "expired", ExpiresAt: 1001})
		v.Bindings.Set(v, "bind_pending", &bank.Binding{ID: "bind_pending", Status: "failed", ExpiresAt: 1000})
		v.Dispatches.Set(v, "dsp_1", nil)
		v.Idempotency.Set(v, "key_1", nil)
	}, bank.Key{Kind: bank.KindPayment, ID: "pay_authorized"}, bank.Key{Kind: bank.KindBinding, ID: "bind_pending"},
		bank.Key{Kind: bank.KindDispatch, ID: "dsp_1"}, bank.Key{Kind: bank.KindIdempotency, ID: "key_1"})
	check(math.MaxInt64, math.MaxInt64, bank.Due{Payments: []string{"pay_awaiting_code"}, Dispatches: []string{"dsp_2"}, Idempotency: []string{"key_2"}})
}

func testDueLimit(b *book) {
	b.commit(func(v *bank.View) {
		for i := range 20 {
			id := fmt.Sprint("id_", i)
			v.Payments.Set(v, id, &bank.Payment{ID: id, Status: "awaiting_code", ExpiresAt: 1})
			v.Bindings.Set(v, id, &bank.Binding{ID: id, Status: "pending", ExpiresAt: 1})
			v.Dispatches.Set(v, id, &bank.Dispatch{ID: id, ExpiresAt: 1})
			v.Idempotency.Set(v, id, &bank.Idempotency{ID: id, CreatedAt: 1})
		}
	})
	for limit, want := range map[int]int{1: 1, 7: 7, 20: 20, 21: 20} {
		due := must1(b.store.Due(background, 2, 2, limit))(b)
		got := []int{len(due.Payments), len(due.Bindings), len(due.Dispatches), len(due.Idempotency)}
		if !slices.Equal(got, []int{want, want, want, want}) {
			b.Errorf("limit %d: got %v, want %d of each", limit, got, want)
		}
	}
}

func testLinks(b *book) {
	for range 12 {
		b.commit(func(*bank.View) {})
	}
	var got []bank.Link
	for {
		var after int64
		if len(got) > 0 {
			after = got[len(got)-1].Seq
		}
		page := must1(b.store.Links(background, after, 5))(b)
		got = append(got, page...)
		if len(page) < 5 {
			break
		}
	}
	if len(got) != 12 {
		b.Fatalf("got %d links, want 12", len(got))
	}
	b.head = bank.Link{}
	for i, l := range got {
		want := b.nextLink()
		if !same(l, want) {
			b.Errorf("link %d: got %+v, want %+v", i+1, l, want)
		}
		if !must1(b.store.HasLink(background, want.Seq, want.MAC))(b) {
			b.Errorf("HasLink %d: got false", want.Seq)
		}
		if must1(b.store.HasLink(background, want.Seq, append(want.MAC, '!')))(b) || must1(b.store.HasLink(background, want.Seq, nil))(b) {
			b.Errorf("HasLink %d with another MAC: got true", want.Seq)
		}
		b.head = want
	}
	if got := must1(b.store.LastLink(background))(b); !same(got, b.head) {
		b.Errorf("LastLink: got %+v, want %+v", got, b.head)
	}
}
