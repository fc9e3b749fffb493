package bankhttp

import (
	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) bind(in bankapi.Bind) bank.Answer {
	if a, ok := wellFormed(ident.Card, "card", in.Card); !ok {
		return a
	}
	if a, ok := wellFormed(ident.Phone, "phone", in.Phone); !ok {
		return a
	}
	return c.do(bank.Bind{Bind: in})
}

func (c *call) confirmBinding(in bankapi.Confirm) bank.Answer {
	return c.do(bank.ConfirmBinding{Binding: c.r.PathValue("id"), Code: in.Code})
}

func (c *call) revokeBinding() bank.Answer {
	return c.do(bank.RevokeBinding{Binding: c.r.PathValue("id")})
}

func (c *call) getBinding() bank.Answer {
	b, err := c.store().Binding(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(c.h.bindingView(&b))
}

func (c *call) listBindings() bank.Answer {
	return listAll(c, listing[bank.Binding, bankapi.Binding]{
		kind: ident.Binding, show: c.h.bindingView, id: func(b *bank.Binding) string { return b.ID },
		read: func(p bank.Page) ([]bank.Binding, error) { return c.store().Bindings(c.ctx(), p) },
	})
}

func (h *Handler) bindingView(b *bank.Binding) bankapi.Binding {
	v := bankapi.Binding{
		ID: b.ID, Card: b.Card, Phone: b.Phone, Status: bankapi.BindingStatus(b.Status),
		Delivery: bankapi.Delivery(b.Delivery), AttemptsLeft: int(max(0, h.c.Bank.Policy().AttemptsMax-b.Attempts)),
		CreatedAt: bankapi.Time(b.CreatedAt), ExpiresAt: bankapi.Time(b.ExpiresAt),
	}
	if v.Delivery == bankapi.DeliverySending && h.c.Hub.onPhone(b.ID) {
		v.Delivery = bankapi.DeliveryOnPhone
	}
	return v
}
