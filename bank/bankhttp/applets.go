package bankhttp

import (
	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) issueApplet(in bankapi.IssueApplet) bank.Answer {
	if a, ok := wellFormed(ident.Account, "account", in.Account); !ok {
		return a
	}
	return c.do(c.h.c.Bank.Keys().NewIssueApplet(in))
}

func (c *call) getApplet() bank.Answer {
	a, err := c.store().Applet(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(bank.AppletView(&a))
}

func (c *call) listApplets() bank.Answer {
	return listAll(c, listing[bank.Applet, bankapi.Applet]{
		kind: ident.Applet, show: bank.AppletView, id: func(a *bank.Applet) string { return a.ID },
		read: func(p bank.Page) ([]bank.Applet, error) { return c.store().Applets(c.ctx(), p) },
	})
}

func (c *call) blockApplet() bank.Answer {
	return c.do(bank.SetAppletStatus{Applet: c.r.PathValue("id"), Status: bankapi.AppletBlocked})
}

func (c *call) unblockApplet() bank.Answer {
	return c.do(bank.SetAppletStatus{Applet: c.r.PathValue("id"), Status: bankapi.AppletActive})
}

// personalizeApplet records first that the applet's keys are handed out, and then
// hands them out. What would make that impossible is found before either.
func (c *call) personalizeApplet(in bankapi.Personalize) bank.Answer {
	if c.h.c.AppletData == nil {
		return refuse(bankapi.Unavailable, "this bank certifies no applets; start it with a key store of this version")
	}
	if _, err := c.h.c.EncryptTo(in.Recipient, nil); err != nil {
		return invalid("recipient", "give the age recipient (age1…) that 'sotto sim new' prints")
	}
	a := c.do(bank.PersonalizeApplet{Applet: c.r.PathValue("id")})
	if !a.OK() {
		return a
	}
	applet, err := c.store().Applet(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	plain, err := c.h.c.AppletData(applet)
	if err != nil {
		c.h.c.Log.Error("an applet cannot be personalised", "request", c.id, "applet", applet.ID)
		return refuse(bankapi.Internal, "")
	}
	defer clear(plain)
	data, err := c.h.c.EncryptTo(in.Recipient, plain)
	if err != nil {
		return refuse(bankapi.Internal, "")
	}
	fresh := shown(bankapi.AppletPersonalization{Applet: applet.ID, Data: data})
	fresh.Replayed = a.Replayed
	return fresh
}

func (c *call) inquire(in bankapi.Inquire) bank.Answer {
	return c.do(c.h.c.Bank.Keys().NewInquire(in))
}

func (c *call) listCAKeys() bank.Answer {
	return shown(bankapi.List[bankapi.CAKey]{Data: append([]bankapi.CAKey{}, c.h.c.CAKeys...)})
}
