package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
	"sotto/sim"
	"sotto/sim/host"
)

// Options are what a World is made of.
type Options struct {
	Dir     string // of the bank's database
	Applets []Applet
	Now     func() time.Time
	Random  io.Reader
	// Journal and Store are where till and SIM keep what they know; nil is
	// memory.
	Journal pos.Journal
	Store   sim.Store
}

// Applet is one that the bank issues and the SIM gets.
type Applet struct {
	Kind bankapi.AppletKind
	Load int64 // into a purse, minor units
	Most int64 // that a purse may hold
}

// World is everybody.
type World struct {
	Bank   *Bank
	SIM    *SIM
	Reader *Reader
	Till   *Till
	Issued []Issued

	options Options
	rests   int
}

// Issued is an applet, as bank and SIM know it.
type Issued struct {
	ID   string // at the bank
	AID  []byte
	Kind bankapi.AppletKind
}

// Currency and country of everything here.
const Currency = money.CNY

var china = emv.Numeric{0x01, 0x56}

// New opens the bank, installs the applets, loads the purses, and starts the
// till. Close ends it.
func New(ctx context.Context, o Options) (w *World, err error) {
	w = &World{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if w.Bank, err = openBank(ctx, o); err != nil {
		return w, err
	}
	if w.SIM, err = newSIM(o); err != nil {
		return w, err
	}
	w.Reader = &Reader{SIM: w.SIM}
	for n, a := range o.Applets {
		issued, err := w.issue(ctx, n+1, a)
		if err != nil {
			return w, fmt.Errorf("issue applet %d: %w", n+1, err)
		}
		w.Issued = append(w.Issued, issued)
	}
	w.Till, err = newTill(ctx, w)
	return w, err
}

// Close ends everything, also a World that New has not finished.
func (w *World) Close() error {
	if w.Bank == nil {
		return nil
	}
	return w.Bank.close()
}

// issue has the bank issue an applet, installs it and loads it.
func (w *World) issue(ctx context.Context, n int, a Applet) (Issued, error) {
	kind := map[bankapi.AppletKind]byte{bankapi.AppletPurse: 1, bankapi.AppletAccount: 2}[a.Kind]
	aid := append(append([]byte{}, pos.OurAID...), kind, byte(n>>8), byte(n))
	digits := fmt.Sprintf("62170000000%04d", n)
	made, err := w.Bank.Issuer.IssueApplet(ctx, bankapi.IssueApplet{
		Kind: a.Kind, Account: w.Bank.Payer, PAN: digits + string(emv.CheckDigit([]byte(digits))),
		AID: fmt.Sprintf("%X", aid), Label: fmt.Sprintf("Applet %d", n), Priority: min(n, 15), Expires: "2040-12",
		BalanceMax: a.Most,
	})
	if err != nil {
		return Issued{}, err
	}
	data, err := w.Bank.personalization(ctx, made.ID)
	if err != nil {
		return Issued{}, err
	}
	if err := w.SIM.install(ctx, data); err != nil {
		return Issued{}, err
	}
	issued := Issued{ID: made.ID, AID: aid, Kind: a.Kind}
	if a.Load == 0 {
		return issued, nil
	}
	loaded, err := w.Load(ctx, issued, a.Load)
	if err == nil && loaded.Status != bankapi.LoadCompleted {
		err = errors.New("the load has not arrived")
	}
	return issued, err
}

// Load loads a purse over contacts, through the reader and whatever befalls it.
func (w *World) Load(ctx context.Context, a Issued, minor int64) (bankapi.Load, error) {
	connection, order, err := w.visit(ctx, a, minor)
	if err != nil {
		return bankapi.Load{}, err
	}
	defer connection.Close()
	return host.TopUp(ctx, connection, order, w.options.Random, host.Issuer{
		Create: func(ctx context.Context, r bankapi.CreateLoad) (bankapi.Load, error) {
			return w.Bank.Issuer.CreateLoad(ctx, r)
		},
		Resolve: w.Bank.Issuer.ResolveLoad,
	})
}

// Refresh has the bank tell an account's applet what is available, over contacts.
func (w *World) Refresh(ctx context.Context, a Issued) (bankapi.Inquiry, error) {
	connection, order, err := w.visit(ctx, a, 0)
	if err != nil {
		return bankapi.Inquiry{}, err
	}
	defer connection.Close()
	return host.Refresh(ctx, connection, order, w.options.Random, func(ctx context.Context, r bankapi.Inquire) (bankapi.Inquiry, error) {
		return w.Bank.Issuer.Inquire(ctx, r)
	})
}

// visit puts the SIM into the bank's own reader.
func (w *World) visit(ctx context.Context, a Issued, minor int64) (link.Connection, host.Order, error) {
	w.Reader.Face = link.Contact
	connection, err := w.Reader.Connect(ctx)
	if err != nil {
		return nil, host.Order{}, err
	}
	year, month, day := w.options.Now().Date()
	date, err := emv.NewDate(year, int(month), day)
	return connection, host.Order{
		AID: a.AID, Amount: money.Amount{Minor: minor, Currency: Currency}, Country: china, Date: date,
	}, err
}
