package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sotto/bankapi/client"
	"sotto/ident"
	"sotto/phone"
	"sotto/phone/vault"
)

// phoneCmd is the mobile payment terminal.
type phoneCmd struct {
	Enrol phoneEnrolCmd `cmd:"" help:"Make this folder a phone of the bank."`
	Run   phoneRunCmd   `cmd:"" help:"Pass codes on from the bank to the cards."`
	Show  phoneShowCmd  `cmd:"" help:"Say who the phone is and which cards it is bound to."`
}

type phoneRunCmd struct {
	State string            `required:"" placeholder:"DIR" help:"Folder of the phone's state, from 'sotto phone enrol'."`
	Card  map[string]string `placeholder:"CARD=HOST:PORT" help:"Where a card is reached; repeat for each card."`
	BLE   adapterName       `name:"ble" placeholder:"ADAPTER" help:"Reach cards over Bluetooth, those with an address only if they do not answer there; hci0 if no adapter is named."`
	phoneNearFlags
	Language string `enum:"en,zh" default:"en" help:"Of the labels for cards that cannot decrypt: en or zh."`
}

// Help has an example.
func (phoneRunCmd) Help() string {
	return `Prints "ready PHONE" once the bank has been reached. It shows no code and no
payment, and never will. The process leaves no core dump behind (RLIMIT_CORE is 0).

Example:
  sotto phone run --state ./phone --card card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B=127.0.0.1:7301
  sotto phone run --state ./phone --ble hci0
  sotto phone run --state ./phone --reader "Virtual PCD 00 00"`
}

// Run serves until it is asked to end.
func (c phoneRunCmd) Run(g *globals) error {
	for card := range c.Card {
		if _, err := ident.Parse(ident.Card, card); err != nil {
			return fmt.Errorf("%q is no card id: give --card CARD=HOST:PORT as the bank writes the id", card)
		}
	}
	if err := leaveNoCore(); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	v, err := vault.Open(c.State)
	if err != nil {
		return err
	}
	defer v.Close()
	return c.serve(g, v)
}

func (c phoneRunCmd) serve(g *globals, v *vault.Vault) error {
	ctx, cancel := context.WithCancel(g.Ctx)
	defer cancel()
	line := &busLine{up: make(chan struct{})}
	id := v.Identity()
	reach, closeReach, err := c.ways(ctx, g)
	if err != nil {
		return err
	}
	defer closeReach()
	p, err := phone.New(phone.Config{
		ID: id.Phone, Key: id.Key, KeySource: id.KeySource, State: v,
		Reach: reach, Bank: line,
		Now: g.Now, After: time.After, Random: g.Rand,
		Language: c.Language, Log: g.Log,
	})
	if err != nil {
		return err
	}
	bus, err := client.Dial(ctx, client.BusConfig{
		URL: id.Bus, CAPEM: caOf(id), Seed: id.Seed, PhoneID: id.Phone,
		OnDispatch: p.Dispatch, Logger: g.Log,
	})
	if err != nil {
		return err
	}
	defer bus.Close()
	line.connect(bus)
	var serving sync.WaitGroup
	serving.Go(func() { p.Run(ctx) })
	defer serving.Wait()
	defer cancel()
	if err := untilReady(ctx, g, bus); err != nil {
		return err
	}
	if ctx.Err() == nil {
		fmt.Fprintln(g.Out, "ready", id.Phone)
	}
	<-ctx.Done()
	return nil
}

// readyNews is how often the log says that the bank is not reached yet.
const readyNews = 10 * time.Second

// untilReady waits for the bank, or until the phone is asked to end.
func untilReady(ctx context.Context, g *globals, bus *client.Bus) error {
	for {
		wait, cancel := context.WithTimeout(ctx, readyNews)
		err := bus.Ready(wait)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			return nil //nolint:nilerr // being asked to end is no failure
		case errors.Is(err, client.ErrBusClosed):
			return err
		}
		g.Log.Warn("the bank is not reached yet; the phone goes on trying", "reason", err)
	}
}

func caOf(id vault.Identity) []byte {
	if id.CA == "" {
		return nil
	}
	return []byte(id.CA)
}

// busLine is the phone's way to the bank before and after there is a bus: phone
// and bus each need the other first.
type busLine struct {
	up  chan struct{}
	bus *client.Bus
}

func (l *busLine) connect(b *client.Bus) {
	l.bus = b
	close(l.up)
}

// Send implements phone.Sender.
func (l *busLine) Send(ctx context.Context, body []byte) ([]byte, error) {
	select {
	case <-l.up:
		return l.bus.Send(ctx, body)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type phoneShowCmd struct {
	State string `required:"" placeholder:"DIR" help:"Folder of the phone's state."`
}

// Help has an example.
func (phoneShowCmd) Help() string {
	return `It can be asked while the phone runs.

Example:
  sotto phone show --state ./phone`
}

// Run shows.
func (c phoneShowCmd) Run(g *globals) error {
	id, bindings, err := vault.Peek(c.State)
	if err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "phone %s\nbank %s\n", id.Phone, id.Bank)
	for _, card := range slices.Sorted(maps.Keys(bindings)) {
		b, state := bindings[card], "bound"
		profile := b.Active.Profile
		if b.Active.None() {
			state, profile = "awaits the card", b.Pending.Profile
		}
		fmt.Fprintf(&out, "card %s %s, %s\n", card, profile, state)
	}
	_, err = io.WriteString(g.Out, out.String())
	return err
}
