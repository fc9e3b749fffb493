package sim

import (
	"bytes"
	"cmp"

	"sotto/emv"
)

// Policy is which of several usable applets the device takes.
type Policy byte

// The policies. Ties are broken by the order of PolicyFixed.
const (
	PolicyPreferred Policy = iota // the holder's preferred applet, then as PolicyFixed
	PolicyBestFit                 // the least money that is enough
	PolicyMostLeft                // the most money
	PolicyFixed                   // by priority (87), then by AID
)

var policyNames = [...]string{"preferred", "best-fit", "most-left", "fixed"}

func (p Policy) known() bool { return int(p) < len(policyNames) }

// String is the policy's name: preferred, best-fit, most-left or fixed.
func (p Policy) String() string {
	if !p.known() {
		return "unknown"
	}
	return policyNames[p]
}

// ParsePolicy reads a policy's name.
func ParsePolicy(name string) (Policy, bool) {
	for p, known := range policyNames {
		if known == name {
			return Policy(p), true
		}
	}
	return 0, false
}

// Reason is why no applet was chosen. It stands in DF50 of the answer to SEND
// POI INFORMATION.
type Reason byte

// The reasons.
const (
	ReasonNone     Reason = 0 // an applet was chosen
	ReasonBalance  Reason = 1 // the balance is too small
	ReasonTapLimit Reason = 2 // the amount is above the limit of one tap
	ReasonCurrency Reason = 3 // no applet in this currency
	ReasonLocked   Reason = 4 // locked by the holder or issuer, blocked, or its counter is used up
	ReasonExpired  Reason = 5
	ReasonNoApplet Reason = 6
)

var reasonNames = map[Reason]string{
	ReasonNone:     "chosen",
	ReasonBalance:  "balance too small",
	ReasonTapLimit: "amount above the limit of one tap",
	ReasonCurrency: "no applet in this currency",
	ReasonLocked:   "locked or blocked",
	ReasonExpired:  "expired",
	ReasonNoApplet: "no applet",
}

// String says the reason in words.
func (r Reason) String() string {
	if name, ok := reasonNames[r]; ok {
		return name
	}
	return "unknown"
}

// hope orders the reasons: the first is the one that the holder can do the most
// about, and that is told when applets fail for different reasons.
var hope = [...]Reason{ReasonNone, ReasonBalance, ReasonTapLimit, ReasonExpired, ReasonLocked, ReasonCurrency, ReasonNoApplet}

func (r Reason) rank() int {
	for i, x := range hope {
		if x == r {
			return i
		}
	}
	return len(hope)
}

// request is what is to be paid, and when. A zero day is unknown, as on a
// device with no clock.
type request struct {
	amount   int64 // minor units
	currency emv.Numeric
	day      emv.Date
}

// candidate is what the choice knows of one applet.
type candidate struct {
	aid       []byte
	priority  byte // 1 to 15, 1 first; 0 is none and comes last
	preferred bool
	locked    bool // for whatever cause it cannot be used at all
	currency  emv.Numeric
	available int64 // minor units
	tapMax    int64
	expiry    emv.Date // the last day of use
	byBank    bool     // the bank decides on each purchase: no use to a till that cannot ask it
}

// verdict is why this applet cannot serve the request: of several causes the
// one that leaves the least hope.
func (c candidate) verdict(r request) Reason {
	switch {
	case c.currency != r.currency:
		return ReasonCurrency
	case c.locked:
		return ReasonLocked
	case c.expired(r.day):
		return ReasonExpired
	case r.amount > c.tapMax:
		return ReasonTapLimit
	case r.amount > c.available:
		return ReasonBalance
	}
	return ReasonNone
}

// pays is the most that one tap could take.
func (c candidate) pays() int64 { return min(c.available, c.tapMax) }

func (c candidate) expired(today emv.Date) bool {
	return today != emv.Date{} && c.expiry.Compare(today) < 0
}

// compare orders candidates as the policy has it, negative when a comes first.
// No two applets have one AID, so the order is total.
func (p Policy) compare(a, b candidate) int {
	var first int
	switch p {
	case PolicyPreferred:
		first = cmp.Compare(rankOf(!a.preferred), rankOf(!b.preferred))
	case PolicyBestFit:
		first = cmp.Compare(a.available, b.available)
	case PolicyMostLeft:
		first = cmp.Compare(b.available, a.available)
	case PolicyFixed:
	}
	return cmp.Or(first,
		cmp.Compare(a.priority-1, b.priority-1), // 0 wraps to the last
		bytes.Compare(a.aid, b.aid))
}

func rankOf(last bool) int {
	if last {
		return 1
	}
	return 0
}

// choice picks an applet from candidates that come one by one (B4). The zero
// choice has seen none.
type choice struct {
	best    winner
	offline winner // among those that need no bank
	reasons [len(hope)]bool
}

// consider takes one more candidate.
func (x *choice) consider(c candidate, r request, p Policy) {
	why := c.verdict(r)
	x.reasons[why.rank()] = true
	if why != ReasonNone {
		return
	}
	x.best.meet(c, p)
	if !c.byBank {
		x.offline.meet(c, p)
	}
}

// winner is the best candidate so far.
type winner struct {
	candidate
	found bool
}

func (w *winner) meet(c candidate, p Policy) {
	if !w.found || p.compare(c, w.candidate) < 0 {
		w.candidate, w.found = c, true
	}
}

// chosen is the applet that is to pay. Behind one that asks its bank comes the
// best that need not: not every till has a bank to ask, and none says so before
// GET PROCESSING OPTIONS.
func (x *choice) chosen() (list []candidate) {
	if x.best.found {
		list = append(list, x.best.candidate)
	}
	if x.best.byBank && x.offline.found {
		list = append(list, x.offline.candidate)
	}
	return list
}

// reason is ReasonNone if an applet was found, else the most hopeful one.
func (x *choice) reason() Reason {
	for rank, seen := range x.reasons {
		if seen {
			return hope[rank]
		}
	}
	return ReasonNoApplet
}
