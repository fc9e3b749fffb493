package pos

import (
	"errors"

	"sotto/apdu"
	"sotto/link"
)

// Outcome is what becomes of a tap (EMV Contactless Book A, 6.2).
type Outcome string

// The outcomes.
const (
	Approved            Outcome = "approved"
	Declined            Outcome = "declined"
	TryAgain            Outcome = "try again"             // present the same chip once more
	TryAnotherInterface Outcome = "try another interface" // insert it, or another card
	EndApplication      Outcome = "end application"       // this chip cannot pay here
)

// The outcomes with which no tap ends: Entry Point and the terminal go on.
const (
	OnlineRequest Outcome = "online request" // the bank decides
	SelectNext    Outcome = "select next"    // the next application of the chip
)

// Reason is why. Each reason belongs to one outcome.
type Reason string

// The reasons, in the order in which they are looked for: of several that apply
// the first is told. What interrupts a tap, or cannot be read, comes in between
// whenever it happens.
const (
	// Before a chip is asked for anything new.
	AlreadyPaid Reason = "already paid"                     // this order was paid before, in a batch that is not settled
	Recovered   Reason = "recovered"                        // a tap that was torn is in the chip's log: nothing new was debited
	Unproved    Reason = "a torn payment is not proved yet" // it is in the chip's log, but only the bank can say that it is genuine
	AboveLimit  Reason = "above the tap limit"              // of this terminal, for every application
	Gone        Reason = "chip is gone"                     // it left the field or the slot
	Timeout     Reason = "chip takes too long"              // or the caller wants no more
	Endless     Reason = "chip never ends"                  // more commands, records or bytes than any chip needs
	Malformed   Reason = "chip is not understood"           // its answer is not of the form that the books say
	Duplicate   Reason = "data comes twice"                 // a data object came twice in one transaction
	// The chip has no application for this payment, and says why (DF50).
	ShortBalance   Reason = "balance too small"
	ChipTapLimit   Reason = "above the chip's tap limit"
	OtherCurrency  Reason = "no application in this currency"
	ChipLocked     Reason = "applications locked"
	ChipExpired    Reason = "applications expired"
	NoApplet       Reason = "no application on the chip"
	NoApplication  Reason = "no application in common" // it does not say why
	WrongStatus    Reason = "chip refuses"             // a status word that ends the transaction
	SeePhone       Reason = "see phone"
	WantsInterface Reason = "chip wants another interface"
	NotThisOne     Reason = "application cannot pay"
	NoneCanPay     Reason = "no application can pay"
	// An application was asked to pay.
	Missing       Reason = "data is missing"
	ChipDeclined  Reason = "chip declines"
	OfflineOnly   Reason = "terminal is offline" // the chip wants the bank to decide
	Expired       Reason = "application expired"
	NoHolder      Reason = "holder cannot be verified" // the amount needs it, and chip and terminal know no common way
	NotAuthentic  Reason = "chip is not authentic"
	OfflineProved Reason = "chip approves" // and its signature is right
	// The bank was asked.
	NoAnswer     Reason = "bank does not answer" // whatever it decided will be reversed
	BankDeclined Reason = "bank declines"
	ChipRefuses  Reason = "chip refuses the bank's answer" // what the bank decided will be reversed
	BankApproved Reason = "bank approves"
)

// reasons lists them with their outcomes, in the order above.
var reasons = []struct {
	reason  Reason
	outcome Outcome
}{
	{AlreadyPaid, Approved},
	{Recovered, Approved},
	{Unproved, TryAgain},
	{AboveLimit, TryAnotherInterface},
	{Gone, TryAgain},
	{Timeout, TryAgain},
	{Endless, EndApplication},
	{Malformed, EndApplication},
	{Duplicate, EndApplication},
	{ShortBalance, EndApplication},
	{ChipTapLimit, EndApplication},
	{OtherCurrency, EndApplication},
	{ChipLocked, EndApplication},
	{ChipExpired, EndApplication},
	{NoApplet, EndApplication},
	{NoApplication, EndApplication},
	{WrongStatus, EndApplication},
	{SeePhone, TryAgain},
	{WantsInterface, TryAnotherInterface},
	{NotThisOne, SelectNext},
	{NoneCanPay, EndApplication},
	{Missing, EndApplication},
	{ChipDeclined, Declined},
	{OfflineOnly, Declined},
	{Expired, Declined},
	{NoHolder, Declined},
	{NotAuthentic, Declined},
	{OfflineProved, Approved},
	{NoAnswer, Declined},
	{BankDeclined, Declined},
	{ChipRefuses, Declined},
	{BankApproved, Approved},
}

// Outcome is what the reason leads to.
func (r Reason) Outcome() Outcome {
	for _, row := range reasons {
		if row.reason == r {
			return row.outcome
		}
	}
	return EndApplication
}

// Result is how a tap ended.
type Result struct {
	Outcome Outcome
	Reason  Reason
	// Status is the chip's word where the reason is WrongStatus.
	Status apdu.Status
	// Interface, AID and Label say with what it was, as far as it came to that.
	Interface link.Interface
	AID       []byte
	Label     string
	// Receipt is there when the tap was approved, and when it was declined
	// after the chip had given a cryptogram.
	Receipt *Receipt
	// Found are earlier taps of this chip, for other sales, that were torn and
	// have now turned out to be paid. They have nothing to do with this sale.
	Found []Receipt
}

// stop ends a tap from within a step. It is an error so that a step can return
// it as it is, and has nothing in it that a chip has sent but a status word.
type stop struct {
	reason Reason
	status apdu.Status
}

func (s stop) Error() string {
	if s.reason == WrongStatus {
		return "pos: " + string(s.reason) + ": " + s.status.String()
	}
	return "pos: " + string(s.reason)
}

func isStop(err error, r Reason) bool { return errors.Is(err, stop{reason: r}) }

func end(r Reason) error               { return stop{reason: r} }
func endStatus(word apdu.Status) error { return stop{reason: WrongStatus, status: word} }
