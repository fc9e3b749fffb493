package sqlite

import (
	"context"
	"errors"
	"slices"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// journal stands between the writing connection and its WAL file. SQLite writes
// each page to it with two calls of the system, one of 24 bytes and one of 4096,
// some three hundred in a commit; together they took a tenth of all processor
// time. The journal keeps what is written one after the other, and writes it in
// a few large pieces.
//
// That is as durable as before. SQLite asks to sync the WAL in every commit
// (synchronous=FULL), and tells neither the caller nor other connections of the
// commit before that has succeeded; what waits is written first, and a write
// that fails fails the sync, and with it the commit. Whatever else asks for the
// file's bytes or size, or changes them, finds everything written too.
//
// One goroutine uses it at a time, that of its connection.
type journal struct {
	tls     *libc.TLS
	file    uintptr                 // SQLite's handle of the WAL
	table   uintptr                 // the calls that file goes by now, on SQLite's side
	system  lib.Tsqlite3_io_methods // those it went by
	waiting []byte
	at      int64 // place of waiting in the file

	// The calls, as C knows them. It keeps their addresses where the garbage
	// collector does not look: they live as long as the journal.
	read     func(tls *libc.TLS, file, into uintptr, n int32, at int64) int32
	write    func(tls *libc.TLS, file, from uintptr, n int32, at int64) int32
	truncate func(tls *libc.TLS, file uintptr, size int64) int32
	sync     func(tls *libc.TLS, file uintptr, flags int32) int32
	size     func(tls *libc.TLS, file, into uintptr) int32
	shut     func(tls *libc.TLS, file uintptr) int32
}

// Sizes in bytes.
const (
	journalRoom = 512 << 10 // more than that is written before the commit
	pieceMax    = 124 << 10 // SQLite's own xWrite takes less than 128 KB at a time
)

var errNoJournal = errors.New("SQLite does not say where its WAL is")

// gatherWAL puts a journal before the WAL of c.
func (c *conn) gatherWAL(ctx context.Context) error {
	// SQLite opens the WAL when it first reads.
	if _, err := c.number(ctx, "SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	name, err := libc.CString("main")
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	if rc := lib.Xsqlite3_file_control(c.tls, c.db, name, lib.SQLITE_FCNTL_JOURNAL_POINTER, out); rc != lib.SQLITE_OK {
		return c.fault(rc)
	}
	file := *(*uintptr)(pointer(out))
	if file == 0 || (*lib.Tsqlite3_file)(pointer(file)).FpMethods == 0 {
		return errNoJournal
	}
	c.journal, err = newJournal(c.tls, file)
	return err
}

func newJournal(tls *libc.TLS, file uintptr) (*journal, error) {
	handle := (*lib.Tsqlite3_file)(pointer(file))
	j := &journal{tls: tls, file: file, system: *(*lib.Tsqlite3_io_methods)(pointer(handle.FpMethods))}
	if j.table = lib.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(j.system))); j.table == 0 {
		return nil, errors.New("there is no memory for the journal")
	}
	j.stand()
	own := (*lib.Tsqlite3_io_methods)(pointer(j.table))
	*own = j.system
	own.FxRead, own.FxWrite, own.FxTruncate = address(&j.read), address(&j.write), address(&j.truncate)
	own.FxSync, own.FxFileSize, own.FxClose = address(&j.sync), address(&j.size), address(&j.shut)
	handle.FpMethods = j.table
	return j, nil
}

// free is called when SQLite has closed the file.
func (j *journal) free() {
	if j != nil {
		lib.Xsqlite3_free(j.tls, j.table)
	}
}

// address is where C calls a Go function, and function is the reverse; package
// lib does the same.
func address[F any](f *F) uintptr {
	return *(*uintptr)(unsafe.Pointer(f)) //nolint:gosec // a func is a pointer
}

func function[F any](address uintptr) (f F) {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{address})) //nolint:gosec // as above
}

// stand sets the calls up: all but write let what waits go first.
func (j *journal) stand() {
	read := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](j.system.FxRead)
	truncate := function[func(*libc.TLS, uintptr, int64) int32](j.system.FxTruncate)
	sync := function[func(*libc.TLS, uintptr, int32) int32](j.system.FxSync)
	size := function[func(*libc.TLS, uintptr, uintptr) int32](j.system.FxFileSize)
	shut := function[func(*libc.TLS, uintptr) int32](j.system.FxClose)

	j.write = func(_ *libc.TLS, _, from uintptr, n int32, at int64) int32 {
		return j.take(memory(from, int(n)), at)
	}
	j.read = func(tls *libc.TLS, file, into uintptr, n int32, at int64) int32 {
		return j.then(func() int32 { return read(tls, file, into, n, at) })
	}
	j.truncate = func(tls *libc.TLS, file uintptr, to int64) int32 {
		return j.then(func() int32 { return truncate(tls, file, to) })
	}
	j.sync = func(tls *libc.TLS, file uintptr, flags int32) int32 {
		return j.then(func() int32 { return sync(tls, file, flags) })
	}
	j.size = func(tls *libc.TLS, file, into uintptr) int32 {
		return j.then(func() int32 { return size(tls, file, into) })
	}
	j.shut = func(tls *libc.TLS, file uintptr) int32 {
		_ = j.flush() // what no sync has asked for is no part of a commit
		return shut(tls, file)
	}
}

// take keeps bytes that follow what waits.
func (j *journal) take(b []byte, at int64) int32 {
	if at != j.at+int64(len(j.waiting)) || len(j.waiting)+len(b) > journalRoom {
		if rc := j.flush(); rc != lib.SQLITE_OK {
			return rc
		}
		j.at = at
	}
	j.waiting = append(j.waiting, b...)
	return lib.SQLITE_OK
}

func (j *journal) then(call func() int32) int32 {
	if rc := j.flush(); rc != lib.SQLITE_OK {
		return rc
	}
	return call()
}

// flush writes what waits. What cannot be written is given up: SQLite is told,
// and takes the commit back.
func (j *journal) flush() int32 {
	write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](j.system.FxWrite)
	defer func() { j.waiting = j.waiting[:0] }()
	for piece := range slices.Chunk(j.waiting, pieceMax) {
		from := uintptr(unsafe.Pointer(unsafe.SliceData(piece))) //nolint:gosec // waiting keeps it alive
		if rc := write(j.tls, j.file, from, int32(len(piece)), j.at); rc != lib.SQLITE_OK {
			return rc
		}
		j.at += int64(len(piece))
	}
	return lib.SQLITE_OK
}
