package pos

import (
	"sotto/bankapi"
	"sotto/emv"
)

// openEntry writes a tap into the journal before the chip makes it final.
func (x *transaction) openEntry(c cryptogram, signature []byte) (Entry, error) {
	x.receipt = x.newReceipt(c)
	chip := x.chipData(c)
	e := Entry{State: Open, Receipt: x.receipt, Chip: &chip}
	if key := x.card.key; key.Size() != 0 {
		e.Proof = &Proof{Key: key.Modulus(), Exponent: key.Exponent(), Signature: signature}
	}
	e, err := x.book.add(e)
	if err != nil {
		return Entry{}, err
	}
	x.receipt.Reference = e.Receipt.Reference
	x.trace.step("Written down as " + e.Receipt.Reference + ", before the chip makes the debit final.")
	return e, nil
}

// approve writes an offline approval down, and with it that older taps of this
// chip have come to nothing, if its log has shown that.
func (x *transaction) approve(e Entry, c cryptogram) error {
	chip, reference := x.chipData(c), x.receipt.Reference
	x.receipt = x.newReceipt(c)
	x.receipt.Reference, x.receipt.ResponseCode = reference, emv.ARCOfflineApproved.String()
	x.receipt.Approved, x.receipt.Reason = true, OfflineProved
	e.State, e.Receipt, e.Chip, e.Proof = StateApproved, x.receipt, &chip, nil
	if err := x.book.put(append(x.voidedNow(), e)...); err != nil {
		return err
	}
	x.trace.step("Written down as approved.")
	return end(OfflineProved)
}

// chipData is what the bank needs to check the cryptogram: what the chip was
// told, as it was told it, and what it has answered.
func (x *transaction) chipData(c cryptogram) bankapi.ChipData {
	input, err := emv.ReadACInput(x.asked.Find)
	if err != nil {
		input = emv.ACInput{} // lists of strange lengths were refused before, see wasTold
	}
	aip, _ := x.profile()
	input.AIP, input.ATC, input.CVN, input.CVR = aip, c.atc, c.iad.CVN, c.iad.CVR
	return bankapi.ChipData{
		PAN: x.card.pan, Sequence: x.card.psn, AID: x.aid, CID: c.kind, AC: c.ac, IAD: c.iad, Input: input,
	}
}

// newReceipt is what can be said of a tap once there is a cryptogram.
func (x *transaction) newReceipt(c cryptogram) Receipt {
	r := Receipt{
		Merchant: x.settings.Merchant, Name: x.settings.Name, Terminal: x.settings.Terminal,
		Order: x.sale.Order, At: x.at.Round(0), Amount: x.sale.Amount,
		AID: hexOf(x.aid), Label: x.label, Contact: x.contact(), ATC: int(c.atc),
		Kind: c.kind.Explain()[0], AC: hexOf(c.ac[:]), TVR: hexOf(x.tvr.Append(nil)),
	}
	if x.contact() {
		r.TSI = hexOf(x.tsi.Append(nil))
	}
	if x.card != nil {
		r.Number = x.card.pan.String()
	}
	r.Signature = x.signature()
	if minor, ok := c.left(); ok && c.kind == emv.TC {
		r.Left = &minor
	}
	return r
}
