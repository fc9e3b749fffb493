package sqlite

import (
	"bytes"
	"context"
	"errors"

	lib "modernc.org/sqlite/lib"

	"sotto/bank/sqltable"
)

var errGone = errors.New("a row that was loaded is not in the file any more")

// stmt is a prepared statement of one connection.
type stmt struct {
	c *conn
	p uintptr
}

// exec binds the arguments and runs the statement to its end. Arguments are
// texts, bytes, integers and bools, or pointers to them.
func (s *stmt) exec(args ...any) error {
	if err := s.bind(args); err != nil {
		return err
	}
	return s.run()
}

// execFields is exec with the fields of a row.
func (s *stmt) execFields(fields []sqltable.Field) error {
	if err := s.bindFields(fields, ^uint64(0)); err != nil {
		return err
	}
	return s.run()
}

func (s *stmt) run() error {
	rc := lib.SQLITE_ROW
	for rc == lib.SQLITE_ROW {
		rc = int(lib.Xsqlite3_step(s.c.tls, s.p))
	}
	var err error
	if rc != lib.SQLITE_DONE {
		err = s.c.fault(int32(rc))
	}
	lib.Xsqlite3_reset(s.c.tls, s.p) // it repeats the error of step
	return err
}

// runOne is run for a change of one row, which must be there.
func (s *stmt) runOne() error {
	if err := s.run(); err != nil {
		return err
	}
	if lib.Xsqlite3_changes(s.c.tls, s.c.db) != 1 {
		return errGone
	}
	return nil
}

// query calls each for every row; ctx is looked at between rows.
func (s *stmt) query(ctx context.Context, args []any, each func(*stmt) error) error {
	if err := s.bind(args); err != nil {
		return err
	}
	defer lib.Xsqlite3_reset(s.c.tls, s.p)
	for {
		switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
		case lib.SQLITE_ROW:
		case lib.SQLITE_DONE:
			return nil
		default:
			return s.c.fault(rc)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(s); err != nil {
			return err
		}
	}
}

func (s *stmt) bind(args []any) error {
	need := 0
	for _, a := range args {
		need += length(a)
	}
	if err := s.c.reserve(need); err != nil {
		return err
	}
	at := s.c.arena
	for i, a := range args {
		if err := s.bindOne(int32(i+1), a, &at); err != nil {
			return err
		}
	}
	return nil
}

// bindFields binds those fields whose place is in the set, in their order.
func (s *stmt) bindFields(fields []sqltable.Field, set uint64, last ...any) error {
	need := 0
	for i := range fields {
		if set&(1<<i) != 0 {
			need += length(fields[i].At)
		}
	}
	for _, a := range last {
		need += length(a)
	}
	if err := s.c.reserve(need); err != nil {
		return err
	}
	at, n := s.c.arena, int32(0)
	for i := range fields {
		if set&(1<<i) == 0 {
			continue
		}
		n++
		if err := s.bindOne(n, fields[i].At, &at); err != nil {
			return err
		}
	}
	for _, a := range last {
		n++
		if err := s.bindOne(n, a, &at); err != nil {
			return err
		}
	}
	return nil
}

// length is the room that an argument needs in the arena.
func length(a any) int {
	switch a := a.(type) {
	case *string:
		return len(*a)
	case *[]byte:
		return len(*a)
	case string:
		return len(a)
	case []byte:
		return len(a)
	}
	return 0
}

func (s *stmt) bindOne(n int32, a any, at *uintptr) error {
	switch a := a.(type) {
	case *string:
		return s.bindText(n, *a, at)
	case *int64:
		return s.bindInt(n, *a)
	case *uint64:
		return s.bindInt(n, int64(*a))
	case *bool:
		return s.bindBool(n, *a)
	case *[]byte:
		return s.bindBytes(n, *a, at)
	case string:
		return s.bindText(n, a, at)
	case int64:
		return s.bindInt(n, a)
	case []byte:
		return s.bindBytes(n, a, at)
	}
	panic("sqlite: an argument of a type that is never bound")
}

func (s *stmt) bindText(n int32, text string, at *uintptr) error {
	p := *at
	if p == 0 { // an empty text, and nothing was ever bound
		if err := s.c.reserve(1); err != nil {
			return err
		}
		p = s.c.arena
	}
	copy(memory(p, len(text)), text)
	*at = p + uintptr(len(text))
	return s.check(lib.Xsqlite3_bind_text(s.c.tls, s.p, n, p, int32(len(text)), lib.SQLITE_STATIC))
}

func (s *stmt) bindBytes(n int32, b []byte, at *uintptr) error {
	if len(b) == 0 {
		return s.check(lib.Xsqlite3_bind_null(s.c.tls, s.p, n))
	}
	p := *at
	copy(memory(p, len(b)), b)
	*at = p + uintptr(len(b))
	return s.check(lib.Xsqlite3_bind_blob(s.c.tls, s.p, n, p, int32(len(b)), lib.SQLITE_STATIC))
}

func (s *stmt) bindInt(n int32, v int64) error {
	return s.check(lib.Xsqlite3_bind_int64(s.c.tls, s.p, n, v))
}

func (s *stmt) bindBool(n int32, v bool) error {
	if v {
		return s.bindInt(n, 1)
	}
	return s.bindInt(n, 0)
}

func (s *stmt) check(rc int32) error {
	if rc != lib.SQLITE_OK {
		return s.c.fault(rc)
	}
	return nil
}

// scan reads the row the statement stands on into fields.
func (s *stmt) scan(fields []sqltable.Field) {
	for i := range fields {
		switch at := fields[i].At.(type) {
		case *string:
			*at = s.text(int32(i))
		case *int64:
			*at = s.int(int32(i))
		case *uint64:
			*at = uint64(s.int(int32(i)))
		case *bool:
			*at = s.int(int32(i)) != 0
		case *[]byte:
			*at = s.bytes(int32(i))
		default:
			panic("sqlite: a field of a type that no column holds")
		}
	}
}

func (s *stmt) int(column int32) int64 { return lib.Xsqlite3_column_int64(s.c.tls, s.p, column) }

func (s *stmt) text(column int32) string {
	p := lib.Xsqlite3_column_text(s.c.tls, s.p, column)
	if p == 0 {
		return ""
	}
	return string(memory(p, int(lib.Xsqlite3_column_bytes(s.c.tls, s.p, column))))
}

// bytes are a copy; nil stands for NULL.
func (s *stmt) bytes(column int32) []byte {
	p := lib.Xsqlite3_column_blob(s.c.tls, s.p, column)
	if p == 0 {
		return nil
	}
	return bytes.Clone(memory(p, int(lib.Xsqlite3_column_bytes(s.c.tls, s.p, column))))
}
