package sqlite

import (
	"context"
	"strings"

	"sotto/bank"
	"sotto/bank/sqltable"
)

// table writes and reads the rows of one kind on the write connection.
type table[T any] struct {
	*sqltable.Table[T]
	insert, remove, all string
	updates             map[uint64]string // by the set of columns that change
	rows                *cache[T]
	now, before         []sqltable.Field // of what is written
	found               []sqltable.Field // of what is loaded
}

// newTable keeps up to rows rows in memory.
func newTable[T any](t *sqltable.Table[T], rows int) *table[T] {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	return &table[T]{
		Table:   t,
		insert:  "INSERT INTO " + t.Name + " (" + t.List() + ") VALUES (" + marks + ")",
		remove:  "DELETE FROM " + t.Name + " WHERE " + t.Columns[0] + " = ?",
		all:     "SELECT " + t.List() + " FROM " + t.Name,
		updates: map[uint64]string{},
		rows:    newCache[T](rows),
	}
}

// find is the row with this value in a column that is unique, or nil.
func (t *table[T]) find(ctx context.Context, c *conn, column string, value any) (row *T, err error) {
	err = c.query(ctx, t.all+" WHERE "+column+" = ?", []any{value}, func(s *stmt) error {
		row = new(T)
		t.found = t.Fields(row, t.found[:0])
		s.scan(t.found)
		return nil
	})
	return row, err
}

// write writes what has changed.
func (t *table[T]) write(c *conn, changed *bank.Table[T]) (err error) {
	changed.Changed(func(id string, row *T, stored bool) bool {
		switch {
		case row == nil:
			err = t.delete(c, id)
		case stored:
			err = t.update(c, id, row)
		default:
			err = t.add(c, row)
		}
		return err == nil
	})
	return err
}

func (t *table[T]) add(c *conn, row *T) error {
	s, err := c.prepare(t.insert)
	if err != nil {
		return err
	}
	t.now = t.Fields(row, t.now[:0])
	return s.execFields(t.now)
}

// update writes those columns that differ from what is stored, so that no index
// is touched without need; all of them when that is not known.
func (t *table[T]) update(c *conn, id string, row *T) error {
	t.now = t.Fields(row, t.now[:0])
	set := uint64(1)<<len(t.now) - 1
	if old, known := t.rows.get(id); known && old != nil {
		t.before = t.Fields(old, t.before[:0])
		set = sqltable.Changed(t.before, t.now)
	}
	if set == 0 {
		return nil
	}
	sql, ok := t.updates[set]
	if !ok {
		sql = t.updateOf(set)
		t.updates[set] = sql
	}
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	if err := s.bindFields(t.now, set, &id); err != nil {
		return err
	}
	return s.runOne()
}

func (t *table[T]) delete(c *conn, id string) error {
	s, err := c.prepare(t.remove)
	if err != nil {
		return err
	}
	if err := s.bindFields(nil, 0, &id); err != nil {
		return err
	}
	return s.runOne()
}

func (t *table[T]) updateOf(set uint64) string {
	var columns []string
	for i, name := range t.Columns {
		if set&(1<<i) != 0 {
			columns = append(columns, name+" = ?")
		}
	}
	return "UPDATE " + t.Name + " SET " + strings.Join(columns, ", ") + " WHERE " + t.Columns[0] + " = ?"
}

// remember takes over what is now committed.
func (t *table[T]) remember(changed *bank.Table[T]) {
	changed.Changed(func(id string, row *T, _ bool) bool {
		t.rows.put(id, row)
		return true
	})
}
