package pos

import (
	"strconv"

	"sotto/bankapi"
)

// State is where an entry of the journal stands.
type State string

// The life of an entry. What was declined, voided or reversed is taken out.
//
//	open --> approved --> posted, disputed or refused      offline
//	open --> found --> posted or stuck
//	open --> (void)
//	asked --> authorized                                   online
//	asked --> (declined)
//	asked --> reversing --> (reversed) or stuck
const (
	// Open: the chip has offered a debit, and was or was not asked to make it
	// final. Whether it has, nobody knows until its log is read.
	Open State = "open"
	// Found: an approval over contacts, of which the chip's log says that it was
	// made. Whether it is genuine the bank is to say, by posting it.
	Found State = "found"
	// StateApproved: approved offline, to be uploaded.
	StateApproved State = "approved"
	// Asked: the bank was asked, and has not answered yet.
	Asked State = "asked"
	// Authorized by the bank. It has the tap already.
	Authorized State = "authorized"
	// Reversing: the bank is to be told to take its answer back, whatever it was.
	Reversing State = "reversing"
	// Stuck: the bank will not reverse it, or will not post what a chip's log
	// has; somebody has to look at it.
	Stuck State = "stuck"
	// Posted: uploaded, and paid at the settlement.
	Posted State = "posted"
	// Disputed: uploaded, and kept by the bank for somebody to look at.
	Disputed State = "disputed"
	// Refused: uploaded, and not genuine to the bank.
	Refused State = "refused"
)

// sold reports whether the goods were given away for it.
func (s State) sold() bool {
	switch s {
	case StateApproved, Authorized, Posted, Disputed, Refused:
		return true
	case Open, Found, Asked, Reversing, Stuck:
	}
	return false
}

// counts reports whether it is in the totals of its batch.
func (s State) counts() bool { return s == Authorized || s == Posted }

// waits reports whether somebody has to look at it: the bank has not paid it, and
// it stays in the journal, past its batch too, until Acknowledge.
func (s State) waits() bool { return s == Disputed || s == Refused || s == Stuck }

// settles reports whether the batch may be settled with it.
func (s State) settles() bool { return s.sold() && s != StateApproved || s == Stuck }

// Entry is one tap in the journal.
type Entry struct {
	Number  uint64
	State   State
	Batch   int // 0 while it is open
	Receipt Receipt
	// Chip is what the bank needs, and the only place of the card number. It is
	// nil when the bank has it.
	Chip *bankapi.ChipData
	// Proof finishes an open tap.
	Proof *Proof
	// Reason is the bank's, of what it has not paid.
	Reason bankapi.Reason
}

// Proof is what an open tap needs to be finished when the chip comes again.
type Proof struct {
	Key       []byte // modulus of the chip's key, which its certificates have proved
	Exponent  []byte
	Signature []byte // 9F4B of fast DDA; none over contacts
}

// reference is the terminal's own name of an entry, on the receipt and at the
// bank.
func reference(terminal string, number uint64) string {
	return terminal + "-" + strconv.FormatUint(number, 10)
}
