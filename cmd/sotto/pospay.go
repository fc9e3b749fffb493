package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"sotto/link/pcsc"
	"sotto/money"
	"sotto/pos"
)

type posPayCmd struct {
	posHome
	Amount   string        `arg:"" help:"How much, as 12.34."`
	Currency string        `default:"CNY" help:"Currency, that of the terminal (default ${default})."`
	Order    string        `placeholder:"TEXT" help:"The cash register's own number; an order that was paid is not debited again until its batch is settled."`
	Reader   string        `xor:"reader" placeholder:"NAME" help:"PC/SC reader: its name, or a part of it that only it has (default: the only one there is)."`
	Link     string        `xor:"reader" placeholder:"ADDRESS" help:"The SIM that 'sotto sim run --listen' holds there, without pcscd."`
	Offline  bool          `help:"Do not ask the bank."`
	NoSPI    bool          `name:"no-spi" help:"Be a reader that does not know SEND POI INFORMATION: the chip hears the amount later."`
	Trace    bool          `help:"Explain each command on standard error while it happens."`
	Wait     time.Duration `default:"60s" help:"How long to wait for a chip (default ${default})."`
	JSON     bool          `help:"Print the result as JSON."`
}

// Help has examples.
func (posPayCmd) Help() string {
	return `Waits for a chip, and takes the payment from whichever of its applications can pay.
Prints the receipt. Exits 0 when it was approved, else 1. After "try again" run it
again with the same --order: a tap that was torn is found, and not debited twice. An
order is known until 'sotto pos settle' has settled its batch: behind that its number
is free, as for a cash register that counts anew each day.

  sotto pos pay 12.34 --currency CNY --data ./till
  sotto pos pay 12.34 --reader "Virtual PCD 00 00" --order A-1001 --trace`
}

// Run takes one payment.
func (c posPayCmd) Run(g *globals) error {
	amount, err := money.ParseDecimal(c.Amount, money.Currency(c.Currency))
	if err != nil {
		return fmt.Errorf("%q is no amount of %s: %w", c.Amount, c.Currency, err)
	}
	ctx, cancel := context.WithTimeout(g.Ctx, c.Wait)
	defer cancel()
	name := c.Reader
	if name == "" && c.Link == "" {
		if name, err = onlyReader(ctx); err != nil {
			return err
		}
	}
	reader, err := readerOf(name, c.Link)
	if err != nil {
		return err
	}
	tracing, err := c.openTrace()
	if err != nil {
		return err
	}
	if c.Trace {
		screen, _ := terminalOf(g.Err)
		tracing.live, tracing.colours = g, screen != nil
	}
	t, err := c.open(g, reader, c.Offline, tracing.event, func(s *pos.Settings) { s.WithoutSPI = c.NoSPI })
	if err != nil {
		return errors.Join(err, tracing.close())
	}
	result, err := t.Tap(ctx, pos.Sale{Order: c.Order, Amount: amount})
	err = errors.Join(err, tracing.close())
	if err == nil {
		err = c.tell(g, result)
	}
	c.reverse(g, t)
	return errors.Join(err, t.journal.Close())
}

// reverseTimeMax is how long the till waits, when the payer has gone, for the bank
// to hear what it is to take back.
const reverseTimeMax = 5 * time.Second

// reverse tells the bank what it has decided unheard, so that no account stays
// debited for nothing until the evening. How the payment ended does not depend on
// it.
func (c posPayCmd) reverse(g *globals, t *terminal) {
	if c.Offline || len(t.Entries(pos.Reversing)) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(g.Ctx, reverseTimeMax)
	defer cancel()
	done, err := t.Reverse(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(g.Err, "%v: it will be, with the next payment that asks the bank, or by 'sotto pos settle'\n", err)
	}
	for _, r := range done.Stuck {
		_, _ = fmt.Fprintf(g.Err, "the bank does not take %s back: see 'sotto pos journal'\n", r.Reference)
	}
}

func (c posPayCmd) tell(g *globals, r pos.Result) error {
	if c.JSON {
		if err := json.NewEncoder(g.Out).Encode(r); err != nil { //nolint:musttag // the names of the fields are the names
			return err
		}
	} else {
		for _, found := range r.Found {
			_, _ = fmt.Fprintf(g.Out, "An earlier tap was torn and turned out to be paid:\n%s\n", found.Text())
		}
		if r.Receipt != nil {
			_, _ = fmt.Fprint(g.Out, r.Receipt.Text())
		}
	}
	switch r.Outcome {
	case pos.Approved:
		return nil
	case pos.TryAgain:
		return fmt.Errorf("%s: %s; present the same chip again, with the same --order", r.Outcome, r.Reason)
	case pos.Declined, pos.TryAnotherInterface, pos.EndApplication, pos.OnlineRequest, pos.SelectNext:
	}
	return fmt.Errorf("%s: %s", r.Outcome, r.Reason)
}

// onlyReader is the reader, if there is one.
func onlyReader(ctx context.Context) (string, error) {
	names, err := pcsc.Daemon{Socket: os.Getenv("PCSCLITE_CSOCK_NAME")}.Readers(ctx)
	switch {
	case err != nil:
		return "", err
	case len(names) == 0:
		return "", errors.New("there is no PC/SC reader; connect one, or use --link")
	case len(names) > 1:
		return "", fmt.Errorf("there are %d PC/SC readers; choose one with --reader: %q", len(names), names)
	}
	return names[0], nil
}

type posReadersCmd struct{}

// Help has an example.
func (posReadersCmd) Help() string { return "  sotto pos readers" }

// Run lists the readers.
func (posReadersCmd) Run(g *globals) error {
	names, err := pcsc.Daemon{Socket: os.Getenv("PCSCLITE_CSOCK_NAME")}.Readers(g.Ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(g.Out, name); err != nil {
			return err
		}
	}
	return nil
}
