package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv/cps"
)

// demoApplet is one applet of the demo's SIM.
type demoApplet struct {
	bankapi.IssueApplet
	load   int64 // minor units, from the account
	locked bool  // by the holder
}

// demoApplets are such that every amount has its story: the purse that comes
// first is nearly empty, another has enough for a day, a third is locked, and
// the account pays what is more. The numbers have the form of card numbers and
// are nobody's.
var demoApplets = []demoApplet{
	{
		IssueApplet: bankapi.IssueApplet{
			Kind: bankapi.AppletPurse, PAN: "6217000000000105", AID: "F0736F74746F010001", Label: "Bus purse",
			Priority: 1, BalanceMax: 20_000,
		},
		load: 300,
	},
	{
		IssueApplet: bankapi.IssueApplet{
			Kind: bankapi.AppletPurse, PAN: "6217000000000204", AID: "F0736F74746F010002", Label: "Metro purse",
			Priority: 2, BalanceMax: 100_000, TapMax: 10_000,
		},
		load: 12_000,
	},
	{
		IssueApplet: bankapi.IssueApplet{
			Kind: bankapi.AppletPurse, PAN: "6217000000000303", AID: "F0736F74746F010003", Label: "Travel purse",
			Priority: 3, BalanceMax: 100_000,
		},
		load: 8_000, locked: true,
	},
	{
		IssueApplet: bankapi.IssueApplet{
			Kind: bankapi.AppletAccount, PAN: "6217000000000402", AID: "F0736F74746F020001", Label: "Debit account", Priority: 4,
		},
	},
}

// counterDevices switches SIM and till on.
func (l *Lab) counterDevices(ctx context.Context) (err error) {
	if l.wallet, err = openWallet(l.home.sim(), l.c.Now, l.c.Random, l.fact); err != nil {
		return err
	}
	l.field = &field{
		chip:     l.wallet.device,
		crossing: func(to Party) { l.change(func(w *world) { w.tap.crossing = to }) },
		carried:  l.carried,
	}
	keys, err := l.shop.CAKeys(ctx)
	if err != nil {
		return fmt.Errorf("fetch the keys with which chips are checked: %w", err)
	}
	labels := map[string]string{}
	for _, a := range demoApplets {
		labels[a.AID] = a.Label
	}
	l.mu.Lock()
	l.world.tap.labels = labels
	l.mu.Unlock()
	l.counter, err = openCounter(counterConfig{
		dir: l.home.till(), bank: acquirer{l.shop, l.asksBank, l.bankSays}, keys: keys.Data, reader: l.field,
		now: l.c.Now, random: l.c.Random, trace: l.traced,
	})
	return err
}

// carried looks at the SIM while a slow tap goes on.
func (l *Lab) carried() {
	if l.wallet.look() != nil {
		return // the tap itself will find it
	}
	l.mu.Lock()
	flight := l.world.where.Flight.Minor
	l.mu.Unlock()
	l.count(flight)
}

// fill issues the applets, installs them, and loads the purses, all as a bank
// does. The account's applet comes last, so that it knows what is left.
func (l *Lab) fill(ctx context.Context) error {
	var all int64
	for _, a := range demoApplets {
		all += a.load
	}
	if err := l.give(ctx, all); err != nil {
		return err
	}
	year := min(l.c.Now().Year()+5, 2049)
	for _, a := range demoApplets {
		a.Account, a.Expires = l.kept.Payer, strconv.Itoa(year)+"-12"
		if err := l.fillOne(ctx, a); err != nil {
			return fmt.Errorf("%s: %w", a.Label, err)
		}
	}
	if err := l.wallet.look(); err != nil {
		return err
	}
	first, ok := l.wallet.applet(demoApplets[0].AID)
	if !ok {
		return errors.New("the SIM has not kept what was installed")
	}
	if err := l.wallet.device.Prefer(first.AID); err != nil {
		return err
	}
	if err := l.findBooks(ctx); err != nil {
		return err
	}
	return l.wallet.look()
}

func (l *Lab) fillOne(ctx context.Context, a demoApplet) error {
	made, err := l.issuer.IssueApplet(ctx, a.IssueApplet)
	if err != nil {
		return err
	}
	l.kept.Applets = append(l.kept.Applets, issued{made.ID, made.AID, made.Number})
	if err := l.personalize(ctx, made.ID); err != nil {
		return err
	}
	if err := l.wallet.look(); err != nil {
		return err
	}
	installed, ok := l.wallet.applet(made.AID)
	if !ok {
		return errors.New("the SIM has not kept what was installed")
	}
	if a.load > 0 {
		if _, err := l.load(ctx, installed.AID, a.load); err != nil {
			return fmt.Errorf("load it: %w", err)
		}
	}
	if a.locked {
		return l.wallet.device.Lock(installed.AID)
	}
	return nil
}

// personalize is the station: the bank encrypts the applet's data to it, and it
// writes them into the SIM.
func (l *Lab) personalize(ctx context.Context, id string) error {
	station, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	sealed, err := l.issuer.PersonalizeApplet(ctx, id, bankapi.Personalize{Recipient: station.Recipient().String()})
	if err != nil {
		return err
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed.Data)), station)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(plain, cps.FileMax+1))
	defer clear(data)
	if err != nil {
		return err
	}
	applet, err := cps.ParseApplet(data)
	if err != nil {
		return err
	}
	defer cps.Wipe(applet.Groups)
	return l.wallet.install(ctx, l.c.Random, applet)
}

// findBooks finds the bank's own two accounts, which it has opened by now.
func (l *Lab) findBooks(ctx context.Context) error {
	for p := (client.Page{}); ; {
		list, err := l.issuer.Accounts(ctx, p)
		if err != nil {
			return err
		}
		for _, a := range list.Data {
			switch {
			case a.Currency != currency:
			case a.Kind == bankapi.AccountFloat:
				l.kept.Float = a.ID
			case a.Kind == bankapi.AccountSettlement:
				l.kept.Settlement = a.ID
			}
		}
		if l.kept.Float != "" && l.kept.Settlement != "" {
			return nil
		}
		if p.Cursor = list.NextCursor; p.Cursor == "" {
			return errors.New("the bank has no account for purses")
		}
	}
}
