package bankhttp

import (
	"strings"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// postTaps refuses too many taps before their cryptograms are verified.
func (c *call) postTaps(in bankapi.PostTaps) bank.Answer {
	if len(in.Taps) > bankapi.TapsMax {
		return invalid("taps", "give 1 to 500 taps")
	}
	return c.do(c.h.c.Bank.Keys().NewPostTaps(in))
}

func (c *call) authorize(in bankapi.Authorize) bank.Answer {
	return c.do(c.h.c.Bank.Keys().NewAuthorize(in))
}

func (c *call) reverse(in bankapi.Reverse) bank.Answer {
	return c.do(c.h.c.Bank.Keys().NewReverse(in))
}

func (c *call) settleBatch(in bankapi.SettleBatch) bank.Answer {
	return c.do(bank.SettleBatch{SettleBatch: in})
}

// listTaps lists the taps of one applet, which are the issuer's business, or
// those that nobody has been paid for.
func (c *call) listTaps() bank.Answer {
	values, a, ok := c.queryOf()
	if !ok {
		return a
	}
	applet, status := values.Get("applet"), values.Get("status")
	l := listing[bank.Tap, bankapi.TapRecord]{show: bank.TapView, id: func(t *bank.Tap) string { return t.ID }}
	switch {
	case applet != "" && status != "" || applet == "" && status == "":
		return invalid("", "give applet, or status=disputed")
	case status != "" && status != string(bankapi.TapDisputed):
		return invalid("status", "use disputed")
	case status != "":
		l.is = isTap
		l.read = func(p bank.Page) ([]bank.Tap, error) { return c.store().Disputes(c.ctx(), c.actor.Merchant, p) }
		return list(c, values, l)
	case c.actor.Role != bankapi.RoleIssuer:
		return refuse(bankapi.Forbidden, "a merchant may ask for status=disputed")
	}
	if a, ok := wellFormed(ident.Applet, "applet", applet); !ok {
		return a
	}
	l.is = func(cursor string) bool { return isTap(cursor) && strings.HasPrefix(cursor, applet+".") }
	l.read = func(p bank.Page) ([]bank.Tap, error) { return c.store().Taps(c.ctx(), applet, p) }
	return list(c, values, l)
}

func (c *call) resolveTap(in bankapi.ResolveTap) bank.Answer {
	return c.do(bank.ResolveTap{Tap: c.r.PathValue("id"), Request: in})
}

// isTap reports whether text is the id of a tap: an applet's, a full stop and
// the counter in four hex digits; and of a second content of that counter, which
// is disputed, another full stop and the first eight hex digits of its
// cryptogram.
func isTap(text string) bool {
	applet, rest, _ := strings.Cut(text, ".")
	if _, err := ident.Parse(ident.Applet, applet); err != nil {
		return false
	}
	counter, other, second := strings.Cut(rest, ".")
	return only(counter, 4, "0123456789ABCDEF") && (!second || only(other, 8, "0123456789abcdef"))
}

// only reports whether text is n of these characters.
func only(text string, n int, of string) bool {
	return len(text) == n && strings.Trim(text, of) == ""
}

func (c *call) listBatches() bank.Answer {
	return listAll(c, listing[bank.Batch, bankapi.Batch]{
		is: isBatch, show: batchView, id: func(b *bank.Batch) string { return b.ID },
		read: func(p bank.Page) ([]bank.Batch, error) { return c.store().Batches(c.ctx(), c.actor.Merchant, p) },
	})
}

// isBatch reports whether text is the id of a batch: merchant|terminal|number.
func isBatch(text string) bool {
	parts := strings.Split(text, "|")
	if len(parts) != 3 {
		return false
	}
	_, err := ident.Parse(ident.Merchant, parts[0])
	terminal, number := parts[1], parts[2]
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return err == nil && len(terminal) <= 8 && only(terminal, max(len(terminal), 1), digits+letters) &&
		len(number) <= 6 && only(number, max(len(number), 1), digits) && number[0] != '0'
}

func batchView(b *bank.Batch) bankapi.Batch {
	return bankapi.Batch{
		ID: b.ID, Merchant: b.Merchant, Terminal: b.Terminal, Number: int(b.Number), Currency: b.Currency,
		Count: b.Count, Amount: b.Amount, Disputed: b.Disputed, Transfer: b.Transfer, Settled: b.SettledAt != 0,
	}
}
