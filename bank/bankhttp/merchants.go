package bankhttp

import (
	"encoding/json"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// createMerchant adds the key's secret to the answer behind the op, so that it
// is not in the answer that the bank keeps for replays.
func (c *call) createMerchant(in bankapi.CreateMerchant) bank.Answer {
	key, kept, err := c.h.c.Bank.Keys().DrawKey(c.h.c.Now().UnixMilli(), random{c.h})
	if err != nil {
		return refuse(bankapi.Internal, "")
	}
	a := c.do(bank.CreateMerchant{CreateMerchant: in, Key: kept})
	return handOver(a, func(m *bankapi.Merchant) { m.Key.Secret = string(key.Reveal()) })
}

func (c *call) createKey() bank.Answer {
	key, kept, err := c.h.c.Bank.Keys().DrawKey(c.h.c.Now().UnixMilli(), random{c.h})
	if err != nil {
		return refuse(bankapi.Internal, "")
	}
	a := c.do(bank.CreateKey{Merchant: c.r.PathValue("id"), Key: kept})
	return handOver(a, func(k *bankapi.APIKey) { k.Secret = string(key.Reveal()) })
}

// handOver changes a fresh answer before it is sent. A replayed answer is as it
// was kept.
func handOver[T any](a bank.Answer, add func(*T)) bank.Answer {
	if !a.OK() || a.Replayed {
		return a
	}
	var v T
	if err := json.Unmarshal(a.Body, &v); err != nil {
		panic("bankhttp: the bank's own answer cannot be read")
	}
	add(&v)
	return shown(v)
}

func (c *call) revokeKey() bank.Answer {
	return c.do(bank.RevokeKey{Key: c.r.PathValue("id")})
}

func (c *call) getMerchant() bank.Answer {
	id := c.r.PathValue("id")
	if !c.owns(id) {
		return c.readFailed(bank.ErrNoRow)
	}
	m, err := c.store().Merchant(c.ctx(), id)
	if err != nil {
		return c.readFailed(err)
	}
	return shown(merchantView(&m))
}

func (c *call) listMerchants() bank.Answer {
	return listAll(c, listing[bank.Merchant, bankapi.Merchant]{
		kind: ident.Merchant, show: merchantView, id: func(m *bank.Merchant) string { return m.ID },
		read: func(p bank.Page) ([]bank.Merchant, error) { return c.store().Merchants(c.ctx(), p) },
	})
}

func merchantView(m *bank.Merchant) bankapi.Merchant {
	return bankapi.Merchant{ID: m.ID, Name: m.Name, Account: m.Account, CreatedAt: bankapi.Time(m.CreatedAt)}
}
