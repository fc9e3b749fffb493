package sim

import (
	"encoding/binary"

	"sotto/emv"
	"sotto/tlv"
)

// logged is one record of a transaction log, as READ RECORD answers it: the
// values of logFormat one behind the other (EMV 4.4 Book 3, Annex D).
type logged [loggedSize]byte

// logFormat (9F4F, DF4F) says what a record of either log consists of.
var logFormat = emv.DOL{
	{Tag: emv.TagATC, Length: 2},
	{Tag: emv.TagAmount, Length: 6},
	{Tag: emv.TagCurrency, Length: 2},
	{Tag: emv.TagDate, Length: 3},
	{Tag: emv.TagType, Length: 1},
	{Tag: emv.TagUnpredictable, Length: 4},
	{Tag: emv.TagAC, Length: 8},
	{Tag: emv.TagCardAuth, Length: 8},
	{Tag: emv.TagBalance, Length: 6}, // after the transaction
}

const loggedSize = 2 + 6 + 2 + 3 + 1 + 4 + 8 + 8 + 6

// The two logs: files of records, the newest of which is record 1.
const (
	logSFI     = 11 // debits and loads
	loadLogSFI = 12 // loads alone
	logRecords = 10
)

// logEntry and loadLogEntry (9F4D, DF4D) are file and number of records.
var (
	logEntry     = []byte{logSFI, logRecords}
	loadLogEntry = []byte{loadLogSFI, logRecords}
)

// record is what a log says of one transaction.
type record struct {
	atc      uint16
	amount   emv.Amount
	currency emv.Numeric
	date     emv.Date
	kind     byte // 9C
	number   [4]byte
	ac       [8]byte
	cardAuth [8]byte // 9F69; zeros where there was none
	balance  emv.Amount
}

func (r record) logged() (l logged) {
	b := binary.BigEndian.AppendUint16(l[:0], r.atc)
	b = append(b, r.amount[:]...)
	b = append(b, r.currency[:]...)
	b = append(b, r.date[:]...)
	b = append(b, r.kind)
	b = append(b, r.number[:]...)
	b = append(b, r.ac[:]...)
	b = append(b, r.cardAuth[:]...)
	b = append(b, r.balance[:]...)
	return logged(b)
}

func (l logged) record() record {
	return record{
		atc:      binary.BigEndian.Uint16(l[:]),
		amount:   emv.Amount(l[2:8]),
		currency: emv.Numeric(l[8:10]),
		date:     emv.Date(l[10:13]),
		kind:     l[13],
		number:   [4]byte(l[14:18]),
		ac:       [8]byte(l[18:26]),
		cardAuth: [8]byte(l[26:34]),
		balance:  emv.Amount(l[34:40]),
	}
}

// logName is the name of a slot; the slots are written in turn.
func logName(file byte, written uint32) []byte {
	return []byte{nameLog, file, byte(written % logRecords)}
}

// logAt is the slot of record number, 1 the newest, when so many were written.
func logAt(file byte, written uint32, number byte) (name []byte, ok bool) {
	if number == 0 || number > logRecords || uint32(number) > written {
		return nil, false
	}
	return logName(file, written-uint32(number)), true
}

// keep writes a record to the log of all transactions, and a load to the log of
// loads as well.
func (a *applet) keep(l logged) {
	a.write(logName(logSFI, a.account.records), l[:])
	a.account.records++
	if l.record().kind == emv.TypeLoad {
		a.write(logName(loadLogSFI, a.account.loads), l[:])
		a.account.loads++
	}
}

// written is how many records a log ever had; ok is false if there is no such
// log.
func (a account) written(file byte) (n uint32, ok bool) {
	switch file {
	case logSFI:
		return a.records, true
	case loadLogSFI:
		return a.loads, true
	}
	return 0, false
}

// logObject is what GET DATA answers about the logs.
func logObject(tag tlv.Tag) ([]byte, bool) {
	switch tag {
	case emv.TagLogEntry:
		return logEntry, true
	case emv.TagLoadLogEntry:
		return loadLogEntry, true
	case emv.TagLogFormat, emv.TagLoadLogFormat:
		return logFormat.Append(nil), true
	}
	return nil, false
}
