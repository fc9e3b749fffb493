package storetest

import (
	"errors"
	"fmt"
	"reflect"

	"sotto/bank"
)

func testEmpty(b *book) {
	each(func(s subject) { s.testEmpty(b) })
	if got := must1(b.store.LastLink(background))(b); got.Seq != 0 {
		b.Errorf("LastLink: got %d, want 0", got.Seq)
	}
	if got := must1(b.store.HasLink(background, 1, []byte("mac")))(b); got {
		b.Error("HasLink: got a link that nobody wrote")
	}
	if got := must1(b.store.Sums(background))(b); len(got) != 0 {
		b.Errorf("Sums: got %v, want none", got)
	}
	if got := must1(b.store.Links(background, 0, 10))(b); len(got) != 0 {
		b.Errorf("Links: got %v, want none", got)
	}
	if _, err := b.store.PhoneByKey(background, ""); !errors.Is(err, bank.ErrNoRow) {
		b.Errorf("PhoneByKey: got %v, want ErrNoRow", err)
	}
	if got := must1(b.store.Due(background, 1<<62, 1<<62, 10))(b); !reflect.DeepEqual(got, bank.Due{}) {
		b.Errorf("Due: got %v, want nothing", got)
	}
}

// must1 lets a call with two results be the argument of must.
func must1[T any](got T, err error) func(*book) T {
	return func(b *book) T {
		b.Helper()
		return must(b, got, err)
	}
}

func (k kind[T]) testEmpty(b *book) { k.wantNone(b, "a") }

func testRows(b *book) {
	for _, r := range hostile {
		each(func(s subject) { s.testRow(b, r) })
	}
}

func (k kind[T]) testRow(b *book, r row) {
	k.wantNone(b, r.id)
	want := fill[T](r)
	b.commit(func(v *bank.View) { put(v, k, r.id, want) })
	k.want(b, r.id, want)
}

// put sets a copy, so that nothing the test holds is the store's.
func put[T any](v *bank.View, k kind[T], id string, row T) { k.table(v).Set(v, id, &row) }

func testFields(b *book) { each(func(s subject) { s.testFields(b) }) }

// testFields changes one field after the other, each in a commit of its own,
// and then back all at once; beside a row that must stay as it is.
func (k kind[T]) testFields(b *book) {
	const id, other = "changing", "staying"
	first := fill[T](row{id: id, text: "first", number: 10, counter: 10, bytes: []byte("first")})
	stays := fill[T](row{id: other, text: "other", number: 20, counter: 20, bytes: []byte("other")})
	b.commit(func(v *bank.View) { put(v, k, id, first); put(v, k, other, stays) })
	last := fill[T](row{id: id, text: "last", number: 100, counter: 100, bytes: []byte("last"), truth: true})
	now := first
	for i := range reflect.TypeOf(now).NumField() {
		reflect.ValueOf(&now).Elem().Field(i).Set(reflect.ValueOf(last).Field(i))
		b.commit(func(v *bank.View) { put(v, k, id, now) }, k.key(id))
		k.want(b, id, now)
	}
	b.commit(func(v *bank.View) { put(v, k, id, first) }, k.key(id))
	k.want(b, id, first)
	b.commit(func(v *bank.View) { put(v, k, id, first) }, k.key(id)) // no field differs
	k.want(b, id, first)
	k.want(b, other, stays)
}

func testDeletes(b *book) { each(func(s subject) { s.testDeletes(b) }) }

func (k kind[T]) testDeletes(b *book) {
	ids := []string{"one", "two", "three"}
	rows := map[string]T{}
	for i, id := range ids {
		rows[id] = fill[T](row{id: id, text: id, number: int64(i), counter: uint64(i), bytes: []byte(id)})
	}
	b.commit(func(v *bank.View) {
		for _, id := range ids {
			put(v, k, id, rows[id])
		}
	})
	b.commit(func(v *bank.View) { k.table(v).Set(v, "two", nil) }, k.key("two"))
	k.want(b, "one", rows["one"])
	k.wantNone(b, "two")
	k.want(b, "three", rows["three"])

	// Gone and made again in one batch, made and gone in one batch.
	again := fill[T](row{id: "one", text: "again", number: 9, counter: 9, bytes: []byte("again")})
	b.commit(func(v *bank.View) {
		k.table(v).Set(v, "one", nil)
		put(v, k, "one", again)
		put(v, k, "brief", rows["two"])
		k.table(v).Set(v, "brief", nil)
		put(v, k, "two", rows["two"])
	}, k.key("one"), k.key("two"))
	k.want(b, "one", again)
	k.want(b, "two", rows["two"])
	k.wantNone(b, "brief")
	k.wantNone(b, "two ")
}

func testRollback(b *book) {
	account := bank.Key{Kind: bank.KindAccount, ID: "acct"}
	b.commit(func(v *bank.View) { v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 5}) })
	tx, v := b.load(account, bank.Key{Kind: bank.KindAccount, ID: "new"})
	v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 6})
	v.Accounts.Set(v, "new", &bank.Account{ID: "new"})
	tx.Rollback()
	tx.Rollback() // once more does no harm

	tx, v = b.load(account, bank.Key{Kind: bank.KindAccount, ID: "new"})
	got, _ := v.Accounts.Row("acct")
	_, there := v.Accounts.Row("new")
	if got.Credits != 5 || there {
		b.Errorf("after rollback: got credits %d, new account %v; want 5, false", got.Credits, there)
	}
	if err := tx.Commit(background, v, b.nextLink()); err != nil {
		b.Fatal(err)
	}
	b.head = b.nextLink()
	tx.Rollback() // after a commit it does nothing
	if got := must1(b.store.LastLink(background))(b); got.Seq != b.head.Seq {
		b.Errorf("last link: got %d, want %d", got.Seq, b.head.Seq)
	}
}

// testAtomic commits batches of which one row breaks a constraint, wherever in
// the batch it stands.
func testAtomic(b *book) {
	card := func(id, pan string) *bank.Card { return &bank.Card{ID: id, PANMAC: []byte(pan)} }
	b.commit(func(v *bank.View) {
		v.Cards.Set(v, "card", card("card", "pan"))
		v.Phones.Set(v, "ph", &bank.Phone{ID: "ph", PublicKey: "key", TicketMAC: []byte("ticket")})
		v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 5})
		v.Applets.Set(v, "app", &bank.Applet{ID: "app", PANMAC: []byte("pan")}) // a card's PAN is not an applet's
		v.Taps.Set(v, "app.0001", &bank.Tap{ID: "app.0001"})
	})
	for name, breach := range map[string]func(*bank.View){
		"two cards of one PAN":     func(v *bank.View) { v.Cards.Set(v, "card2", card("card2", "pan")) },
		"two phones of one key":    func(v *bank.View) { v.Phones.Set(v, "ph2", &bank.Phone{ID: "ph2", PublicKey: "key"}) },
		"two phones of one ticket": func(v *bank.View) { v.Phones.Set(v, "ph2", &bank.Phone{ID: "ph2", TicketMAC: []byte("ticket")}) },
		"one id twice":             func(v *bank.View) { v.Cards.Set(v, "card", card("card", "pan3")) }, // not loaded: an insert
		"two applets of one PAN":   func(v *bank.View) { v.Applets.Set(v, "app2", &bank.Applet{ID: "app2", PANMAC: []byte("pan")}) },
		"one counter twice":        func(v *bank.View) { v.Taps.Set(v, "app.0001", &bank.Tap{ID: "app.0001", Amount: 1}) },
	} {
		for _, early := range []bool{true, false} {
			b.refuse(func(v *bank.View) {
				if early {
					breach(v)
				}
				v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 6})
				v.Transfers.Set(v, "tr", &bank.Transfer{ID: "tr", Debit: "acct", Credit: "other", Amount: 1})
				if !early {
					breach(v)
				}
			}, bank.Key{Kind: bank.KindAccount, ID: "acct"}, bank.Key{Kind: bank.KindTransfer, ID: "tr"})
			b.unchanged(name)
		}
	}
	b.commit(func(v *bank.View) { // phones without a key or ticket are not alike
		v.Phones.Set(v, "ph3", &bank.Phone{ID: "ph3"})
		v.Phones.Set(v, "ph4", &bank.Phone{ID: "ph4"})
	})
}

// unchanged looks that nothing of a refused batch is there.
func (b *book) unchanged(name string) {
	b.Helper()
	keys := []bank.Key{{Kind: bank.KindAccount, ID: "acct"}, {Kind: bank.KindTransfer, ID: "tr"}}
	tx, v := b.load(keys...)
	tx.Rollback()
	account, _ := v.Accounts.Row("acct")
	_, moved := v.Transfers.Row("tr")
	read := must1(b.store.Account(background, "acct"))(b)
	last := must1(b.store.LastLink(background))(b)
	got := fmt.Sprint(account.Credits, read.Credits, moved, last.Seq)
	if want := fmt.Sprint(5, 5, false, b.head.Seq); got != want {
		b.Errorf("%s: after it was refused: got %s, want %s", name, got, want)
	}
}

func testLinkTwice(b *book) {
	b.commit(func(v *bank.View) { v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 5}) })
	head := b.head
	b.head = bank.Link{}
	b.refuse(func(v *bank.View) { v.Accounts.Set(v, "acct", &bank.Account{ID: "acct", Credits: 6}) }, bank.Key{Kind: bank.KindAccount, ID: "acct"})
	b.head = head
	b.unchanged("a link's number twice")
}
