package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
)

// storing is a personalization under way. Nothing of it is kept before the last
// block: an applet is personalized in one commit or not at all.
type storing struct {
	aid      string
	assembly cps.Assembly
}

// personalize answers INSTALL [for personalization]. An applet is personalized
// once: to do it again would be to set its balance without the bank.
func (t *turn) personalize(aid []byte) apdu.Response {
	e, ok := t.entry(aid)
	switch {
	case !ok:
		return status(apdu.StatusNoData)
	case e.life&^lifeLocked != lifeSelectable:
		return status(apdu.StatusConditions)
	}
	t.session.storing = storing{aid: string(aid)}
	return answer([]byte{0})
}

// storeData answers STORE DATA (GlobalPlatform Card Specification 2.3.1, 11.11;
// EMV CPS 1.1, 4.3.4). A block that is out of order or unreadable ends the
// personalization, which is then to begin anew.
func (t *turn) storeData(c apdu.Command) apdu.Response {
	s := t.session.storing
	if s.aid == "" {
		return status(apdu.StatusConditions)
	}
	t.session.storing = storing{}
	next, err := s.assembly.Add(cps.Block{P1: c.P1, P2: c.P2, Data: c.Data})
	if err != nil {
		return status(apdu.StatusWrongData)
	}
	if !next.Done() {
		t.session.storing = storing{s.aid, next}
		return answer(nil)
	}
	return t.fillApplet(s.aid, next.Groups())
}

// fillApplet gives an applet its data and its account, and life (B7).
func (t *turn) fillApplet(aid string, hidden []cps.Group) apdu.Response {
	e, ok := t.entry([]byte(aid))
	if !ok || e.life&^lifeLocked != lifeSelectable {
		return status(apdu.StatusConditions)
	}
	groups, err := cps.Decrypt(hidden, t.device.issuer.Decrypt)
	if err != nil {
		return status(apdu.StatusWrongData)
	}
	defer cps.Wipe(groups)
	p, err := e.filledWith(groups).Profile()
	if err != nil || !usableProfile(p) {
		return status(apdu.StatusWrongData)
	}
	a := t.open(e)
	a.account = newAccount(p)
	a.saveAccount()
	for _, g := range groups {
		a.write(groupName(g.ID), g.Data.Reveal())
	}
	e.life |= lifePersonalized
	t.saveEntry(e)
	t.note(Fact{What: FactPersonalized, AID: e.aid})
	return answer(nil)
}

// usableProfile reports whether the applet could work with what it is given: its
// data object lists ask for what its cryptograms cover, and it can sign what it
// says that it can.
func usableProfile(p cps.Profile) bool {
	signs := len(p.Offline.ICC.Signature) > 0
	return readable(p.Contact.CDOL1) && readable(p.Contact.CDOL2) &&
		(signs || !p.Contact.AIP.Has(emv.AIPDDA) && !p.Contact.AIP.Has(emv.AIPCDA))
}

// newAccount is the account that an applet begins with.
func newAccount(p cps.Profile) account {
	minor := func(a emv.Amount) int64 {
		v, err := a.Minor()
		assert(err == nil, "a profile that was read has an amount without digits")
		return v
	}
	return account{
		currency: p.Currency, expiry: p.Expiry,
		available: minor(p.Balance), most: minor(p.BalanceMax), tapMax: minor(p.TapMax), reserve: minor(p.Reserve),
	}
}
