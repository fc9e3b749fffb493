package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/card"
	"sotto/card/flash"
	"sotto/dyncode"
	"sotto/phone/vault"
	"sotto/secret"
)

// The demo data. The number has the form of a card number and is nobody's.
const (
	currency   = "CNY"
	holder     = "LI WEI"
	shopName   = "Tea House"
	phoneName  = "Li Wei's phone"
	pan        = "6217000000000006"
	fundsStart = 200_000 // minor units
)

// clients makes the two parties that use the bank's API: issuer and shop.
func (l *Lab) clients(ctx context.Context) error {
	if l.kept.Issuer == "" {
		key, err := l.bank.service.CreateIssuerKey(ctx)
		if err != nil {
			return err
		}
		l.kept.Issuer = string(key.Reveal())
	}
	var err error
	if l.issuer, err = client.New(l.url, secret.New([]byte(l.kept.Issuer))); err != nil {
		return err
	}
	if l.kept.Merchant != "" {
		l.shop, err = client.New(l.url, secret.New([]byte(l.kept.Merchant)))
	}
	return err
}

// seed makes accounts, shop, card and phone, all through the bank's own API.
func (l *Lab) seed(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"open the accounts", l.seedAccounts},
		{"register the shop", l.seedShop},
		{"issue and personalise the card", l.seedCard},
		{"enrol the phone", l.seedPhone},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return l.home.write(l.kept)
}

func (l *Lab) seedAccounts(ctx context.Context) error {
	for _, a := range []struct {
		name string
		kind bankapi.AccountKind
		into *string
	}{
		{"Demo money", bankapi.AccountInternal, &l.kept.Vault},
		{holder, bankapi.AccountCustomer, &l.kept.Payer},
	} {
		made, err := l.issuer.CreateAccount(ctx, bankapi.CreateAccount{Name: a.name, Kind: a.kind, Currency: currency})
		if err != nil {
			return err
		}
		*a.into = made.ID
	}
	return l.topUp(ctx)
}

// topUp gives the payer demo money.
func (l *Lab) topUp(ctx context.Context) error { return l.give(ctx, fundsStart) }

func (l *Lab) give(ctx context.Context, amount int64) error {
	_, err := l.issuer.CreateTransfer(ctx, bankapi.CreateTransfer{
		Debit: l.kept.Vault, Credit: l.kept.Payer, Amount: amount, Currency: currency, Note: "demo money",
	})
	return err
}

func (l *Lab) seedShop(ctx context.Context) error {
	m, err := l.issuer.CreateMerchant(ctx, bankapi.CreateMerchant{Name: shopName, Currency: currency})
	if err != nil {
		return err
	}
	l.kept.Till, l.kept.Merchant = m.Account, m.Key.Secret
	l.shop, err = client.New(l.url, secret.New([]byte(m.Key.Secret)))
	return err
}

// seedCard is the personalising station: the bank encrypts the card's key to it,
// and it writes the card's flash.
func (l *Lab) seedCard(ctx context.Context) error {
	issued, err := l.issuer.IssueCard(ctx, bankapi.IssueCard{Account: l.kept.Payer, PAN: pan, Holder: holder})
	if err != nil {
		return err
	}
	station, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	sealed, err := l.issuer.PersonalizeCard(ctx, issued.ID, bankapi.Personalize{Recipient: station.Recipient().String()})
	if err != nil {
		return err
	}
	memory, err := opened(sealed.Data, station)
	if err != nil {
		return err
	}
	defer clear(memory)
	store, err := flash.Create(l.home.card(), memory)
	if err != nil {
		return err
	}
	l.kept.Card, l.kept.Number = issued.ID, issued.Number
	return store.Close()
}

// opened is the memory of a fresh card, from what the bank sealed.
func opened(armored string, station age.Identity) ([]byte, error) {
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), station)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(plain)
	defer clear(b)
	if err != nil {
		return nil, err
	}
	identity, err := dyncode.ParsePersonalization(b)
	if err != nil {
		return nil, err
	}
	return card.NewMemory(identity).Append(nil)
}

// seedPhone enrols the phone as 'sotto phone enrol' does.
func (l *Lab) seedPhone(ctx context.Context) error {
	invited, err := l.issuer.InvitePhone(ctx, bankapi.InvitePhone{Name: phoneName})
	if err != nil {
		return err
	}
	ticket, err := bankapi.ParseTicket(invited.Ticket)
	if err != nil {
		return err
	}
	v, err := vault.Prepare(l.home.phone())
	if err != nil {
		return err
	}
	defer v.Close()
	device := make([]byte, 16)
	if _, err := io.ReadFull(l.c.Random, device); err != nil {
		return err
	}
	digest, err := dyncode.KeySource{Device: device}.Digest()
	if err != nil {
		return err
	}
	e, err := client.Enrol(ctx, ticket, digest, l.c.Random)
	if err != nil {
		return err
	}
	l.kept.Phone = e.Phone
	return v.Enrol(vault.Identity{
		Phone: e.Phone, Bank: ticket.URL, Bus: e.Bus, CA: e.CA, Seed: e.Seed, Key: e.Key, KeySource: digest,
	})
}

// devices switches everything on.
func (l *Lab) devices(ctx context.Context) error {
	var err error
	if l.card, err = openCard(l.kept.Card, l.home.card(), l.c.Now, l.news.tell); err != nil {
		return err
	}
	seed := l.c.Seed
	if seed == 0 {
		if err := binary.Read(l.c.Random, binary.BigEndian, &seed); err != nil {
			return fmt.Errorf("draw randomness: %w", err)
		}
	}
	l.air = newAir(airConfig{
		card: l.kept.Card, holder: l.card, random: l.c.Random, seed: seed, now: l.c.Now(), watch: ear{l}, last: l.last,
	})
	l.place()
	l.phone, err = openHandset(l.ctx, handsetConfig{
		dir: l.home.phone(), busURL: l.bank.service.BusURL(), reach: l.air,
		now: l.c.Now, random: l.c.Random, heard: l.heard, said: l.said,
	})
	if err != nil {
		return err
	}
	if err := l.phone.connect(ctx); err != nil {
		return err
	}
	return l.counterDevices(ctx)
}

// bind introduces card and phone with the mechanism itself: the code comes over
// the phone to the card's screen, and whoever holds the card reads it there and
// types it at the bank.
func (l *Lab) bind(ctx context.Context) error {
	l.change(func(w *world) { w.begin(l.c.Now()) })
	b, err := l.issuer.Bind(ctx, bankapi.Bind{Card: l.kept.Card, Phone: l.kept.Phone})
	if err != nil {
		return err
	}
	s, err := l.Until(ctx, func(s State) bool {
		reported := slices.ContainsFunc(s.Timeline, func(c Crossing) bool { return c.Kind == "report" })
		return s.Card.Screen.Scene == "bind" && reported
	})
	if err != nil {
		return fmt.Errorf("wait for the code on the card: %w", err)
	}
	l.note(Crossing{From: Payer, To: Bank, Kind: "typed"})
	if _, err := l.issuer.ConfirmBinding(ctx, b.ID, bankapi.Confirm{Code: s.Card.Screen.Code}); err != nil {
		return err
	}
	l.note(Crossing{From: Bank, To: Payer, Kind: "bound"})
	// The screen would keep the code to its end; a newcomer meets a card at rest.
	return l.card.restart(l.home.card())
}
