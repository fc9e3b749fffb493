package sqlite

import (
	"bytes"
	"slices"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	"pgregory.net/rapid"
)

// disk is a file as SQLite sees it, and what has been asked of it.
type disk struct {
	tls     *libc.TLS
	file    uintptr
	room    uintptr // what is written from and read into: Go's memory may move
	content []byte
	writes  []int
	syncs   int
	broken  bool

	read  func(tls *libc.TLS, file, into uintptr, n int32, at int64) int32
	write func(tls *libc.TLS, file, from uintptr, n int32, at int64) int32
	trunc func(tls *libc.TLS, file uintptr, size int64) int32
	sync  func(tls *libc.TLS, file uintptr, flags int32) int32
	size  func(tls *libc.TLS, file, into uintptr) int32
	shut  func(tls *libc.TLS, file uintptr) int32
}

const roomSize = 256 << 10

func newDisk(tls *libc.TLS) *disk {
	d := &disk{tls: tls, room: lib.Xsqlite3_malloc(tls, roomSize)}
	d.read = func(_ *libc.TLS, _, into uintptr, n int32, at int64) int32 {
		copy(memory(into, int(n)), d.content[at:])
		return lib.SQLITE_OK
	}
	d.write = func(_ *libc.TLS, _, from uintptr, n int32, at int64) int32 {
		if d.broken {
			return lib.SQLITE_IOERR
		}
		d.writes = append(d.writes, int(n))
		d.put(memory(from, int(n)), at)
		return lib.SQLITE_OK
	}
	d.trunc = func(_ *libc.TLS, _ uintptr, size int64) int32 { d.content = d.content[:size]; return lib.SQLITE_OK }
	d.sync = func(*libc.TLS, uintptr, int32) int32 { d.syncs++; return lib.SQLITE_OK }
	d.size = func(_ *libc.TLS, _, into uintptr) int32 {
		*(*int64)(pointer(into)) = int64(len(d.content))
		return lib.SQLITE_OK
	}
	d.shut = func(*libc.TLS, uintptr) int32 { return lib.SQLITE_OK }

	table := lib.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	*(*lib.Tsqlite3_io_methods)(pointer(table)) = lib.Tsqlite3_io_methods{
		FxRead: address(&d.read), FxWrite: address(&d.write), FxTruncate: address(&d.trunc),
		FxSync: address(&d.sync), FxFileSize: address(&d.size), FxClose: address(&d.shut),
	}
	d.file = lib.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(lib.Tsqlite3_file{})))
	(*lib.Tsqlite3_file)(pointer(d.file)).FpMethods = table
	return d
}

func (d *disk) put(b []byte, at int64) {
	if end := int(at) + len(b); end > len(d.content) {
		d.content = append(d.content, make([]byte, end-len(d.content))...)
	}
	copy(d.content[at:], b)
}

// calls are what SQLite finds in the handle.
func (d *disk) calls() *lib.Tsqlite3_io_methods {
	return (*lib.Tsqlite3_io_methods)(pointer((*lib.Tsqlite3_file)(pointer(d.file)).FpMethods))
}

func (d *disk) doWrite(b []byte, at int64) int32 {
	write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](d.calls().FxWrite)
	copy(memory(d.room, roomSize), b)
	return write(d.tls, d.file, d.room, int32(len(b)), at)
}

func (d *disk) doRead(n int, at int64) []byte {
	read := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](d.calls().FxRead)
	read(d.tls, d.file, d.room, int32(n), at)
	return slices.Clone(memory(d.room, n))
}

func (d *disk) doSize() int64 {
	function[func(*libc.TLS, uintptr, uintptr) int32](d.calls().FxFileSize)(d.tls, d.file, d.room)
	return *(*int64)(pointer(d.room))
}

func (d *disk) doSync() int32 {
	return function[func(*libc.TLS, uintptr, int32) int32](d.calls().FxSync)(d.tls, d.file, 0)
}

func journaled(t interface{ Fatal(...any) }) (*disk, func()) {
	tls := libc.NewTLS()
	d := newDisk(tls)
	j, err := newJournal(tls, d.file)
	if err != nil {
		t.Fatal(err)
	}
	return d, func() {
		j.free()
		lib.Xsqlite3_free(tls, d.room)
		tls.Close()
	}
}

// Whatever SQLite does, it reads what it has written, and when it has synced,
// the disk has everything.
func TestJournalIsTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, end := journaled(t)
		defer end()
		var model disk
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				b := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "bytes")
				size := rapid.SampledFrom([]int{1, 4096, 100_000, 200_000}).Draw(t, "size at least")
				b = bytes.Repeat(b, 1+size/len(b))
				b[len(b)/2]++ // no two halves alike
				at := int64(len(model.content))
				model.put(b, at)
				d.doWrite(b, at)
			},
			"overwrite": func(t *rapid.T) {
				at := rapid.Int64Range(0, int64(len(model.content))).Draw(t, "at")
				b := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "bytes")
				model.put(b, at)
				d.doWrite(b, at)
			},
			"read": func(t *rapid.T) {
				if len(model.content) == 0 {
					return
				}
				at := rapid.IntRange(0, len(model.content)-1).Draw(t, "at")
				got := d.doRead(min(100, len(model.content)-at), int64(at))
				if want := model.content[at : at+len(got)]; !bytes.Equal(got, want) {
					t.Fatalf("read %x at %d, want %x", got, at, want)
				}
			},
			"truncate": func(t *rapid.T) {
				to := rapid.IntRange(0, len(model.content)).Draw(t, "to")
				model.content = model.content[:to]
				function[func(*libc.TLS, uintptr, int64) int32](d.calls().FxTruncate)(d.tls, d.file, int64(to))
			},
			"size": func(t *rapid.T) {
				if got := d.doSize(); got != int64(len(model.content)) {
					t.Fatalf("the size is %d, want %d", got, len(model.content))
				}
			},
			"sync": func(t *rapid.T) {
				before := d.syncs
				if rc := d.doSync(); rc != lib.SQLITE_OK || d.syncs != before+1 || !bytes.Equal(d.content, model.content) {
					t.Fatalf("after sync (%d, %d times) the disk has %d bytes, want %d", rc, d.syncs-before, len(d.content), len(model.content))
				}
			},
			"": func(t *rapid.T) {
				for _, n := range d.writes {
					if n > pieceMax {
						t.Fatalf("a piece has %d bytes, which SQLite's xWrite does not take", n)
					}
				}
			},
		})
		function[func(*libc.TLS, uintptr) int32](d.calls().FxClose)(d.tls, d.file)
		if !bytes.Equal(d.content, model.content) {
			t.Fatal("closing lost bytes")
		}
	})
}

// A commit is a few large writes, before its sync.
func TestJournalGathers(t *testing.T) {
	d, end := journaled(t)
	defer end()
	page, at := make([]byte, 4096), int64(0)
	for range 60 {
		d.doWrite(page[:24], at)
		d.doWrite(page, at+24)
		at += 24 + 4096
	}
	if len(d.writes) != 0 {
		t.Errorf("%d writes before the sync", len(d.writes))
	}
	if rc := d.doSync(); rc != lib.SQLITE_OK {
		t.Fatal(rc)
	}
	if want := []int{pieceMax, 60*4120 - pieceMax}; !slices.Equal(d.writes, want) {
		t.Errorf("got writes of %d, want %d", d.writes, want)
	}
}

// A disk that does not take what was gathered must not be synced and called
// good.
func TestJournalFailsTheSync(t *testing.T) {
	d, end := journaled(t)
	defer end()
	d.doWrite([]byte("page"), 0)
	d.broken = true
	if rc := d.doSync(); rc != lib.SQLITE_IOERR || d.syncs != 0 {
		t.Errorf("got %d and %d syncs, want %d and none", rc, d.syncs, lib.SQLITE_IOERR)
	}
	d.broken = false
	d.doWrite([]byte("next"), 0)
	if rc := d.doSync(); rc != lib.SQLITE_OK || string(d.content) != "next" {
		t.Errorf("got %d and %q: what was given up came back", rc, d.content)
	}
}

// The store writes through a journal, and so does nobody else.
func TestWriterHasJournal(t *testing.T) {
	s := inside(t)
	if s.writer.journal == nil || s.keeper.c.journal != nil {
		t.Fatal("the journal is not where it belongs")
	}
	if err := pay(t, s, 1, 100_000); err != nil {
		t.Fatal(err)
	}
	if len(s.writer.journal.waiting) != 0 {
		t.Error("something waits after a commit")
	}
	if cap(s.writer.journal.waiting) == 0 {
		t.Error("the commit did not go through the journal")
	}
}
