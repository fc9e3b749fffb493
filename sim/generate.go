package sim

import (
	"bytes"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// generateAC answers GENERATE AC (EMV 4.4 Book 3, 6.5.5): the first decides, the
// second concludes what went online.
func (a *applet) generateAC(c apdu.Command) apdu.Response {
	kind, cda := emv.CID(c.P1).Kind(), c.P1&emv.RequestCDA != 0
	switch {
	case c.P1&^(byte(emv.TC|emv.ARQC)|emv.RequestCDA) != 0 || kind == emv.TC|emv.ARQC || c.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case a.session.phase == phaseBegun:
		return a.first(a.profile.Contact.CDOL1, kind, cda, c.Data)
	case a.session.phase == phaseOnline && kind != emv.ARQC:
		return a.second(a.profile.Contact.CDOL2, kind, cda, c.Data)
	}
	return status(apdu.StatusConditions)
}

// first answers the first GENERATE AC (EMV 4.4 Book 3, 9.2).
func (a *applet) first(list emv.DOL, asked emv.CID, cda bool, data []byte) apdu.Response {
	values, err := list.Read(data)
	if err != nil {
		return status(apdu.StatusWrongLength)
	}
	x := readTerminal(values)
	if x.badDigits {
		return status(apdu.StatusWrongData)
	}
	if a.session.loadOnly && x.kind != emv.TypeLoad {
		return status(apdu.StatusConditions)
	}
	a.session.terminal = x
	a.session.sent = append(a.session.sent, data...)
	switch a.judge(x, asked, cda) {
	case offline:
		return a.debit(x, cda)
	case online:
		return a.goOnline(x, cda)
	case declined:
	}
	a.note(Fact{What: FactDeclined, AID: a.entry.aid})
	return a.conclude(x, emv.AAC, emv.CVRSecondNone|emv.CVRFirstAAC, false)
}

// judge decides on a transaction with GENERATE AC. A card may answer with less
// than what was asked for and never with more (EMV 4.4 Book 3, 9.2).
//
// An offline approval needs CDA: without a signature a till could not know a purse
// from a toy, and DDA before it proves the chip but signs no amount, which who sits
// between chip and till could then change.
//
// Reading: an account that the bank keeps goes online whatever amount was last
// known here: what it could not pay was refused before (processingOptions).
func (a *applet) judge(x terminal, asked emv.CID, cda bool) verdict {
	why := a.candidate("").verdict(a.requested(x))
	hopeless := why == ReasonLocked || why == ReasonExpired || why == ReasonCurrency
	switch {
	case asked == emv.AAC, hopeless, x.other != emv.Amount{}:
		return declined
	case x.kind == emv.TypeLoad:
		return a.judgeLoad(x)
	case x.kind == emv.TypeBalance && a.entry.kind == Account && x.minor == 0:
		return online // the bank tells what is available
	case x.kind != emv.TypePurchase:
		return declined
	case a.entry.kind == Account:
		return online
	case why != ReasonNone:
		return declined
	case asked == emv.TC && cda && a.profile.Processes.Has(emv.ProcessesLowValue) && x.minor <= a.account.left()-a.account.reserve:
		return offline
	case a.asksBank():
		return online
	}
	return declined
}

// judgeLoad lets the bank decide on a load that the purse can hold.
func (a *applet) judgeLoad(x terminal) verdict {
	if a.entry.kind == Purse && x.minor > a.account.most-a.account.left() {
		return declined
	}
	return online
}

// debit approves offline over contacts: debit, log and answer in one commit. A
// reader that did not hear the answer finds the debit in the log, and the answer
// with its signature in DF52.
func (a *applet) debit(x terminal, cda bool) apdu.Response {
	a.account.available -= x.minor
	cvr := emv.CVRSecondNone | emv.CVRFirstTC
	r := a.conclude(x, emv.TC, cvr, cda)
	a.keep(record{
		atc: a.account.atc, amount: x.amount, currency: x.currency, date: x.date, kind: x.kind,
		number: x.number, ac: a.session.ac, balance: amountOf(a.account.available),
	}.logged())
	a.write([]byte{nameAnswer}, r.Data)
	a.saveAccount()
	a.note(Fact{What: FactCommitted, AID: a.entry.aid})
	return r
}

// goOnline answers with an ARQC. That it was given, and what became of it, the
// next cryptogram will tell.
func (a *applet) goOnline(x terminal, cda bool) apdu.Response {
	cvr := emv.CVRSecondNone | emv.CVRFirstARQC
	r := a.conclude(x, emv.ARQC, cvr, cda)
	a.session.phase = phaseOnline
	a.account.incomplete = true
	a.saveAccount()
	a.note(Fact{What: FactOnline, AID: a.entry.aid})
	return r
}

// conclude gives a cryptogram and ends the transaction but for its scripts.
func (a *applet) conclude(x terminal, cid emv.CID, cvr emv.CVR, cda bool) apdu.Response {
	s := a.stamped(x, cid, cvr)
	a.session.phase = phaseFinished
	a.session.ac, a.session.cvr = s.ac, cvr
	if cda && a.profile.signs() {
		return answer(template(a.combined(s, x)))
	}
	return answer(tlv.Append(nil, emv.TagResponse1, s.append(nil, a.account.atc)))
}

// combined is the answer with a combined DDA/AC signature, in which the
// cryptogram stands (EMV 4.4 Book 2, 6.6.1).
func (a *applet) combined(s stamp, x terminal) []byte {
	b := tlv.Append(nil, emv.TagCID, []byte{byte(s.cid)})
	b = tlv.Append(b, emv.TagATC, emv.AppendATC(nil, a.account.atc))
	b = tlv.Append(b, emv.TagIAD, s.iad)
	hash, err := oda.TransactionHash(b, a.session.sent)
	if err != nil {
		a.fail(err)
	}
	var number [8]byte
	a.random.fill(number[:])
	signature := a.sign(func(k oda.PrivateKey, random [oda.RandomSize]byte) ([]byte, error) {
		return k.SignCDA(oda.Combined{Number: number[:], CID: s.cid, AC: s.ac, Transaction: hash}, x.number, random)
	})
	return tlv.Append(b, emv.TagSDAD, signature)
}

// second answers the second GENERATE AC (EMV 4.4 Book 3, 9.3): a TC if the bank
// has proved itself and said yes, else an AAC. It moves no money: what the bank
// gives a purse comes as a script.
func (a *applet) second(list emv.DOL, asked emv.CID, cda bool, data []byte) apdu.Response {
	values, err := list.Read(data)
	if err != nil {
		return status(apdu.StatusWrongLength)
	}
	x := readTerminal(values)
	if x.badDigits {
		return status(apdu.StatusWrongData)
	}
	if !a.session.asked && len(bytes.Trim(x.issuerReply, "\x00")) > 0 {
		a.hearIssuer(x.issuerReply)
	}
	cvr := a.session.cvr &^ emv.CVRSecondNone
	if a.session.asked && a.session.answered == 0 {
		cvr |= emv.CVRIssuerAuthBad
	}
	cid := emv.AAC
	if asked == emv.TC && a.session.answered.Approved() {
		cid, cvr = emv.TC, cvr|emv.CVRSecondTC
	}
	a.session.sent = append(a.session.sent, data...)
	arqc := a.session.ac
	r := a.conclude(x, cid, cvr, cda && cid == emv.TC)
	a.session.ac = arqc // scripts answer the first
	return r
}
