package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"sotto/emv/cps"
	"sotto/link"
	"sotto/money"
	"sotto/sim"
	"sotto/sim/bolt"
	"sotto/sim/host"
)

// simCmd is the near-field payment device.
type simCmd struct {
	New     simNewCmd     `cmd:"" help:"Make the folder of a new SIM and print the recipient to issue applets to."`
	Install simInstallCmd `cmd:"" help:"Install an applet that the bank has personalised."`
	List    simListCmd    `cmd:"" help:"List the applets."`
	Show    simShowCmd    `cmd:"" help:"Show one applet."`
	Load    simLoadCmd    `cmd:"" help:"Load a purse from its account at the bank."`
	Refresh simRefreshCmd `cmd:"" help:"Tell an applet what is available in its account at the bank."`
	Prefer  simPreferCmd  `cmd:"" help:"Say which applet is to pay first, or by which policy."`
	Lock    simLockCmd    `cmd:"" help:"Keep an applet from paying, or let it pay again."`
	Delete  simDeleteCmd  `cmd:"" help:"Delete an applet."`
	Log     simLogCmd     `cmd:"" help:"Show the last transactions of an applet."`
	Run     simRunCmd     `cmd:"" help:"Hold the SIM to a reader until the command ends."`
}

// simHome is the folder of a SIM.
type simHome struct {
	Data string `default:"${state}/sim" type:"path" placeholder:"DIR" help:"Folder of the SIM (default ${default})."`
}

func (h simHome) identity() string { return filepath.Join(h.Data, "identity.txt") }

// open takes the folder. Nobody else has it until close.
func (h simHome) open(g *globals) (*sim.Device, func() error, error) {
	store, err := bolt.Open(h.Data)
	if err != nil {
		return nil, nil, err
	}
	device, err := sim.Open(store, sim.Options{Key: store.Key(), Random: g.Rand, Now: g.Now})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return device, store.Close, nil
}

// with opens the SIM for as long as f runs.
func (h simHome) with(g *globals, f func(*sim.Device) error) error {
	device, closeStore, err := h.open(g)
	if err != nil {
		return err
	}
	return errors.Join(f(device), closeStore())
}

// manage opens a secure channel to the SIM's issuer security domain.
func (h simHome) manage(g *globals, f func(*host.Domain) error) error {
	store, err := bolt.Open(h.Data)
	if err != nil {
		return err
	}
	device, err := sim.Open(store, sim.Options{Key: store.Key(), Random: g.Rand, Now: g.Now})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	keys, err := sim.IssuerKeys(store.Key())
	if err != nil {
		return errors.Join(err, store.Close())
	}
	domain, err := host.Open(g.Ctx, directly(device), keys, g.Rand)
	if err == nil {
		err = f(domain)
	}
	return errors.Join(err, store.Close())
}

// direct is a connection to a chip in this process.
type direct struct{ chip link.Chip }

func directly(c link.Chip) direct {
	c.Reset(link.Contact)
	return direct{c}
}

func (direct) Interface() link.Interface { return link.Contact }
func (direct) Close() error              { return nil }
func (d direct) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return d.chip.Transmit(command), ctx.Err()
}

type simNewCmd struct{ simHome }

// Help has an example.
func (simNewCmd) Help() string {
	return `Prints an age recipient. Hand it to the bank as "recipient" when it personalises an
applet: what the bank answers is encrypted to this folder alone.

Example:
  sotto sim new --data ./sim`
}

// Run makes the folder.
func (c simNewCmd) Run(g *globals) error {
	store, err := bolt.Create(c.Data, g.Rand)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	if err := newIdentity(c.identity()); err != nil {
		return err
	}
	return printRecipient(g, c.identity())
}

type simInstallCmd struct {
	simHome
	File string `arg:"" optional:"" default:"-" help:"The bank's answer, an armored age file; - or nothing is standard input."`
}

// Help has an example.
func (simInstallCmd) Help() string {
	return `Installs and personalises through the SIM's issuer security domain, in a secure
channel (SCP03). The SIM assigns the applet its security credential. Prints the AID.

Example:
  sotto sim install --data ./sim purse.age`
}

// Run decrypts and installs.
func (c simInstallCmd) Run(g *globals) error {
	plain, err := decryptFor(g, c.identity(), c.File, cps.FileMax, "sotto sim new")
	if err != nil {
		return err
	}
	defer clear(plain)
	applet, err := cps.ParseApplet(plain)
	if err != nil {
		return fmt.Errorf("the bank's answer is no applet of this version: %w", err)
	}
	defer cps.Wipe(applet.Groups)
	if err := c.manage(g, func(d *host.Domain) error { return d.Install(g.Ctx, applet) }); err != nil {
		return fmt.Errorf("install %X: %w", applet.AID, err)
	}
	_, err = fmt.Fprintf(g.Out, "installed %X\n", applet.AID)
	return err
}

type simListCmd struct{ simHome }

// Help has an example.
func (simListCmd) Help() string { return "  sotto sim list --data ./sim" }

// Run prints a table.
func (c simListCmd) Run(g *globals) error {
	return c.with(g, func(d *sim.Device) error {
		applets, err := d.List()
		if err != nil {
			return err
		}
		policy, err := d.Policy()
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "AID\tLABEL\tKIND\tAVAILABLE\tSTATE")
		for _, a := range applets {
			_, _ = fmt.Fprintf(w, "%X\t%s\t%v\t%s\t%s\n", a.AID, a.Label, a.Kind, available(a), strings.Join(stateOf(a), ", "))
		}
		_, _ = fmt.Fprintf(w, "\npolicy: %v\n", policy)
		return w.Flush()
	})
}

func available(a sim.Applet) string {
	if !a.Personalized {
		return "-"
	}
	return money.Amount{Minor: a.Available, Currency: a.Currency}.String()
}

func stateOf(a sim.Applet) (words []string) {
	for _, one := range []struct {
		is   bool
		word string
	}{
		{a.Preferred, "preferred"}, {!a.Personalized, "not personalised"}, {a.Held, "locked by the holder"},
		{a.Locked, "locked by the issuer"}, {a.Blocked, "blocked"}, {a.Exhausted, "exhausted"}, {a.Expired, "expired"},
		{a.Torn, "last debit torn"},
	} {
		if one.is {
			words = append(words, one.word)
		}
	}
	if len(words) == 0 || len(words) == 1 && a.Preferred {
		words = append(words, "ready")
	}
	return words
}

// appletArg names an applet by AID or label.
type appletArg struct {
	Applet string `arg:"" help:"The applet: its AID in hex, or its label."`
}

// find is the AID.
func (c appletArg) find(d *sim.Device) ([]byte, error) {
	applets, err := d.List()
	if err != nil {
		return nil, err
	}
	aid, notHex := hex.DecodeString(c.Applet)
	var found [][]byte
	for _, a := range applets {
		if notHex == nil && bytes.Equal(a.AID, aid) || strings.EqualFold(a.Label, c.Applet) {
			found = append(found, a.AID)
		}
	}
	switch len(found) {
	case 0:
		return nil, sim.ErrNoApplet
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d applets have that label; give the AID", len(found))
}

type simShowCmd struct {
	simHome
	appletArg
}

// Help has an example.
func (simShowCmd) Help() string { return "  sotto sim show --data ./sim \"Metro purse\"" }

// Run prints what the holder may see.
func (c simShowCmd) Run(g *globals) error {
	return c.with(g, func(d *sim.Device) error {
		aid, err := c.find(d)
		if err != nil {
			return err
		}
		a, err := d.Show(aid)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)
		row := func(name string, value any) { _, _ = fmt.Fprintf(w, "%s\t%v\n", name, value) }
		amount := func(minor int64) string { return money.Amount{Minor: minor, Currency: a.Currency}.String() }
		row("AID", strings.ToUpper(hex.EncodeToString(a.AID)))
		row("label", a.Label)
		row("kind", a.Kind)
		row("state", strings.Join(stateOf(a), ", "))
		if a.Personalized {
			row("available", amount(a.Available))
			row("most it may hold", amount(a.Most))
			row("most of one tap", amount(a.TapMax))
			row("expires", a.Expiry)
			row("transaction counter", a.ATC)
		}
		return w.Flush()
	})
}

type simPreferCmd struct {
	simHome
	Applet string `arg:"" optional:"" help:"The applet to pay first: its AID in hex, or its label."`
	None   bool   `help:"Prefer no applet any more."`
	Policy string `placeholder:"POLICY" help:"How the SIM chooses: preferred (first the preferred one), best-fit, most-left or fixed."`
}

// Help has examples.
func (simPreferCmd) Help() string {
	return `  sotto sim prefer --data ./sim "Metro purse"
  sotto sim prefer --data ./sim --policy best-fit`
}

// Run changes the setting.
func (c simPreferCmd) Run(g *globals) error {
	if c.Applet == "" && !c.None && c.Policy == "" {
		return errors.New("say which applet, --none, or a --policy")
	}
	return c.with(g, func(d *sim.Device) error {
		if c.Policy != "" {
			policy, known := sim.ParsePolicy(c.Policy)
			if !known {
				return sim.ErrPolicy
			}
			if err := d.SetPolicy(policy); err != nil {
				return err
			}
		}
		if c.None {
			return d.Prefer(nil)
		}
		if c.Applet == "" {
			return nil
		}
		aid, err := appletArg{c.Applet}.find(d)
		if err != nil {
			return err
		}
		return d.Prefer(aid)
	})
}

type simLockCmd struct {
	simHome
	appletArg
	Undo bool `help:"Let it pay again."`
}

// Help has examples.
func (simLockCmd) Help() string {
	return `  sotto sim lock --data ./sim "Metro purse"
  sotto sim lock --data ./sim --undo "Metro purse"`
}

// Run locks or unlocks.
func (c simLockCmd) Run(g *globals) error {
	return c.with(g, func(d *sim.Device) error {
		aid, err := c.find(d)
		if err != nil {
			return err
		}
		if c.Undo {
			return d.Unlock(aid)
		}
		return d.Lock(aid)
	})
}

type simDeleteCmd struct {
	simHome
	appletArg
	Yes    bool `help:"Delete it although there is money in it."`
	DryRun bool `help:"Say what would be deleted, and leave it."`
}

// Help has an example.
func (simDeleteCmd) Help() string {
	return `A purse with money in it is deleted with --yes only: nobody can give the money back
from an applet that is gone.

  sotto sim delete --data ./sim --dry-run "Metro purse"`
}

// Run deletes in a secure channel.
func (c simDeleteCmd) Run(g *globals) error {
	var doomed sim.Applet
	if err := c.with(g, func(d *sim.Device) error {
		aid, err := c.find(d)
		if err != nil {
			return err
		}
		doomed, err = d.Show(aid)
		return err
	}); err != nil {
		return err
	}
	money := doomed.Kind == sim.Purse && doomed.Available > 0
	switch {
	case c.DryRun:
		_, err := fmt.Fprintf(g.Out, "would delete %X, %q, with %s\n", doomed.AID, doomed.Label, available(doomed))
		return err
	case money && !c.Yes:
		return fmt.Errorf("%q holds %s: spend it first, or delete it with --yes", doomed.Label, available(doomed))
	}
	if err := c.manage(g, func(d *host.Domain) error { return d.Delete(g.Ctx, doomed.AID) }); err != nil {
		return err
	}
	_, err := fmt.Fprintf(g.Out, "deleted %X\n", doomed.AID)
	return err
}

type simLogCmd struct {
	simHome
	appletArg
}

// Help has an example.
func (simLogCmd) Help() string { return "  sotto sim log --data ./sim \"Metro purse\"" }

// Run prints the last transactions.
func (c simLogCmd) Run(g *globals) error {
	return c.with(g, func(d *sim.Device) error {
		aid, err := c.find(d)
		if err != nil {
			return err
		}
		entries, err := d.Log(aid)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(w, "ATC\tDATE\tWHAT\tAMOUNT\tBALANCE\t")
		for _, e := range entries {
			what := "debit"
			if e.Load {
				what = "load"
			}
			_, _ = fmt.Fprintf(w, "%d\t%v\t%s\t%v\t%v\t\n", e.ATC, e.Date, what,
				money.Amount{Minor: e.Amount, Currency: e.Currency}, money.Amount{Minor: e.Balance, Currency: e.Currency})
		}
		return w.Flush()
	})
}
