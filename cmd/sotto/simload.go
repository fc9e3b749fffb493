package main

import (
	"context"
	"errors"
	"fmt"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/link"
	"sotto/money"
	"sotto/sim/host"
)

type simLoadCmd struct {
	simAtBank
	Amount  string `arg:"" help:"How much, as 50.00."`
	Account string `placeholder:"ID" help:"Account that is debited (default: the applet's own)."`
}

// Help has an example.
func (simLoadCmd) Help() string {
	return `The bank moves the money into the float, and the purse sets its balance by a script
that only it can check. If anything breaks in between, run the same command again,
with the same --data: it first has the purse tell the bank whether the money arrived,
and loads only if it did not. It is never loaded twice or lost.

  sotto sim load --data ./sim --key-file issuer.key "Metro purse" 50.00`
}

// Run loads, and lets the purse prove it.
func (c simLoadCmd) Run(g *globals) error {
	order, err := c.wants(g)
	if err != nil {
		return err
	}
	return c.meet(g, order, func(bank *client.Client, chip link.Connection, order host.Order) error {
		return loader{g: g, bank: bank, connection: chip, begun: begunLoads{c.Data}, order: order}.run()
	})
}

// wants is the order, but for the applet.
func (c simLoadCmd) wants(g *globals) (host.Order, error) {
	o, err := c.order(g)
	if err != nil {
		return o, err
	}
	o.Account = c.Account
	if o.Amount, err = money.ParseDecimal(c.Amount, o.Amount.Currency); err != nil {
		return o, fmt.Errorf("%q is no amount of %s: %w", c.Amount, c.Currency, err)
	}
	return o, nil
}

// loader is one load.
type loader struct {
	g          *globals
	bank       *client.Client
	connection link.Connection
	begun      begunLoads
	order      host.Order
}

func (l loader) issuer() host.Issuer {
	return host.Issuer{
		Create: func(ctx context.Context, r bankapi.CreateLoad) (bankapi.Load, error) {
			made, err := l.bank.CreateLoad(ctx, r)
			if err == nil {
				err = l.begun.keep(begunLoad{Load: made.ID, AID: hexAID(l.order.AID), Account: l.order.Account, Amount: l.order.Amount})
			}
			return made, err
		},
		Resolve: l.bank.ResolveLoad,
	}
}

// run finishes what was begun before, or else loads.
func (l loader) run() error {
	if done, err := l.finish(); done || err != nil {
		return err
	}
	ended, err := host.TopUp(l.g.Ctx, l.connection, l.order, l.g.Rand, l.issuer())
	if err != nil {
		switch {
		case ended.ID != "":
			err = fmt.Errorf("%w; run the same command again: it finishes %s, and does not load twice", err, ended.ID)
		case errors.Is(err, host.ErrRefused):
			err = l.tooMuch(err)
		}
		return err
	}
	if err := l.tell(ended); err != nil {
		return err
	}
	if ended.Status != bankapi.LoadCompleted {
		return errors.New("the purse did not take the load, and the money is back in the account; try again")
	}
	return nil
}

// tooMuch says what the purse would take, when it takes no load of this amount.
func (l loader) tooMuch(refused error) error {
	has, most, err := host.Holds(l.g.Ctx, l.connection, l.order.AID)
	if err != nil || l.order.Amount.Minor <= most-has {
		return refused // it has another reason
	}
	amount := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: l.order.Amount.Currency} }
	return fmt.Errorf("%w: the purse may hold %v and has %v: load %v at most", refused, amount(most), amount(has), amount(most-has))
}

// finish ends the loads of this purse whose end no command has seen. It is done
// if one of them has arrived after all and is the one that is wanted.
func (l loader) finish() (done bool, err error) {
	list, err := l.begun.of(l.order.AID)
	if err != nil {
		return false, err
	}
	for _, b := range list {
		ended, err := l.order.Resolve(l.g.Ctx, l.connection, b.Load, l.g.Rand, l.issuer())
		switch said, problem := errors.AsType[*bankapi.Problem](err); {
		case problem && said.Reason() == bankapi.Invalid:
			continue // it is of another purse with this name, at the reader then
		case problem && said.Reason() == bankapi.NotFound:
			return false, fmt.Errorf("finish %s, which was begun before: %w; is this another --bank? Nothing was loaded", b.Load, err)
		case err != nil:
			return false, fmt.Errorf("finish %s, which was begun before: %w; nothing more was loaded: run the same command again", b.Load, err)
		}
		if err := l.tell(ended); err != nil {
			return false, err
		}
		switch {
		case ended.Status != bankapi.LoadCompleted: // the money is back, and the purse still to be loaded
		case b.Account == l.order.Account && b.Amount == l.order.Amount:
			return true, nil
		default:
			return false, fmt.Errorf("%s, which was begun before, has arrived, and nothing more was loaded: run the command again if %v is wanted too", b.Load, l.order.Amount)
		}
	}
	return false, nil
}

// tell prints how a load has ended. Once that is said it need not be remembered.
func (l loader) tell(ended bankapi.Load) error {
	amount := money.Amount{Minor: ended.Amount, Currency: money.Currency(ended.Currency)}
	if _, err := fmt.Fprintln(l.g.Out, ended.Status, ended.ID, amount); err != nil {
		return err
	}
	return l.begun.forget(ended.ID)
}
