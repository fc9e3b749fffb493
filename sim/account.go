package sim

import (
	"encoding/binary"

	"sotto/emv"
)

// account is all of an applet that changes or matters: its account information
// (B2, B7). It is sealed under the applet's credential, and anew at every change
// (B3).
type account struct {
	blocked      bool // by a script of the issuer
	scriptFailed bool // in the last transaction that had one
	incomplete   bool // the last online transaction was not completed

	currency  emv.Numeric
	available int64 // of a purse the balance, else the last known amount
	most      int64 // limit of available
	tapMax    int64 // limit of one transaction
	reserve   int64 // below this a reader that can goes online
	expiry    emv.Date

	atc        uint16 // of the last transaction
	lastOnline uint16 // ATC of the last one that was completed online
	scripts    byte   // scripts executed ever, modulo 16 (see iad)

	// torn says that a debit has been offered and not been committed. Until it
	// is, the money counts as before, and offered is what the log will say.
	torn    bool
	before  int64
	offered logged

	records, loads uint32 // how many were ever written to the two logs
}

// left is what can be spent: a debit that was torn never happened.
func (a account) left() int64 {
	if a.torn {
		return a.before
	}
	return a.available
}

// settled is the account with a torn debit taken back.
func (a account) settled() account {
	if a.torn {
		a.available = a.before
	}
	a.torn, a.before, a.offered = false, 0, logged{}
	return a
}

const (
	accountVersion = 1
	accountSize    = 4 + 5*8 + 3 + 2 + 2 + 1 + 8 + loggedSize
)

// Bits of an account's second byte.
const (
	bitBlocked byte = 1 << iota
	bitScriptFailed
	bitIncomplete
	bitTorn
)

func (a account) flags() (b byte) {
	for i, set := range [...]bool{a.blocked, a.scriptFailed, a.incomplete, a.torn} {
		b |= flag(set) << i
	}
	return b
}

// append writes the account in its one form of accountSize bytes.
func (a account) append(dst []byte) []byte {
	dst = append(dst, accountVersion, a.flags())
	dst = append(dst, a.currency[:]...)
	for _, amount := range [...]int64{a.available, a.most, a.tapMax, a.reserve, a.before} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(amount))
	}
	dst = append(dst, a.expiry[:]...)
	dst = binary.BigEndian.AppendUint16(dst, a.atc)
	dst = binary.BigEndian.AppendUint16(dst, a.lastOnline)
	dst = append(dst, a.scripts)
	dst = binary.BigEndian.AppendUint32(dst, a.records)
	dst = binary.BigEndian.AppendUint32(dst, a.loads)
	return append(dst, a.offered[:]...)
}

// readAccount reads what append wrote.
func readAccount(b []byte) (account, error) {
	if len(b) != accountSize || b[0] != accountVersion {
		return account{}, ErrDamaged
	}
	amount := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[4+8*i:])) }
	rest := b[4+5*8:]
	return account{
		blocked:      b[1]&bitBlocked != 0,
		scriptFailed: b[1]&bitScriptFailed != 0,
		incomplete:   b[1]&bitIncomplete != 0,
		torn:         b[1]&bitTorn != 0,
		currency:     emv.Numeric(b[2:4]),
		available:    amount(0),
		most:         amount(1),
		tapMax:       amount(2),
		reserve:      amount(3),
		before:       amount(4),
		expiry:       emv.Date(rest[:3]),
		atc:          binary.BigEndian.Uint16(rest[3:]),
		lastOnline:   binary.BigEndian.Uint16(rest[5:]),
		scripts:      rest[7],
		records:      binary.BigEndian.Uint32(rest[8:]),
		loads:        binary.BigEndian.Uint32(rest[12:]),
		offered:      logged(rest[16:]),
	}, nil
}
