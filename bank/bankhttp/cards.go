package bankhttp

import (
	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) issueCard(in bankapi.IssueCard) bank.Answer {
	if a, ok := wellFormed(ident.Account, "account", in.Account); !ok {
		return a
	}
	return c.do(c.h.c.Bank.Keys().NewIssueCard(in))
}

func (c *call) getCard() bank.Answer {
	card, err := c.store().Card(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(bank.CardView(&card))
}

func (c *call) listCards() bank.Answer {
	return listAll(c, listing[bank.Card, bankapi.Card]{
		kind: ident.Card, show: bank.CardView, id: func(card *bank.Card) string { return card.ID },
		read: func(p bank.Page) ([]bank.Card, error) { return c.store().Cards(c.ctx(), p) },
	})
}

func (c *call) blockCard() bank.Answer {
	return c.do(bank.SetCardStatus{Card: c.r.PathValue("id"), Status: bankapi.CardBlocked})
}

func (c *call) unblockCard() bank.Answer {
	return c.do(bank.SetCardStatus{Card: c.r.PathValue("id"), Status: bankapi.CardActive})
}

// personalizeCard records first that the card's key is handed out, and then
// hands it out. A recipient that nothing can be encrypted to is found before
// either.
func (c *call) personalizeCard(in bankapi.Personalize) bank.Answer {
	if _, err := c.h.c.EncryptTo(in.Recipient, nil); err != nil {
		return invalid("recipient", "give the age recipient (age1…) that 'sotto card new' prints")
	}
	a := c.do(bank.Personalize{Card: c.r.PathValue("id")})
	if !a.OK() {
		return a
	}
	card, err := c.store().Card(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	plain, err := c.h.c.Bank.Keys().Personalization(card)
	if err != nil {
		c.h.c.Log.Error("a card cannot be personalised", "request", c.id, "card", card.ID)
		return refuse(bankapi.Internal, "")
	}
	defer clear(plain)
	data, err := c.h.c.EncryptTo(in.Recipient, plain)
	if err != nil {
		return refuse(bankapi.Internal, "")
	}
	fresh := shown(bankapi.Personalization{Card: card.ID, Data: data})
	fresh.Replayed = a.Replayed
	return fresh
}
