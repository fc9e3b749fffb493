package bank

import (
	"encoding/hex"

	"sotto/bankapi"
	"sotto/emv"
)

// Inquire tells an applet what is available in its account, which it otherwise
// hears only with the answer to a tap: after the account was filled up, the
// device would take the applet for too poor to ask. No money moves, and each
// cryptogram is answered once.
type Inquire struct{ chip chip }

// NewInquire verifies the cryptogram.
func (k *Keys) NewInquire(r bankapi.Inquire) Inquire { return Inquire{k.newChip(r.ChipData)} }

func (op Inquire) names(v *View, n *names) {
	op.chip.names(v, n)
	if a := v.appletOf(&op.chip); a != nil {
		n.row(KindAccount, a.Account)
	}
}

func (op Inquire) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	c := &op.chip
	applet, a, refused := o.presented(c, bankapi.AppletAccount)
	switch {
	case refused:
		return a
	case !c.began(emv.ARQC) || !c.inquires(applet.Currency):
		return invalid("chip_data", "give the ARQC of a balance inquiry (31) of no amount, in the currency of the applet")
	case int64(c.Input.ATC) <= applet.ATC:
		return no(bankapi.WrongState, "the chip has gone on since, or this was answered already; begin anew at the chip")
	}
	if a, refused := o.altered(applet); refused {
		return a
	}
	return done(o.inquiry(o.sawATC(applet.ID, c), c))
}

// inquires reports whether the chip asks what is available in this currency. Its
// cryptogram (version 17) covers no type and no currency, but that there is no
// amount: one of a purchase is not taken here, nor one of an inquiry for a purchase.
func (c *chip) inquires(currency string) bool {
	number, bad := NumericOf(currency)
	return bad == nil && c.Input.Type == emv.TypeBalance && c.Input.Amount == emv.Amount{} &&
		c.Input.Other == emv.Amount{} && c.Input.Currency == number
}

// inquiry is the answer: of an applet that is out of use, nothing is available.
func (o *opContext) inquiry(a *Applet, c *chip) bankapi.Inquiry {
	arc := o.standing(a)
	var available int64
	if arc == emv.ARCApproved {
		available = o.available(a)
	}
	auth := o.issuerAuth(a, c, arc)
	return bankapi.Inquiry{
		Applet: a.ID, Available: available, Currency: a.Currency, ResponseCode: arc.String(),
		IssuerAuth: hex.EncodeToString(auth[:]), Script: o.tellAvailable(a, c, available),
	}
}
