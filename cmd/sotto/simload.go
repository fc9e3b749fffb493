package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv"
	"sotto/link"
	"sotto/link/pcsc"
	"sotto/link/vpcd"
	"sotto/money"
	"sotto/secret"
	"sotto/sim/host"
)

type simLoadCmd struct {
	simHome
	appletArg
	Amount   string `arg:"" help:"How much, as 50.00."`
	Currency string `default:"CNY" help:"Currency of the purse (default ${default})."`
	Bank     string `default:"http://127.0.0.1:8421" placeholder:"URL" help:"The bank's API (default ${default})."`
	KeyFile  string `required:"" type:"path" placeholder:"FILE" help:"File with an issuer's API key."`
	Account  string `placeholder:"ID" help:"Account that is debited (default: the applet's own)."`
	Country  int    `default:"156" placeholder:"NUMBER" help:"Country of this terminal (ISO 3166-1; default ${default})."`

	Reader string `xor:"reader" placeholder:"NAME" help:"Load the SIM in this PC/SC reader instead of the one in --data."`
	Link   string `xor:"reader" placeholder:"ADDRESS" help:"Load the SIM that 'sotto sim run --listen' holds there."`
}

// Help has an example.
func (simLoadCmd) Help() string {
	return `The bank moves the money into the float, and the purse sets its balance by a script
that only it can check. If anything breaks in between, run the command again: the
purse's next cryptogram tells the bank whether the money arrived, and it is never
loaded twice or lost.

  sotto sim load --data ./sim --key-file issuer.key "Metro purse" 50.00`
}

// Run loads, and lets the purse prove it.
func (c simLoadCmd) Run(g *globals) error {
	amount, err := money.ParseDecimal(c.Amount, money.Currency(c.Currency))
	if err != nil {
		return fmt.Errorf("%q is no amount of %s: %w", c.Amount, c.Currency, err)
	}
	bank, err := bankClient(c.Bank, c.KeyFile)
	if err != nil {
		return err
	}
	connection, aid, closeChip, err := c.chip(g)
	if err != nil {
		return err
	}
	l := loader{g: g, bank: bank, connection: connection, aid: aid, account: c.Account, amount: amount, country: c.Country}
	return errors.Join(l.run(), closeChip())
}

// chip is the SIM at a reader, or the one in the folder.
func (c simLoadCmd) chip(g *globals) (link.Connection, []byte, func() error, error) {
	if c.Reader != "" || c.Link != "" {
		aid, err := hex.DecodeString(c.Applet)
		if err != nil || len(aid) < 5 || len(aid) > 16 {
			return nil, nil, nil, errors.New("at a reader the applet is named by its AID in hex")
		}
		reader, err := readerOf(c.Reader, c.Link)
		if err != nil {
			return nil, nil, nil, err
		}
		connection, err := reader.Connect(g.Ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		return connection, aid, connection.Close, nil
	}
	device, closeStore, err := c.open(g)
	if err != nil {
		return nil, nil, nil, err
	}
	aid, err := c.find(device)
	if err != nil {
		return nil, nil, nil, errors.Join(err, closeStore())
	}
	return directly(device), aid, closeStore, nil
}

// readerOf is a PC/SC reader by its name, or a SIM that listens.
func readerOf(name, address string) (link.Reader, error) {
	if address != "" {
		return vpcd.NewReader(address)
	}
	return pcsc.Daemon{Socket: os.Getenv("PCSCLITE_CSOCK_NAME")}.Reader(name), nil
}

// bankClient speaks to a bank with a key from a file.
func bankClient(url, keyFile string) (*client.Client, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the API key: %w", err)
	}
	defer clear(key)
	return client.New(url, secret.New([]byte(strings.TrimSpace(string(key)))))
}

// loader is one load.
type loader struct {
	g          *globals
	bank       *client.Client
	connection link.Connection
	aid        []byte
	account    string
	amount     money.Amount
	country    int
}

func (l loader) run() error {
	order := host.Order{AID: l.aid, Account: l.account, Amount: l.amount}
	var err error
	if order.Country, err = emv.NewNumeric(l.country); err != nil {
		return errors.New("--country is three digits of ISO 3166-1, as 156")
	}
	year, month, day := l.g.Now().Date()
	if order.Date, err = emv.NewDate(year, int(month), day); err != nil {
		return err
	}
	ended, err := host.TopUp(l.g.Ctx, l.connection, order, l.g.Rand, host.Issuer{
		Create: func(ctx context.Context, r bankapi.CreateLoad) (bankapi.Load, error) {
			return l.bank.CreateLoad(ctx, r)
		},
		Resolve: l.bank.ResolveLoad,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(l.g.Out, ended.Status, ended.ID, l.amount)
	if err == nil && ended.Status != bankapi.LoadCompleted {
		err = errors.New("the purse did not take the load, and the money is back in the account; try again")
	}
	return err
}
