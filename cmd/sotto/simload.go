package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	terms, err := l.terms()
	if err != nil {
		return err
	}
	if terms.Amount, err = emv.NewAmount(l.amount.Minor); err != nil {
		return err
	}
	var made bankapi.Load
	_, err = host.Load(l.g.Ctx, l.connection, l.aid, terms, func(ctx context.Context, r host.Request) (host.Answer, error) {
		var err error
		made, err = l.bank.CreateLoad(ctx, bankapi.CreateLoad{
			Account: l.account, Amount: l.amount.Minor, Currency: string(l.amount.Currency), ChipData: chipData(r),
		})
		if err != nil {
			return host.Answer{}, err
		}
		return answerOf(made)
	})
	if made.ID == "" {
		return err
	}
	if unproved := l.prove(made); unproved != nil {
		return errors.Join(err, unproved)
	}
	return nil // whatever the reader made of it
}

// prove lets the purse say whether the money has arrived.
func (l loader) prove(made bankapi.Load) error {
	terms, err := l.terms()
	if err != nil {
		return err
	}
	proof, err := host.Prove(l.g.Ctx, l.connection, l.aid, terms)
	if err != nil {
		return fmt.Errorf("ask the purse whether the load arrived: %w; run the command again, or pay: the bank learns it then", err)
	}
	ended, err := l.bank.ResolveLoad(l.g.Ctx, made.ID, bankapi.ResolveLoad{ChipData: chipData(proof)})
	if err != nil {
		return fmt.Errorf("tell the bank whether the load arrived: %w; it learns it with the next load or tap", err)
	}
	_, err = fmt.Fprintln(l.g.Out, ended.Status, ended.ID, l.amount)
	if err == nil && ended.Status != bankapi.LoadCompleted {
		err = errors.New("the purse did not take the load, and the money is back in the account; try again")
	}
	return err
}

func (l loader) terms() (t host.Terms, err error) {
	if t.Currency, err = emv.NewNumeric(l.amount.Currency.Numeric()); err != nil {
		return t, err
	}
	if t.Country, err = emv.NewNumeric(l.country); err != nil {
		return t, errors.New("--country is three digits of ISO 3166-1, as 156")
	}
	year, month, day := l.g.Now().Date()
	if t.Date, err = emv.NewDate(year, int(month), day); err != nil {
		return t, err
	}
	_, err = io.ReadFull(l.g.Rand, t.Unpredictable[:])
	return t, err
}

// chipData is a cryptogram as the bank takes it.
func chipData(r host.Request) string {
	iad, err := emv.ParseIAD(r.IAD)
	if err != nil {
		return "" // the bank refuses it
	}
	d := bankapi.ChipData{
		PAN: r.PAN, Sequence: r.PSN, AID: r.AID, CID: r.CID, AC: r.ARQC, IAD: iad,
		Input: emv.ACInput{
			Amount: r.Amount, Other: r.Other, Country: r.Country, TVR: r.TVR, Currency: r.Currency, Date: r.Date, Type: r.Type,
			Unpredictable: r.Unpredictable, AIP: r.AIP, ATC: r.ATC, CVN: iad.CVN, CVR: iad.CVR,
		},
	}
	return d.Hex()
}

// answerOf is what the chip is told.
func answerOf(l bankapi.Load) (a host.Answer, err error) {
	if a.IssuerAuth, err = hex.DecodeString(l.IssuerAuth); err != nil {
		return a, err
	}
	if len(l.ResponseCode) == 2 {
		a.ARC = emv.ARC(l.ResponseCode[0])<<8 | emv.ARC(l.ResponseCode[1])
	}
	raw, err := hex.DecodeString(l.Script)
	if err != nil {
		return a, err
	}
	script, err := emv.ParseScript(raw)
	a.Commands = script.Commands
	return a, err
}
