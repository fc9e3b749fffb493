package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"sotto/money"
	"sotto/pos"
)

type posSettleCmd struct{ posHome }

// Help has an example.
func (posSettleCmd) Help() string {
	return `Uploads and settles; interrupted, run it again. What the bank disputes or refuses is
listed, and not paid; it exits 1 until somebody has looked at that, and has said so
with 'sotto pos journal --acknowledge'.

  sotto pos settle --data ./till`
}

// Run uploads and settles.
func (c posSettleCmd) Run(g *globals) error {
	t, err := c.open(g, noReader{}, false, nil, nil)
	if err != nil {
		return err
	}
	done, err := t.Settle(g.Ctx)
	for _, b := range done.Batches {
		_, _ = fmt.Fprintf(g.Out, "batch %d settled: %d taps, %v\n", b.Number, b.Count, money.Amount{Minor: b.Amount, Currency: money.Currency(b.Currency)})
	}
	if done.Moved > 0 {
		_, _ = fmt.Fprintf(g.Out, "the bank had settled a batch of this terminal before, as of another till with its --terminal: %d taps went over to a new one\n", done.Moved)
	}
	for _, r := range done.Found {
		_, _ = fmt.Fprintf(g.Out, "found %s%s, %v: it was torn, and is paid\n", r.Reference, ofOrder(r), r.Amount)
	}
	unpaid := t.Unpaid()
	for _, e := range unpaid {
		_, _ = fmt.Fprintf(g.Out, "%s %s%s, %v: %s\n", e.State, e.Receipt.Reference, ofOrder(e.Receipt), e.Receipt.Amount, why(e))
	}
	switch {
	case err != nil:
	case len(unpaid) > 0:
		err = fmt.Errorf("%d not paid: look at each, then run 'sotto pos journal --data %s --acknowledge %s'", len(unpaid), c.Data, unpaid[0].Receipt.Reference)
	case len(done.Batches) == 0:
		_, err = fmt.Fprintln(g.Out, "nothing to settle")
	}
	return errors.Join(err, t.journal.Close())
}

func ofOrder(r pos.Receipt) string {
	if r.Order == "" {
		return ""
	}
	return " of order " + r.Order
}

// why is the bank's reason for not paying, as a sentence.
func why(e pos.Entry) string {
	if title := e.Reason.Title(); title != "" {
		return title
	}
	return "the bank does not say why"
}

type posJournalCmd struct {
	posHome
	JSON        bool   `help:"Print the entries as JSON."`
	Acknowledge string `placeholder:"REF" help:"Somebody has looked at this entry, which the bank has not paid: take it out."`
}

// Help has examples.
func (posJournalCmd) Help() string {
	return `Lists what was taken and not settled, and what the bank has not paid: that stays until
it is acknowledged.

  sotto pos journal --data ./till
  sotto pos journal --data ./till --acknowledge TILL1-7`
}

// Run lists the journal.
func (c posJournalCmd) Run(g *globals) error {
	t, err := c.open(g, noReader{}, true, nil, nil)
	if err != nil {
		return err
	}
	defer t.journal.Close()
	if c.Acknowledge != "" {
		return t.Acknowledge(c.Acknowledge)
	}
	entries := t.Entries()
	if c.JSON {
		out := json.NewEncoder(g.Out)
		out.SetIndent("", "  ")
		return out.Encode(entries) //nolint:musttag // the names of the fields are the names
	}
	w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "REFERENCE\tTIME\tAMOUNT\tCARD\tAPPLICATION\tBATCH\tSTATE\tREASON")
	for _, e := range entries {
		r := e.Receipt
		_, _ = fmt.Fprintf(w, "%s\t%s\t%v\t%s\t%s\t%d\t%s\t%s\n", r.Reference, r.At.Format(time.DateTime), r.Amount, r.Number, r.Label, e.Batch, e.State, e.Reason.Title())
	}
	return w.Flush()
}
