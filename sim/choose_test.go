package sim

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv"
)

var (
	cny   = emv.Numeric{0x01, 0x56}
	eur   = emv.Numeric{0x09, 0x78}
	today = emv.Date{0x26, 0x11, 0x22}
	later = emv.Date{0x31, 0x12, 0x31}
	past  = emv.Date{0x26, 0x11, 0x21}
)

// rich is an applet that can pay.
func rich(id byte, available int64) candidate {
	return candidate{
		aid: []byte{0xF0, 1, 2, 3, id}, priority: 1, currency: cny,
		available: available, tapMax: emv.AmountMax, expiry: later,
	}
}

func with(c candidate, change func(*candidate)) candidate {
	change(&c)
	return c
}

func pick(p Policy, r request, list ...candidate) (byte, Reason) {
	var x choice
	for _, c := range list {
		x.consider(c, r, p)
	}
	if x.reason() != ReasonNone {
		return 0, x.reason()
	}
	return x.best.aid[4], ReasonNone
}

func TestPolicies(t *testing.T) {
	list := []candidate{
		with(rich(1, 5000), func(c *candidate) { c.priority = 3 }),
		with(rich(2, 900), func(c *candidate) { c.priority = 2 }),
		with(rich(3, 9000), func(c *candidate) { c.priority = 1 }),
		with(rich(4, 700), func(c *candidate) { c.priority, c.preferred = 0, true }),
		with(rich(5, 9000), func(c *candidate) { c.priority = 15 }),
	}
	tests := []struct {
		policy Policy
		amount int64
		want   byte
	}{
		{PolicyPreferred, 700, 4},
		{PolicyPreferred, 701, 3}, // the preferred one is short of a cent
		{PolicyBestFit, 700, 4},
		{PolicyBestFit, 701, 2},
		{PolicyBestFit, 901, 1},
		{PolicyBestFit, 5001, 3}, // and 5 has as much, but a later priority
		{PolicyMostLeft, 1, 3},
		{PolicyFixed, 1, 3},
		{PolicyFixed, 0, 3},
	}
	for _, tt := range tests {
		for range 3 { // in whatever order they come
			list = append(list[1:], list[0])
			got, why := pick(tt.policy, request{tt.amount, cny, today}, list...)
			if got != tt.want || why != ReasonNone {
				t.Errorf("%v, %d: got %d, %v; want %d", tt.policy, tt.amount, got, why, tt.want)
			}
		}
	}
}

// The reasons in the order in which they are told.
func TestReasons(t *testing.T) {
	short := rich(1, 99)
	limited := with(rich(2, 5000), func(c *candidate) { c.tapMax = 99 })
	expired := with(rich(3, 5000), func(c *candidate) { c.expiry = past })
	locked := with(rich(4, 5000), func(c *candidate) { c.locked = true })
	foreign := with(rich(5, 5000), func(c *candidate) { c.currency = eur })
	all := []candidate{short, limited, expired, locked, foreign}
	want := []Reason{ReasonBalance, ReasonTapLimit, ReasonExpired, ReasonLocked, ReasonCurrency, ReasonNoApplet}
	for i := range len(all) + 1 {
		_, why := pick(PolicyPreferred, request{100, cny, today}, all[i:]...)
		if why != want[i] {
			t.Errorf("without the first %d: got %v, want %v", i, why, want[i])
		}
	}
	// Of several faults of one applet the worst counts.
	worst := with(foreign, func(c *candidate) { c.locked, c.available = true, 0 })
	if _, why := pick(PolicyPreferred, request{100, cny, today}, worst); why != ReasonCurrency {
		t.Errorf("got %v, want %v", why, ReasonCurrency)
	}
}

func TestExpiryNeedsATime(t *testing.T) {
	tests := []struct {
		name   string
		expiry emv.Date
		today  emv.Date
		want   Reason
	}{
		{"tomorrow", later, today, ReasonNone},
		{"the last day", today, today, ReasonNone},
		{"yesterday", past, today, ReasonExpired},
		{"the last century", emv.Date{0x99, 0x12, 0x31}, today, ReasonExpired},
		{"no date", emv.Date{}, today, ReasonExpired},
		{"no clock", past, emv.Date{}, ReasonNone},
	}
	for _, tt := range tests {
		c := with(rich(1, 100), func(c *candidate) { c.expiry = tt.expiry })
		if _, got := pick(PolicyFixed, request{100, cny, tt.today}, c); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func drawCandidate(t *rapid.T, id int) candidate {
	return candidate{
		aid:       []byte{0xF0, 1, 2, byte(id >> 8), byte(id)},
		priority:  rapid.Byte().Draw(t, "priority") & 0x0F,
		preferred: rapid.Bool().Draw(t, "preferred"),
		locked:    rapid.IntRange(0, 3).Draw(t, "locked") == 0,
		currency:  rapid.SampledFrom([]emv.Numeric{cny, cny, eur}).Draw(t, "currency"),
		available: rapid.Int64Range(0, 20).Draw(t, "available"),
		tapMax:    rapid.Int64Range(5, 30).Draw(t, "tapMax"),
		expiry:    rapid.SampledFrom([]emv.Date{later, later, past, today}).Draw(t, "expiry"),
	}
}

// The model of the choice: it says of the whole list, in other words, what is
// right, and how good an applet is by three numbers.
func TestChoiceAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		var list []candidate
		for id := range n {
			list = append(list, drawCandidate(t, id))
		}
		r := request{rapid.Int64Range(0, 20).Draw(t, "amount"), cny, rapid.SampledFrom([]emv.Date{today, {}}).Draw(t, "today")}
		p := Policy(rapid.IntRange(0, len(policyNames)-1).Draw(t, "policy"))

		var x choice
		for _, c := range list {
			x.consider(c, r, p)
		}
		able := slices.DeleteFunc(slices.Clone(list), func(c candidate) bool {
			gone := r.day != emv.Date{} && c.expiry == past
			return c.currency != cny || c.locked || gone || c.tapMax < r.amount || c.available < r.amount
		})
		if (len(able) > 0) != (x.reason() == ReasonNone) {
			t.Fatalf("%d applets can pay, and the reason is %v", len(able), x.reason())
		}
		if len(able) == 0 {
			return
		}
		best := slices.MinFunc(able, func(a, b candidate) int { return bytes.Compare(goodness(p, a), goodness(p, b)) })
		if !bytes.Equal(best.aid, x.best.aid) {
			t.Fatalf("%v: got %x, want %x", p, x.best.aid, best.aid)
		}
	})
}

// goodness is a text that sorts first for the applet that the policy likes best.
func goodness(p Policy, c candidate) []byte {
	first := int64(0)
	switch p {
	case PolicyPreferred:
		if !c.preferred {
			first = 1
		}
	case PolicyBestFit:
		first = c.available
	case PolicyMostLeft:
		first = 1000 - c.available
	}
	priority := int(c.priority)
	if priority == 0 {
		priority = 16
	}
	return fmt.Appendf(nil, "%04d %02d %x", first, priority, c.aid)
}

// More money never makes a payment impossible, and asking for less never does.
func TestChoiceIsMonotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []candidate{drawCandidate(t, 0), drawCandidate(t, 1), drawCandidate(t, 2)}
		amount := rapid.Int64Range(0, 20).Draw(t, "amount")
		_, before := pick(PolicyBestFit, request{amount, cny, today}, list...)
		richer := slices.Clone(list)
		richer[1].available += 7
		_, more := pick(PolicyBestFit, request{amount, cny, today}, richer...)
		_, less := pick(PolicyBestFit, request{max(0, amount-3), cny, today}, list...)
		if before == ReasonNone && (more != ReasonNone || less != ReasonNone) {
			t.Fatalf("with more money %v, for less %v", more, less)
		}
	})
}

func TestPolicyNames(t *testing.T) {
	for p := range Policy(len(policyNames)) {
		if got, ok := ParsePolicy(p.String()); !ok || got != p {
			t.Errorf("%v: got %v, %v", p, got, ok)
		}
	}
	if _, ok := ParsePolicy("dearest"); ok {
		t.Error("an unknown policy was read")
	}
}
