package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/host"
	"sotto/sim/mem"
	"sotto/tlv"
)

// noon is the time of all taps.
func noon() time.Time {
	return time.Date(choiceYear, choiceMonth, choiceDay, 12, 0, 0, 0, time.UTC)
}

// wallet is a device with the applets of a plan. What it was like before any tap
// is kept, so that each tap begins with the same.
type wallet struct {
	plan    walletPlan
	press   *press
	options sim.Options
	store   *mem.Store
}

// newWallet makes a device with this clock, or none, and installs, personalises
// and spoils its applets through APDUs, as issuers and readers would.
func newWallet(ctx context.Context, p *press, plan walletPlan, now func() time.Time) (*wallet, error) {
	w := &wallet{plan: plan, press: p, store: mem.New()}
	random := rand.NewChaCha8([32]byte{byte(plan.number), byte(plan.number >> 8), byte(plan.number >> 16)})
	key := make([]byte, 32)
	_, _ = random.Read(key) // never fails
	w.options = sim.Options{Key: secret.New(key), Random: random, Now: now}
	device, err := sim.Open(w.store, w.options)
	if err != nil {
		return nil, err
	}
	if err := w.install(ctx, device); err != nil {
		return nil, err
	}
	for i, a := range plan.applets {
		switch a.state {
		case stateTorn:
			err = w.tear(device, i)
		case stateBlocked:
			err = w.block(ctx, device, i)
		case stateHeld:
			err = device.Lock(a.aid)
		case stateReady, stateLocked, stateBare:
		}
		if err != nil {
			return nil, fmt.Errorf("applet %d: %w", i+1, err)
		}
	}
	policy, known := sim.ParsePolicy(plan.policy)
	if !known {
		return nil, sim.ErrPolicy
	}
	if err := device.SetPolicy(policy); err != nil {
		return nil, err
	}
	return w, device.Prefer(plan.applets[plan.preferred].aid)
}

// install goes through the card manager, in a secure channel.
func (w *wallet) install(ctx context.Context, device *sim.Device) error {
	keys, err := sim.IssuerKeys(w.options.Key)
	if err != nil {
		return err
	}
	domain, err := host.Open(ctx, put(device, link.Contact), keys, w.options.Random)
	if err != nil {
		return err
	}
	for i, a := range w.plan.applets {
		applet, err := w.press.applet(i, a)
		if err != nil {
			return err
		}
		if a.state == stateBare {
			_, err = domain.Manage(ctx, sim.InstallCommand(applet.AID, applet.Kind, applet.Label, applet.Priority))
		} else {
			err = domain.Install(ctx, applet)
		}
		cps.Wipe(applet.Groups)
		if err == nil && a.state == stateLocked {
			err = domain.Lock(ctx, a.aid, true)
		}
		if err != nil {
			return fmt.Errorf("install applet %d: %w", i+1, err)
		}
	}
	return nil
}

// tear has a purse debit itself, and pulls it away before the debit counts.
func (w *wallet) tear(device *sim.Device, slot int) error {
	a := w.plan.applets[slot]
	amount, err := emv.NewAmount(min(a.balance, a.tapMax, 100))
	if err != nil {
		return err
	}
	currency, err := emv.NewNumeric(a.currency.Numeric())
	if err != nil {
		return err
	}
	device.Reset(link.Contactless)
	values := (emv.TTQQPBOC | emv.TTQFDDA01).Append(nil)
	values = append(values, amount[:]...)
	values = append(values, make([]byte, 6)...) // 9F03
	values = append(values, country[:]...)
	values = append(values, make([]byte, 5)...) // 95
	values = append(values, currency[:]...)
	values = append(values, 0x26, 0x11, 0x22, emv.TypePurchase, 1, 2, 3, 4)
	for _, c := range []apdu.Command{
		{INS: 0xA4, P1: 0x04, Data: a.aid, Ne: apdu.NeMaxShort},
		{CLA: 0x80, INS: 0xA8, Data: tlv.Append(nil, emv.TagCommandTemplate, values), Ne: apdu.NeMaxShort},
	} {
		r, err := apdu.ParseResponse(device.Transmit(c.Bytes()))
		if err != nil {
			return err
		}
		if err := r.Status.Err(); err != nil {
			return fmt.Errorf("tear a tap: %w", err)
		}
	}
	device.Reset(link.Contactless)
	return nil
}

// block has the issuer block an applet with a script, in an online transaction.
func (w *wallet) block(ctx context.Context, device *sim.Device, slot int) error {
	a := w.plan.applets[slot]
	currency, err := emv.NewNumeric(a.currency.Numeric())
	if err != nil {
		return err
	}
	terms := host.Terms{Currency: currency, Country: country, Date: emv.Date{0x26, 0x11, 0x22}, Unpredictable: [4]byte{1, 2, 3, 4}}
	keys := w.press.keys(slot, a)
	_, err = host.Load(ctx, put(device, link.Contact), a.aid, terms, func(_ context.Context, r host.Request) (host.Answer, error) {
		auth := keys[0].IssuerAuth1(r.ATC, r.ARQC, emv.ARCApproved)
		command := keys[1].SignScript(apdu.Command{CLA: 0x84, INS: emv.INSApplicationBlock}, r.ATC, r.ARQC)
		return host.Answer{IssuerAuth: auth[:], ARC: emv.ARCApproved, Commands: [][]byte{command.Bytes()}}, nil
	})
	return err
}

// device is the wallet as it was before any tap. With alone the holder has
// locked every card but the default one: what a phone does that offers one card.
func (w *wallet) device(alone bool) (*sim.Device, error) {
	device, err := sim.Open(w.store.Clone(), w.options)
	if err != nil || !alone {
		return device, err
	}
	for i, a := range w.plan.applets {
		if i != w.plan.preferred {
			if err := device.Lock(a.aid); err != nil {
				return nil, err
			}
		}
	}
	return device, nil
}

// slot is a place for one chip: a link.Reader, and the connection to the chip.
type slot struct {
	chip link.Chip
	face link.Interface
	// heard is told of every command, if there is somebody.
	heard func(command, response []byte, took time.Duration)
}

// put puts a chip into a slot and resets it.
func put(chip link.Chip, face link.Interface) *slot {
	chip.Reset(face)
	return &slot{chip: chip, face: face}
}

// Connect implements link.Reader.
func (s *slot) Connect(ctx context.Context) (link.Connection, error) {
	s.chip.Reset(s.face)
	return s, ctx.Err()
}

// Interface implements link.Connection.
func (s *slot) Interface() link.Interface { return s.face }

// Close implements link.Connection.
func (s *slot) Close() error { return nil }

// Transmit implements link.Connection.
func (s *slot) Transmit(_ context.Context, command []byte) ([]byte, error) {
	if s.heard == nil {
		return s.chip.Transmit(command), nil
	}
	began := threadCPU()
	response := s.chip.Transmit(command)
	s.heard(command, response, threadCPU()-began)
	return response, nil
}
