package sim

import (
	"bytes"
	"errors"
	"fmt"

	"sotto/apdu"
	"sotto/emv"
	"sotto/money"
)

// The holder's own face: what somebody who has the device in his hands may see
// and decide, without a reader and without a bank.

// Applet is what the holder sees of one applet.
type Applet struct {
	AID       []byte
	Label     string
	Kind      Kind
	Priority  byte // 1 first; 0 is none
	Preferred bool

	Personalized bool // else nothing below is known
	Held         bool // locked by the holder
	Locked       bool // by the issuer
	Blocked      bool // by the issuer's script
	Exhausted    bool // its transaction counter has come to its end
	Expired      bool // as far as the device knows the time

	Currency  money.Currency
	Available int64 // minor units: balance of a purse, else the last known amount
	Most      int64 // limit of Available
	TapMax    int64 // limit of one transaction
	Expiry    emv.Date
	ATC       uint16
	Torn      bool // the last debit was not committed, and does not count
}

// Usable reports whether the applet could pay something.
func (a Applet) Usable() bool {
	return a.Personalized && !a.Held && !a.Locked && !a.Blocked && !a.Exhausted && !a.Expired
}

// Entry is one transaction of an applet's log, as far as it is the holder's.
type Entry struct {
	ATC      uint16
	Load     bool // else a debit
	Amount   int64
	Balance  int64 // behind it
	Currency money.Currency
	Date     emv.Date // the reader's
}

// ErrNoApplet says that no applet has this AID.
var ErrNoApplet = errors.New("no applet with this AID is installed: 'sotto sim list' shows those that are")

// ErrPolicy says that a policy is none of those there are.
var ErrPolicy = errors.New("the policies are preferred, best-fit, most-left and fixed")

// ask runs what the holder wants as a command of its own.
func (d *Device) ask(f func(*turn) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var refusal error
	r, facts := d.carryOut(func(t *turn) apdu.Response {
		if refusal = f(t); refusal != nil {
			return status(apdu.StatusConditions)
		}
		return answer(nil)
	})
	if refusal == nil {
		if err := r.Status.Err(); err != nil {
			return fmt.Errorf("use the device's store: %w", err)
		}
		if o := d.options.Observer; o != nil {
			for _, f := range facts {
				o.Fact(f)
			}
		}
	}
	return refusal
}

// List shows all applets, in the order of their AIDs.
func (d *Device) List() ([]Applet, error) {
	var list []Applet
	err := d.ask(func(t *turn) error {
		preferred := t.settings().preferred
		t.eachEntry(func(e entry) { list = append(list, t.open(e).shown(preferred)) })
		return nil
	})
	return list, err
}

// Show shows one applet.
func (d *Device) Show(aid []byte) (shown Applet, err error) {
	err = d.ask(func(t *turn) error {
		e, ok := t.entry(aid)
		if !ok {
			return ErrNoApplet
		}
		shown = t.open(e).shown(t.settings().preferred)
		return nil
	})
	return shown, err
}

func (a *applet) shown(preferred string) Applet {
	x := a.account
	currency, _ := currencyOf(x.currency)
	return Applet{
		AID: bytes.Clone(a.entry.aid), Label: a.entry.label, Kind: a.entry.kind,
		Priority: a.entry.priority & 0x0F, Preferred: string(a.entry.aid) == preferred,
		Personalized: a.entry.life&lifePersonalized == lifePersonalized,
		Held:         a.entry.held,
		Locked:       a.entry.life&lifeLocked != 0,
		Blocked:      x.blocked,
		Exhausted:    x.atc >= atcMax,
		Expired:      a.candidate("").expired(a.today),
		Currency:     currency, Available: x.left(), Most: x.most, TapMax: x.tapMax,
		Expiry: x.expiry, ATC: x.atc, Torn: x.torn,
	}
}

func currencyOf(n emv.Numeric) (money.Currency, error) {
	number, err := n.Number()
	if err != nil {
		return "", err
	}
	return money.CurrencyByNumber(number)
}

// Prefer makes an applet the holder's preferred one; a nil AID, none.
func (d *Device) Prefer(aid []byte) error {
	return d.ask(func(t *turn) error {
		if _, ok := t.entry(aid); aid != nil && !ok {
			return ErrNoApplet
		}
		s := t.settings()
		s.preferred = string(aid)
		t.saveSettings(s)
		return nil
	})
}

// Policy is the policy by which the device chooses.
func (d *Device) Policy() (p Policy, err error) {
	err = d.ask(func(t *turn) error {
		p = t.settings().policy
		return nil
	})
	return p, err
}

// SetPolicy changes the policy.
func (d *Device) SetPolicy(p Policy) error {
	if !p.known() {
		return ErrPolicy
	}
	return d.ask(func(t *turn) error {
		s := t.settings()
		s.policy = p
		t.saveSettings(s)
		return nil
	})
}

// Lock keeps an applet from being selected and chosen.
func (d *Device) Lock(aid []byte) error { return d.hold(aid, true) }

// Unlock takes Lock back. What the issuer has locked stays locked.
func (d *Device) Unlock(aid []byte) error { return d.hold(aid, false) }

func (d *Device) hold(aid []byte, held bool) error {
	return d.ask(func(t *turn) error {
		e, ok := t.entry(aid)
		if !ok {
			return ErrNoApplet
		}
		e.held = held
		t.saveEntry(e)
		return nil
	})
}

// Log shows the last debits and loads of an applet, the newest first.
func (d *Device) Log(aid []byte) (entries []Entry, err error) {
	err = d.ask(func(t *turn) error {
		e, ok := t.entry(aid)
		if !ok {
			return ErrNoApplet
		}
		a := t.open(e)
		for number := byte(1); number <= logRecords; number++ {
			name, ok := logAt(logSFI, a.account.records, number)
			if !ok {
				break
			}
			if b := a.read(name); len(b) == loggedSize {
				entries = append(entries, logged(b).record().shown())
			}
		}
		return nil
	})
	return entries, err
}

func (r record) shown() Entry {
	amount, _ := r.amount.Minor()
	balance, _ := r.balance.Minor()
	currency, _ := currencyOf(r.currency)
	return Entry{
		ATC: r.atc, Load: r.kind == emv.TypeLoad, Amount: amount, Balance: balance, Currency: currency, Date: r.date,
	}
}
