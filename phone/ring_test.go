package phone

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sotto/dyncode"
	"sotto/secret"
)

func openRing(t *testing.T, d *disk, now func() time.Time) *ring {
	t.Helper()
	r, err := newRing(d, phoneRaw, [32]byte(fill(0x33)), now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func counterOf(t *testing.T, message []byte) uint64 {
	t.Helper()
	m, err := dyncode.Parse(message)
	if err != nil {
		t.Fatal(err)
	}
	return m.Counter
}

// One write serves a block of codes, and a restart skips the rest of it.
func TestCounterBlocks(t *testing.T) {
	d := inUse(dyncode.CardSealed)
	clock := func() time.Time { return time.UnixMilli(0) } // a phone that does not know the time
	seal := func(r *ring) uint64 {
		t.Helper()
		m, err := r.seal(cardText, active, dyncode.CardSealed, rawOf(dispatchID(0, 1)), []byte("part"))
		if err != nil {
			t.Fatal(err)
		}
		return counterOf(t, m)
	}
	r := openRing(t, d, clock)
	for want := uint64(1); want <= counterBlock; want++ {
		if got := seal(r); got != want {
			t.Fatalf("counter %d, want %d", got, want)
		}
	}
	if d.saves != 1 {
		t.Errorf("%d writes for one block, want 1", d.saves)
	}
	if got := seal(r); got != counterBlock+1 || d.saves != 2 {
		t.Errorf("counter %d after %d writes, want %d after 2", got, d.saves, counterBlock+1)
	}
	if got, want := seal(openRing(t, d, clock)), uint64(2*counterBlock+1); got != want {
		t.Errorf("after a restart the counter is %d, want %d", got, want)
	}
	// With a clock it begins no lower than the clock.
	later := openRing(t, d, func() time.Time { return start })
	if got, want := seal(later), uint64(start.UnixMilli())<<counterShift+1; got != want {
		t.Errorf("with a clock the counter is %d, want %d", got, want)
	}
}

// Whatever happens to the process and its disk, no counter comes twice under one
// secret, and a message that got a counter is below what is on disk.
func TestCounterNeverComesTwice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	d := &disk{kept: map[string]Binding{}}
	d.fail = func() (bool, bool) { return random.IntN(5) == 0, random.IntN(2) == 0 }
	now := start
	clock := func() time.Time { return now }
	r := openRing(t, d, clock)
	used := map[string]bool{}
	backup := maps.Clone(d.kept)
	var sealed int
	for step := range 20_000 {
		now = now.Add(time.Duration(random.IntN(5)+1) * time.Millisecond)
		dispatch := dispatchID(time.Duration(random.IntN(6)), byte(random.IntN(6)))
		switch random.IntN(12) {
		case 0:
			r = openRing(t, d, clock) // a crash: memory is gone
		case 1:
			key := fill(byte(random.IntN(4) + 1)) // secrets that come again, too
			_ = r.pend(cardText, dispatch, dyncode.CardSealed, secret.New(key))
		case 2:
			_ = r.bound(cardText)
		case 3:
			_ = r.refused(cardText, r.pairing(cardText, pending).Dispatch)
		case 4:
			if random.IntN(10) == 0 {
				_ = r.release(cardText, dispatchID(time.Hour, 0), 1)
				r.sweep(now)
			}
		case 5:
			if random.IntN(20) == 0 { // the folder is put back from a backup
				d.kept = maps.Clone(backup)
				r = openRing(t, d, clock)
			} else if random.IntN(20) == 0 {
				backup = maps.Clone(d.kept)
			}
		default:
			u := use(random.IntN(2) == 0)
			m, err := r.seal(cardText, u, dyncode.CardSealed, rawOf(dispatch), []byte("part"))
			if err != nil {
				continue
			}
			sealed++
			key := fmt.Sprint(r.pairing(cardText, u).Secret.Reveal()[0], counterOf(t, m))
			if used[key] {
				t.Fatalf("step %d, seed %d: the counter came twice under one secret", step, seed)
			}
			used[key] = true
		}
	}
	if sealed < 3000 {
		t.Fatalf("only %d messages were sealed: this test has hardly looked", sealed)
	}
}

func TestCounterAtItsEnd(t *testing.T) {
	d := inUse(dyncode.CardSealed)
	b := d.kept[cardText]
	for _, reserved := range []uint64{math.MaxUint64, math.MaxUint64 - 1, counterMax} {
		b.Active.Reserved = reserved
		d.kept[cardText] = b
		r := openRing(t, d, func() time.Time { return start })
		if _, err := r.seal(cardText, active, dyncode.CardSealed, rawOf(dispatchID(0, 1)), nil); !errors.Is(err, errExhausted) {
			t.Errorf("reserved %d: %v, want %v", reserved, err, errExhausted)
		}
	}
}

// The life of a pairing, step by step: what is in use and what is pending.
func TestPairingLife(t *testing.T) {
	first, second, third := dispatchID(0, 1), dispatchID(time.Second, 2), dispatchID(2*time.Second, 3)
	steps := []struct {
		name            string
		do              func(*ring) error
		active, pending string
	}{
		{"nothing to put to use", func(r *ring) error { return r.bound(cardText) }, "", ""},
		{"a first pairing waits", pendDo(first, 1), "", first},
		{"it comes again", pendDo(first, 1), "", first},
		{"the card has it", func(r *ring) error { return r.bound(cardText) }, first, ""},
		{"it comes again when in use", pendDo(first, 1), first, ""},
		{"a second waits beside it", pendDo(second, 2), first, second},
		{"another's refusal means nothing", func(r *ring) error { return r.refused(cardText, first) }, first, second},
		{"the card refuses it", func(r *ring) error { return r.refused(cardText, second) }, first, ""},
		{"a third waits", pendDo(third, 3), first, third},
		{"an old release speaks of neither", func(r *ring) error {
			if err := r.release(cardText, second, 5); !errors.Is(err, errStale) {
				return fmt.Errorf("not refused as stale: %w", err)
			}
			return nil
		}, first, third},
		{"the card has the third", func(r *ring) error { return r.bound(cardText) }, third, ""},
		{"a release is not yet the end", func(r *ring) error {
			return r.release(cardText, dispatchID(time.Hour, 4), start.Add(time.Minute).UnixMilli())
		}, third, ""},
		{"before its time nothing goes", func(r *ring) error {
			if got, want := r.sweep(start), start.Add(time.Minute); !got.Equal(want) {
				return fmt.Errorf("look again at %v, want %v", got, want)
			}
			return nil
		}, third, ""},
		{"then it goes", func(r *ring) error { r.sweep(start.Add(time.Minute)); return nil }, "", ""},
	}
	d := &disk{}
	r := openRing(t, d, func() time.Time { return start })
	for _, step := range steps {
		if err := step.do(r); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		for name, r := range map[string]*ring{"memory": r, "disk": openRing(t, d, r.now)} {
			if got := r.pairing(cardText, active).Dispatch; got != step.active {
				t.Errorf("%s: in use in %s is %q, want %q", step.name, name, got, step.active)
			}
			if got := r.pairing(cardText, pending).Dispatch; got != step.pending {
				t.Errorf("%s: pending in %s is %q, want %q", step.name, name, got, step.pending)
			}
		}
	}
	if len(d.kept) != 0 {
		t.Errorf("the disk still has %d cards", len(d.kept))
	}
}

func pendDo(dispatch string, key byte) func(*ring) error {
	return func(r *ring) error {
		return r.pend(cardText, dispatch, dyncode.CardSealed, secret.New(fill(key)))
	}
}

// What the disk did not take has not happened.
func TestDiskFails(t *testing.T) {
	d := inUse(dyncode.CardSealed)
	d.fail = func() (bool, bool) { return true, false }
	r := openRing(t, d, func() time.Time { return start })
	before := r.pairing(cardText, active)
	if _, err := r.seal(cardText, active, dyncode.CardSealed, rawOf(dispatchID(0, 1)), nil); err == nil {
		t.Error("sealed without a counter on disk")
	}
	for name, err := range map[string]error{
		"pend":    r.pend(cardText, dispatchID(0, 2), dyncode.CardSealed, secret.New(fill(9))),
		"release": r.release(cardText, dispatchID(0, 3), 5),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := r.pairing(cardText, active); !got.same(before) || !r.pairing(cardText, pending).None() {
		t.Error("memory has changed and the disk has not")
	}
}

func (p Pairing) same(o Pairing) bool {
	return p.Dispatch == o.Dispatch && p.Profile == o.Profile && p.Reserved == o.Reserved &&
		p.ForgetAt == o.ForgetAt && bytes.Equal(p.Secret.Reveal(), o.Secret.Reveal())
}

func TestBoundToTooMany(t *testing.T) {
	d := &disk{kept: map[string]Binding{}}
	for i := range bindingsMax {
		d.kept[fmt.Sprint(i)] = Binding{Active: Pairing{Dispatch: dispatchID(0, byte(i)), Secret: secret.New(fill(1))}}
	}
	r := openRing(t, d, func() time.Time { return start })
	if err := r.pend(cardText, dispatchID(0, 1), dyncode.Plain, secret.New(fill(1))); !errors.Is(err, errRoom) {
		t.Errorf("got %v, want %v", err, errRoom)
	}
	if err := r.pend("0", dispatchID(0, 1), dyncode.Plain, secret.New(fill(1))); err != nil {
		t.Errorf("a card that is known: %v", err)
	}
}
