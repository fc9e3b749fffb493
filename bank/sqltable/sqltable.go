// Package sqltable says how the bank's rows lie in SQL tables: for each kind of
// row the table, and for each field the column. A store binds and scans through
// it, so that a field is named in one place for all stores.
//
// It knows no dialect and writes no SQL but lists of columns. Counters of 64
// bits without a sign are kept as the signed integer of the same bits; stores
// compare none of them.
package sqltable

import (
	"bytes"
	"strings"
)

// Field is one column and the address of the field that it holds: a *string,
// *int64, *uint64, *bool or *[]byte. Bytes that are nil or empty are NULL, and
// NULL is nil; no other column may be NULL.
type Field struct {
	Column string
	At     any
}

// Table describes the table of one kind of row. The first column is its key.
type Table[T any] struct {
	Name    string
	Columns []string
	fields  func(*T, []Field) []Field
}

func describe[T any](name string, fields func(*T, []Field) []Field) *Table[T] {
	var zero T
	t := &Table[T]{Name: name, fields: fields}
	for _, f := range fields(&zero, nil) {
		t.Columns = append(t.Columns, f.Column)
	}
	return t
}

// Fields appends the fields of row, in the order of Columns.
func (t *Table[T]) Fields(row *T, to []Field) []Field { return t.fields(row, to) }

// List is the columns as they stand in SQL.
func (t *Table[T]) List() string { return strings.Join(t.Columns, ", ") }

// Changed is the set of columns, by place, in which two rows differ.
func Changed(before, after []Field) (set uint64) {
	for i := range after {
		if !equal(before[i].At, after[i].At) {
			set |= 1 << i
		}
	}
	return set
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case *string:
		return *a == *b.(*string) //nolint:errcheck,forcetypeassert // both are the same field
	case *int64:
		return *a == *b.(*int64) //nolint:errcheck,forcetypeassert // as above
	case *uint64:
		return *a == *b.(*uint64) //nolint:errcheck,forcetypeassert // as above
	case *bool:
		return *a == *b.(*bool) //nolint:errcheck,forcetypeassert // as above
	case *[]byte:
		return bytes.Equal(*a, *b.(*[]byte)) //nolint:errcheck,forcetypeassert // as above
	}
	panic("sqltable: a field of a type that no column holds")
}
