package pos

import (
	"sotto/emv"
)

// recoverContact is about an offline approval over contacts whose answer was not
// heard. The log has its counter and cryptogram, and not the signature that
// would prove them here. The bank can check a cryptogram: what it posts is
// approved. Whatever the log says is written down at once, for the log will not
// say it for ever; if the bank cannot be asked now, Upload asks it later.
func (x *transaction) recoverContact(e Entry, l logged) error {
	x.trace.step("The chip's log has " + e.Receipt.Reference + ", a debit over contacts; the bank is to say whether it is genuine.")
	if e.State == Open {
		var err error
		if e, err = x.book.set(e.completed(l)); err != nil {
			return err
		}
	}
	err := end(Unproved)
	if x.online() {
		err = x.postTorn(e)
	}
	if isStop(err, Unproved) && !x.mine(e) {
		return nil // it stays in the journal
	}
	return err
}

// postTorn has the bank post a torn tap, and takes it as paid if the bank does.
func (x *transaction) postTorn(e Entry) error {
	if !x.batches.TryLock() { // an upload is under way, and asks by itself
		return end(Unproved)
	}
	defer x.batches.Unlock()
	bank, cancel := x.bankTime()
	defer cancel()
	var done Uploaded
	if err := x.postFound(bank, e, &done); err != nil {
		x.trace.step("The bank does not answer; it will be asked again.")
		return end(Unproved)
	}
	posted, ok := x.book.entry(e.Number)
	if !ok || posted.State != Posted {
		x.trace.step("The bank does not confirm it.")
		return end(Unproved)
	}
	return x.recovered(e, posted)
}

// The key index of this project's purses (9F10, byte 2). Nothing is computed with
// it.
const purseKeyIndex = 1

// completed is an open entry with what the log says of it. What stood in 9F10 the
// log does not say; see variants.
func (e Entry) completed(l logged) Entry {
	chip := *e.Chip
	chip.AC, chip.CID = l.ac, emv.TC
	chip.IAD = emv.IAD{DKI: purseKeyIndex, CVN: emv.CVN01, CVR: emv.CVRSecondNone | emv.CVRFirstTC, Algorithm: emv.AlgorithmTDES}
	chip.Input.ATC, chip.Input.CVN, chip.Input.CVR = l.atc, chip.IAD.CVN, chip.IAD.CVR
	e.State, e.Chip = Found, &chip
	e.Receipt.AC, e.Receipt.ATC = hexOf(l.ac[:]), int(l.atc)
	return e
}

// variants are the forms that the chip data of a found approval may have had. A
// purse's CVR tells how many scripts it had carried out, modulo 16, and whether
// the last of them and the last online transaction had come to their end; the
// rest of it follows from the approval. Not more than one form fits the
// cryptogram, and only the bank can tell which.
func (e Entry) variants() []Entry {
	list := make([]Entry, 0, 4*16)
	for _, flags := range []emv.CVR{0, emv.CVRScriptFailed, emv.CVRLastIncomplete, emv.CVRScriptFailed | emv.CVRLastIncomplete} {
		for scripts := range 16 {
			chip := *e.Chip
			cvr := (chip.IAD.CVR | flags).WithScripts(scripts)
			chip.IAD.CVR, chip.Input.CVR = cvr, cvr
			v := e
			v.Chip = &chip
			list = append(list, v)
		}
	}
	return list
}
