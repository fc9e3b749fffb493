package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sotto/emv"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/bolt"
	"sotto/sim/mem"
)

func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

// newKey is a device key.
func newKey(n byte) secret.Secret { return secret.New(bytes.Repeat([]byte{n}, 32)) }

var deviceKey = newKey(0xA5)

func start(store sim.Store, key secret.Secret) (*sim.Device, error) {
	return sim.Open(store, sim.Options{Key: key, Random: seeded(9)})
}

// told is all that a device tells its holder.
func told(t *testing.T, d *sim.Device) string {
	t.Helper()
	list, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := d.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %+v", policy, list)
}

// A device whose store is damaged at any byte does not start, or is as it was
// before or after its last commit. It never says anything else.
func TestStoreDamagedAtAnyByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	store, err := bolt.Create(dir, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	d, err := start(store, store.Key())
	if err != nil {
		t.Fatal(err)
	}
	sim.Furnish(t, d, 20, func(i int) sim.Furnished {
		return sim.Furnished{Available: int64(100 * i), TapMax: 1000, Currency: emv.Numeric{0x01, 0x56}, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	if err := d.Prefer(sim.FurnishedAID(3)); err != nil {
		t.Fatal(err)
	}
	before := told(t, d)
	if err := d.Lock(sim.FurnishedAID(7)); err != nil {
		t.Fatal(err)
	}
	after := told(t, d)
	store.Close()
	path := filepath.Join(dir, "applets.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	refused, undone, harmless := 0, 0, 0
	look := func(what string, image []byte) {
		t.Helper()
		if err := os.WriteFile(path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := bolt.Open(dir)
		if err == nil {
			defer store.Close()
			d, err = start(store, store.Key())
		}
		switch {
		case errors.Is(err, bolt.ErrDamaged), errors.Is(err, sim.ErrDamaged):
			refused++
			return
		case err != nil:
			t.Fatalf("%s: %v", what, err)
		}
		switch told(t, d) {
		case before:
			undone++
		case after:
			harmless++
		default:
			t.Fatalf("%s: a state that never was", what)
		}
	}
	for at := range whole {
		if at%97 != 0 && (at > 2*4096 || at%4096 > 80) { // every byte of the roots
			continue
		}
		bent := bytes.Clone(whole)
		bent[at] ^= 1 << (at % 8)
		look(fmt.Sprintf("byte %d", at), bent)
	}
	for n := 0; n < len(whole); n += 997 {
		look(fmt.Sprintf("cut at %d", n), whole[:n])
	}
	t.Logf("%d refused, %d with the last commit undone, %d harmless", refused, undone, harmless)
	if refused == 0 || undone == 0 || harmless == 0 {
		t.Error("the damage was not what it should be")
	}
}

// The same without a disk: each value of the store bent, gone, or taken from a
// day before.
func TestValuesBentGoneOrOld(t *testing.T) {
	store := mem.New()
	d, err := start(store, deviceKey)
	if err != nil {
		t.Fatal(err)
	}
	sim.Furnish(t, d, 3, func(int) sim.Furnished {
		return sim.Furnished{Available: 500, TapMax: 1000, Currency: emv.Numeric{0x01, 0x56}, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	yesterday := store.Clone()
	sim.Furnish(t, d, 3, func(int) sim.Furnished {
		return sim.Furnished{Available: 1, TapMax: 1000, Currency: emv.Numeric{0x01, 0x56}, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	if _, err := start(store.Clone(), deviceKey); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, change func(sim.Writer) error) {
		t.Helper()
		copied := store.Clone()
		if err := copied.Update(change); err != nil {
			t.Fatal(err)
		}
		if _, err := start(copied, deviceKey); !errors.Is(err, sim.ErrDamaged) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	pairs(t, store, func(key, value []byte) {
		for at := range value {
			bent := bytes.Clone(value)
			bent[at] ^= 0x10
			refused(fmt.Sprintf("%q bent at %d", key, at), func(w sim.Writer) error { return w.Save(key, bent) })
		}
		refused(fmt.Sprintf("%q gone", key), func(w sim.Writer) error { return w.Remove(key) })
		refused(fmt.Sprintf("%q twice", key), func(w sim.Writer) error { return w.Save(append(bytes.Clone(key), 1), value) })
	})
	pairs(t, yesterday, func(key, value []byte) {
		refused(fmt.Sprintf("%q of yesterday", key), func(w sim.Writer) error { return w.Save(key, value) })
	})
	if _, err := start(store, secret.New(make([]byte, 32))); !errors.Is(err, sim.ErrDamaged) {
		t.Errorf("another device key: got %v", err)
	}
	if _, err := start(store, secret.New(make([]byte, 31))); !errors.Is(err, sim.ErrKey) {
		t.Errorf("a short key: got %v", err)
	}
}

func pairs(t *testing.T, store sim.Store, f func(key, value []byte)) {
	t.Helper()
	err := store.View(func(r sim.Reader) error {
		return r.Walk(nil, func(key, value []byte) error {
			f(bytes.Clone(key), bytes.Clone(value))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing that matters lies in the store in clear.
func TestNothingInClear(t *testing.T) {
	store := mem.New()
	d, err := start(store, deviceKey)
	if err != nil {
		t.Fatal(err)
	}
	const balance = 0x0102030405
	sim.Furnish(t, d, 2, func(int) sim.Furnished {
		return sim.Furnished{Available: balance, TapMax: balance, Currency: emv.Numeric{0x01, 0x56}, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	pairs(t, store, func(key, value []byte) {
		for _, x := range [][]byte{{1, 2, 3, 4, 5}, {0x31, 0x12, 0x31}, deviceKey.Reveal()[:8]} {
			if bytes.Contains(value, x) {
				t.Errorf("%q shows % x", key, x)
			}
		}
	})
}

// The power goes while a commit is being written: any of its pages has come to
// the disk and any other has not, and of the root, which comes last, any number
// of bytes. The device starts, and is as it was before or after.
func TestPowerLostWithinACommit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	store, err := bolt.Create(dir, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	d, err := start(store, store.Key())
	if err != nil {
		t.Fatal(err)
	}
	sim.Furnish(t, d, 30, func(i int) sim.Furnished {
		return sim.Furnished{Available: int64(100 * i), TapMax: 1000, Currency: cny, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	path := filepath.Join(dir, "applets.db")
	image := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	before, was := image(), told(t, d)
	sim.Furnish(t, d, 30, func(i int) sim.Furnished {
		return sim.Furnished{Available: int64(7 * i), TapMax: 1000, Currency: cny, Expiry: emv.Date{0x31, 0x12, 0x31}}
	})
	after, is := image(), told(t, d)
	store.Close()
	before = append(before, make([]byte, max(0, len(after)-len(before)))...)

	const page = 4096
	var root int // the page of the root that the commit has written
	var pages []int
	for at := 0; at < len(after); at += page {
		switch {
		case bytes.Equal(before[at:at+page], after[at:at+page]):
		case at < 2*page:
			root = at
		default:
			pages = append(pages, at)
		}
	}
	if len(pages) < 2 {
		t.Fatalf("the commit has written %d pages", len(pages))
	}
	look := func(what, want string, disk []byte) {
		t.Helper()
		if err := os.WriteFile(path, disk, 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := bolt.Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer store.Close()
		d, err := start(store, store.Key())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := told(t, d); got != want {
			t.Errorf("%s: another state", what)
		}
	}
	random := seeded(5)
	for n := range 40 {
		disk := bytes.Clone(before)
		subset := random.Uint64()
		for i, at := range pages {
			if subset>>(i%64)&1 == 1 {
				copy(disk[at:at+page], after[at:])
			}
		}
		look(fmt.Sprintf("pages, try %d", n), was, disk)
	}
	disk := bytes.Clone(after)
	for n := range 16 + 64 {
		copy(disk[root:], before[root:root+page])
		copy(disk[root:root+n], after[root:])
		look(fmt.Sprintf("%d bytes of the root", n), was, disk)
	}
	look("all", is, after)
}
