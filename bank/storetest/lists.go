package storetest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"sotto/bank"
)

func testLookups(b *book) {
	pan, ticket := []byte{1, 2, 3, 0xFF}, []byte{9, 8, 7, 0}
	byChip, otherChip := bank.Key{Kind: bank.ByChip, ID: hex.EncodeToString(pan)}, bank.Key{Kind: bank.ByChip, ID: "00ff"}
	byPAN := bank.Key{Kind: bank.ByPAN, ID: hex.EncodeToString(pan)}
	byTicket := bank.Key{Kind: bank.ByTicket, ID: hex.EncodeToString(ticket)}
	first, second := bank.Key{Kind: bank.ByKey, ID: "UFIRST"}, bank.Key{Kind: bank.ByKey, ID: "USECOND'"}
	none := bank.Key{Kind: bank.ByPAN, ID: hex.EncodeToString([]byte{5})}
	all := []bank.Key{byPAN, byTicket, byChip, otherChip, first, second, none, {Kind: bank.ByPAN, ID: "no hex"},
		{Kind: bank.ByTicket, ID: "FFF"}, {Kind: bank.ByChip, ID: "no hex"}, {Kind: bank.ByChip, ID: ""}}
	kinds := map[bank.Kind]bank.Kind{
		bank.ByPAN: bank.KindCard, bank.ByTicket: bank.KindPhone, bank.ByKey: bank.KindPhone, bank.ByChip: bank.KindApplet,
	}
	check := func(when string, want map[bank.Key]string) {
		b.Helper()
		for range 2 { // what is remembered must be as good as what is read
			tx, v := b.load(all...)
			tx.Rollback()
			for _, k := range all {
				id, loaded := v.Lookup(k)
				if !loaded || id != want[k] {
					b.Errorf("%s: lookup %d of %q: got %q (loaded: %v), want %q", when, k.Kind, k.ID, id, loaded, want[k])
				}
				row := bank.Key{Kind: kinds[k.Kind], ID: id}
				if id != "" && !v.Has(row) {
					b.Errorf("%s: lookup of %q does not load the row", when, k.ID)
				}
			}
		}
	}
	check("before", nil)
	b.commit(func(v *bank.View) {
		v.Cards.Set(v, "card", &bank.Card{ID: "card", PANMAC: pan})
		v.Phones.Set(v, "ph", &bank.Phone{ID: "ph", TicketMAC: ticket})
	})
	check("invited", map[bank.Key]string{byPAN: "card", byTicket: "ph"})
	phone := func(key string) {
		b.commit(func(v *bank.View) {
			v.Phones.Set(v, "ph", &bank.Phone{ID: "ph", TicketMAC: ticket, PublicKey: key})
		}, bank.Key{Kind: bank.KindPhone, ID: "ph"})
	}
	phone("UFIRST")
	check("enrolled", map[bank.Key]string{byPAN: "card", byTicket: "ph", first: "ph"})
	phone("USECOND'")
	check("enrolled anew", map[bank.Key]string{byPAN: "card", byTicket: "ph", second: "ph"})
	if got := must1(b.store.PhoneByKey(background, "USECOND'"))(b); got.ID != "ph" {
		b.Errorf("PhoneByKey: got %q, want ph", got.ID)
	}
	b.commit(func(v *bank.View) { v.Cards.Set(v, "card", nil) }, bank.Key{Kind: bank.KindCard, ID: "card"})
	check("card gone", map[bank.Key]string{byTicket: "ph", second: "ph"})

	applet := func(mac []byte) {
		b.commit(func(v *bank.View) { v.Applets.Set(v, "app", &bank.Applet{ID: "app", PANMAC: mac}) }, bank.Key{Kind: bank.KindApplet, ID: "app"})
	}
	applet(pan) // by the bytes of a card's PAN no applet was found
	check("applet issued", map[bank.Key]string{byChip: "app", byTicket: "ph", second: "ph"})
	applet([]byte{0x00, 0xFF})
	check("applet under another PAN", map[bank.Key]string{otherChip: "app", byTicket: "ph", second: "ph"})
	b.commit(func(v *bank.View) { v.Applets.Set(v, "app", nil) }, bank.Key{Kind: bank.KindApplet, ID: "app"})
	check("applet gone", map[bank.Key]string{byTicket: "ph", second: "ph"})
}

// lists are the reader's, each as a function to the ids it lists.
func (b *book) lists() map[string]func(bank.Page) []string {
	s := b.store
	return map[string]func(bank.Page) []string{
		"payments": func(p bank.Page) []string {
			return ids(b, s.Payments, "", p, func(r bank.Payment) string { return r.ID })
		},
		"accounts": func(p bank.Page) []string {
			return ids(b, all(s.Accounts), "", p, func(r bank.Account) string { return r.ID })
		},
		"cards": func(p bank.Page) []string {
			return ids(b, all(s.Cards), "", p, func(r bank.Card) string { return r.ID })
		},
		"phones": func(p bank.Page) []string {
			return ids(b, all(s.Phones), "", p, func(r bank.Phone) string { return r.ID })
		},
		"bindings": func(p bank.Page) []string {
			return ids(b, all(s.Bindings), "", p, func(r bank.Binding) string { return r.ID })
		},
		"merchants": func(p bank.Page) []string {
			return ids(b, all(s.Merchants), "", p, func(r bank.Merchant) string { return r.ID })
		},
		"transfers": func(p bank.Page) []string {
			return ids(b, s.Transfers, "", p, func(r bank.Transfer) string { return r.ID })
		},
		"webhooks": func(p bank.Page) []string {
			return ids(b, s.Webhooks, "", p, func(r bank.Webhook) string { return r.ID })
		},
		"applets": func(p bank.Page) []string {
			return ids(b, all(s.Applets), "", p, func(r bank.Applet) string { return r.ID })
		},
		"loads": func(p bank.Page) []string {
			return ids(b, all(s.Loads), "", p, func(r bank.Load) string { return r.ID })
		},
		"batches": func(p bank.Page) []string {
			return ids(b, s.Batches, "", p, func(r bank.Batch) string { return r.ID })
		},
		"disputes": func(p bank.Page) []string {
			return ids(b, s.Disputes, "", p, func(r bank.Tap) string { return r.ID })
		},
	}
}

type lister[T any] func(context.Context, string, bank.Page) ([]T, error)

func all[T any](list func(context.Context, bank.Page) ([]T, error)) lister[T] {
	return func(ctx context.Context, _ string, p bank.Page) ([]T, error) { return list(ctx, p) }
}

func ids[T any](b *book, list lister[T], of string, p bank.Page, id func(T) string) []string {
	b.Helper()
	found := must1(list(background, of, p))(b)
	names := []string{}
	for _, r := range found {
		names = append(names, id(r))
	}
	return names
}

// number makes n rows of every kind that is listed, with ids that sort.
func (b *book) number(n int) (newestFirst []string) {
	b.commit(func(v *bank.View) {
		for i := range n {
			id := fmt.Sprintf("id_%05d", i*7919%n) // not in the order of ids
			v.Payments.Set(v, id, &bank.Payment{ID: id, Merchant: fmt.Sprint("mer_", i%2)})
			v.Accounts.Set(v, id, &bank.Account{ID: id})
			v.Cards.Set(v, id, &bank.Card{ID: id, PANMAC: []byte(id)})
			v.Phones.Set(v, id, &bank.Phone{ID: id})
			v.Bindings.Set(v, id, &bank.Binding{ID: id})
			v.Merchants.Set(v, id, &bank.Merchant{ID: id})
			v.Transfers.Set(v, id, &bank.Transfer{ID: id, Debit: fmt.Sprint("acct_", i%3), Credit: fmt.Sprint("acct_", (i+1)%3)})
			v.Webhooks.Set(v, id, &bank.Webhook{ID: id, Merchant: fmt.Sprint("mer_", i%2)})
			v.Applets.Set(v, id, &bank.Applet{ID: id, PANMAC: []byte(id)})
			v.Loads.Set(v, id, &bank.Load{ID: id})
			v.Batches.Set(v, id, &bank.Batch{ID: id, Merchant: fmt.Sprint("mer_", i%2)})
			v.Taps.Set(v, id, &bank.Tap{ID: id, Merchant: fmt.Sprint("mer_", i%2), Status: "disputed"})
		}
	})
	for i := n - 1; i >= 0; i-- {
		newestFirst = append(newestFirst, fmt.Sprintf("id_%05d", i))
	}
	return newestFirst
}

func testLists(b *book) {
	want := b.number(25)
	for name, list := range b.lists() {
		for _, size := range []int{1, 10, 25, 26} {
			got := []string{}
			for p := (bank.Page{Limit: size}); ; p.Before = got[len(got)-1] {
				page := list(p)
				if len(page) > size {
					b.Fatalf("%s: got %d rows, want at most %d", name, len(page), size)
				}
				got = append(got, page...)
				if len(page) < size {
					break
				}
			}
			if !slices.Equal(got, want) {
				b.Errorf("%s by %d: got %v, want %v", name, size, got, want)
			}
		}
		if got := list(bank.Page{Limit: 10, Before: "id_00001"}); !slices.Equal(got, []string{"id_00000"}) {
			b.Errorf("%s before the second: got %v, want the first", name, got)
		}
		if got := list(bank.Page{Limit: 10, Before: "id_00003x"}); !slices.Equal(got, want[21:]) {
			b.Errorf("%s before an id that is not there: got %v, want %v", name, got, want[21:])
		}
	}
}

func testOwners(b *book) {
	newest := b.number(24)
	of := func(keep func(i int) bool) []string {
		want := []string{}
		for _, id := range newest {
			for i := range 24 {
				if keep(i) && id == fmt.Sprintf("id_%05d", i*7919%24) {
					want = append(want, id)
				}
			}
		}
		return want
	}
	page := bank.Page{Limit: 5}
	check := func(name string, got, want []string) {
		b.Helper()
		if !slices.Equal(got, want) {
			b.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	payment := func(r bank.Payment) string { return r.ID }
	transfer := func(r bank.Transfer) string { return r.ID }
	webhook := func(r bank.Webhook) string { return r.ID }
	second := of(func(i int) bool { return i%2 == 1 })
	check("payments of a merchant", ids(b, b.store.Payments, "mer_1", page, payment), second[:5])
	page.Before = second[4]
	check("its next page", ids(b, b.store.Payments, "mer_1", page, payment), second[5:10])
	check("payments of nobody", ids(b, b.store.Payments, "mer_2", page, payment), nil)

	batch := func(r bank.Batch) string { return r.ID }
	tap := func(r bank.Tap) string { return r.ID }
	page = bank.Page{Limit: 5}
	check("batches of a merchant", ids(b, b.store.Batches, "mer_1", page, batch), second[:5])
	check("disputes of a merchant", ids(b, b.store.Disputes, "mer_1", page, tap), second[:5])
	page.Before = second[4]
	check("their next page", ids(b, b.store.Batches, "mer_1", page, batch), second[5:10])
	check("their next page", ids(b, b.store.Disputes, "mer_1", page, tap), second[5:10])
	check("batches of nobody", ids(b, b.store.Batches, "mer_2", page, batch), nil)
	check("disputes of nobody", ids(b, b.store.Disputes, "mer_2", page, tap), nil)

	account := of(func(i int) bool { return i%3 == 2 || (i+1)%3 == 2 })
	check("transfers of an account", ids(b, b.store.Transfers, "acct_2", bank.Page{Limit: 7}, transfer), account[:7])
	check("its next page", ids(b, b.store.Transfers, "acct_2", bank.Page{Limit: 7, Before: account[6]}, transfer), account[7:14])
	check("transfers of nobody", ids(b, b.store.Transfers, "acct_9", bank.Page{Limit: 7}, transfer), nil)

	gone := second[0]
	b.commit(func(v *bank.View) { v.Webhooks.Set(v, gone, &bank.Webhook{ID: gone, Merchant: "mer_1", DeletedAt: 5}) },
		bank.Key{Kind: bank.KindWebhook, ID: gone})
	check("webhooks of a merchant, without the deleted", ids(b, b.store.Webhooks, "mer_1", bank.Page{Limit: 100}, webhook), second[1:])
	if got := ids(b, b.store.Webhooks, "", bank.Page{Limit: 100}, webhook); len(got) != 23 || slices.Contains(got, gone) {
		b.Errorf("all webhooks: got %v, want 23 without %s", got, gone)
	}
}

// testTaps: taps are listed by applet, those under one counter together, and a
// dispute until it is none any more.
func testTaps(b *book) {
	rows := []string{
		"app_1.0001", "app_1.000A", "app_1.000A.12345678", "app_1.000A.ffffffff", "app_1.0100", "app_1.FFFF",
		"app_10.0001", "app_1", "app_1/0001", "app_1-.0001", "app_2.0001", "APP_1.0001", "app_",
	}
	set := func(id, status string) {
		b.commit(func(v *bank.View) { v.Taps.Set(v, id, &bank.Tap{ID: id, Status: status}) }, bank.Key{Kind: bank.KindTap, ID: id})
	}
	for _, i := range []int{3, 0, 5, 12, 1, 10, 4, 2, 8, 6, 7, 9, 11} { // not in the order of ids
		set(rows[i], "posted")
	}
	list := func(applet string, p bank.Page) []string {
		return ids(b, b.store.Taps, applet, p, func(t bank.Tap) string { return t.ID })
	}
	want := slices.Clone(rows[:6])
	slices.Reverse(want)
	got := list("app_1", bank.Page{Limit: 4})
	got = append(got, list("app_1", bank.Page{Limit: 4, Before: got[len(got)-1]})...)
	if !slices.Equal(got, want) {
		b.Errorf("taps of an applet: got %v, want %v", got, want)
	}
	for applet, want := range map[string]int{"app_10": 1, "app_2": 1, "app_3": 0, "": 0, "app_1.000A": 2, "app%": 0} {
		if got := list(applet, bank.Page{Limit: 100}); len(got) != want {
			b.Errorf("taps of %q: got %v, want %d", applet, got, want)
		}
	}
	disputes := func() []string {
		return ids(b, b.store.Disputes, "", bank.Page{Limit: 100}, func(t bank.Tap) string { return t.ID })
	}
	if got := disputes(); len(got) != 0 {
		b.Errorf("got the disputes %v, want none", got)
	}
	set(rows[0], "disputed")
	set(rows[2], "disputed")
	set(rows[0], "posted")
	if got := disputes(); !slices.Equal(got, rows[2:3]) {
		b.Errorf("got the disputes %v, want %v", got, rows[2:3])
	}
}

// testLimits: a limit outside of 1 to 1000 is taken for the nearest.
func testLimits(b *book) {
	b.number(1100)
	for name, list := range b.lists() {
		for limit, want := range map[int]int{-5: 1, 0: 1, 1: 1, 999: 999, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
			if got := len(list(bank.Page{Limit: limit})); got != want {
				b.Errorf("%s with limit %d: got %d rows, want %d", name, limit, got, want)
			}
		}
	}
}
