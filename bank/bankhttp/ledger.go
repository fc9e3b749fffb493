package bankhttp

import (
	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

func (c *call) createAccount(in bankapi.CreateAccount) bank.Answer {
	return c.do(bank.CreateAccount{CreateAccount: in})
}

func (c *call) getAccount() bank.Answer {
	a, err := c.store().Account(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(accountView(&a))
}

func (c *call) listAccounts() bank.Answer {
	return listAll(c, listing[bank.Account, bankapi.Account]{
		kind: ident.Account, show: accountView, id: func(a *bank.Account) string { return a.ID },
		read: func(p bank.Page) ([]bank.Account, error) { return c.store().Accounts(c.ctx(), p) },
	})
}

func (c *call) createTransfer(in bankapi.CreateTransfer) bank.Answer {
	if a, ok := wellFormed(ident.Account, "debit", in.Debit); !ok {
		return a
	}
	if a, ok := wellFormed(ident.Account, "credit", in.Credit); !ok {
		return a
	}
	return c.do(bank.CreateTransfer{CreateTransfer: in})
}

// wellFormed refuses what is no id before it becomes the key of a row.
func wellFormed(kind ident.Kind, field, id string) (bank.Answer, bool) {
	if _, err := ident.Parse(kind, id); err != nil {
		return invalid(field, "give an id that begins with "+string(kind)+"_"), false
	}
	return bank.Answer{}, true
}

func (c *call) getTransfer() bank.Answer {
	t, err := c.store().Transfer(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(transferView(&t))
}

func (c *call) listTransfers() bank.Answer {
	values, a, ok := c.queryOf()
	if !ok {
		return a
	}
	account := values.Get("account")
	if account != "" {
		if a, ok := wellFormed(ident.Account, "account", account); !ok {
			return a
		}
	}
	return list(c, values, listing[bank.Transfer, bankapi.Transfer]{
		kind: ident.Transfer, show: transferView, id: func(t *bank.Transfer) string { return t.ID },
		read: func(p bank.Page) ([]bank.Transfer, error) { return c.store().Transfers(c.ctx(), account, p) },
	})
}

func accountView(a *bank.Account) bankapi.Account {
	balance := a.Credits - a.Debits
	return bankapi.Account{
		ID: a.ID, Name: a.Name, Kind: bankapi.AccountKind(a.Kind), Currency: a.Currency,
		Balance: balance, Held: a.Held, Available: balance - a.Held, CreatedAt: bankapi.Time(a.CreatedAt),
	}
}

func transferView(t *bank.Transfer) bankapi.Transfer {
	return bankapi.Transfer{
		ID: t.ID, Kind: bankapi.TransferKind(t.Kind), Debit: t.Debit, Credit: t.Credit, Amount: t.Amount,
		Currency: t.Currency, Payment: t.Payment, Note: t.Note, CreatedAt: bankapi.Time(t.CreatedAt),
	}
}
