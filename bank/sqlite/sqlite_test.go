package sqlite_test

import (
	"path/filepath"
	"testing"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bank/storetest"
)

// TestStore runs the suite on a file and in memory, each with rows kept and
// with every load read from SQLite, and with so few kept that they are dropped
// all the time.
func TestStore(t *testing.T) {
	for _, c := range []struct {
		name string
		file bool
		rows int
	}{
		{"file", true, 0}, {"file, no rows kept", true, -1}, {"file, few rows kept", true, 100}, {"memory", false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) bank.Store {
				t.Helper()
				path := sqlite.Memory
				if c.file {
					path = filepath.Join(t.TempDir(), "bank.db")
				}
				return open(t, path, sqlite.Options{Rows: c.rows})
			})
		})
	}
}

func open(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
