package pos

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// Limits of looking for torn taps: each application looked for costs every tap
// two commands.
const (
	tornMax    = 16 // open entries that are looked for, newest first
	tornAIDMax = 4  // applications
)

// The log of transactions of this project's purses (EMV 4.4 Book 3, Annex D):
// 9F4D is 0B0A.
const (
	logFile    = 11
	logRecords = 10
)

// logFormat is the log format (9F4F).
var logFormat = emv.DOL{
	{Tag: emv.TagATC, Length: 2},
	{Tag: emv.TagAmount, Length: 6},
	{Tag: emv.TagCurrency, Length: 2},
	{Tag: emv.TagDate, Length: 3},
	{Tag: emv.TagType, Length: 1},
	{Tag: emv.TagUnpredictable, Length: 4},
	{Tag: emv.TagAC, Length: 8},
	{Tag: emv.TagCardAuth, Length: 8},
	{Tag: emv.TagBalance, Length: 6},
}

// logged is one record of the log: a debit or a load that was made final.
type logged struct {
	atc      uint16
	amount   emv.Amount
	currency emv.Numeric
	kind     byte
	number   [4]byte
	ac       [8]byte
	cardAuth []byte
}

func parseLogged(b []byte) (logged, error) {
	v, err := logFormat.Read(b)
	if err != nil {
		return logged{}, err
	}
	at := func(tag tlv.Tag) []byte { found, _ := v.Find(tag); return found }
	return logged{
		atc: binary.BigEndian.Uint16(at(emv.TagATC)), amount: emv.Amount(at(emv.TagAmount)),
		currency: emv.Numeric(at(emv.TagCurrency)), kind: at(emv.TagType)[0], number: [4]byte(at(emv.TagUnpredictable)),
		ac: [8]byte(at(emv.TagAC)), cardAuth: bytes.Clone(at(emv.TagCardAuth)),
	}, nil
}

// is reports whether the record is of an entry of the journal. The number, which
// the terminal drew at random, is the strongest part of it.
//
// Over contacts the cryptogram was not known yet, nor, with some chips, the
// counter.
func (l logged) is(e Entry) bool {
	in := e.Chip.Input
	return l.number == in.Unpredictable && l.amount == in.Amount && l.currency == in.Currency && l.kind == in.Type &&
		(l.atc == in.ATC || in.ATC == 0 && e.Receipt.Contact) &&
		(l.ac == e.Chip.AC || e.Receipt.Contact)
}

// recoverTorn looks, before anything new is begun, for taps that were torn: does
// the chip at the reader have one of them in its log, then it has made the debit
// final, and it is approved now instead of debited once more.
//
// It returns nil when the sale has still to be paid.
func (x *transaction) recoverTorn(ctx context.Context) error {
	open := x.book.in(Open, Found)
	slices.Reverse(open)
	open = slices.DeleteFunc(open, func(e Entry) bool { return e.State == Open && e.Proof == nil })
	open = open[:min(len(open), tornMax)]
	var asked [][]byte
	for _, e := range open {
		if len(asked) == tornAIDMax || slices.ContainsFunc(asked, func(aid []byte) bool { return bytes.Equal(aid, e.Chip.AID) }) {
			continue
		}
		asked = append(asked, e.Chip.AID)
		if err := x.recoverApplication(ctx, e.Chip.AID, open); err != nil {
			return err
		}
	}
	return nil
}

// recoverApplication reads the log of one application, down to the oldest tap
// that is looked for, and takes up what is in it.
func (x *transaction) recoverApplication(ctx context.Context, aid []byte, open []Entry) error {
	open = slices.DeleteFunc(slices.Clone(open), func(e Entry) bool { return !bytes.Equal(e.Chip.AID, aid) })
	r, err := x.chip.exchange(ctx, selectCommand(aid, 0), about{why: "Looks for a tap that was torn: has this chip the application?"})
	if err != nil || !r.Status.OK() && !r.Status.Warning() {
		return err
	}
	if f, err := parseFCI(r.Data); err != nil || !bytes.Equal(f.name, aid) {
		return nil //nolint:nilerr // another chip, which is judged when it is asked to pay
	}
	log, whole, err := x.readLog(ctx, open)
	if err != nil {
		return err
	}
	var there []Entry
	for _, e := range open {
		switch _, ok := find(log, e); {
		case ok:
			there = append(there, e)
		case e.State == Open && reaches(log, whole, e):
			x.absent = append(x.absent, e)
		}
	}
	for _, e := range there {
		l, _ := find(log, e)
		if err := x.takeUp(e, l); err != nil {
			return err
		}
	}
	return nil
}

func find(log []logged, e Entry) (logged, bool) {
	at := slices.IndexFunc(log, func(l logged) bool { return l.is(e) })
	if at < 0 {
		return logged{}, false
	}
	return log[at], true
}

// reaches reports whether a log goes back to before a tap. If the tap is not in
// it, and the chip is the same, the debit was never made. That it is the same is
// certain when it has signed something else with the same key.
func reaches(log []logged, whole bool, e Entry) bool {
	return whole || len(log) > 0 && log[len(log)-1].atc < e.Chip.Input.ATC
}

// readLog reads the log from its newest record on, as far as there is something
// to look for. Whole means that there was nothing more to read.
func (x *transaction) readLog(ctx context.Context, open []Entry) (log []logged, whole bool, err error) {
	for n := byte(1); n <= logRecords; n++ {
		r, err := x.chip.exchange(ctx, readRecordCommand(logFile, n), about{
			why: "Reads the log of finished payments.", format: logFormat,
		})
		if err != nil {
			return nil, false, err
		}
		if !r.Status.OK() {
			return log, r.Status == apdu.StatusNoRecord, nil
		}
		l, err := parseLogged(r.Data)
		if err != nil {
			return log, false, nil //nolint:nilerr // a log of another form tells nothing
		}
		log = append(log, l)
		if !slices.ContainsFunc(open, func(e Entry) bool { _, ok := find(log, e); return !ok && !reaches(log, false, e) }) {
			return log, false, nil
		}
	}
	return log, false, nil
}

// takeUp approves a torn tap that is in the chip's log, if that proves it: as the
// payment of this sale if it was for this sale, else beside it.
func (x *transaction) takeUp(e Entry, l logged) error {
	if e.Receipt.Contact {
		return x.recoverContact(e, l)
	}
	if !e.Proof.proves(l) {
		x.trace.step("The chip's log has " + e.Receipt.Reference + ", but does not prove it.")
		return nil
	}
	approved := e
	approved.State, approved.Proof = StateApproved, nil
	return x.recovered(e, approved)
}

// proves reports whether the chip's signature is about this record of its log.
func (p *Proof) proves(l logged) bool {
	key, err := oda.NewPublicKey(p.Key, p.Exponent)
	return err == nil && verifyTap(key, p.Signature, oda.FDDA{
		UN: l.number, Amount: l.amount, Currency: l.currency, CardData: l.cardAuth, ATC: l.atc,
	}) == nil
}

// mine reports whether a torn tap was for the sale at hand.
func (x *transaction) mine(e Entry) bool {
	return e.Receipt.Order == x.sale.Order && e.Receipt.Amount == x.sale.Amount
}

// recovered writes down that a torn tap has been proved.
func (x *transaction) recovered(torn, e Entry) error {
	e.Receipt.Approved, e.Receipt.Reason = true, Recovered
	e.Receipt.ResponseCode = emv.ARCOfflineApproved.String()
	if err := x.book.put(append(x.voided(torn.Proof.Key, torn.Chip.AID), e)...); err != nil {
		return err
	}
	if !x.mine(torn) {
		x.trace.step("So " + e.Receipt.Reference + ", an earlier tap that was torn, is paid.")
		x.found = append(x.found, e.Receipt)
		return nil
	}
	x.trace.step("So " + e.Receipt.Reference + " was debited before the tap was torn, and is not debited again.")
	x.receipt, x.aid, x.label = e.Receipt, torn.Chip.AID, e.Receipt.Label
	return end(Recovered)
}

// voidedNow are the torn taps that are void because the chip has proved, with
// its key, that it is theirs.
func (x *transaction) voidedNow() []Entry {
	if !x.proved {
		return nil
	}
	return x.voided(x.card.key.Modulus(), x.aid)
}

// voided are the torn taps of the chip with this key that its log does not have,
// to be taken out of the journal.
func (x *transaction) voided(key, aid []byte) (gone []Entry) {
	for _, e := range x.absent {
		if bytes.Equal(e.Proof.Key, key) && bytes.Equal(e.Chip.AID, aid) {
			gone = append(gone, Entry{Number: e.Number})
		}
	}
	return gone
}
