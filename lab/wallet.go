package lab

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"sotto/emv/cps"
	"sotto/link"
	"sotto/scp03"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/bolt"
	"sotto/sim/host"
	"sotto/sim/mem"
)

// wallet is the near-field payment device at work: the SIM in the phone.
type wallet struct {
	device *sim.Device
	issuer scp03.Keys // of the security domain through which applets are installed
	store  io.Closer  // nil if it keeps nothing

	mu      sync.Mutex
	applets []sim.Applet // as they were when they were looked at last
	policy  sim.Policy
}

// openWallet takes up the SIM in dir, or makes one; without a dir it makes one
// that is forgotten.
func openWallet(dir string, now func() time.Time, random io.Reader, facts func(sim.Fact)) (*wallet, error) {
	store, key, closer, err := openStore(dir, random)
	if err != nil {
		return nil, err
	}
	w := &wallet{store: closer}
	w.device, err = sim.Open(store, sim.Options{Key: key, Random: random, Now: now, Observer: observer(facts)})
	if err == nil {
		w.issuer, err = sim.IssuerKeys(key)
	}
	if err == nil {
		err = w.look()
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func openStore(dir string, random io.Reader) (sim.Store, secret.Secret, io.Closer, error) {
	if dir == "" {
		key := make([]byte, 32)
		defer clear(key)
		if _, err := io.ReadFull(random, key); err != nil {
			return nil, secret.Secret{}, nil, fmt.Errorf("draw the SIM's key: %w", err)
		}
		return mem.New(), secret.New(key), nil, nil
	}
	store, err := bolt.Open(dir)
	if errors.Is(err, bolt.ErrNone) {
		store, err = bolt.Create(dir, random)
	}
	if err != nil {
		return nil, secret.Secret{}, nil, err
	}
	return store, store.Key(), store, nil
}

// observer hears what the SIM makes of commands. What crosses is seen at the
// till, which knows what it means.
type observer func(sim.Fact)

// Exchange implements sim.Observer.
func (observer) Exchange(_, _ []byte) {}

// Fact implements sim.Observer.
func (o observer) Fact(f sim.Fact) { o(f) }

// look reads the applets as their holder may see them. It is a command of its
// own: an answer that goes on in the next one would be cut short by it.
func (w *wallet) look() error {
	applets, err := w.device.List()
	if err != nil {
		return err
	}
	policy, err := w.device.Policy()
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applets, w.policy = applets, policy
	return nil
}

// seen is what look has seen.
func (w *wallet) seen() ([]sim.Applet, sim.Policy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.applets), w.policy
}

// applet is the one with this AID, in hex.
func (w *wallet) applet(aid string) (sim.Applet, bool) {
	applets, _ := w.seen()
	i := slices.IndexFunc(applets, func(a sim.Applet) bool { return aidText(a.AID) == aid })
	if i < 0 {
		return sim.Applet{}, false
	}
	return applets[i], true
}

func aidText(aid []byte) string { return strings.ToUpper(hex.EncodeToString(aid)) }

// install puts an applet into the SIM, in a secure channel (SCP03).
func (w *wallet) install(ctx context.Context, random io.Reader, a cps.Applet) error {
	domain, err := host.Open(ctx, directly(w.device), w.issuer, random)
	if err != nil {
		return err
	}
	return domain.Install(ctx, a)
}

func (w *wallet) close() error {
	if w.store == nil {
		return nil
	}
	return w.store.Close()
}

// direct is a connection to a chip by contacts, without a reader between.
type direct struct{ chip link.Chip }

func directly(c link.Chip) direct {
	c.Reset(link.Contact)
	return direct{c}
}

// Interface implements link.Connection.
func (direct) Interface() link.Interface { return link.Contact }

// Close implements link.Connection.
func (direct) Close() error { return nil }

// Transmit implements link.Connection.
func (d direct) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return d.chip.Transmit(command), nil
}
