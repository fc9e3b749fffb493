package bankhttp

import (
	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) createLoad(in bankapi.CreateLoad) bank.Answer {
	if in.Account != "" {
		if a, ok := wellFormed(ident.Account, "account", in.Account); !ok {
			return a
		}
	}
	return c.do(c.h.c.Bank.Keys().NewCreateLoad(in))
}

func (c *call) resolveLoad(in bankapi.ResolveLoad) bank.Answer {
	return c.do(c.h.c.Bank.Keys().NewResolveLoad(c.r.PathValue("id"), in))
}

func (c *call) getLoad() bank.Answer {
	l, err := c.store().Load(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(bank.LoadView(&l))
}

func (c *call) listLoads() bank.Answer {
	return listAll(c, listing[bank.Load, bankapi.Load]{
		kind: ident.Load, show: bank.LoadView, id: func(l *bank.Load) string { return l.ID },
		read: func(p bank.Page) ([]bank.Load, error) { return c.store().Loads(c.ctx(), p) },
	})
}
