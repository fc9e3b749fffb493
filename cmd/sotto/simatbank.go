package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"sotto/bankapi/client"
	"sotto/emv"
	"sotto/link"
	"sotto/link/pcsc"
	"sotto/link/vpcd"
	"sotto/money"
	"sotto/secret"
	"sotto/sim/host"
)

// simAtBank is an applet at a reader whose terminal asks the bank with an issuer's
// key.
type simAtBank struct {
	simHome
	appletArg
	Currency string `default:"CNY" help:"Currency of the applet (default ${default})."`
	Bank     string `default:"http://127.0.0.1:8421" placeholder:"URL" help:"The bank's API (default ${default})."`
	KeyFile  string `required:"" type:"path" placeholder:"FILE" help:"File with an issuer's API key."`
	Country  int    `default:"156" placeholder:"NUMBER" help:"Country of this terminal (ISO 3166-1; default ${default})."`

	Reader string `xor:"reader" placeholder:"NAME" help:"Take the SIM in this PC/SC reader instead of the one in --data."`
	Link   string `xor:"reader" placeholder:"ADDRESS" help:"Take the SIM that 'sotto sim run --listen' holds there."`
}

// order is one of nothing, but for the applet.
func (c simAtBank) order(g *globals) (o host.Order, err error) {
	if o.Amount.Currency, err = money.ParseCurrency(c.Currency); err != nil {
		return o, fmt.Errorf("--currency: %w", err)
	}
	if o.Country, err = emv.NewNumeric(c.Country); err != nil {
		return o, errors.New("--country is three digits of ISO 3166-1, as 156")
	}
	year, month, day := g.Now().Date()
	o.Date, err = emv.NewDate(year, int(month), day)
	return o, err
}

// meet brings the bank and the chip together, for an order that is now one of this
// applet.
func (c simAtBank) meet(g *globals, o host.Order, do func(*client.Client, link.Connection, host.Order) error) error {
	bank, err := bankClient(c.Bank, c.KeyFile)
	if err != nil {
		return err
	}
	connection, aid, closeChip, err := c.chip(g)
	if err != nil {
		return err
	}
	o.AID = aid
	return errors.Join(do(bank, connection, o), closeChip())
}

// chip is the SIM at a reader, or the one in the folder.
func (c simAtBank) chip(g *globals) (link.Connection, []byte, func() error, error) {
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
