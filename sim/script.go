package sim

import (
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// Limits of issuer scripts.
const (
	scriptsMax    = 15 // in one transaction
	scriptMACSize = 4
)

// script carries an issuer script command out (EMV 4.4 Book 3, 10.10; JR/T
// 0025.5, 5.8 for loads). Its MAC covers the ATC and the cryptogram of this
// transaction, so that it can be executed now or never; and once: the same MAC
// again is refused.
//
// The first command that fails ends them, and is remembered for the bank. Nobody
// therefore has more than one guess at a MAC for each transaction.
func (a *applet) script(c apdu.Command) apdu.Response {
	s := &a.session
	switch {
	case s.phase != phaseOnline && s.phase != phaseFinished, s.barred, s.scripts == scriptsMax:
		return status(apdu.StatusConditions)
	case len(c.Data) < scriptMACSize:
		return status(apdu.StatusNoMAC)
	}
	mac := [scriptMACSize]byte(c.Data[len(c.Data)-scriptMACSize:])
	if slices.Contains(s.executed[:s.scripts], mac) {
		return status(apdu.StatusConditions)
	}
	data, ok := a.profile.script.VerifyScript(c, a.account.atc, s.ac)
	if !ok {
		return a.scriptFails(apdu.StatusWrongMAC)
	}
	if word := a.execute(c, data); !word.OK() {
		return a.scriptFails(word)
	}
	s.executed[s.scripts] = mac
	s.scripts++
	a.account.scripts = (a.account.scripts + 1) & 0x0F
	a.account.scriptFailed = false
	a.saveAccount()
	return answer(nil)
}

// scriptFails remembers the failure, although the command is refused.
func (a *applet) scriptFails(word apdu.Status) apdu.Response {
	a.insist = true
	a.session.barred = true
	a.account.scriptFailed = true
	a.saveAccount()
	return status(word)
}

// execute does what the bank wants. It changes the account when it succeeds, and
// nothing else but the log of loads.
func (a *applet) execute(c apdu.Command, data []byte) apdu.Status {
	switch {
	case c.INS == emv.INSPutData:
		return a.putData(tlv.Tag(c.P1)<<8|tlv.Tag(c.P2), data)
	case c.P1 != 0 || c.P2 != 0 || len(data) != 0:
		return apdu.StatusWrongP1P2
	case c.INS == emv.INSApplicationBlock:
		a.account.blocked = true
		a.note(Fact{What: FactBlocked, AID: a.entry.aid})
	default:
		a.account.blocked = false
		a.note(Fact{What: FactUnblocked, AID: a.entry.aid})
	}
	return apdu.StatusOK
}

// putData sets the balance of a purse, or the last known amount of an account.
// The bank must have answered. A purse it must have told yes, for that is money;
// what is left in an account it tells with a no as well.
func (a *applet) putData(tag tlv.Tag, value []byte) apdu.Status {
	if want, ok := settable[a.entry.kind]; !ok || tag != want {
		return apdu.StatusNoData
	}
	amount, err := emv.ParseAmount(value)
	if err != nil {
		return apdu.StatusWrongData
	}
	minor, err := amount.Minor()
	switch {
	case err != nil || minor > a.account.most:
		return apdu.StatusWrongData
	case a.session.answered == 0, a.entry.kind == Purse && !a.session.answered.Approved():
		return apdu.StatusConditions
	}
	if a.entry.kind == Purse {
		a.keep(a.loaded(minor))
	}
	a.account.available = minor
	a.note(Fact{What: FactLoaded, AID: a.entry.aid})
	return apdu.StatusOK
}

var settable = map[Kind]tlv.Tag{Purse: emv.TagBalance, Account: emv.TagAvailable}

// loaded is the log record of a load. Its amount is by how much the balance
// changed, whatever the reader had said.
func (a *applet) loaded(balance int64) logged {
	x, change := a.session.terminal, balance-a.account.available
	return record{
		atc: a.account.atc, amount: amountOf(max(change, -change)), currency: a.account.currency, date: x.date,
		kind: emv.TypeLoad, number: x.number, ac: a.session.ac, balance: amountOf(balance),
	}.logged()
}
