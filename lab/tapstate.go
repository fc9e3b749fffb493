package lab

import (
	"strings"

	"sotto/pos"
	"sotto/sim"
)

// SIMState is what the holder may see of the SIM.
type SIMState struct {
	Applets []AppletState `json:"applets"`
	Policy  string        `json:"policy"`
	Holds   Money         `json:"holds"` // the sum of the purses
}

// AppletState is one applet in the SIM, by the SIM's own word.
type AppletState struct {
	AID    string `json:"aid"` // hex
	Label  string `json:"label"`
	Kind   string `json:"kind"`   // purse or account
	Number string `json:"number"` // masked
	// Available is the balance of a purse, and of an account what was last known.
	Available Money  `json:"available"`
	Most      Money  `json:"most"`    // that it may hold
	TapMax    Money  `json:"tap_max"` // most of one tap
	Expires   string `json:"expires"`
	ATC       int    `json:"atc"` // transactions so far
	Preferred bool   `json:"preferred,omitempty"`
	Usable    bool   `json:"usable"`
	Locked    bool   `json:"locked,omitempty"` // by the holder
	Blocked   bool   `json:"blocked,omitempty"`
	Expired   bool   `json:"expired,omitempty"`
	Torn      bool   `json:"torn,omitempty"` // a debit was begun and is not final
}

// TillState is the till on the counter.
type TillState struct {
	Class   Class   `json:"class"`
	Offline bool    `json:"offline"`
	Sale    *Sale   `json:"sale"`   // that is still to be paid
	Ending  *Ending `json:"ending"` // of the last tap
	// Journal is what it has written down and the bank has not settled, the last
	// entries of it.
	Journal []Entry `json:"journal"`
	Waiting Money   `json:"waiting"` // approved, and not uploaded
}

// Sale is what somebody is about to pay.
type Sale struct {
	Order  string `json:"order"`
	Amount Money  `json:"amount"`
}

// Entry is one tap in the till's journal.
type Entry struct {
	Reference string `json:"reference"`
	Order     string `json:"order"`
	Amount    Money  `json:"amount"`
	Label     string `json:"label"`
	Number    string `json:"number"` // masked
	State     string `json:"state"`
}

// TapState is the tap under way, or the last one.
type TapState struct {
	Busy     bool   `json:"busy"`
	Slow     bool   `json:"slow,omitempty"`
	Crossing Party  `json:"crossing,omitempty"` // where a message is under way to
	Class    Class  `json:"class,omitempty"`
	Amount   Money  `json:"amount"`
	Story    *Story `json:"story"`
	Began    int64  `json:"began"` // Unix milliseconds
	Trace    []Line `json:"trace"`
	Where    Where  `json:"where"`
}

// entriesMost is how much of the journal is shown.
const entriesMost = 20

// seeTap looks at SIM and till.
func (l *Lab) seeTap(s *State) {
	s.SIM.Applets, s.Till.Journal = []AppletState{}, []Entry{}
	l.mu.Lock()
	s.Tap = l.world.tap.state()
	s.Tap.Where = l.world.where
	s.Till.Ending = l.world.tap.ending
	if sale := l.world.tap.sale; sale.Order != "" {
		s.Till.Sale = &Sale{sale.Order, balance(sale.Amount.Minor)}
	}
	l.mu.Unlock()
	if l.counter == nil || l.wallet == nil {
		return
	}
	l.seeTill(s)
	l.seeSIM(s)
}

func (t *tapWorld) state() TapState {
	s := TapState{
		Busy: t.busy, Slow: t.slow, Crossing: t.crossing, Class: t.class, Amount: balance(t.amount), Story: t.story,
		Trace: append([]Line{}, t.trace...),
	}
	if !t.began.IsZero() {
		s.Began = t.began.UnixMilli()
	}
	return s
}

func (l *Lab) seeTill(s *State) {
	terminal, class, offline := l.counter.now()
	s.Till.Class, s.Till.Offline, s.Switches.Cut = class, offline, offline
	var waiting int64
	for _, e := range terminal.Entries() {
		if e.State == pos.StateApproved {
			waiting += e.Receipt.Amount.Minor
		}
		r := e.Receipt
		s.Till.Journal = append(s.Till.Journal, Entry{
			Reference: r.Reference, Order: r.Order, Amount: balance(r.Amount.Minor), Label: r.Label, Number: r.Number,
			State: string(e.State),
		})
	}
	if n := len(s.Till.Journal); n > entriesMost {
		s.Till.Journal = s.Till.Journal[n-entriesMost:]
	}
	s.Till.Waiting = balance(waiting)
}

func (l *Lab) seeSIM(s *State) {
	applets, policy := l.wallet.seen()
	s.SIM.Policy = policy.String()
	numbers := map[string]string{}
	for _, one := range l.kept.Applets {
		numbers[one.AID] = one.Number
	}
	var sum int64
	for _, a := range applets {
		s.SIM.Applets = append(s.SIM.Applets, appletState(a, numbers[aidText(a.AID)]))
		if a.Kind == sim.Purse {
			sum += a.Available
		}
	}
	s.SIM.Holds = balance(sum)
}

func appletState(a sim.Applet, number string) AppletState {
	return AppletState{
		AID: aidText(a.AID), Label: a.Label, Kind: strings.ToLower(a.Kind.String()), Number: number,
		Available: balance(a.Available), Most: balance(a.Most), TapMax: balance(a.TapMax), Expires: a.Expiry.String(),
		ATC: int(a.ATC), Preferred: a.Preferred, Usable: a.Usable(), Locked: a.Held || a.Locked, Blocked: a.Blocked,
		Expired: a.Expired, Torn: a.Torn,
	}
}
