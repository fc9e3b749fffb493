package bank

import (
	"sotto/bankapi"
	"sotto/ident"
	"sotto/money"
)

// move writes one transfer and both balances. It answers InsufficientFunds
// when the debited account may not go below zero and would.
//
// Accounts must exist and share the currency: callers have checked that, and a
// breach is a fault of the bank itself.
func (o *opContext) move(t Transfer) (Transfer, bankapi.Reason) {
	debit, credit := o.Accounts.get(t.Debit), o.Accounts.get(t.Credit)
	if debit.Currency != t.Currency || credit.Currency != t.Currency || t.Amount <= 0 || t.Debit == t.Credit {
		panic("bank: a transfer that cannot balance")
	}
	if !canDebit(debit, t.Amount) {
		return Transfer{}, bankapi.InsufficientFunds
	}
	if debit.Debits > ledgerMax-t.Amount || credit.Credits > ledgerMax-t.Amount {
		panic("bank: an account has reached the end of its counters")
	}
	o.Accounts.edit(o.View, t.Debit).Debits += t.Amount
	o.Accounts.edit(o.View, t.Credit).Credits += t.Amount
	t.ID, t.CreatedAt = o.newID(ident.Transfer), o.now
	o.Transfers.add(o.View, t.ID, t)
	o.log = append(o.log, t)
	return t, ""
}

// ledgerMax leaves room for any sum of two counters.
const ledgerMax = 1 << 62

func canDebit(a *Account, amount int64) bool {
	return a.Kind == string(bankapi.AccountInternal) || a.Kind == string(bankapi.AccountDisputes) || a.Credits-a.Debits-a.Held >= amount
}

// hold sets money of an account aside.
func (o *opContext) hold(account string, amount int64) bankapi.Reason {
	if !canDebit(o.Accounts.get(account), amount) {
		return bankapi.InsufficientFunds
	}
	o.Accounts.edit(o.View, account).Held += amount
	return ""
}

// release gives held money back to the account.
func (o *opContext) release(account string, amount int64) {
	a := o.Accounts.edit(o.View, account)
	if a.Held < amount {
		panic("bank: more is released than is held")
	}
	a.Held -= amount
}

// CreateAccount opens an account.
type CreateAccount struct{ bankapi.CreateAccount }

func (CreateAccount) names(*View, *names) {}

func (op CreateAccount) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if !text(op.Name, 1, 100) {
		return invalid("name", "give 1 to 100 characters of plain text")
	}
	if op.Kind != bankapi.AccountCustomer && op.Kind != bankapi.AccountInternal {
		return invalid("kind", "use customer or internal; a merchant's account is opened with the merchant")
	}
	if _, err := money.ParseCurrency(op.Currency); err != nil {
		return invalid("currency", "use an ISO 4217 code of a currency with minor units known")
	}
	return done(accountView(o.openAccount(op.Name, op.Kind, op.Currency, "")))
}

// openAccount opens an account, for a merchant if one is named.
func (o *opContext) openAccount(name string, kind bankapi.AccountKind, currency, merchant string) *Account {
	id := o.newID(ident.Account)
	o.emit("account.opened", merchant, id, 0, currency)
	return o.Accounts.add(o.View, id, Account{ID: id, Name: name, Kind: string(kind), Currency: currency, CreatedAt: o.now})
}

// CreateTransfer moves money between two accounts.
type CreateTransfer struct{ bankapi.CreateTransfer }

func (op CreateTransfer) names(_ *View, n *names) {
	n.row(KindAccount, op.Debit)
	n.row(KindAccount, op.Credit)
}

func (op CreateTransfer) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if a, refused := checkAmount(op.Amount, op.Currency); refused {
		return a
	}
	debit, credit := o.Accounts.get(op.Debit), o.Accounts.get(op.Credit)
	switch {
	case debit == nil:
		return invalid("debit", "there is no such account")
	case credit == nil:
		return invalid("credit", "there is no such account")
	case op.Debit == op.Credit:
		return invalid("credit", "use another account than the debited one")
	case debit.Currency != op.Currency || credit.Currency != op.Currency:
		return invalid("currency", "both accounts must be in the currency of the transfer")
	case !text(op.Note, 0, 100):
		return invalid("note", "give at most 100 characters of plain text")
	}
	t, reason := o.move(Transfer{
		Kind: string(bankapi.TransferPlain), Debit: op.Debit, Credit: op.Credit,
		Amount: op.Amount, Currency: op.Currency, Note: op.Note,
	})
	if reason != "" {
		return no(reason, "the debited account does not have it")
	}
	o.emit("transfer.made", "", t.ID, t.Amount, t.Currency)
	return done(transferView(t))
}

func transferView(t Transfer) bankapi.Transfer {
	return bankapi.Transfer{
		ID: t.ID, Kind: bankapi.TransferKind(t.Kind), Debit: t.Debit, Credit: t.Credit, Amount: t.Amount,
		Currency: t.Currency, Payment: t.Payment, Note: t.Note, CreatedAt: bankapi.Time(t.CreatedAt),
	}
}
