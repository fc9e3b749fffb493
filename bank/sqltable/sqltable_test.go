package sqltable_test

import (
	"reflect"
	"slices"
	"testing"

	"sotto/bank/sqltable"
)

// TestEveryFieldHasAColumn: a field that is added to a row and not here would
// be lost without a word.
func TestEveryFieldHasAColumn(t *testing.T) {
	check(t, sqltable.Merchants)
	check(t, sqltable.APIKeys)
	check(t, sqltable.Accounts)
	check(t, sqltable.Cards)
	check(t, sqltable.Phones)
	check(t, sqltable.Bindings)
	check(t, sqltable.Payments)
	check(t, sqltable.Transfers)
	check(t, sqltable.Dispatches)
	check(t, sqltable.Paces)
	check(t, sqltable.Idempotency)
	check(t, sqltable.Webhooks)
	check(t, sqltable.Applets)
	check(t, sqltable.Taps)
	check(t, sqltable.Loads)
	check(t, sqltable.Batches)
	check(t, sqltable.Books)
	check(t, sqltable.Links)
}

func check[T any](t *testing.T, table *sqltable.Table[T]) {
	t.Helper()
	var row T
	var got, want []any
	for _, f := range table.Fields(&row, nil) {
		got = append(got, f.At)
	}
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		want = append(want, v.Field(i).Addr().Interface())
	}
	if len(got) != len(want) || slices.ContainsFunc(want, func(at any) bool { return !slices.Contains(got, at) }) {
		t.Errorf("%s: got %d columns for %d fields, or one twice", table.Name, len(got), len(want))
	}
	columns := slices.Clone(table.Columns)
	slices.Sort(columns)
	if n := len(slices.Compact(columns)); n != len(table.Columns) {
		t.Errorf("%s: two columns have one name", table.Name)
	}
}

func TestChanged(t *testing.T) {
	type row struct {
		text  string
		n     int64
		u     uint64
		b     bool
		bytes []byte
	}
	fields := func(r *row) []sqltable.Field {
		return []sqltable.Field{{At: &r.text}, {At: &r.n}, {At: &r.u}, {At: &r.b}, {At: &r.bytes}}
	}
	for _, c := range []struct {
		after row
		want  uint64
	}{
		{row{}, 0},
		{row{bytes: []byte{}}, 0},
		{row{text: "a"}, 1},
		{row{n: -1, b: true}, 2 | 8},
		{row{text: "a", n: 1, u: 1, b: true, bytes: []byte{0}}, 31},
	} {
		if got := sqltable.Changed(fields(&row{}), fields(&c.after)); got != c.want {
			t.Errorf("%+v: got %b, want %b", c.after, got, c.want)
		}
	}
}
