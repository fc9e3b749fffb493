package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"sotto/bankapi"
)

// The audit chain has one link for each committed batch. A link's body has a
// line of JSON for each transfer and each event of the batch, and its MAC
// covers the body and the link before: who can write to the database but does
// not hold the audit key can neither change, drop nor insert anything unseen.
// The bodies are the event log too.

// auditLine is one line of a link's body: one of the two.
type auditLine struct {
	Event    *bankapi.Event    `json:"event,omitempty"`
	Transfer *bankapi.Transfer `json:"transfer,omitempty"`
}

// changed reports whether there is anything to commit.
func (v *View) changed() bool {
	return len(v.Merchants.order)+len(v.APIKeys.order)+len(v.Accounts.order)+len(v.Cards.order)+
		len(v.Phones.order)+len(v.Bindings.order)+len(v.Payments.order)+len(v.Transfers.order)+
		len(v.Dispatches.order)+len(v.Paces.order)+len(v.Idempotency.order)+len(v.Webhooks.order)+
		len(v.Applets.order)+len(v.Taps.order)+len(v.Loads.order)+len(v.Batches.order)+len(v.Books.order) > 0
}

// nextLink closes the batch: it numbers the events and binds all to the link
// before.
func (k *Keys) nextLink(head Link, o *opContext) Link {
	link := Link{Seq: head.Seq + 1, At: o.now, Prev: head.MAC}
	body := make([]byte, 0, 320*len(o.log)+224*len(o.events))
	for _, t := range o.log {
		view := transferView(t)
		body = appendTransferLine(body, &view)
	}
	for i := range o.events {
		o.events[i].ID = eventID(link.Seq, i)
		body = appendEventLine(body, &o.events[i])
	}
	link.Body = body
	link.MAC = k.linkMAC(link)
	return link
}

func (k *Keys) linkMAC(l Link) []byte {
	head := strconv.AppendInt(nil, l.Seq, 10)
	head = append(head, '|')
	head = strconv.AppendInt(head, l.At, 10)
	head = append(head, '|')
	return mac(k.s.Audit, "audit", l.Prev, head, l.Body)
}

// eventID is twelve digits of the link's number, a full stop, and four of the
// place in it, so that ids sort as texts.
func eventID(seq int64, place int) string {
	id := appendDigits(make([]byte, 0, 17), seq, 12)
	return string(appendDigits(append(id, '.'), int64(place), 4))
}

// Events are the events of a link, in order.
func (l Link) Events() ([]bankapi.Event, error) {
	var out []bankapi.Event
	err := l.lines(func(a auditLine) {
		if a.Event != nil {
			out = append(out, *a.Event)
		}
	})
	return out, err
}

func (l Link) lines(each func(auditLine)) error {
	for raw := range bytes.Lines(l.Body) {
		var line auditLine
		if err := json.Unmarshal(raw, &line); err != nil {
			return fmt.Errorf("link %d has a line that is no JSON: %w", l.Seq, err)
		}
		each(line)
	}
	return nil
}

// AuditReport is what Verify found: no Faults is good.
type AuditReport struct {
	Links, Events, Transfers, Accounts int64
	Faults                             []string
}

const faultsMax = 50

func (r *AuditReport) fault(format string, args ...any) {
	if len(r.Faults) < faultsMax {
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
	}
}

// Verify walks the whole audit chain and the ledger: every link binds to the
// one before, every transfer of the chain is in the ledger as it was written,
// every stored balance follows from the chain and from the ledger's transfers
// alike (so that none was slipped in), every hold from a payment, each currency
// sums to zero, and payments, cards, bindings, phones and API keys are in the
// state that the chain says (audit_states.go). Float and settlement accounts hold
// what purses, loads and batches add up to, and each merchant's batches what the
// chain says (audit_taps.go).
//
// The bank may be at work: what it changes while rows are read is found in the
// links it has written since, and held to less.
func Verify(ctx context.Context, store Store, secrets Secrets, progress func(links int64)) (AuditReport, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	v := verifier{
		store: store, keys: NewKeys(secrets), progress: progress, chain: map[string]moved{}, states: newStates(NewKeys(secrets)),
	}
	if err := v.walk(ctx); err != nil {
		return v.AuditReport, err
	}
	before := maps.Clone(v.chain)
	sums, err := store.Sums(ctx)
	if err != nil {
		return v.AuditReport, fmt.Errorf("add up the ledger: %w", err)
	}
	owed, err := addUpTaps(ctx, store)
	if err != nil {
		return v.AuditReport, err
	}
	posted, err := addUpBatches(ctx, store)
	if err != nil {
		return v.AuditReport, err
	}
	head := v.head.Seq
	suspicions, err := v.states.compare(ctx, store)
	if err != nil {
		return v.AuditReport, err
	}
	v.states.late = map[string]bool{}
	if err := v.walk(ctx); err != nil {
		return v.AuditReport, err
	}
	v.checkSums(sums, before)
	if v.head.Seq == head { // else it was read while it changed
		v.checkTaps(sums, owed)
		v.checkBatches(posted)
	}
	for _, s := range suspicions {
		if !v.states.late[s.id] {
			v.fault("%s", s.fault)
		}
	}
	return v.AuditReport, nil
}

// verifier is Verify at work.
type verifier struct {
	AuditReport
	store    Store
	keys     *Keys
	progress func(links int64)
	head     Link
	chain    map[string]moved // by account
	states   *states
}

// moved is what the chain says of one account.
type moved struct{ debits, credits int64 }

// walk goes on to the end of the chain as it is now.
func (v *verifier) walk(ctx context.Context) error {
	for {
		links, err := v.store.Links(ctx, v.head.Seq, 500)
		if err != nil {
			return fmt.Errorf("read the audit chain: %w", err)
		}
		if len(links) == 0 {
			return nil
		}
		for _, l := range links {
			if err := v.checkLink(ctx, l); err != nil {
				return err
			}
			v.head = l
		}
		v.progress(v.Links)
	}
}

func (v *verifier) checkLink(ctx context.Context, l Link) error {
	v.Links++
	if l.Seq != v.head.Seq+1 {
		v.fault("links %d to %d are missing", v.head.Seq+1, l.Seq-1)
	}
	if !bytes.Equal(l.Prev, v.head.MAC) {
		v.fault("link %d does not follow the one before", l.Seq)
	}
	if !bytes.Equal(l.MAC, v.keys.linkMAC(l)) {
		v.fault("link %d was changed", l.Seq)
	}
	var transfers []bankapi.Transfer
	if err := l.lines(func(a auditLine) {
		if a.Event != nil {
			v.Events++
			v.states.event(a.Event)
		}
		if a.Transfer != nil {
			v.states.transfer(a.Transfer)
			transfers = append(transfers, *a.Transfer)
		}
	}); err != nil {
		v.fault("%v", err)
	}
	for _, t := range transfers {
		if err := v.checkTransfer(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) checkTransfer(ctx context.Context, want bankapi.Transfer) error {
	v.Transfers++
	d := v.chain[want.Debit]
	d.debits += want.Amount
	v.chain[want.Debit] = d
	c := v.chain[want.Credit]
	c.credits += want.Amount
	v.chain[want.Credit] = c
	got, err := v.store.Transfer(ctx, want.ID)
	switch {
	case errors.Is(err, ErrNoRow):
		v.fault("transfer %s is missing", want.ID)
	case err != nil:
		return fmt.Errorf("read a transfer: %w", err)
	case transferView(got) != want:
		v.fault("transfer %s was changed", want.ID)
	}
	return nil
}

// checkSums holds the balances, which were read in one snapshot, against the
// chain before and after that: both counters of an account only rise.
func (v *verifier) checkSums(sums []Sum, before map[string]moved) {
	total := map[string]int64{}
	for _, s := range sums {
		v.Accounts++
		total[s.Currency] += s.Credits - s.Debits
		if s.Debits != s.DebitsMoved || s.Credits != s.CreditsMoved {
			v.fault("account %s: its balance does not follow from its transfers", s.Account)
		}
		least, most := before[s.Account], v.chain[s.Account]
		if s.Debits < least.debits || s.Debits > most.debits || s.Credits < least.credits || s.Credits > most.credits {
			v.fault("account %s: its balance does not follow from the audit chain", s.Account)
		}
		if s.Held != s.HeldByPayments {
			v.fault("account %s: its holds do not follow from its payments", s.Account)
		}
	}
	for currency, sum := range total {
		if sum != 0 {
			v.fault("%s sums to %d instead of zero", currency, sum)
		}
	}
}
