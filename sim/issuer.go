package sim

import "sotto/apdu"

// externalAuthenticate answers EXTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.4):
// the bank proves that it has answered this transaction's ARQC. There is one try.
func (a *applet) externalAuthenticate(c apdu.Command) apdu.Response {
	switch {
	case c.P1 != 0 || c.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case len(c.Data) != issuerReplySize:
		return status(apdu.StatusWrongLength)
	case a.session.phase != phaseOnline || a.session.asked:
		return status(apdu.StatusConditions)
	}
	a.insist = true
	if !a.hearIssuer(c.Data) {
		return status(apdu.StatusRefused)
	}
	return answer(nil)
}

// issuerReplySize is the length of issuer authentication data by method 1.
const issuerReplySize = 10

// hearIssuer verifies issuer authentication data (91). If it is right, the bank
// has received the ARQC, and the transaction was completed online.
func (a *applet) hearIssuer(reply []byte) bool {
	a.session.asked = true
	arc, ok := a.profile.ac.VerifyIssuerAuth1(a.account.atc, a.session.ac, reply)
	if !ok || arc == 0 {
		return false
	}
	a.session.answered = arc
	a.account.incomplete = false
	a.account.lastOnline = a.account.atc
	a.saveAccount()
	return true
}
