package bank

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sotto/bankapi"
)

// states are what the chain says of the things whose state lets money move or a
// code be shown. Verify holds the rows against them, so that who can write to
// the database cannot make a payment authorised or refundable again, take a
// block off a card, or bring back what was revoked, unseen.
//
// It has an entry for each payment there ever was: some 200 bytes.
type states struct {
	bank     *Keys
	payments map[string]paymentState
	loads    map[string]loadState
	posted   map[batches]int64
	disputes map[string]dispute
	status   map[string]string // of cards, bindings, phones, applets and loads
	keys     map[string]keyState
	owners   map[string]string // merchants, by their accounts
	texts    map[string]string // one copy of each account's id
	// late are the objects of links that were written while rows were read:
	// what is said of them is not compared this time.
	late map[string]bool
}

type paymentState struct {
	status                     string
	amount, captured, refunded int64
	payer, merchant            string // accounts
}

// loadState is what moved when a load began: the purse gives it back there.
type loadState struct {
	account string
	amount  int64
}

type keyState struct {
	merchant string
	revoked  bool
}

func newStates(k *Keys) *states {
	return &states{
		bank: k, payments: map[string]paymentState{}, loads: map[string]loadState{}, posted: map[batches]int64{}, disputes: map[string]dispute{}, status: map[string]string{}, keys: map[string]keyState{},
		owners: map[string]string{}, texts: map[string]string{},
	}
}

// statusAfter is the state that a card, binding, phone, applet or load is in after an event;
// other events change none.
var statusAfter = map[string]string{
	"card.issued":       string(bankapi.CardActive),
	"card.active":       string(bankapi.CardActive),
	"card.blocked":      string(bankapi.CardBlocked),
	"binding.created":   string(bankapi.BindingPending),
	"binding.confirmed": string(bankapi.BindingConfirmed),
	"binding.active":    string(bankapi.BindingActive),
	"binding.revoked":   string(bankapi.BindingRevoked),
	"binding.failed":    string(bankapi.BindingFailed),
	"phone.invited":     string(bankapi.PhoneInvited),
	"phone.enrolled":    string(bankapi.PhoneActive),
	"phone.revoked":     string(bankapi.PhoneRevoked),
	"applet.issued":     string(bankapi.AppletActive),
	"applet.active":     string(bankapi.AppletActive),
	"applet.blocked":    string(bankapi.AppletBlocked),
	"load.in_flight":    string(bankapi.LoadInFlight),
	"load.completed":    string(bankapi.LoadCompleted),
	"load.returned":     string(bankapi.LoadReturned),
}

func (s *states) event(e *bankapi.Event) {
	s.touch(e.Object)
	switch what, kind, _ := strings.Cut(e.Type, "."); what {
	case "payment":
		s.payment(kind, e)
	case "taps", "tap":
		s.tap(e)
	case "key":
		s.keys[e.Object] = keyState{e.Merchant, kind == "revoked"}
	case "account":
		if e.Merchant != "" {
			s.owners[e.Object] = e.Merchant
		}
	default:
		if after, ok := statusAfter[e.Type]; ok {
			s.status[e.Object] = after
		}
	}
}

func (s *states) payment(kind string, e *bankapi.Event) {
	p := s.payments[e.Object]
	switch status := bankapi.PaymentStatus(kind); status {
	case "created":
		p.status, p.amount = string(bankapi.AwaitingCode), e.Amount
	case bankapi.Authorized, bankapi.Succeeded, bankapi.Declined, bankapi.Expired, bankapi.Canceled:
		p.status = string(status)
	case bankapi.Refunded: // in part, or whole
		if p.refunded == p.captured {
			p.status = string(bankapi.Refunded)
		}
	default:
		return // codes on their way, and wrong ones
	}
	s.payments[e.Object] = p
}

// transfer comes before the events of its link.
func (s *states) transfer(t *bankapi.Transfer) {
	if t.Kind == bankapi.TransferLoad {
		s.touch(t.Note)
		s.loads[t.Note] = loadState{s.text(t.Debit), t.Amount}
	}
	if t.Payment == "" { // not of a payment
		return
	}
	s.touch(t.Payment)
	p := s.payments[t.Payment]
	switch t.Kind {
	case bankapi.TransferPayment:
		p.captured += t.Amount
		p.payer, p.merchant = s.text(t.Debit), s.text(t.Credit)
	case bankapi.TransferRefund:
		p.refunded += t.Amount
	case bankapi.TransferPlain, bankapi.TransferLoad, bankapi.TransferLoadReturn, bankapi.TransferTap,
		bankapi.TransferReversal, bankapi.TransferSettlement, bankapi.TransferDispute:
	}
	s.payments[t.Payment] = p
}

func (s *states) touch(id string) {
	if s.late != nil {
		s.late[id] = true
	}
}

func (s *states) text(t string) string {
	if kept, ok := s.texts[t]; ok {
		return kept
	}
	s.texts[t] = t
	return t
}

// suspicion is a fault, unless the object has changed while we looked.
type suspicion struct{ id, fault string }

// compare reads the rows and says which do not follow from the chain.
func (s *states) compare(ctx context.Context, store Reader) ([]suspicion, error) {
	var found []suspicion
	suspect := func(id, format string, args ...any) {
		if len(found) < 2*faultsMax {
			found = append(found, suspicion{id, fmt.Sprintf(format, args...)})
		}
	}
	err := errors.Join(
		s.comparePayments(ctx, store, suspect),
		compareStatus(s, suspect, "card", "card_", func(p Page) ([]Card, error) { return store.Cards(ctx, p) },
			func(c *Card) (string, string) {
				if !s.bank.genuine(c) {
					return c.ID, c.Status + " with another account or profile"
				}
				return c.ID, c.Status
			}),
		compareStatus(s, suspect, "binding", "bind_", func(p Page) ([]Binding, error) { return store.Bindings(ctx, p) },
			func(b *Binding) (string, string) { return b.ID, b.Status }),
		compareStatus(s, suspect, "phone", "ph_", func(p Page) ([]Phone, error) { return store.Phones(ctx, p) },
			func(p *Phone) (string, string) { return p.ID, p.Status }),
		compareStatus(s, suspect, "applet", "app_", func(p Page) ([]Applet, error) { return store.Applets(ctx, p) },
			func(a *Applet) (string, string) {
				if !s.bank.genuineApplet(a) {
					return a.ID, a.Status + " with another account or kind"
				}
				return a.ID, a.Status
			}),
		compareStatus(s, suspect, "load", "load_", func(p Page) ([]Load, error) { return store.Loads(ctx, p) },
			func(l *Load) (string, string) {
				if s.loads[l.ID] != (loadState{l.Account, l.Amount}) {
					return l.ID, l.Status + " with another account or amount"
				}
				return l.ID, l.Status
			}),
		s.compareKeys(ctx, store, suspect),
		s.compareMerchants(ctx, store, suspect),
		s.compareDisputes(ctx, store, suspect),
	)
	return found, err
}

type suspect func(id, format string, args ...any)

func (s *states) comparePayments(ctx context.Context, store Reader, suspect suspect) error {
	seen := 0
	err := each(func(p Page) ([]Payment, error) { return store.Payments(ctx, "", p) }, func(p *Payment) string {
		want, ok := s.payments[p.ID]
		if ok {
			seen++
		}
		switch {
		case !ok:
			suspect(p.ID, "payment %s: the audit chain knows nothing of it", p.ID)
		case p.Status != want.status:
			suspect(p.ID, "payment %s is %s, but %s in the audit chain", p.ID, p.Status, want.status)
		case p.Amount != want.amount || p.Captured != want.captured || p.Refunded != want.refunded:
			suspect(p.ID, "payment %s: its amounts do not follow from the audit chain", p.ID)
		case want.payer != "" && (p.Payer != want.payer || p.MerchantAccount != want.merchant):
			suspect(p.ID, "payment %s: its accounts are not those of its transfer", p.ID)
		}
		return p.ID
	})
	if err == nil && seen < len(s.payments) {
		suspect("", "%d payments of the audit chain are missing", len(s.payments)-seen)
	}
	return err
}

func compareStatus[T any](s *states, suspect suspect, what, prefix string, read func(Page) ([]T, error), of func(*T) (id, status string)) error {
	seen := 0
	err := each(read, func(row *T) string {
		id, status := of(row)
		want, ok := s.status[id]
		if ok {
			seen++
		}
		if status != want {
			suspect(id, "%s %s is %s, but %q in the audit chain", what, id, status, want)
		}
		return id
	})
	known := 0
	for id := range s.status {
		if strings.HasPrefix(id, prefix) {
			known++
		}
	}
	if err == nil && seen < known {
		suspect("", "%d rows of the kind %s are missing", known-seen, what)
	}
	return err
}

// compareKeys looks at whom a key lets in. One that the chain does not know is
// of no use: its hash needs a root key.
func (s *states) compareKeys(ctx context.Context, store Reader, suspect suspect) error {
	for id, want := range s.keys {
		role := bankapi.RoleMerchant
		if want.merchant == "" {
			role = bankapi.RoleIssuer
		}
		k, err := store.APIKey(ctx, id)
		switch {
		case errors.Is(err, ErrNoRow):
			suspect(id, "key %s is missing", id)
		case err != nil:
			return err
		case k.Role != string(role) || k.Merchant != want.merchant:
			suspect(id, "key %s: its role or merchant was changed", id)
		case (k.RevokedAt != 0) != want.revoked:
			suspect(id, "key %s: whether it is revoked does not follow from the audit chain", id)
		}
	}
	return nil
}

// compareMerchants looks at where their money goes.
func (s *states) compareMerchants(ctx context.Context, store Reader, suspect suspect) error {
	return each(func(p Page) ([]Merchant, error) { return store.Merchants(ctx, p) }, func(m *Merchant) string {
		if s.owners[m.Account] != m.ID {
			suspect(m.ID, "merchant %s: its account is not the one that was opened for it", m.ID)
		}
		return m.ID
	})
}

// each walks a whole list; visit returns the id of the row.
func each[T any](read func(Page) ([]T, error), visit func(*T) string) error {
	const limit = 500
	for page := (Page{Limit: limit}); ; {
		rows, err := read(page)
		if err != nil {
			return fmt.Errorf("list rows: %w", err)
		}
		for i := range rows {
			page.Before = visit(&rows[i])
		}
		if len(rows) < limit {
			return nil
		}
	}
}
