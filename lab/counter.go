package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
	"sotto/pos/journal"
)

// Class is what kind of reader the till has.
type Class string

// The classes of readers.
const (
	ClassAmountFirst Class = "a" // sends the amount before anything is selected
	ClassPlain       Class = "b" // does not: most readers of today
	ClassContact     Class = "c" // a slot
)

// face is how such a reader powers a chip.
func (c Class) face() link.Interface {
	if c == ClassContact {
		return link.Contact
	}
	return link.Contactless
}

// counter is the till: a terminal with its journal, on the shop's counter.
type counter struct {
	journal *journal.Journal
	options pos.Options // of a terminal that speaks to the bank

	mu       sync.Mutex
	terminal *pos.Terminal
	class    Class
	offline  bool
}

const (
	tillID = "TILL1"
	// A slowed-down tap takes as long as somebody likes to watch it.
	chipTimeMax = 5 * time.Minute
)

// counterConfig is what a counter needs of the lab.
type counterConfig struct {
	dir    string
	bank   pos.Acquirer
	keys   []bankapi.CAKey
	reader link.Reader
	now    func() time.Time
	random io.Reader
	trace  func(pos.Event)
}

// openCounter takes up the till in dir, or begins one.
func openCounter(c counterConfig) (*counter, error) {
	settings := pos.Settings{
		Terminal: tillID, Merchant: "TEAHOUSE", Name: shopName, Country: china, Currency: money.Currency(currency),
		Applications: []pos.Application{{AID: pos.OurAID}}, ChipTimeMax: chipTimeMax,
	}
	for _, k := range c.keys {
		authority, err := k.Authority()
		if err != nil {
			return nil, err
		}
		settings.Authorities.CAs = append(settings.Authorities.CAs, authority)
	}
	j, err := journal.Open(c.dir)
	if err != nil {
		return nil, err
	}
	t := &counter{journal: j, class: ClassAmountFirst, options: pos.Options{
		Settings: settings, Reader: c.reader, Journal: j, Acquirer: c.bank, Now: c.now, Random: c.random, Trace: c.trace,
	}}
	if err := t.start(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return t, nil
}

// start starts the terminal anew, as a till of its class does when somebody
// changes its settings. Nobody taps meanwhile.
func (t *counter) start() error {
	o := t.options
	o.Settings.WithoutSPI = t.class == ClassPlain
	if t.offline {
		o.Acquirer = nil
	}
	terminal, err := pos.New(o)
	if err != nil {
		return fmt.Errorf("start the till: %w", err)
	}
	t.terminal = terminal
	return nil
}

// set changes class and network.
func (t *counter) set(class Class, offline bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.class == class && t.offline == offline {
		return nil
	}
	t.class, t.offline = class, offline
	return t.start()
}

func (t *counter) now() (terminal *pos.Terminal, class Class, offline bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.terminal, t.class, t.offline
}

func (t *counter) close() error { return t.journal.Close() }

// acquirer is the till's way to the bank, with an eye on what it asks there.
type acquirer struct {
	*client.Client
	asked    func()
	answered func(bankapi.Authorization, error)
}

// Authorize implements pos.Acquirer.
func (a acquirer) Authorize(ctx context.Context, key string, r bankapi.Authorize) (bankapi.Authorization, error) {
	a.asked()
	said, err := a.Client.Authorize(ctx, key, r)
	a.answered(said, err)
	return said, err
}
