package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	lib "modernc.org/sqlite/lib"
)

var memories atomic.Int64

// claim makes the file, for its owner alone, and locks it against a second
// bank. The lock is SQLite's own, on an empty file beside: it works wherever
// SQLite does and ends with the process.
func (s *Store) claim() error {
	if s.path == Memory {
		s.uri = "file:/sotto-" + strconv.FormatInt(memories.Add(1), 10) + "?vfs=memdb"
		return nil
	}
	absolute, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	for _, name := range []string{absolute, absolute + ".lock"} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	s.uri = fileURI(absolute)
	if s.lock, err = openConn(fileURI(absolute + ".lock")); err != nil {
		return err
	}
	if err := s.lock.exec("BEGIN EXCLUSIVE"); primary(err) == lib.SQLITE_BUSY {
		return errLocked
	} else if err != nil {
		return fmt.Errorf("lock it: %w", err)
	}
	return nil
}

func fileURI(absolute string) string {
	path := filepath.ToSlash(absolute)
	if path[0] != '/' { // C:/…
		path = "/" + path
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath()
}

// find locates a file that must be there.
func (s *Store) find() error {
	absolute, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(absolute); errors.Is(err, os.ErrNotExist) {
		return errNone
	}
	s.uri = fileURI(absolute)
	c, err := openConn(s.uri)
	if err != nil {
		return err
	}
	defer c.close()
	id, err := c.number(context.Background(), "PRAGMA application_id")
	if err == nil && id != applicationID {
		return errForeign
	}
	if err != nil {
		return err
	}
	current, err := c.schema(context.Background())
	if err != nil {
		return err
	}
	return fits(current)
}

// applicationID marks the file as a bank's: "sott".
const applicationID = 0x736F7474

// recognize refuses what is no bank, and marks what is still empty.
func (c *conn) recognize(ctx context.Context) error {
	id, err := c.number(ctx, "PRAGMA application_id")
	if err != nil {
		return err
	}
	if id == applicationID {
		return nil
	}
	things, err := c.number(ctx, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if things > 0 {
		return errForeign
	}
	if err := c.exec("PRAGMA page_size = " + strconv.Itoa(pageSize)); err != nil {
		return err
	}
	return c.exec("PRAGMA application_id = " + strconv.Itoa(applicationID))
}

// Sizes: the page in bytes, each connection's page cache in KiB.
const (
	pageSize = 4096
	cacheKiB = 8192
)

// setUp asks for what durability and speed need, and looks whether it is so.
func (c *conn) setUp(ctx context.Context, memory bool) error {
	journal := "wal"
	if memory {
		journal = "memory"
	}
	for _, p := range []struct{ set, read, want string }{
		{"busy_timeout = 5000", "busy_timeout", "5000"},
		{"journal_mode = " + journal, "journal_mode", journal},
		{"synchronous = FULL", "synchronous", "2"},
		{"wal_autocheckpoint = 0", "wal_autocheckpoint", "0"}, // see checkpoint.go
		{"foreign_keys = ON", "foreign_keys", "1"},
		{"temp_store = MEMORY", "temp_store", "2"},
		{"trusted_schema = OFF", "trusted_schema", "0"},
		{"cache_size = -" + strconv.Itoa(cacheKiB), "cache_size", "-" + strconv.Itoa(cacheKiB)},
	} {
		if err := c.exec("PRAGMA " + p.set); err != nil {
			return fmt.Errorf("set %s: %w", p.read, err)
		}
		got := ""
		if err := c.query(ctx, "PRAGMA "+p.read, nil, func(s *stmt) error { got = s.text(0); return nil }); err != nil {
			return fmt.Errorf("read %s: %w", p.read, err)
		}
		if got != p.want {
			return fmt.Errorf("SQLite answers %s = %s where %s is needed", p.read, got, p.want)
		}
	}
	return nil
}

// number is the first column of the first row.
func (c *conn) number(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = c.query(ctx, sql, args, func(s *stmt) error { n = s.int(0); return nil })
	return n, err
}
