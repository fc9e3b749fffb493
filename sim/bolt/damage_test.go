package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sotto/sim"
	"sotto/sim/bolt"
)

func removeA(w sim.Writer) error { return w.Remove([]byte("a")) }

// history is a store whose content went through stages, of which the file holds
// the last and, until the next commit, the one before.
func history(t *testing.T, stages int) (dir string, whole []byte, last, before string) {
	t.Helper()
	dir, s := create(t)
	for stage := range stages {
		before = last
		var pairs []string
		for i := range 40 {
			pairs = append(pairs, fmt.Sprintf("key-%02d", i), fmt.Sprintf("stage %d of %d %0200d", stage, i, i))
		}
		save(t, s, pairs...)
		last = content(t, s, "")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "applets.db"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, whole, last, before
}

// reopen puts an image in place of the store and reads it.
func reopen(t *testing.T, dir string, image []byte) (string, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "applets.db"), image, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(dir)
	if err != nil {
		return "", err
	}
	defer s.Close()
	return content(t, s, ""), nil
}

// Every cut of the file is refused, or leaves the state before or after the last
// commit. Cuts behind the last page in use cut nothing.
func TestStoreCutAtEveryPlace(t *testing.T) {
	dir, whole, last, before := history(t, 4)
	refused := 0
	for n := 0; n < len(whole); n += 197 {
		got, err := reopen(t, dir, whole[:n])
		switch {
		case errors.Is(err, bolt.ErrDamaged):
			refused++
		case err != nil:
			t.Fatalf("cut at %d: %v", n, err)
		case got != last && got != before:
			t.Fatalf("cut at %d: content that never was", n)
		}
	}
	if refused == 0 {
		t.Error("no cut was refused")
	}
}

// Damage at every byte of the pages' own data, and at many of the values. It is
// refused, or undoes the last commit, or is found in keys and values alone, which
// are the device's to authenticate (see the room's own test of this). Nothing
// panics.
func TestStoreDamagedAtEveryByte(t *testing.T) {
	dir, whole, last, before := history(t, 3)
	refused, undone, changed := 0, 0, 0
	for at := range whole {
		if at%61 != 0 && (at >= 2*4096 && at%4096 > 120 || at < 2*4096 && at%4096 > 90) {
			continue
		}
		bent := append([]byte(nil), whole...)
		bent[at] ^= 1 << (at % 8)
		got, err := reopen(t, dir, bent)
		switch {
		case errors.Is(err, bolt.ErrDamaged):
			refused++
		case err != nil:
			t.Fatalf("byte %d: %v", at, err)
		case got == before:
			undone++
		case got != last:
			changed++
		}
	}
	t.Logf("of %d bytes: %d refused, %d with the last commit undone, %d in keys and values", len(whole), refused, undone, changed)
	if refused == 0 || undone == 0 || changed == 0 {
		t.Error("damage was not found")
	}
}

// A store whose content has vanished is not taken for that of a new device.
func TestVanishedContent(t *testing.T) {
	dir, s := create(t)
	s.Close()
	fresh, err := os.ReadFile(filepath.Join(dir, "applets.db"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reopen(t, dir, fresh); err != nil || got != "" {
		t.Fatalf("fresh: got %q, %v", got, err)
	}
	s, err = bolt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, "a", "1")
	if err := s.Update(removeA); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := bolt.Open(dir); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
