package bank

import "sotto/bankapi"

// nameTorn asks for the debits that this cryptogram shows to be taken back, and
// for what it takes to undo its posting. What another op of the same commit adds
// to the trail has brought its rows itself.
func (c *chip) nameTorn(v *View, n *names, a *Applet) {
	if a.Kind != string(bankapi.AppletPurse) || c.fault != "" {
		return
	}
	nameBook(v, n, bankapi.AccountDisputes, a.Currency)
	_, torn := trailOf(a).hear(c.said)
	for _, atc := range torn {
		id := tapID(a.ID, atc)
		n.row(KindTap, id)
		if t := v.Taps.peek(id); t != nil {
			n.row(KindBatch, t.Batch)
		}
	}
}

// nameBook asks for the bank's own account of this purpose and currency.
func nameBook(v *View, n *names, purpose bankapi.AccountKind, currency string) {
	id := bookID(purpose, currency)
	n.row(KindBook, id)
	if b := v.Books.peek(id); b != nil {
		n.row(KindAccount, b.Account)
	}
}

// follow adds what a purse says to its trail. It returns the taps that were paid
// and never took effect, and whether this one did not.
func (o *opContext) follow(a *Applet, c *chip) (paid []*Tap, own bool) {
	next, torn := trailOf(a).hear(c.said)
	o.Applets.edit(o.View, a.ID).Trail = next.encode()
	for _, atc := range torn {
		t := o.Taps.peek(tapID(a.ID, atc))
		switch {
		case atc == c.said.atc:
			own = true
		case t != nil && t.Status == string(bankapi.TapPosted):
			paid = append(paid, t)
		}
	}
	return paid, own
}

// hear takes what a genuine cryptogram of a purse says of what was before it:
// whether an earlier debit was taken back, and whether a load has arrived. A debit
// is followed when a till brings it, and not when it is evidence for a load.
func (o *opContext) hear(a *Applet, c *chip) {
	if c.said.debit == 0 && !c.said.mute {
		torn, _ := o.follow(a, c)
		for _, t := range torn {
			o.unpost(t)
		}
	}
	o.resolve(o.Applets.get(a.ID), c)
}

// unpost takes back a debit that the purse has taken back. The money belongs into
// the float again, for the purse holds it. While its batch is open it comes from
// there; when the merchant was paid already, he owes it, and the bank's account
// of disputes stands in for him until the dispute is resolved.
func (o *opContext) unpost(t *Tap) {
	a := o.Applets.edit(o.View, t.Applet)
	a.Balance += t.Amount
	t = o.Taps.edit(o.View, t.ID)
	t.Status, t.Reason = string(bankapi.TapDisputed), string(bankapi.Torn)
	kind, from, event := bankapi.TransferReversal, a.Settlement, "tap.torn"
	if o.Batches.get(t.Batch).SettledAt == 0 {
		b := o.Batches.edit(o.View, t.Batch)
		b.Count--
		b.Amount -= t.Amount
		b.Disputed++
	} else {
		t.Owed = t.Amount
		kind, from, event = bankapi.TransferDispute, o.book(bankapi.AccountDisputes, t.Currency), "tap.owed"
	}
	if _, reason := o.move(Transfer{
		Kind: string(kind), Debit: from, Credit: a.Float, Amount: t.Amount, Currency: t.Currency, Note: t.ID,
	}); reason != "" {
		panic("bank: the settlement account is smaller than its batches")
	}
	o.emit("tap.disputed", t.Merchant, t.ID, t.Amount, t.Currency)
	o.emit(event, t.Merchant, t.ID, t.Amount, t.Currency)
}

// ResolveTap ends a dispute, as the issuer decides. Accepted, the merchant has
// the money, at the bank's expense; rejected, he has not, and gives back what he
// was paid.
type ResolveTap struct {
	Tap     string
	Request bankapi.ResolveTap
}

func (op ResolveTap) names(v *View, n *names) {
	n.row(KindTap, op.Tap)
	t := v.Taps.peek(op.Tap)
	if t == nil {
		return
	}
	nameBook(v, n, bankapi.AccountDisputes, t.Currency)
	n.row(KindMerchant, t.Merchant)
	if m := v.Merchants.peek(t.Merchant); m != nil {
		n.row(KindAccount, m.Account)
	}
}

func (op ResolveTap) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	after, known := map[bankapi.Outcome]bankapi.TapStatus{
		bankapi.Accept: bankapi.TapAccepted, bankapi.Reject: bankapi.TapRejected,
	}[op.Request.Outcome]
	t := o.Taps.get(op.Tap)
	switch {
	case !known:
		return invalid("outcome", "use accept or reject")
	case t == nil:
		return no(bankapi.NotFound, "give the id of a tap")
	case t.Status == string(after):
		return done(TapView(t))
	case t.Status != string(bankapi.TapDisputed):
		return no(bankapi.WrongState, "the tap is "+t.Status)
	}
	if reason := o.compensate(t, after); reason != "" {
		return no(reason, "the merchant's account does not have it")
	}
	t = o.Taps.edit(o.View, t.ID)
	t.Status, t.Owed = string(after), 0
	o.emit("tap."+t.Status, t.Merchant, t.ID, t.Amount, t.Currency)
	return done(TapView(t))
}

// compensate moves what the end of a dispute moves: nothing, if the merchant has
// what he is to have.
func (o *opContext) compensate(t *Tap, after bankapi.TapStatus) bankapi.Reason {
	paid, pay := t.Owed > 0, after == bankapi.TapAccepted
	if paid == pay {
		return ""
	}
	debit, credit := o.book(bankapi.AccountDisputes, t.Currency), o.Merchants.get(t.Merchant).Account
	if paid {
		debit, credit = credit, debit
	}
	_, reason := o.move(Transfer{
		Kind: string(bankapi.TransferDispute), Debit: debit, Credit: credit, Amount: t.Amount, Currency: t.Currency, Note: t.ID,
	})
	return reason
}
