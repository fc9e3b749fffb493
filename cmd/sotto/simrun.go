package main

import (
	"errors"
	"fmt"

	"sotto/link"
	"sotto/link/vpcd"
)

type simRunCmd struct {
	simHome
	VPCD    string `name:"vpcd" placeholder:"HOST:PORT" help:"Put the SIM into the virtual reader of pcscd there, as in 127.0.0.1:35963."`
	Listen  string `placeholder:"ADDRESS" help:"Let 'sotto pos --link' come to the SIM here, without pcscd: HOST:PORT of loopback, or the path of a socket."`
	Contact bool   `help:"Stand in a slot with contacts instead of a field."`
}

// Help has examples.
func (simRunCmd) Help() string {
	return `Nothing but the SIM is needed to pay: no network, no app, no phone that is switched
on. Prints "ready" when it may be tapped.

  sotto sim run --data ./sim --listen 127.0.0.1:7401
  sotto sim run --data ./sim --vpcd 127.0.0.1:35963 --contact`
}

// Run answers a reader until the command is asked to end.
func (c simRunCmd) Run(g *globals) error {
	if (c.VPCD == "") == (c.Listen == "") {
		return errors.New("say where the reader is: --vpcd HOST:PORT, or --listen ADDRESS")
	}
	device, closeStore, err := c.open(g)
	if err != nil {
		return err
	}
	options := vpcd.Options{Log: g.Log}
	if c.Contact {
		options.Interface = link.Contact
	}
	if c.VPCD != "" {
		_, _ = fmt.Fprintln(g.Out, "ready", c.VPCD)
		return errors.Join(vpcd.Run(g.Ctx, c.VPCD, device, options), closeStore())
	}
	l, err := vpcd.Listen(g.Ctx, c.Listen)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	_, _ = fmt.Fprintln(g.Out, "ready", l.Addr())
	return errors.Join(vpcd.Serve(g.Ctx, l, device, options), closeStore())
}
