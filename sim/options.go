package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/tlv"
)

// processingOptions answers GET PROCESSING OPTIONS (EMV 4.4 Book 3, 6.5.8). Over
// contacts, and for a load, it begins a transaction with GENERATE AC; else it is
// the whole transaction (JR/T 0025.12, 7.7).
//
// An applet that cannot pay what is asked is 6985 and unchanged: the terminal
// then takes the next one (EMV Contactless Book B, 3.5.2; over contacts EMV 4.4
// Book 3, 10.1).
func (a *applet) processingOptions(c apdu.Command) apdu.Response {
	if c.P1 != 0 || c.P2 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	data, err := tlv.Only(c.Data, emv.TagCommandTemplate)
	switch {
	case err != nil:
		return status(apdu.StatusWrongData)
	case a.session.phase != phaseNone: // one transaction for each SELECT
		return status(apdu.StatusConditions)
	}
	values, err := a.asks().Read(data)
	if err != nil {
		return status(apdu.StatusWrongData)
	}
	x := readTerminal(values)
	switch {
	case x.badDigits:
		return status(apdu.StatusWrongData)
	case x.kind == emv.TypeLoad, a.session.face == link.Contact && a.account.blocked:
		return a.begin(data, x.kind == emv.TypeLoad)
	case a.session.face == link.Contact && !a.canServe(x):
		a.note(Fact{What: FactDeclined, AID: a.entry.aid})
		return status(apdu.StatusConditions)
	case a.session.face == link.Contact:
		return a.begin(data, false)
	}
	return a.tap(x)
}

// canServe reports whether the applet could pay over contacts.
func (a *applet) canServe(x terminal) bool {
	if a.entry.kind == Account && x.offlineOnly() {
		return false
	}
	return a.candidate("").verdict(a.requested(x)) == ReasonNone
}

// begin begins a transaction that goes on with GENERATE AC. Even one that is
// abandoned here is counted.
//
// Reading: a blocked applet must still be able to hear that it is unblocked, so
// it begins transactions, and answers AAC in them (EMV 4.4 Book 3, 6.5.5).
func (a *applet) begin(values []byte, load bool) apdu.Response {
	if a.account.atc >= atcMax {
		return status(apdu.StatusConditions)
	}
	a.advance()
	a.saveAccount()
	a.session.begin(phaseBegun, a.account.atc)
	a.session.loadOnly = load
	a.session.sent = append([]byte(nil), values...)
	return a.processing()
}

// processing is AIP and AFL of a transaction with GENERATE AC, in format 1, which
// is the shorter one.
func (a *applet) processing() apdu.Response {
	afl, ok := tlv.Find(a.read(groupName(cps.Processing)), emv.TagAFL)
	if !ok {
		a.fail(ErrDamaged)
	}
	return answer(tlv.Append(nil, emv.TagResponse1, append(a.profile.Contact.AIP.Append(nil), afl...)))
}

// advance counts a transaction. A debit that was torn before it is taken back
// with it.
func (a *applet) advance() {
	if a.account.torn {
		a.note(Fact{What: FactRestored, AID: a.entry.aid})
	}
	a.account = a.account.settled()
	a.account.atc++
}
