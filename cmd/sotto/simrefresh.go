package main

import (
	"context"
	"fmt"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/sim/host"
)

type simRefreshCmd struct{ simAtBank }

// Help has an example.
func (simRefreshCmd) Help() string {
	return `A SIM does not offer an applet for what its account was last known not to have. After
the account was filled up, this has the bank say what is available, authenticated,
and the applet take note of it. No money moves. At a reader the SIM is asked over
contacts ('sotto sim run --contact').

  sotto sim refresh --data ./sim --key-file issuer.key Debit`
}

// Run asks the bank, and prints what the applet now knows.
func (c simRefreshCmd) Run(g *globals) error {
	order, err := c.order(g)
	if err != nil {
		return err
	}
	var said bankapi.Inquiry
	err = c.meet(g, order, func(bank *client.Client, chip link.Connection, met host.Order) (err error) {
		order = met
		said, err = host.Refresh(g.Ctx, chip, order, g.Rand, func(ctx context.Context, r bankapi.Inquire) (bankapi.Inquiry, error) {
			return bank.Inquire(ctx, r)
		})
		return err
	})
	if err != nil {
		return err
	}
	available := money.Amount{Minor: said.Available, Currency: money.Currency(said.Currency)}
	if _, err := fmt.Fprintf(g.Out, "%s now knows of %v\n", hexAID(order.AID), available); err != nil {
		return err
	}
	if said.ResponseCode != emv.ARCApproved.String() {
		return fmt.Errorf("the bank does not let it pay (%s): it is blocked there, or has expired", said.ResponseCode)
	}
	return nil
}
