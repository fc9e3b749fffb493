package bankhttp

import (
	"context"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) createPayment(in bankapi.CreatePayment) bank.Answer {
	if _, err := ident.Parse(ident.Card, in.Card); err != nil && !digitsOnly(in.Card) {
		return invalid("card", "give a card token, or a PAN of 12 to 19 digits with a right check digit")
	}
	return c.do(c.h.c.Bank.Keys().NewCreatePayment(in))
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (c *call) confirmPayment(in bankapi.Confirm) bank.Answer {
	return c.do(bank.ConfirmPayment{Payment: c.r.PathValue("id"), Code: in.Code})
}

func (c *call) cancelPayment() bank.Answer {
	return c.do(bank.CancelPayment{Payment: c.r.PathValue("id")})
}

func (c *call) resendCode() bank.Answer {
	return c.do(bank.ResendCode{Payment: c.r.PathValue("id")})
}

func (c *call) capturePayment(in bankapi.Capture) bank.Answer {
	return c.do(bank.CapturePayment{Payment: c.r.PathValue("id"), Request: in})
}

func (c *call) refundPayment(in bankapi.RefundPayment) bank.Answer {
	return c.do(bank.RefundPayment{Payment: c.r.PathValue("id"), Request: in})
}

func (c *call) getPayment() bank.Answer {
	p, err := c.h.c.Bank.Store().Payment(c.r.Context(), c.r.PathValue("id"))
	switch {
	case err != nil:
		return c.readFailed(err)
	case !c.owns(p.Merchant):
		return c.readFailed(bank.ErrNoRow)
	}
	return shown(c.h.paymentView(&p))
}

func (c *call) listPayments() bank.Answer {
	return listAll(c, listing[bank.Payment, bankapi.Payment]{
		kind: ident.Payment, show: c.h.paymentView, id: func(p *bank.Payment) string { return p.ID },
		read: func(page bank.Page) ([]bank.Payment, error) {
			return c.h.c.Bank.Store().Payments(c.r.Context(), c.actor.Merchant, page)
		},
	})
}

// owns reports whether what belongs to this merchant exists for the actor.
func (c *call) owns(merchant string) bool {
	return c.actor.Role == bankapi.RoleIssuer || c.actor.Role == bankapi.RoleMerchant && c.actor.Merchant == merchant
}

// paymentView adds the hint that the phone has the code.
func (h *Handler) paymentView(p *bank.Payment) bankapi.Payment {
	v := bank.PaymentView(p, h.c.Bank.Policy())
	if v.Delivery == bankapi.DeliverySending && h.c.Hub.onPhone(p.ID) {
		v.Delivery = bankapi.DeliveryOnPhone
	}
	return v
}

func (c *call) store() bank.Reader { return c.h.c.Bank.Store() }

func (c *call) ctx() context.Context { return c.r.Context() }
