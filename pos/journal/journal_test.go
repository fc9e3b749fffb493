package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sotto/pos"
	"sotto/pos/journal"
)

func open(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func save(t testing.TB, j *journal.Journal, changes ...pos.Change) {
	t.Helper()
	if err := j.Save(changes...); err != nil {
		t.Fatal(err)
	}
}

func put(number uint64, value string) pos.Change {
	return pos.Change{Number: number, Value: []byte(value)}
}

func gone(number uint64) pos.Change { return pos.Change{Number: number} }

func contents(t testing.TB, j *journal.Journal) map[uint64]string {
	t.Helper()
	all, last := map[uint64]string{}, -1
	err := j.Each(func(number uint64, value []byte) error {
		if int(number) <= last {
			t.Errorf("number %d comes behind %d", number, last)
		}
		last = int(number)
		all[number] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func want(t testing.TB, j *journal.Journal, want map[uint64]string) {
	t.Helper()
	if got := contents(t, j); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhatIsSavedIsThereAgain(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	want(t, j, map[uint64]string{})
	save(t, j, put(0, "ledger"), put(1, "open"))
	save(t, j, put(1, "approved"), put(7, ""))
	save(t, j, gone(1), put(2, "two"))
	save(t, j) // nothing is a record too
	all := map[uint64]string{0: "ledger", 2: "two", 7: ""}
	want(t, j, all)
	j.Close()
	want(t, open(t, dir), all)
}

func TestTwoProcessesCannotHaveIt(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if _, err := journal.Open(dir); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("a second one: got %v", err)
	}
	j.Close()
	open(t, dir)
}

func TestWhatOthersCanReadIsRefused(t *testing.T) {
	for _, name := range []string{"journal", "key", "lock"} {
		dir := t.TempDir()
		open(t, dir).Close()
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(dir); !errors.Is(err, journal.ErrExposed) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%s readable by the group: got %v", name, err)
		}
	}
}

// After Close, and after an error, nothing is written any more.
func TestABrokenJournalTakesNothing(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	save(t, j, put(1, "one"))
	j.Close()
	if j.Save(put(1, "two")) == nil {
		t.Error("a closed journal has saved")
	}
	big := open(t, dir)
	if big.Save(pos.Change{Number: 2, Value: make([]byte, 5<<20)}) == nil {
		t.Error("a value of 5 MiB was saved")
	}
	if big.Save(put(1, "three")) == nil {
		t.Error("a journal that failed has saved")
	}
	big.Close()
	want(t, open(t, dir), map[uint64]string{1: "one"})
}

// No card number is on the disk, whatever was saved and superseded.
func TestNothingIsReadable(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	const secret = "5A086228480012345678"
	save(t, j, put(1, secret))
	save(t, j, put(1, "else"))
	j.Close()
	looked := 0
	for _, name := range []string{"journal", "key", "lock"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		looked += len(b)
		if bytes.Contains(b, []byte(secret[4:])) {
			t.Errorf("%s has a card number in clear", name)
		}
	}
	if looked < 100 {
		t.Errorf("looked at %d bytes", looked)
	}
}

// history is a journal with what it held after each of its records.
func history(t testing.TB, dir string, saves int) (b []byte, ends []int, states []map[uint64]string) {
	t.Helper()
	path := filepath.Join(dir, "journal")
	j := open(t, dir)
	size := func() int {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	ends, states = []int{size()}, []map[uint64]string{{}}
	for n := range saves {
		save(t, j, put(uint64(n%4), fmt.Sprint("state ", n)), gone(uint64((n+2)%4)))
		ends, states = append(ends, size()), append(states, contents(t, j))
	}
	j.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, ends, states
}

// A file that ends at any byte opens to what was saved by then, and goes on from
// there.
func TestACutAtAnyByteLeavesAWholePrefix(t *testing.T) {
	dir := t.TempDir()
	b, ends, states := history(t, dir, 6)
	for cut := ends[0]; cut <= len(b); cut++ {
		if err := os.WriteFile(filepath.Join(dir, "journal"), b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		saved := slices.IndexFunc(ends, func(end int) bool { return end > cut }) - 1
		if saved < 0 {
			saved = len(ends) - 1
		}
		j := open(t, dir)
		if got := contents(t, j); !maps.Equal(got, states[saved]) {
			t.Fatalf("cut at %d: got %v, want %v", cut, got, states[saved])
		}
		save(t, j, put(9, "on"))
		j.Close()
		again := open(t, dir)
		if got := contents(t, again); got[9] != "on" || len(got) != len(states[saved])+1 {
			t.Fatalf("cut at %d, and written on: got %v", cut, got)
		}
		again.Close()
	}
	for cut := range ends[0] {
		if err := os.WriteFile(filepath.Join(dir, "journal"), b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(dir); !errors.Is(err, journal.ErrDamaged) {
			t.Fatalf("cut at %d, in the header: got %v", cut, err)
		}
	}
}

// A torn write may leave anything at the end: zeros, or parts of it.
func TestATornRecordIsDropped(t *testing.T) {
	dir := t.TempDir()
	b, ends, states := history(t, dir, 4)
	last, before := ends[len(ends)-2], states[len(states)-2]
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		torn := slices.Clone(b)
		from := last + random.IntN(len(b)-last)
		to := from + 1 + random.IntN(len(b)-from)
		clear(torn[from:min(to, len(b))])
		if bytes.Equal(torn, b) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "journal"), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir)
		if got := contents(t, j); !maps.Equal(got, before) {
			t.Fatalf("torn %d from %d to %d: got %v, want %v", i, from, to, got, before)
		}
		j.Close()
	}
}

// A bit that has changed in any record but the last is found, and never taken
// for the end.
func TestDamageIsNoTear(t *testing.T) {
	dir := t.TempDir()
	b, ends, _ := history(t, dir, 4)
	for at := range ends[len(ends)-2] {
		damaged := slices.Clone(b)
		damaged[at] ^= 0x10
		if err := os.WriteFile(filepath.Join(dir, "journal"), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(dir)
		if err == nil {
			t.Errorf("byte %d changed: opened to %v", at, contents(t, j))
			j.Close()
		}
	}
}

// Records of another journal, and records in another order, are not its own.
func TestRecordsHaveOnePlace(t *testing.T) {
	dir := t.TempDir()
	b, ends, _ := history(t, dir, 3)
	swapped := slices.Concat(b[:ends[0]], b[ends[1]:ends[2]], b[ends[0]:ends[1]], b[ends[2]:])
	twice := slices.Concat(b[:ends[1]], b[ends[0]:])
	for name, changed := range map[string][]byte{"swapped": swapped, "twice": twice, "without the first": slices.Concat(b[:ends[0]], b[ends[1]:])} {
		if err := os.WriteFile(filepath.Join(dir, "journal"), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(dir); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestKeyAndJournalBelongTogether(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	b, _, states := history(t, dir, 2)
	history(t, other, 2)
	at := func(name string) string { return filepath.Join(dir, name) }
	key, err := os.ReadFile(at("key"))
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := os.ReadFile(filepath.Join(other, "key"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(name string, want error) {
		t.Helper()
		if _, err := journal.Open(dir); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	write("key", otherKey)
	refused("another key", journal.ErrKey)
	write("key", []byte("no key"))
	refused("no key in the file", journal.ErrKey)
	os.Remove(at("key"))
	refused("no key", journal.ErrKey)
	write("key", key)
	os.Remove(at("journal"))
	refused("no journal", journal.ErrGone)
	newer := slices.Clone(b)
	newer[8]++
	write("journal", newer)
	refused("another version", journal.ErrVersion)
	write("journal", b)
	want(t, open(t, dir), states[2])
}

// The first start may be interrupted at any point, and is done again.
func TestBeginningIsAtomic(t *testing.T) {
	dir := t.TempDir()
	_, _, states := history(t, dir, 2)
	at := func(name string) string { return filepath.Join(dir, name) }
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(at(from), at(to)); err != nil {
			t.Fatal(err)
		}
	}
	// The key has not got its name yet.
	move("key", "key.new")
	j := open(t, dir)
	want(t, j, states[2])
	j.Close()
	// Neither has the journal: nothing was saved in it.
	move("key", "key.new")
	move("journal", "journal.new")
	j = open(t, dir)
	want(t, j, map[uint64]string{})
	save(t, j, put(3, "three"))
	j.Close()
	want(t, open(t, dir), map[uint64]string{3: "three"})
}

// A journal that is mostly past is written anew, with what counts in it.
func TestItDoesNotGrowWithoutEnd(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	model := map[uint64]string{}
	random := rand.New(rand.NewPCG(3, 4))
	most := int64(0)
	for n := range 3000 {
		number := uint64(random.IntN(300))
		value := strings.Repeat(fmt.Sprint(n, " "), 60)
		if n%5 == 4 {
			save(t, j, gone(number))
			delete(model, number)
		} else {
			save(t, j, put(number, value))
			model[number] = value
		}
		info, err := os.Stat(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if most > 1<<20 || most < 200<<10 {
		t.Errorf("the file has grown to %d bytes", most)
	}
	want(t, j, model)
	j.Close()
	again := open(t, dir)
	want(t, again, model)
	again.Close()
	// What a crash left of a new file is nothing.
	if err := os.WriteFile(filepath.Join(dir, "journal.new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, dir), model)
	if _, err := os.Stat(filepath.Join(dir, "journal.new")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the half-written file is still there")
	}
}

// Whatever stands in the file, Open returns, and what it opens can be saved to.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	b, ends, _ := history(f, dir, 3)
	f.Add(b)
	f.Add(b[:ends[2]+5])
	f.Add(append(slices.Clone(b), 0, 0, 0, 0))
	f.Add([]byte("sottopos"))
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(dir)
		if err != nil {
			return
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(len(b)))
		save(t, j, pos.Change{Number: 5, Value: value})
		j.Close()
		again := open(t, dir)
		defer again.Close()
		if got := contents(t, again)[5]; got != string(value) {
			t.Fatalf("saved %q, and found %q", value, got)
		}
	})
}
