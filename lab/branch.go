package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"filippo.io/age"

	"sotto/bank"
	"sotto/bank/bankbus"
	"sotto/bank/bankbus/selfca"
	"sotto/bank/bankhttp"
	"sotto/bank/service"
	"sotto/bank/sqlite"
	"sotto/emv"
	"sotto/keystore/file"
)

// branch is the bank: the real service, over SQLite, with a bus on a port of its
// own.
type branch struct {
	store   *sqlite.Store
	service *service.Service
}

const busHost = "127.0.0.1"

// china is the country of the demo's bank (ISO 3166-1: 156).
var china = emv.Numeric{0x01, 0x56}

func openBranch(ctx context.Context, c Config, h home, url string) (*branch, error) {
	keys, err := openKeys(h.bank())
	if err != nil {
		return nil, err
	}
	secrets, err := service.Secrets(keys)
	if err != nil {
		return nil, err
	}
	certifying, err := service.IssuerOf(keys)
	if err != nil {
		return nil, err
	}
	authority, err := selfca.Open(filepath.Join(h.bank(), "bus-ca.pem"), []string{busHost}, c.Now())
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, filepath.Join(h.bank(), "bank.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	s, err := service.Open(ctx, service.Config{
		Store: store, Secrets: secrets, Issuer: certifying, Country: china, Policy: policy(url), PrivateWebhooks: true,
		Bus:    bankbus.Config{Listen: busHost + ":0", TLS: authority.TLS()},
		BusPEM: authority.PEM(), BusPin: authority.Pin(),
		HTTP: bankhttp.Config{Name: "Bank"},
		Now:  c.Now, Random: c.Random, Log: c.Log,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &branch{store: store, service: s}, nil
}

// policy is the bank's own, but patient with somebody who plays: in a lab one
// person shops all day with one card, and types wrong codes for fun.
func policy(url string) bank.Policy {
	const second = 1000
	p := bank.DefaultPolicy()
	p.PublicURL = url
	p.PairBurst, p.PairInterval = 30, 5*second
	p.CardBurst, p.CardInterval = 30, 5*second
	p.CardLock = 60 * second
	return p
}

// openKeys finds the bank's root keys, or draws them. The identity that unlocks
// them lies beside them: these keys guard nothing.
func openKeys(dir string) (*file.Keys, error) {
	identity, store := filepath.Join(dir, "identity.txt"), filepath.Join(dir, "keystore.age")
	_, err := os.Stat(store)
	if err == nil {
		return file.Open(store, file.IdentityFile(identity))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for the bank's keys: %w", err)
	}
	drawn, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	if err := os.WriteFile(identity, []byte(drawn.String()+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("keep the bank's key: %w", err)
	}
	return file.Create(store, file.IdentityFile(identity))
}

func (b *branch) handler() http.Handler { return b.service.Handler() }

func (b *branch) close(ctx context.Context) error {
	return errors.Join(b.service.Close(ctx), b.store.Close())
}
