package bank

import "encoding/binary"

// trail is what one purse has said of its balance, so far as it is needed to
// tell whether its debits took effect (JR/T 0025.12, 7.4.1): a till that takes
// the cryptogram and does not read the last record has a claim on money that the
// purse takes back at its next transaction. That one gives it away, because a
// purse says in each cryptogram what it holds behind it, under a MAC of its own.
//
// Nothing but a load makes a balance larger, and the bank hears of every load
// before it can. So a purse that held more before one transaction than it said
// it would after an earlier debit, with no load between, has taken that debit
// back, however many transactions between them are still unknown: none of those
// could have added money. Where they may have spent as much, nothing is decided
// until the bank hears of them.
type trail struct {
	from uint16 // of counters up to this one nothing is known
	runs []run  // by counter, with gaps between them
	// mute are debits of which the balance is not known: a till has found them in
	// the log of the chip, which has no MAC of it. They lie in the gaps, and can
	// be shown to be taken back, but show nothing of others.
	mute []said
}

// run is a row of counters without a gap, all of which the bank has heard.
type run struct {
	first  uint16
	before int64 // what the purse held before the first
	last   said
}

// said is what a purse says in one cryptogram: what it holds afterwards, and
// what it has just debited itself.
type said struct {
	atc         uint16
	told, debit int64
	load        int64 // it asks to be loaded with this, and may have been
	mute        bool  // the balance is not told
}

func (s said) before() int64 { return s.told + s.debit }

// most is what the purse can hold afterwards. Of a debit nobody knows yet whether
// it was taken back, and of a load whether it has arrived.
func (s said) most() int64 { return s.told + s.debit + s.load }

// takenBack reports whether a purse that then held this much before a later
// transaction has taken its debit s back. What no honest purse can hold proves
// nothing against whoever was paid.
func (s said) takenBack(atc uint16, before int64) bool {
	if atc == s.atc+1 {
		return s.debit > 0 && before == s.before()
	}
	return s.told < before && before <= s.before()
}

// runsMax bounds the gaps that are remembered: of a purse that pays at many tills
// which upload late there are a few.
const (
	runsMax = 64
	muteMax = 16
)

// place is of the first run that ends at this counter or later.
func (t trail) place(atc uint16) int {
	i := 0
	for i < len(t.runs) && t.runs[i].last.atc < atc {
		i++
	}
	return i
}

// mutely reports whether a debit of unknown balance was taken back: there is less
// missing between the most that the purse can have held before it, and what it
// held after it, than the debit itself.
func (t trail) mutely(s said) bool {
	i := t.place(s.atc)
	return i > 0 && i < len(t.runs) && t.runs[i-1].last.most()-t.runs[i].before < s.debit
}

// hear adds what a purse has said. torn are the counters of the debits that this
// shows to be taken back, its own among them if a later transaction that the bank
// has heard already shows it.
func (t trail) hear(s said) (next trail, torn []uint16) {
	i := t.place(s.atc)
	if s.atc <= t.from || i < len(t.runs) && t.runs[i].first <= s.atc {
		return t, nil
	}
	next = t
	if s.mute {
		next.mute = append(append(make([]said, 0, len(t.mute)+1), t.mute...), s)
	} else {
		next, torn = t.join(i, s)
	}
	mute := next.mute
	next.mute = nil
	for _, m := range mute[max(0, len(mute)-muteMax):] {
		if next.mutely(m) {
			torn = append(torn, m.atc)
		} else {
			next.mute = append(next.mute, m)
		}
	}
	return next, torn
}

// join puts what was said in front of the i-th run.
func (t trail) join(i int, s said) (next trail, torn []uint16) {
	next.from, next.mute = t.from, t.mute
	at, low, high := run{first: s.atc, before: s.before(), last: s}, i, i
	if i > 0 {
		before := t.runs[i-1]
		if before.last.takenBack(s.atc, s.before()) {
			torn = append(torn, before.last.atc)
		}
		if before.last.atc+1 == s.atc {
			at.first, at.before, low = before.first, before.before, i-1
		}
	}
	if i < len(t.runs) {
		after := t.runs[i]
		if s.takenBack(after.first, after.before) {
			torn = append(torn, s.atc)
		}
		if s.atc+1 == after.first {
			at.last, high = after.last, i+1
		}
	}
	next.runs = append(append(append(make([]run, 0, len(t.runs)+1), t.runs[:low]...), at), t.runs[high:]...)
	if len(next.runs) > runsMax {
		next.from, next.runs = next.runs[0].last.atc, next.runs[1:]
	}
	return next, torn
}

// runSize is first, before, and what was said last: two counters, three amounts: a
// debit is above zero and a load below, for nothing is both.
const runSize = 2 + 8 + 2 + 8 + 8

// encode is a trail as it stands in an applet's row. A mute debit is a run whose
// last counter is before its first.
func (t trail) encode() []byte {
	b := make([]byte, 0, 2+runSize*(len(t.runs)+len(t.mute)))
	b = binary.BigEndian.AppendUint16(b, t.from)
	runs := t.runs
	for _, m := range t.mute {
		runs = append(runs[:len(runs):len(runs)], run{first: m.atc, last: said{debit: m.debit}})
	}
	for _, r := range runs {
		b = binary.BigEndian.AppendUint16(b, r.first)
		b = binary.BigEndian.AppendUint64(b, uint64(r.before))
		b = binary.BigEndian.AppendUint16(b, r.last.atc)
		b = binary.BigEndian.AppendUint64(b, uint64(r.last.told))
		b = binary.BigEndian.AppendUint64(b, uint64(r.last.debit-r.last.load))
	}
	return b
}

// trailOf is an applet's trail. It begins where the bank first listens: what it
// has acted upon before may have been followed by a load that is not in it.
func trailOf(a *Applet) trail {
	b := a.Trail
	if len(b) < 2 {
		return trail{from: uint16(a.ATC)}
	}
	t := trail{from: binary.BigEndian.Uint16(b), runs: make([]run, 0, len(b)/runSize)}
	for b = b[2:]; len(b) >= runSize; b = b[runSize:] {
		change := int64(binary.BigEndian.Uint64(b[20:]))
		r := run{
			first: binary.BigEndian.Uint16(b), before: int64(binary.BigEndian.Uint64(b[2:])),
			last: said{
				atc: binary.BigEndian.Uint16(b[10:]), told: int64(binary.BigEndian.Uint64(b[12:])),
				debit: max(change, 0), load: max(-change, 0),
			},
		}
		if r.last.atc < r.first {
			t.mute = append(t.mute, said{atc: r.first, debit: r.last.debit, mute: true})
		} else {
			t.runs = append(t.runs, r)
		}
	}
	return t
}
