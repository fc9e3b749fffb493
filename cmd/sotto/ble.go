package main

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/alecthomas/kong"

	"sotto/card"
	"sotto/link"
	"sotto/link/ble"
	"sotto/link/tcp"
)

// adapterName is the value of --ble, which may stand alone.
type adapterName string

const adapterDefault = "hci0"

// Decode implements kong.MapperValue.
func (a *adapterName) Decode(c *kong.DecodeContext) error {
	next := c.Scan.Peek()
	if text, is := next.Value.(string); next.Type == kong.EOLToken || next.Type == kong.UntypedToken && is && strings.HasPrefix(text, "-") {
		*a = adapterDefault
		return nil
	}
	return c.Scan.PopValueInto("adapter", (*string)(a))
}

// serveBLE lets phones reach the card over Bluetooth until ctx is done, beside
// whatever else the card does. It returns when they can.
func serveBLE(ctx context.Context, g *globals, beside *sync.WaitGroup, name adapterName, d *card.Device) error {
	if name == "" {
		return nil
	}
	a, err := openBLE(ctx, g, string(name))
	if err != nil {
		return err
	}
	ready, failed := make(chan struct{}), make(chan error, 1)
	beside.Go(func() {
		defer a.Close()
		failed <- ble.Serve(ctx, a, ble.Card{
			ID: d.Identity().Card, Handler: d, Random: g.Rand, Log: g.Log, Ready: func() { close(ready) },
		})
	})
	select {
	case <-ready:
		return nil
	case err := <-failed:
		return err
	}
}

// reach is the phone's way to its cards, and what closes it.
func (c phoneRunCmd) reach(ctx context.Context, g *globals) (link.Reach, func(), error) {
	wire := tcp.NewReach(func(card string) string { return c.Card[card] })
	if c.BLE == "" {
		return wire, wire.Close, nil
	}
	a, err := openBLE(ctx, g, string(c.BLE))
	if err != nil {
		return nil, nil, err
	}
	air, err := ble.NewReach(a, g.Rand, g.Log)
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return either{wire, air}, func() {
		wire.Close()
		air.Close()
		a.Close()
	}, nil
}

// either is one link where it reaches the card, and else another.
type either struct{ first, second link.Reach }

// Exchange implements link.Reach. What the first has lost is not sent again over
// the second: the phone does that in its own time.
func (e either) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	answer, err := e.first.Exchange(ctx, card, message)
	if !errors.Is(err, link.ErrOutOfReach) || errors.Is(err, link.ErrLost) {
		return answer, err
	}
	return e.second.Exchange(ctx, card, message)
}
