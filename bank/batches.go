package bank

import (
	"strconv"
	"strings"

	"sotto/bankapi"
)

// batchID is merchant|terminal|number.
func batchID(merchant, terminal string, number int) string {
	return merchant + "|" + terminal + "|" + strconv.Itoa(number)
}

func splitBatch(id string) (merchant, terminal string, number int) {
	parts := strings.Split(id, "|")
	if len(parts) != 3 {
		return "", "", 0
	}
	number, _ = strconv.Atoi(parts[2])
	return parts[0], parts[1], number
}

// nameBatch asks for what batch needs.
func nameBatch(v *View, n *names, terminal string, number int) {
	n.row(KindMerchant, n.actor.Merchant)
	n.row(KindBatch, batchID(n.actor.Merchant, terminal, number))
	if m := v.Merchants.peek(n.actor.Merchant); m != nil {
		n.row(KindAccount, m.Account)
	}
}

// batch is a terminal's batch, or what it would be if it began now: editBatch
// makes it a row. It is in the currency of the merchant's account, which it will
// be settled to.
func (o *opContext) batch(terminal string, number int) (*Batch, Answer, bool) {
	merchant := o.Merchants.get(o.actor.Merchant)
	switch {
	case merchant == nil:
		return nil, no(bankapi.Forbidden, "this key's merchant is gone"), true
	case !terminalID(terminal):
		return nil, invalid("terminal", "give 1 to 8 letters and digits"), true
	case number < 1 || number > 999_999:
		return nil, invalid("batch", "use 1 to 999999"), true
	}
	id := batchID(o.actor.Merchant, terminal, number)
	if b := o.Batches.get(id); b != nil {
		return b, Answer{}, false
	}
	return &Batch{
		ID: id, Merchant: merchant.ID, Terminal: terminal, Number: int64(number),
		Currency: o.Accounts.get(merchant.Account).Currency, CreatedAt: o.now,
	}, Answer{}, false
}

func (o *opContext) editBatch(b *Batch) *Batch {
	if o.Batches.get(b.ID) == nil {
		return o.Batches.add(o.View, b.ID, *b)
	}
	return o.Batches.edit(o.View, b.ID)
}

// terminalID is what 9F1C may be here.
func terminalID(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 8
}

// SettleBatch closes a terminal's batch and pays the merchant. The terminal's
// totals must be the bank's; asked again, it answers with what was settled.
type SettleBatch struct{ bankapi.SettleBatch }

func (op SettleBatch) names(v *View, n *names) {
	nameBatch(v, n, op.Terminal, op.Batch)
	book := bookID(bankapi.AccountSettlement, op.Currency)
	n.row(KindBook, book)
	if b := v.Books.peek(book); b != nil {
		n.row(KindAccount, b.Account)
	}
}

func (op SettleBatch) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	b, a, refused := o.batch(op.Terminal, op.Batch)
	switch {
	case refused:
		return a
	case op.Currency != b.Currency:
		return invalid("currency", "use the currency of the merchant's account")
	case op.Count != b.Count || op.Amount != b.Amount:
		return no(bankapi.TotalsDiffer, "the bank has "+strconv.FormatInt(b.Count, 10)+" taps of "+
			strconv.FormatInt(b.Amount, 10)+" minor units; upload what is missing, or print the journal")
	case b.SettledAt != 0:
		return done(batchView(b))
	}
	var from *Account
	if b.Amount > 0 {
		from = o.Accounts.get(o.Books.get(bookID(bankapi.AccountSettlement, op.Currency)).Account)
		if from.Kind != string(bankapi.AccountSettlement) {
			return no(bankapi.Unavailable, "the books' row of the settlement account was changed; see sotto bank audit verify")
		}
	}
	b = o.editBatch(b)
	b.SettledAt = o.now
	if b.Amount > 0 {
		t, reason := o.move(Transfer{
			Kind: string(bankapi.TransferSettlement), Debit: from.ID,
			Credit: o.Merchants.get(b.Merchant).Account, Amount: b.Amount, Currency: b.Currency, Note: b.ID,
		})
		if reason != "" {
			panic("bank: the settlement account is smaller than its batches")
		}
		b.Transfer = t.ID
	}
	o.emit("batch.settled", b.Merchant, b.ID, b.Amount, b.Currency)
	return done(batchView(b))
}
