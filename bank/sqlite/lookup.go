package sqlite

import (
	"context"
	"encoding/hex"

	"sotto/bank"
)

// lookup is how a row is found by a unique column other than its id.
type lookup[T any] struct {
	column string
	isHex  bool // the key is the hex of the column's bytes
	id     func(*T) string
	value  func(*T) string // the column as it stands in keys
}

var (
	byPAN = lookup[bank.Card]{
		"pan_mac", true, func(c *bank.Card) string { return c.ID },
		func(c *bank.Card) string { return hex.EncodeToString(c.PANMAC) },
	}
	byChip = lookup[bank.Applet]{
		"pan_mac", true, func(a *bank.Applet) string { return a.ID },
		func(a *bank.Applet) string { return hex.EncodeToString(a.PANMAC) },
	}
	byTicket = lookup[bank.Phone]{
		"ticket_mac", true, func(p *bank.Phone) string { return p.ID },
		func(p *bank.Phone) string { return hex.EncodeToString(p.TicketMAC) },
	}
	byKey = lookup[bank.Phone]{
		"public_key", false, func(p *bank.Phone) string { return p.ID },
		func(p *bank.Phone) string { return p.PublicKey },
	}
)

// find puts a row and the lookup of it. Which id a value led to is remembered,
// and believed if that row still has the value.
func find[T any](ctx context.Context, l *loading, from *table[T], into *bank.Table[T], v *bank.View, k bank.Key, by lookup[T]) error {
	place := from.Name + "." + by.column + "|" + k.ID
	if id, known := l.t.s.found.get(place); known {
		row, err := load(ctx, l, from, *id)
		if err != nil {
			return err
		}
		if row != nil && by.value(row) == k.ID {
			into.Put(*id, row)
			v.PutLookup(k, *id)
			return nil
		}
	}
	row, err := search(ctx, l, from, k.ID, by)
	if err != nil {
		return err
	}
	if row == nil {
		v.PutLookup(k, "")
		return nil
	}
	id := by.id(row)
	from.rows.put(id, row)
	l.t.s.found.put(place, &id)
	into.Put(id, row)
	v.PutLookup(k, id)
	return nil
}

// search asks SQLite for the row with this value, or nil.
func search[T any](ctx context.Context, l *loading, from *table[T], key string, by lookup[T]) (*T, error) {
	value := any(key)
	if by.isHex {
		raw, err := hex.DecodeString(key)
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // no column holds it
		}
		value = raw
	}
	if key == "" {
		return nil, nil //nolint:nilnil // as above
	}
	c, err := l.conn()
	if err != nil {
		return nil, err
	}
	return from.find(ctx, c, by.column, value)
}
