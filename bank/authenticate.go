package bank

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"sotto/bankapi"
	"sotto/ident"
	"sotto/secret"
)

// An API key is "sk_", the 26 digits of its id, an underscore and 52 random
// digits. The id may be logged; the whole is stored as a MAC only.
const apiKeyPrefix = "sk_"

// DrawKey makes an API key: its text, to be handed over once, and what is kept.
func (k *Keys) DrawKey(nowMillis int64, random io.Reader) (secret.Secret, NewKey, error) {
	var r [10]byte
	var a, b ident.Raw
	for _, part := range [][]byte{r[:], a[:], b[:]} {
		if _, err := io.ReadFull(random, part); err != nil {
			return secret.Secret{}, NewKey{}, err
		}
	}
	id := ident.Make(ident.Key, nowMillis, r)
	text := []byte(apiKeyPrefix + strings.TrimPrefix(id, "key_") + ident.Text("", a) + ident.Text("", b)[1:])
	defer clear(text)
	key := secret.New(text)
	return key, NewKey{ID: id, Hash: k.KeyMAC(key)}, nil
}

// Gate finds out who holds an API key. Answers are kept for a few seconds, so
// that a revoked key is dead within that time on every replica.
type Gate struct {
	keys  *Keys
	store Reader
	now   func() time.Time
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	hash  []byte
	actor Actor
	until time.Time
}

const (
	gateKeeps = 2 * time.Second
	gateMax   = 10_000
)

// NewGate opens a gate.
func (b *Bank) NewGate() *Gate {
	return &Gate{keys: b.keys, store: b.c.Store, now: b.c.Now, known: map[string]known{}}
}

// Enter answers with the actor of a key, or false.
func (g *Gate) Enter(ctx context.Context, key secret.Secret) (Actor, bool, error) {
	text := string(key.Reveal())
	if !strings.HasPrefix(text, apiKeyPrefix) || len(text) != len(apiKeyPrefix)+26+1+52 {
		return Actor{}, false, nil
	}
	id := "key_" + text[len(apiKeyPrefix):len(apiKeyPrefix)+26]
	if !validID(ident.Key, id) {
		return Actor{}, false, nil
	}
	k, err := g.find(ctx, id)
	if errors.Is(err, ErrNoRow) {
		return Actor{}, false, nil
	}
	if err != nil {
		return Actor{}, false, err
	}
	if !hmac.Equal(k.hash, g.keys.KeyMAC(key)) {
		return Actor{}, false, nil
	}
	return k.actor, true, nil
}

func (g *Gate) find(ctx context.Context, id string) (known, error) {
	now := g.now()
	g.mu.Lock()
	k, ok := g.known[id]
	g.mu.Unlock()
	if ok && now.Before(k.until) {
		return k, nil
	}
	row, err := g.store.APIKey(ctx, id)
	if err != nil {
		return known{}, err
	}
	if row.RevokedAt != 0 {
		return known{}, ErrNoRow
	}
	k = known{row.Hash, Actor{Role: bankapi.Role(row.Role), Merchant: row.Merchant}, now.Add(gateKeeps)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= gateMax {
		clear(g.known)
	}
	g.known[id] = k
	return k, nil
}
