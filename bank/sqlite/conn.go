package sqlite

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// conn is one connection to SQLite, spoken to without database/sql: that asks
// for the name of each parameter, and for memory for each text, at every use of
// a statement. One goroutine uses a conn at a time.
type conn struct {
	tls  *libc.TLS
	db   uintptr
	kept map[string]*stmt
	// Texts and bytes are bound from here; it lives on SQLite's side, where
	// nothing moves or frees it.
	arena uintptr
	size  int
}

// openConn opens the database that uri names.
func openConn(uri string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), kept: map[string]*stmt{}}
	name, err := libc.CString(uri)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	const flags = lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_URI | lib.SQLITE_OPEN_NOMUTEX
	rc := lib.Xsqlite3_open_v2(c.tls, name, out, flags, 0)
	c.db = *(*uintptr)(pointer(out))
	if rc != lib.SQLITE_OK {
		err := c.fault(rc)
		c.close()
		return nil, err
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return c, nil
}

func (c *conn) close() {
	for _, s := range c.kept {
		lib.Xsqlite3_finalize(c.tls, s.p)
	}
	clear(c.kept)
	lib.Xsqlite3_close_v2(c.tls, c.db)
	if c.arena != 0 {
		lib.Xsqlite3_free(c.tls, c.arena)
	}
	c.db, c.arena = 0, 0
	c.tls.Close()
}

// failure is a result code of SQLite (https://sqlite.org/rescode.html).
type failure struct {
	code int // extended
	text string
}

func (f *failure) Error() string { return fmt.Sprintf("sqlite: %s (%d)", f.text, f.code) }

// Code is the extended result code.
func (f *failure) Code() int { return f.code }

// primary is the code without what extends it; 0 when err is none of SQLite's,
// met here or by the driver that migrations go through.
func primary(err error) int {
	var f interface {
		error
		Code() int
	}
	if errors.As(err, &f) {
		return f.Code() & 0xFF
	}
	return 0
}

// fault puts a result code into words. SQLite's messages name tables and
// columns but never values.
func (c *conn) fault(rc int32) error {
	return &failure{code: int(rc), text: libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))}
}

// prepare keeps each statement for as long as the connection.
func (c *conn) prepare(sql string) (*stmt, error) {
	if s, ok := c.kept[sql]; ok {
		return s, nil
	}
	text, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(sql)), lib.SQLITE_PREPARE_PERSISTENT, out, 0)
	if rc != lib.SQLITE_OK {
		return nil, fmt.Errorf("prepare %q: %w", sql, c.fault(rc))
	}
	s := &stmt{c: c, p: *(*uintptr)(pointer(out))}
	c.kept[sql] = s
	return s, nil
}

// exec runs one statement to its end.
func (c *conn) exec(sql string, args ...any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	return s.exec(args...)
}

// query calls each for every row of a select.
func (c *conn) query(ctx context.Context, sql string, args []any, each func(*stmt) error) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	return s.query(ctx, args, each)
}

// pointer is an address of SQLite's memory, which Go neither moves nor frees.
func pointer(p uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&p)) //nolint:gosec // go vet takes p for an address of Go's
}

// memory is n bytes of SQLite's memory.
func memory(p uintptr, n int) []byte {
	return unsafe.Slice((*byte)(pointer(p)), n) //nolint:gosec // n is what SQLite or reserve says
}

// reserve makes room for n bytes in the arena.
func (c *conn) reserve(n int) error {
	if n <= c.size {
		return nil
	}
	lib.Xsqlite3_free(c.tls, c.arena)
	c.size = max(n, 4096)
	if c.arena = lib.Xsqlite3_malloc64(c.tls, uint64(c.size)); c.arena == 0 {
		c.size = 0
		return fmt.Errorf("no memory for a statement of %d bytes", n)
	}
	return nil
}
