package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"sotto/bank"
)

func inside(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "bank.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// pay commits one payment with a text of so many bytes.
func pay(t *testing.T, s *Store, seq int64, size int) error {
	t.Helper()
	tx, err := s.Begin(t.Context())
	if err != nil {
		return err
	}
	v := bank.NewView()
	id := fmt.Sprint("pay_", seq)
	v.Payments.Set(v, id, &bank.Payment{ID: id, Description: string(make([]byte, size))})
	return tx.Commit(t.Context(), v, bank.Link{Seq: seq, MAC: []byte{byte(seq)}})
}

// TestFull: a batch that has no room is refused, and that is certain.
func TestFull(t *testing.T) {
	s := inside(t)
	pages, err := s.writer.number(t.Context(), "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.writer.exec(fmt.Sprint("PRAGMA max_page_count = ", pages+3)); err != nil {
		t.Fatal(err)
	}
	if err := pay(t, s, 1, 100_000); err == nil || errors.Is(err, bank.ErrLost) || errors.Is(err, bank.ErrConflict) {
		t.Errorf("got %v, want an error for good", err)
	}
	if there, err := s.HasLink(t.Context(), 1, []byte{1}); there || err != nil {
		t.Errorf("got link %v, %v; want none", there, err)
	}
	if err := pay(t, s, 1, 100); err != nil {
		t.Errorf("a batch that fits: %v", err)
	}
}

// TestBusy: whoever else holds the file, the batch may be tried again.
func TestBusy(t *testing.T) {
	s := inside(t)
	other, err := openConn(s.uri)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	for _, sql := range []string{"BEGIN IMMEDIATE", "ROLLBACK"} {
		if err := other.exec(sql); err != nil {
			t.Fatal(err)
		}
		if err := s.writer.exec("PRAGMA busy_timeout = 0"); err != nil {
			t.Fatal(err)
		}
		if err, held := pay(t, s, 1, 1), sql != "ROLLBACK"; errors.Is(err, bank.ErrConflict) != held || !held && err != nil {
			t.Errorf("held %v: got %v", held, err)
		}
	}
}

// TestBroken: once it is open what the disk holds, the store says so until the
// file is opened anew.
func TestBroken(t *testing.T) {
	s := inside(t)
	for _, c := range []struct {
		code   int
		lost   bool
		broken bool
	}{
		{5, false, false},         // SQLITE_BUSY
		{13, true, false},         // SQLITE_FULL
		{10 | 4<<8, true, true},   // SQLITE_IOERR_FSYNC
		{11, true, true},          // SQLITE_CORRUPT
		{19 | 6<<8, false, false}, // SQLITE_CONSTRAINT_PRIMARYKEY
		{13, true, false},
	} {
		s.broken.Store(false)
		err := s.lost(&failure{code: c.code})
		if errors.Is(err, bank.ErrLost) != c.lost || s.broken.Load() != c.broken {
			t.Errorf("code %d: got %v, broken %v; want lost %v, broken %v", c.code, err, s.broken.Load(), c.lost, c.broken)
		}
	}
	s.broken.Store(true)
	if _, err := s.Begin(t.Context()); !errors.Is(err, bank.ErrLost) {
		t.Errorf("Begin: got %v, want ErrLost", err)
	}
	if _, err := s.HasLink(t.Context(), 1, nil); err == nil {
		t.Error("HasLink: got an answer, want none")
	}
}

// TestForget: after a refused batch only the file is believed.
func TestForget(t *testing.T) {
	s := inside(t)
	if err := pay(t, s, 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, known := s.payments.rows.get("pay_1"); !known {
		t.Error("a committed row is not remembered")
	}
	if err := pay(t, s, 1, 1); err == nil { // the link is there already
		t.Fatal("a link was written twice")
	}
	if _, known := s.payments.rows.get("pay_1"); known {
		t.Error("rows are still believed after a refused batch")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int](10)
	for i := range 1000 {
		c.put(fmt.Sprint(i), &i)
		if hot, known := c.get("0"); !known || *hot != 0 {
			t.Fatalf("after %d: the row used all the time is gone", i)
		}
		if got := len(c.young) + len(c.old); got > 20 {
			t.Fatalf("after %d: got %d rows, want at most 20", i, got)
		}
	}
	if _, known := c.get("500"); known {
		t.Error("a row of long ago is still there")
	}
	c.put("gone", nil)
	if row, known := c.get("gone"); row != nil || !known {
		t.Errorf("got %v, %v; want it known that there is none", row, known)
	}
}
