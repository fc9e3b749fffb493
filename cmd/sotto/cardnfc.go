package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"sotto/card"
	"sotto/ident"
	"sotto/link"
	"sotto/link/nfc"
	"sotto/link/vpcd"
)

// cardNearFlags say in which readers the card lies.
type cardNearFlags struct {
	VPCD string `name:"vpcd" placeholder:"HOST:PORT" help:"Put the card into the virtual reader of pcscd there as well, as in 127.0.0.1:35963: NFC without a radio."`
	SIM  string `name:"sim" type:"path" placeholder:"DIR" help:"Be the bank card too: the SIM of this folder, from 'sotto sim new', beside the display in the same chip; with --vpcd."`
	RFID string `name:"rfid" placeholder:"HOST:PORT" help:"Put the card, as a tag with a mailbox, into an ISO/IEC 15693 reader that is virtual as well, in the virtual reader of pcscd there."`
}

// serveNear puts the card into its readers until ctx is done. What ends sooner is
// logged: the card has other links.
func (c cardNearFlags) serveNear(ctx context.Context, g *globals, beside *sync.WaitGroup, d *card.Device) error {
	if c.SIM != "" && c.VPCD == "" {
		return errors.New("--sim is for a card in a reader: say which with --vpcd HOST:PORT")
	}
	id := ident.Text(ident.Card, d.Identity().Card)
	if c.VPCD != "" {
		display := nfc.NewCard(id, d, g.Rand)
		var chip link.Chip = display
		closeStore := func() error { return nil }
		if c.SIM != "" {
			device, closer, err := simHome{Data: c.SIM}.open(g)
			if err != nil {
				return err
			}
			chip, closeStore = nfc.Beside(display, device), closer
		}
		if err := present(ctx, g, beside, c.VPCD, chip, closeStore); err != nil {
			return errors.Join(err, closeStore())
		}
	}
	if c.RFID != "" {
		reader, err := virtualRFID(g, id, d)
		if err != nil {
			return err
		}
		return present(ctx, g, beside, c.RFID, reader, func() error { return nil })
	}
	return nil
}

// present keeps a chip in pcscd's reader at an address.
func present(ctx context.Context, g *globals, beside *sync.WaitGroup, address string, chip link.Chip, after func() error) error {
	if !strings.Contains(address, ":") {
		return fmt.Errorf("%q is no address of a virtual reader: give HOST:PORT, as in %s", address, vpcd.DefaultAddress)
	}
	beside.Go(func() {
		err := vpcd.Run(ctx, address, chip, vpcd.Options{Log: g.Log})
		if err = errors.Join(err, after()); err != nil {
			g.Log.Error("the card has left its reader", "reason", err)
		}
	})
	return nil
}
