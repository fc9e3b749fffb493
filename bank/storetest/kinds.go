package storetest

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"

	"sotto/bank"
)

// kind is all that a test needs to handle any kind of row.
type kind[T any] struct {
	name  string
	kind  bank.Kind
	table func(*bank.View) *bank.Table[T]
	read  func(bank.Store, context.Context, string) (T, error) // nil: only through Load
}

// each walks the kinds.
func each(f func(subject)) {
	f(kind[bank.Merchant]{"merchant", bank.KindMerchant, func(v *bank.View) *bank.Table[bank.Merchant] { return &v.Merchants }, bank.Store.Merchant})
	f(kind[bank.APIKey]{"api key", bank.KindAPIKey, func(v *bank.View) *bank.Table[bank.APIKey] { return &v.APIKeys }, bank.Store.APIKey})
	f(kind[bank.Account]{"account", bank.KindAccount, func(v *bank.View) *bank.Table[bank.Account] { return &v.Accounts }, bank.Store.Account})
	f(kind[bank.Card]{"card", bank.KindCard, func(v *bank.View) *bank.Table[bank.Card] { return &v.Cards }, bank.Store.Card})
	f(kind[bank.Phone]{"phone", bank.KindPhone, func(v *bank.View) *bank.Table[bank.Phone] { return &v.Phones }, bank.Store.Phone})
	f(kind[bank.Binding]{"binding", bank.KindBinding, func(v *bank.View) *bank.Table[bank.Binding] { return &v.Bindings }, bank.Store.Binding})
	f(kind[bank.Payment]{"payment", bank.KindPayment, func(v *bank.View) *bank.Table[bank.Payment] { return &v.Payments }, bank.Store.Payment})
	f(kind[bank.Transfer]{"transfer", bank.KindTransfer, func(v *bank.View) *bank.Table[bank.Transfer] { return &v.Transfers }, bank.Store.Transfer})
	f(kind[bank.Dispatch]{"dispatch", bank.KindDispatch, func(v *bank.View) *bank.Table[bank.Dispatch] { return &v.Dispatches }, nil})
	f(kind[bank.Pace]{"pace", bank.KindPace, func(v *bank.View) *bank.Table[bank.Pace] { return &v.Paces }, nil})
	f(kind[bank.Idempotency]{"idempotency", bank.KindIdempotency, func(v *bank.View) *bank.Table[bank.Idempotency] { return &v.Idempotency }, nil})
	f(kind[bank.Webhook]{"webhook", bank.KindWebhook, func(v *bank.View) *bank.Table[bank.Webhook] { return &v.Webhooks }, bank.Store.Webhook})
	f(kind[bank.Applet]{"applet", bank.KindApplet, func(v *bank.View) *bank.Table[bank.Applet] { return &v.Applets }, bank.Store.Applet})
	f(kind[bank.Tap]{"tap", bank.KindTap, func(v *bank.View) *bank.Table[bank.Tap] { return &v.Taps }, nil})
	f(kind[bank.Load]{"load", bank.KindLoad, func(v *bank.View) *bank.Table[bank.Load] { return &v.Loads }, bank.Store.Load})
	f(kind[bank.Batch]{"batch", bank.KindBatch, func(v *bank.View) *bank.Table[bank.Batch] { return &v.Batches }, bank.Store.Batch})
	f(kind[bank.Book]{"book", bank.KindBook, func(v *bank.View) *bank.Table[bank.Book] { return &v.Books }, bank.Store.Book})
}

// subject is a kind without its type.
type subject interface {
	testEmpty(*book)
	testRow(*book, row)
	testFields(*book)
	testDeletes(*book)
}

func (k kind[T]) key(id string) bank.Key { return bank.Key{Kind: k.kind, ID: id} }

// stored is the row as Load and, where there is one, the reader's method have
// it; both must agree.
func (k kind[T]) stored(b *book, id string) (T, bool) {
	b.Helper()
	tx, v := b.load(k.key(id))
	tx.Rollback()
	if !v.Has(k.key(id)) {
		b.Fatalf("%s: Load leaves %q out", k.name, id)
	}
	loaded, there := k.table(v).Row(id)
	if k.read == nil {
		return loaded, there
	}
	read, err := k.read(b.store, background, id)
	if errors.Is(err, bank.ErrNoRow) != !there || err != nil && there {
		b.Fatalf("%s %q: the reader says %v, Load says there=%v", k.name, id, err, there)
	}
	if there && !same(read, loaded) {
		b.Fatalf("%s: the reader has\n%+v\nand Load\n%+v", k.name, read, loaded)
	}
	return loaded, there
}

// want fails unless the row is there and is this.
func (k kind[T]) want(b *book, id string, want T) {
	b.Helper()
	if got, there := k.stored(b, id); !there || !same(got, want) {
		b.Fatalf("%s (there: %v): got\n%+v\nwant\n%+v", k.name, there, got, want)
	}
}

func (k kind[T]) wantNone(b *book, id string) {
	b.Helper()
	if got, there := k.stored(b, id); there {
		b.Fatalf("%s: got %+v, want none", k.name, got)
	}
}

// same compares rows; bytes that are nil and that are empty are the same.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		p, q := x.Field(i), y.Field(i)
		if p.Kind() == reflect.Slice && p.Len() == 0 && q.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(p.Interface(), q.Interface()) {
			return false
		}
	}
	return true
}

// row is how to fill one: with texts, numbers and bytes that differ from field
// to field.
type row struct {
	name, id string
	text     string
	number   int64
	counter  uint64
	bytes    []byte
	truth    bool
}

var hostile = []row{
	{name: "nothing", id: "a"},
	{name: "plain", id: "b", text: "Li Wei", number: 12800, counter: 7, bytes: []byte{1}, truth: true},
	{name: "quotes", id: `c'); DROP TABLE payment; --`, text: `'"` + "`" + `\%_?$1:a@b--/*;`, number: -1, counter: 1 << 63, bytes: []byte(`'"\x`)},
	{name: "most", id: "d", text: "x", number: math.MaxInt64, counter: math.MaxUint64, bytes: []byte{0xFF}},
	{name: "least", id: "e", text: " ", number: math.MinInt64, counter: 0, bytes: []byte{0}},
	{name: "scripts", id: "卡😀", text: "绿茶 250克 😀🏦 Ñandú עברית \u202e\u200b\ufeff\t\r\n", number: 1 << 53, counter: 1<<53 + 1, bytes: []byte{0, 0, 0}},
	{name: "long", id: strings.Repeat("k", 300), text: strings.Repeat("长", 2000), number: 1, counter: 1, bytes: make([]byte, 300_000)},
}

// fill makes a row out of r. Fields differ so that two swapped columns show.
func fill[T any](r row) T {
	var made T
	v := reflect.ValueOf(&made).Elem()
	for i := range v.NumField() {
		set(v.Field(i), r, i)
	}
	v.FieldByName("ID").SetString(r.id)
	return made
}

func set(f reflect.Value, r row, i int) {
	switch f.Kind() {
	case reflect.String:
		if r.text != "" {
			f.SetString(r.text + strings.Repeat("~", i))
		}
	case reflect.Int64:
		f.SetInt(r.number ^ int64(i)*min(1, max(r.number, -r.number, -1-r.number)))
	case reflect.Uint64:
		f.SetUint(r.counter)
	case reflect.Bool:
		f.SetBool(r.truth)
	case reflect.Slice:
		if len(r.bytes) > 0 {
			f.SetBytes(append([]byte{byte(i)}, r.bytes...))
		}
	default:
		panic("storetest: a row has a field of a type that no test fills")
	}
}
