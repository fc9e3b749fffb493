package lab

import (
	"slices"
	"time"

	"sotto/pos"
	"sotto/sim"
)

// tapWorld is what the lab knows of the tap at hand, or of the last one.
type tapWorld struct {
	sale     pos.Sale // still to be paid; none without an order
	amount   int64    // of the tap
	class    Class    // of the reader at which it was
	busy     bool
	slow     bool
	crossing Party // where a message is under way to, at a pace that can be seen
	ending   *Ending
	story    *Story

	began     time.Time
	trace     []Line
	facts     []sim.Fact
	unwritten []sim.Fact
	labels    map[string]string // of applets, by AID
}

func (t *tapWorld) begin(s pos.Sale, class Class, now time.Time, slow bool) {
	*t = tapWorld{sale: s, amount: s.Amount.Minor, class: class, busy: true, slow: slow, began: now, labels: t.labels}
}

// Ending is how a tap has ended, on the till's display and on its paper.
type Ending struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	// Again asks for the same phone once more: the till will find out whether it
	// was debited.
	Again   bool   `json:"again,omitempty"`
	Label   string `json:"label,omitempty"` // of the applet that has paid
	Receipt string `json:"receipt,omitempty"`
	// Found are earlier sales that have turned out to be paid.
	Found []Found `json:"found,omitempty"`
}

// Found is an earlier sale that has turned out to be paid.
type Found struct {
	Reference string `json:"reference"`
	Amount    Money  `json:"amount"`
}

// Story is what has happened, for the page to say it in a sentence.
type Story struct {
	Kind    StoryKind `json:"kind"`
	Amount  Money     `json:"amount"`
	Class   Class     `json:"class,omitempty"`
	Applets int       `json:"applets,omitempty"` // that were asked; of a settlement, taps
	// First is the applet that would have paid had nobody looked at the amount:
	// the holder's preferred one, else the first of the policy.
	First    string `json:"first,omitempty"`
	FirstHas *Money `json:"first_has,omitempty"`
	FirstWhy string `json:"first_why,omitempty"` // why it cannot: balance, limit, locked, expired
	// Chosen is the applet that was to pay.
	Chosen    string `json:"chosen,omitempty"`
	ChosenHad *Money `json:"chosen_had,omitempty"`
	ChosenHas *Money `json:"chosen_has,omitempty"`
	Declined  int    `json:"declined,omitempty"` // applets that said that they cannot
	Online    bool   `json:"online,omitempty"`   // the bank has decided
	Final     bool   `json:"final,omitempty"`    // of a torn tap: the SIM has made its debit final
	Restored  bool   `json:"restored,omitempty"` // a torn debit was taken back
	Reason    string `json:"reason,omitempty"`
}

// StoryKind is what kind of thing has happened.
type StoryKind string

// The kinds of stories.
const (
	StoryPaid      StoryKind = "paid"
	StoryRecovered StoryKind = "recovered" // a torn tap was found in the SIM's log
	StoryTorn      StoryKind = "torn"
	StoryNone      StoryKind = "none" // no applet can pay
	StoryDeclined  StoryKind = "declined"
	StorySettled   StoryKind = "settled"
	StoryLoaded    StoryKind = "loaded"
	StoryReturned  StoryKind = "returned" // the purse has not taken a load
	StoryRefused   StoryKind = "refused"  // by the bank
)

// end takes the till's result. before and after are the applets as they were.
func (t *tapWorld) end(r pos.Result, before, after []sim.Applet) {
	t.busy, t.crossing = false, ""
	t.ending = &Ending{Outcome: string(r.Outcome), Reason: string(r.Reason), Label: r.Label, Again: r.Outcome == pos.TryAgain}
	if r.Receipt != nil {
		t.ending.Receipt = r.Receipt.Text()
	}
	for _, f := range r.Found {
		t.ending.Found = append(t.ending.Found, Found{f.Reference, balance(f.Amount.Minor)})
	}
	t.story = t.tell(r, before, after)
	if !t.ending.Again {
		t.sale = pos.Sale{}
	}
}

func (t *tapWorld) tell(r pos.Result, before, after []sim.Applet) *Story {
	s := &Story{Kind: kindOf(r), Amount: balance(t.amount), Class: t.class, Reason: string(r.Reason)}
	s.Online = t.knows(sim.FactOnline)
	s.Final = t.knows(sim.FactCommitted)
	s.Restored = t.knows(sim.FactRestored)
	s.Applets = len(before)
	for _, f := range t.facts {
		if f.What == sim.FactDeclined {
			s.Declined++
		}
	}
	if first, ok := defaultOf(before); ok {
		s.First, s.FirstHas, s.FirstWhy = first.Label, amountOf(first), whyNot(first, t.amount)
	}
	if r.AID != nil && s.Kind != StoryNone {
		had, ok1 := find(before, r.AID)
		has, ok2 := find(after, r.AID)
		if ok1 && ok2 {
			s.Chosen, s.ChosenHad, s.ChosenHas = has.Label, amountOf(had), amountOf(has)
		}
	}
	return s
}

func kindOf(r pos.Result) StoryKind {
	switch {
	case r.Reason == pos.Recovered:
		return StoryRecovered
	case r.Outcome == pos.Approved:
		return StoryPaid
	case r.Outcome == pos.TryAgain:
		return StoryTorn
	case r.Outcome == pos.Declined:
		return StoryDeclined
	}
	return StoryNone
}

func (t *tapWorld) knows(what sim.What) bool {
	return slices.ContainsFunc(t.facts, func(f sim.Fact) bool { return f.What == what })
}

// defaultOf is the applet that the holder has put first: the one that a device
// which does not look at the amount would take.
func defaultOf(applets []sim.Applet) (sim.Applet, bool) {
	i := slices.IndexFunc(applets, func(a sim.Applet) bool { return a.Preferred })
	if i < 0 {
		return sim.Applet{}, false
	}
	return applets[i], true
}

// whyNot is why an applet cannot pay an amount; empty if it can.
func whyNot(a sim.Applet, amount int64) string {
	switch {
	case a.Expired:
		return "expired"
	case !a.Usable():
		return "locked"
	case amount > a.TapMax:
		return "limit"
	case amount > a.Available:
		return "balance"
	}
	return ""
}

func find(applets []sim.Applet, aid []byte) (sim.Applet, bool) {
	i := slices.IndexFunc(applets, func(a sim.Applet) bool { return string(a.AID) == string(aid) })
	if i < 0 {
		return sim.Applet{}, false
	}
	return applets[i], true
}

func amountOf(a sim.Applet) *Money {
	m := balance(a.Available)
	return &m
}
