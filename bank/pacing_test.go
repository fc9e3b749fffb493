package bank

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSpend(t *testing.T) {
	const now = 1_000_000
	for _, c := range []struct {
		name                         string
		budget, at, burst, interval  int64
		wantLeft, wantFrom, wantWait int64
	}{
		{"never touched", 0, 0, 5, 30_000, 4000, now, 0},
		{"one left", 1000, now, 5, 30_000, 0, now, 0},
		{"none left", 0, now, 5, 30_000, 0, now, 30_000},
		{"half filled", 0, now - 15_000, 5, 30_000, 500, now, 15_000},
		{"just filled", 0, now - 30_000, 5, 30_000, 0, now, 0},
		{"full long ago", 0, 1, 5, 30_000, 4000, now, 0},
		{"the clock is behind", 1500, now + 10_000, 5, 30_000, 500, now + 10_000, 0},
		{"the clock is behind and none is left", 0, now + 10_000, 5, 30_000, 0, now + 10_000, 40_000},
		{"the clock was far ahead", 0, now + 150_001, 5, 30_000, 0, now, 30_000},
		{"the burst was made smaller", 9000, now, 5, 30_000, 4000, now, 0},
		{"the burst was made larger", 4000, now, 9, 30_000, 3000, now, 0},
		{"a wait of less than a millisecond", 999, now, 5, 1, 999, now, 1},
		{"no interval", 0, now, 5, 0, 5000, now, 0},
		{"no burst", 0, 0, 0, 30_000, 0, now, 30_000},
		{"a benchmark's", 0, 0, 1e9, 1, 1e12 - 1000, now, 0},
	} {
		left, from, wait := spend(c.budget, c.at, now, c.burst, c.interval)
		if left != c.wantLeft || from != c.wantFrom || wait != c.wantWait {
			t.Errorf("%s: got %d from %d, wait %d; want %d from %d, wait %d", c.name, left, from, wait, c.wantLeft, c.wantFrom, c.wantWait)
		}
	}
}

// However the clocks of the replicas differ and whenever one asks, no more codes
// are given than the burst and one an interval; and who waits as told gets one.
func TestSpendNeverGivesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst, interval := rapid.Int64Range(1, 10).Draw(t, "burst"), rapid.Int64Range(1, 40_000).Draw(t, "interval")
		const start = 1_000_000_000
		skew := rapid.Int64Range(0, burst*interval).Draw(t, "skew")
		var budget, at, given int64
		clock := int64(start)
		for range rapid.IntRange(1, 60).Draw(t, "asks") {
			clock += rapid.Int64Range(0, 2*interval).Draw(t, "later")
			now := clock - rapid.Int64Range(0, skew).Draw(t, "behind")
			left, from, wait := spend(budget, at, now, burst, interval)
			if wait == 0 {
				budget, at = left, from
				given++
			} else if _, _, again := spend(budget, at, now+wait, burst, interval); again != 0 {
				t.Fatalf("after %d ms it is %d ms more", wait, again)
			}
		}
		if most := burst + (clock-start+skew)/interval; given > most {
			t.Fatalf("%d codes, at most %d", given, most)
		}
	})
}

func TestMask(t *testing.T) {
	for pan, want := range map[string]string{
		"6217000010000000011": "621700*********0011", "4000000000000002": "400000******0002",
		"378282246310005": "37828******0005", "123456789015": "12******9015",
	} {
		if got := mask(pan); got != want {
			t.Errorf("mask of %d digits: got %s, want %s", len(pan), got, want)
		}
	}
}
