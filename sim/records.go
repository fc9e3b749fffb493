package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// readRecord answers READ RECORD (EMV 4.4 Book 3, 6.5.11): what the bank has put
// there, the logs, and the record whose reading commits a tap.
func (a *applet) readRecord(c apdu.Command) apdu.Response {
	file, word := recordFile(c)
	switch {
	case !word.OK():
		return status(word)
	case c.P1 == 0 || file == 0 || file > 30:
		return status(apdu.StatusWrongP1P2)
	}
	if written, isLog := a.account.written(file); isLog {
		return a.readLog(file, written, c.P1)
	}
	if file == commitSFI && c.P1 == commitRecord {
		return a.lastRecord()
	}
	if r := a.record(file, c.P1); r != nil {
		return answer(r)
	}
	return status(apdu.StatusNoRecord)
}

// readLog answers with a log record, which has no template (EMV 4.4 Book 3,
// Annex D).
func (a *applet) readLog(file byte, written uint32, number byte) apdu.Response {
	name, ok := logAt(file, written, number)
	if !ok {
		return status(apdu.StatusNoRecord)
	}
	return answer(a.read(name))
}

// lastRecord answers with 9F74 and 9F69. The first time after an offline
// approval it commits: the flag goes, the log is written, and then the answer
// leaves (JR/T 0025.12, 7.7.19).
func (a *applet) lastRecord() apdu.Response {
	if a.session.phase != phaseOffered && a.session.cardAuth == [8]byte{} {
		return status(apdu.StatusConditions)
	}
	if a.session.phase == phaseOffered {
		if !a.account.torn || a.account.atc != a.session.atc {
			return status(apdu.StatusConditions)
		}
		a.keep(a.account.offered)
		a.account.torn, a.account.before, a.account.offered = false, 0, logged{}
		a.saveAccount()
		a.session.phase = phaseFinished
		a.note(Fact{What: FactCommitted, AID: a.entry.aid})
	}
	objects, err := tlv.Only(a.record(commitSFI, commitRecord), emv.TagRecord)
	if err != nil {
		a.fail(ErrDamaged)
	}
	objects = tlv.Append(objects[:len(objects):len(objects)], emv.TagCardAuth, a.session.cardAuth[:])
	return answer(tlv.Append(nil, emv.TagRecord, objects))
}
