package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
	"sotto/pos/journal"
)

// posCmd is the terminal at the till.
type posCmd struct {
	Init    posInitCmd    `cmd:"" help:"Set a terminal up with its bank."`
	Pay     posPayCmd     `cmd:"" help:"Take one payment from the chip at the reader."`
	Settle  posSettleCmd  `cmd:"" help:"Upload what was taken, close the batch, and get paid."`
	Journal posJournalCmd `cmd:"" help:"List what was taken."`
	Trace   posTraceCmd   `cmd:"" help:"Explain the last tap, command by command."`
	Readers posReadersCmd `cmd:"" help:"List the PC/SC readers."`
}

// posHome is the folder of a terminal.
type posHome struct {
	Data string `default:"${state}/pos" type:"path" placeholder:"DIR" help:"Folder of the terminal (default ${default})."`
}

func (h posHome) file(name string) string { return filepath.Join(h.Data, name) }

// posConfig is what 'sotto pos init' keeps, besides the API key.
type posConfig struct {
	Terminal string   `json:"terminal"`
	Name     string   `json:"name"`
	Country  int      `json:"country"`
	Currency string   `json:"currency"`
	Bank     string   `json:"bank"`
	AIDs     []string `json:"aids"`
	// FirstBatch is behind all that the bank had of this terminal at the beginning.
	FirstBatch int `json:"first_batch,omitempty"`
	posLimits
	CAKeys []bankapi.CAKey `json:"ca_keys"`
}

type posInitCmd struct {
	posHome
	Bank     string `default:"http://127.0.0.1:8421" placeholder:"URL" help:"The bank's API (default ${default})."`
	KeyFile  string `required:"" type:"path" placeholder:"FILE" help:"File with the merchant's API key; it is copied into the folder."`
	Terminal string `default:"TILL1" placeholder:"ID" help:"Terminal identification: 1 to 8 letters and digits (default ${default})."`
	Name     string `default:"" placeholder:"TEXT" help:"The merchant's name, for receipts."`
	Currency string `default:"CNY" help:"Currency (default ${default})."`
	Country  int    `default:"156" placeholder:"NUMBER" help:"Country (ISO 3166-1; default ${default})."`
	posLimitFlags
	AID []string `name:"aid" default:"F0736F74746F" placeholder:"HEX" help:"Applications it takes: AIDs, or how they begin (default ${default})."`
}

// Help has an example.
func (posInitCmd) Help() string {
	return `Fetches the public keys with which chips are checked from the bank, so that later taps
need no network.

  sotto pos init --data ./till --key-file merchant.key --terminal TILL1 --name "Tea House"
  sotto pos init --data ./till --key-file merchant.key --tap-max 1000 --holder-min 300 --signature`
}

// Run writes the folder.
func (c posInitCmd) Run(g *globals) error {
	limits, err := c.limits(money.Currency(c.Currency))
	if err != nil {
		return err
	}
	bank, err := bankClient(c.Bank, c.KeyFile)
	if err != nil {
		return err
	}
	keys, err := bank.CAKeys(g.Ctx)
	if err != nil {
		return fmt.Errorf("fetch the bank's public keys: %w", err)
	}
	config := posConfig{
		Terminal: c.Terminal, Name: c.Name, Country: c.Country, Currency: c.Currency, Bank: c.Bank, AIDs: c.AID, CAKeys: keys.Data,
		posLimits: limits,
	}
	if _, err := os.Stat(c.file("journal")); errors.Is(err, fs.ErrNotExist) {
		last, err := lastBatch(g.Ctx, bank, c.Terminal)
		if err != nil {
			return fmt.Errorf("ask the bank for this terminal's batches: %w", err)
		}
		config.FirstBatch = last + 1
	}
	if _, err := config.settings(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the terminal's folder: %w", err)
	}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return fmt.Errorf("read the API key: %w", err)
	}
	defer clear(key)
	if err := errors.Join(os.WriteFile(c.file("terminal.json"), text, 0o600), os.WriteFile(c.file("api.key"), key, 0o600)); err != nil { //nolint:gosec // the folder is the user's to name
		return fmt.Errorf("write the terminal's folder: %w", err)
	}
	_, err = fmt.Fprintf(g.Out, "terminal %s of %s, with %d public keys\n", c.Terminal, c.Bank, len(keys.Data))
	if err == nil && config.FirstBatch > 1 {
		_, err = fmt.Fprintf(g.Out, "the bank has batches of a terminal %s: this one goes on with batch %d\n", c.Terminal, config.FirstBatch)
	}
	return err
}

// lastBatch is the highest batch that the bank has of a terminal, 0 if none. The
// bank's list is not in the order of the numbers.
func lastBatch(ctx context.Context, bank *client.Client, terminal string) (last int, err error) {
	for p := (client.Page{Limit: 100}); ; {
		list, err := bank.Batches(ctx, p)
		if err != nil {
			return 0, err
		}
		for _, b := range list.Data {
			if b.Terminal == terminal {
				last = max(last, b.Number)
			}
		}
		if p.Cursor = list.NextCursor; p.Cursor == "" {
			return last, nil
		}
	}
}

// read takes up what init wrote.
func (h posHome) read() (c posConfig, err error) {
	text, err := os.ReadFile(h.file("terminal.json"))
	if err != nil {
		return c, fmt.Errorf("there is no terminal in %s; make one with: sotto pos init --data %s", h.Data, h.Data)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%s cannot be read; run 'sotto pos init' again", h.file("terminal.json"))
	}
	return c, nil
}

func (c posConfig) settings() (s pos.Settings, err error) {
	s = pos.Settings{
		Terminal: c.Terminal, Name: c.Name, Currency: money.Currency(c.Currency), Signature: c.Signature, FloorLimit: c.FloorLimit,
		FirstBatch: c.FirstBatch,
	}
	if s.Country, err = emv.NewNumeric(c.Country); err != nil {
		return s, errors.New("--country is three digits of ISO 3166-1, as 156")
	}
	for _, text := range c.AIDs {
		aid, err := hex.DecodeString(text)
		if err != nil {
			return s, fmt.Errorf("%q is no AID in hex", text)
		}
		s.Applications = append(s.Applications, c.application(aid))
	}
	for _, k := range c.CAKeys {
		ca, err := k.Authority()
		if err != nil {
			return s, fmt.Errorf("a public key of the bank cannot be used: %w", err)
		}
		s.Authorities.CAs = append(s.Authorities.CAs, ca)
	}
	return s, nil
}

// terminal is a till at work.
type terminal struct {
	*pos.Terminal
	journal *journal.Journal
}

// open makes the terminal of the folder. change may alter its settings.
func (h posHome) open(g *globals, reader link.Reader, offline bool, trace func(pos.Event), change func(*pos.Settings)) (*terminal, error) {
	config, err := h.read()
	if err != nil {
		return nil, err
	}
	settings, err := config.settings()
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&settings)
	}
	o := pos.Options{Settings: settings, Reader: reader, Now: g.Now, Random: g.Rand, Trace: trace}
	if !offline {
		bank, err := bankClient(config.Bank, h.file("api.key"))
		if err != nil {
			return nil, err
		}
		o.Acquirer = bank
		o.LastBatch = func(ctx context.Context) (int, error) { return lastBatch(ctx, bank, config.Terminal) }
	}
	j, err := journal.Open(h.file("journal"))
	if err != nil {
		return nil, err
	}
	o.Journal = j
	t, err := pos.New(o)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return &terminal{t, j}, nil
}

// noReader is the reader of commands that need none.
type noReader struct{}

func (noReader) Connect(context.Context) (link.Connection, error) {
	return nil, errors.New("there is no reader")
}
