package bankhttp

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
	"sotto/secret"
)

// createWebhook draws the signing secret, which is kept sealed and handed over
// once.
func (c *call) createWebhook(in bankapi.CreateWebhook) bank.Answer {
	head, err := c.h.head(c.ctx())
	if err != nil {
		return c.readFailed(err)
	}
	var drawn [24]byte // what Standard Webhooks asks for at least
	var nonce [12]byte
	var tail [10]byte
	for _, b := range [][]byte{drawn[:], nonce[:], tail[:]} {
		c.h.draw(b)
	}
	defer clear(drawn[:])
	id := ident.Make(ident.Webhook, c.h.c.Now().UnixMilli(), tail)
	a := c.do(bank.CreateWebhook{
		CreateWebhook: in, ID: id, Cursor: endOf(head.Seq),
		SecretSealed: c.h.c.Bank.Keys().SealWebhook(nonce, id, secret.New(drawn[:])),
	})
	return handOver(a, func(w *bankapi.Webhook) {
		w.Secret = "whsec_" + base64.StdEncoding.EncodeToString(drawn[:])
	})
}

// head is the newest link. Every bank.Store has it, though bank.Reader does not
// name it.
func (h *Handler) head(ctx context.Context) (bank.Link, error) {
	store, ok := h.c.Bank.Store().(interface {
		LastLink(context.Context) (bank.Link, error)
	})
	if !ok {
		panic("bankhttp: the bank's store is no bank.Store")
	}
	return store.LastLink(ctx)
}

// endOf is the cursor behind all events of a link.
func endOf(seq int64) string { return fmt.Sprintf("%012d.9999", seq) }

func (c *call) deleteWebhook() bank.Answer {
	return c.do(bank.DeleteWebhook{Webhook: c.r.PathValue("id")})
}

func (c *call) listWebhooks() bank.Answer {
	return listAll(c, listing[bank.Webhook, bankapi.Webhook]{
		kind: ident.Webhook, show: webhookView, id: func(w *bank.Webhook) string { return w.ID },
		read: func(p bank.Page) ([]bank.Webhook, error) { return c.store().Webhooks(c.ctx(), c.actor.Merchant, p) },
	})
}

func webhookView(w *bank.Webhook) bankapi.Webhook {
	return bankapi.Webhook{
		ID: w.ID, Merchant: w.Merchant, URL: w.URL, Cursor: w.Cursor, Failing: w.Failing,
		CreatedAt: bankapi.Time(w.CreatedAt), DeletedAt: bankapi.Time(w.DeletedAt),
	}
}

const eventIDPattern = `^[0-9]{12}\.[0-9]{4}$`

var eventID = regexp.MustCompile(eventIDPattern)

// Bounds of one search through the event log: it reads links until it has
// enough events or has seen this many.
const (
	scanMax   = 10_000 // events of anyone
	scanLinks = 20     // read at a time
)

func (c *call) listEvents() bank.Answer {
	values, a, ok := c.queryOf()
	if !ok {
		return a
	}
	limit, a, ok := limitOf(values)
	if !ok {
		return a
	}
	after := values.Get("after")
	if after != "" && !eventID.MatchString(after) {
		return invalid("after", "use the id of an event, or next_cursor")
	}
	out, err := c.scan(after, limit)
	if err != nil {
		return c.readFailed(err)
	}
	return shown(out)
}

// scan collects events behind after. Its cursor says how far it has looked.
func (c *call) scan(after string, limit int) (bankapi.List[bankapi.Event], error) {
	out := bankapi.List[bankapi.Event]{Data: []bankapi.Event{}, NextCursor: after}
	for seen := 0; seen < scanMax; {
		links, err := c.store().Links(c.ctx(), linkBefore(out.NextCursor), scanLinks)
		if err != nil {
			return out, err
		}
		moved := false
		for _, l := range links {
			events, err := l.Events()
			if err != nil {
				return out, err
			}
			for _, e := range events {
				if e.ID <= after || !c.owns(e.Merchant) {
					continue
				}
				out.Data, out.NextCursor = append(out.Data, e), e.ID
				if len(out.Data) == limit {
					return out, nil
				}
			}
			seen += 1 + len(events)
			if end := endOf(l.Seq); end > out.NextCursor {
				out.NextCursor, moved = end, true
			}
		}
		if !moved || len(links) < scanLinks {
			return out, nil
		}
	}
	return out, nil
}

// linkBefore is the number of the last link that lies wholly before a cursor.
func linkBefore(cursor string) int64 {
	if cursor == "" {
		return 0
	}
	seq, err := strconv.ParseInt(cursor[:12], 10, 64)
	if err != nil {
		return 0
	}
	if cursor[13:] == "9999" {
		return seq
	}
	return max(0, seq-1)
}
