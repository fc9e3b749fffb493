package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// tap is a whole contactless purchase: approved offline by a purse that has the
// money, or put to the bank, or 6985.
func (a *applet) tap(x terminal) apdu.Response {
	verdict := a.weigh(x)
	if verdict == declined {
		a.note(Fact{What: FactDeclined, AID: a.entry.aid})
		return status(apdu.StatusConditions)
	}
	a.advance()
	if verdict == online {
		return a.tapOnline(x)
	}
	return a.tapOffline(x)
}

// verdict is what a purse or account makes of an amount.
type verdict byte

const (
	declined verdict = iota // it cannot pay
	online                  // the bank shall decide
	offline                 // approved
)

// weigh decides on a contactless purchase (JR/T 0025.12, 7.7.10).
//
// Reading: where the money is not there, or the amount is above the limit of one
// tap, the standard's table has a reader that can go online ask the bank. The
// bank could do no more than decline, and the tap would end there although the
// next applet may have the money. So the answer is "not this one". A purse goes
// online only for what it holds back (9F6D), and not at all if that is nothing.
func (a *applet) weigh(x terminal) verdict {
	t := x.qualifiers
	atBank := !t.Has(emv.TTQOfflineOnly)
	switch {
	case !t.Has(emv.TTQQPBOC), x.kind != emv.TypePurchase, x.other != emv.Amount{}:
		return declined
	case a.candidate("").verdict(a.requested(x)) != ReasonNone:
		return declined
	case a.mayOffline(x) && (!atBank || x.minor <= a.account.left()-a.account.reserve):
		return offline
	case t.Has(emv.TTQCVMRequired) && !t.Has(emv.TTQSignature) && !t.Has(emv.TTQOnlinePIN):
		return declined
	case atBank && a.asksBank():
		return online
	}
	return declined
}

// mayOffline reports whether the applet can approve by itself at this reader,
// which must verify fDDA of version 01: version 00 would sign no amount. Of the
// ways to verify the holder only a signature needs no bank.
func (a *applet) mayOffline(x terminal) bool {
	t := x.qualifiers
	return a.entry.kind == Purse && a.profile.Processes.Has(emv.ProcessesLowValue) && t.Has(emv.TTQFDDA01) &&
		!t.Has(emv.TTQOnlineRequired) && (!t.Has(emv.TTQCVMRequired) || t.Has(emv.TTQSignature))
}

// asksBank reports whether the bank decides on purchases that the applet does
// not approve by itself.
func (a *applet) asksBank() bool { return a.entry.kind == Account || a.account.reserve > 0 }

// transactionQualifiers are what the applet wants of the reader (9F6C).
func transactionQualifiers(base emv.CTQ, x terminal, v verdict) emv.CTQ {
	switch t := x.qualifiers; {
	case !t.Has(emv.TTQCVMRequired):
		return base
	case v == online && t.Has(emv.TTQOnlinePIN):
		return base | emv.CTQOnlinePIN
	}
	return base | emv.CTQSignature
}

// tapOnline answers with an ARQC. Money does not move here: the bank has it, or
// leaves it in the purse.
func (a *applet) tapOnline(x terminal) apdu.Response {
	cvr := emv.CVRSecondNone | emv.CVRFirstARQC
	s := a.stamped(x, emv.ARQC, cvr)
	a.account.incomplete = true
	a.saveAccount()
	a.session.begin(phaseOnline, a.account.atc)
	a.session.terminal, a.session.ac, a.session.cvr = x, s.ac, cvr
	a.note(Fact{What: FactOnline, AID: a.entry.aid})
	return answer(template(a.tapObjects(s, transactionQualifiers(a.profile.CTQ, x, online), nil)))
}

// contactlessAFL (94) names the records of an offline approval: the two
// certificates, and the record whose reading commits.
var contactlessAFL = emv.AFL{{SFI: commitSFI, First: 1, Last: commitRecord}}

// The last record of a tap.
const (
	commitSFI    = 1
	commitRecord = 3
)

// tapOffline debits the purse and approves. The debit is on the disk before the
// answer leaves, and counts when the last record is read: until then a purse
// that is pulled away has its old balance again (JR/T 0025.12, 7.4.1).
func (a *applet) tapOffline(x terminal) apdu.Response {
	ctq := transactionQualifiers(a.profile.CTQ, x, offline)
	cvr := emv.CVRSecondNone | emv.CVRFirstTC
	before := a.account.available
	a.account.available -= x.minor
	s := a.stamped(x, emv.TC, cvr) // 9F10 tells what is left
	a.account.before, a.account.torn = before, true

	cardAuth := a.cardAuth(ctq)
	a.account.offered = record{
		atc: a.account.atc, amount: x.amount, currency: x.currency, date: x.date, kind: x.kind,
		number: x.number, ac: s.ac, cardAuth: cardAuth, balance: amountOf(a.account.available),
	}.logged()
	a.saveAccount()

	a.session.begin(phaseOffered, a.account.atc)
	a.session.ac, a.session.cvr, a.session.cardAuth = s.ac, cvr, cardAuth
	a.note(Fact{What: FactOffered, AID: a.entry.aid})
	signature := a.sign(func(k oda.PrivateKey, random [oda.RandomSize]byte) ([]byte, error) {
		return k.SignFDDA(oda.FDDA{
			UN: x.number, Amount: x.amount, Currency: x.currency, CardData: cardAuth[:], ATC: a.account.atc,
		}, random)
	})
	return answer(template(a.tapObjects(s, ctq, signature)))
}

// cardAuth is 9F69 of fDDA version 01: 01, the card's own unpredictable number,
// the CTQ, 00 (EMV Contactless Book C-3, Annex A).
func (a *applet) cardAuth(ctq emv.CTQ) (b [8]byte) {
	b[0] = byte(oda.FDDA01)
	a.random.fill(b[1:5])
	ctq.Append(b[:5])
	return b
}

// tapObjects is the content of the answer (JR/T 0025.12, table 12). With a
// signature it is an approval, and has the AFL of the records that belong to
// it. No element comes twice in one transaction.
func (a *applet) tapObjects(s stamp, ctq emv.CTQ, signature []byte) []byte {
	p := a.profile
	b := tlv.Append(nil, emv.TagAIP, p.Contact.AIP.Append(nil))
	if signature != nil {
		b = tlv.Append(b, emv.TagAFL, contactlessAFL.Append(nil))
	}
	b = tlv.Append(b, emv.TagATC, emv.AppendATC(nil, a.account.atc))
	b = tlv.Append(b, emv.TagAC, s.ac[:])
	b = tlv.Append(b, emv.TagIAD, s.iad)
	b = tlv.Append(b, emv.TagTrack2, p.track2)
	b = tlv.Append(b, emv.TagPSN, []byte{p.PSN})
	b = tlv.Append(b, emv.TagCTQ, ctq.Append(nil))
	if p.Processes.Has(emv.ProcessesAvailable) {
		available := amountOf(a.account.available)
		b = tlv.Append(b, emv.TagAvailable, available[:])
	}
	if signature != nil {
		b = tlv.Append(b, emv.TagSDAD, signature)
	}
	return b
}
