package sqlite_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/bank"
	"sotto/bank/sqlite"
)

// TestRefused opens what is no bank, or not one for this program, and looks for
// one sentence with the next step.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, path string) string // returns the path to open
		reader bool
		want   string
	}{
		{"text", write([]byte(strings.Repeat("Dear diary, ", 500))), false, "it is no database"},
		{"short text", write([]byte("hello")), false, "it is no database"},
		{"cut in half", spoil(func(b []byte) []byte { return b[:len(b)/2] }), false, "it is damaged"},
		{"its second page overwritten", spoil(func(b []byte) []byte {
			copy(b[4096:], bytes.Repeat([]byte{0xA5}, 4096))
			return b
		}), false, "it is damaged"},
		{"another program's database", database("CREATE TABLE recipe (name TEXT)"), false, "not of a bank"},
		{"a newer schema", database("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"), false, "use that version or a later one"},
		{"a newer schema, to read", database("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"), true, "use that version or a later one"},
		{"an older schema, to read", database("DELETE FROM goose_db_version WHERE version_id > 0"), true, "start the bank once"},
		{"a folder", func(_ *testing.T, path string) string { return filepath.Dir(path) }, false, "see that its folder is there"},
		{"no folder", func(_ *testing.T, path string) string { return filepath.Join(path, "no", "bank.db") }, false, "see that its folder is there"},
		{"a folder that cannot be written", readOnly, false, "see that its folder is there"},
		{"nothing, to read", func(_ *testing.T, path string) string { return path }, true, "use the path of a bank"},
		{"open already", func(t *testing.T, path string) string {
			t.Helper()
			open(t, path, sqlite.Options{})
			return path
		}, false, "another bank has it open; end that one, or use another path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.make(t, filepath.Join(t.TempDir(), "bank.db"))
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: c.reader})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if got := err.Error(); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want one line with %q", got, c.want)
			}
		})
	}
}

func write(content []byte) func(*testing.T, string) string {
	return func(t *testing.T, path string) string {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// spoil changes the bytes of a bank that was closed.
func spoil(change func([]byte) []byte) func(*testing.T, string) string {
	return func(t *testing.T, path string) string {
		t.Helper()
		made(t, path)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return write(change(b))(t, path)
	}
}

// made makes a bank and closes it.
func made(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// database runs a statement in a bank, or makes a database with it.
func database(statement string) func(*testing.T, string) string {
	return func(t *testing.T, path string) string {
		t.Helper()
		if !strings.HasPrefix(statement, "CREATE") {
			made(t, path)
		}
		change(t, path, statement)
		return path
	}
}

// change writes to a file behind the bank's back.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// readOnly is a folder that nobody can make files in, not even root.
func readOnly(t *testing.T, path string) string {
	t.Helper()
	if os.Getuid() == 0 {
		return "/proc/self/bank.db"
	}
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileIsItsOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?&#%41 bank.db") // a name that must not be read as a URI
	s := open(t, path, sqlite.Options{})
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), bank.NewView(), bank.Link{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", filepath.Base(name), got)
		}
	}
}

func TestReadBesideTheBank(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.db")
	s := open(t, path, sqlite.Options{})
	commit := func(seq int64) {
		tx, err := s.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context(), bank.NewView(), bank.Link{Seq: seq}); err != nil {
			t.Fatal(err)
		}
	}
	commit(1)
	r := open(t, path, sqlite.Options{ReadOnly: true})
	commit(2)
	if got, err := r.LastLink(t.Context()); err != nil || got.Seq != 1 {
		t.Errorf("got link %d, %v; want the one that was there at Open", got.Seq, err)
	}
	if _, err := r.Begin(t.Context()); err == nil {
		t.Error("who opened it for reading may write")
	}
}

func TestClosed(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Begin(t.Context()); err == nil {
		t.Error("a closed store begins a transaction")
	}
	if _, err := s.LastLink(t.Context()); err == nil {
		t.Error("a closed store answers")
	}
}

func TestMemoriesAreApart(t *testing.T) {
	a, b := open(t, sqlite.Memory, sqlite.Options{}), open(t, sqlite.Memory, sqlite.Options{})
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), bank.NewView(), bank.Link{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	if got, err := b.LastLink(t.Context()); err != nil || got.Seq != 0 {
		t.Errorf("got link %d, %v; want none", got.Seq, err)
	}
}
