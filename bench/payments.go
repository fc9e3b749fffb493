package bench

import (
	"context"
	"errors"
	"fmt"
)

// Payments measures durable payments. The result is of use when the error is
// nil, or when the check of what was measured has found faults.
func Payments(ctx context.Context, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if inMemory(o.Data) {
		_, _ = fmt.Fprintf(o.Progress, "Warning: %s is in memory; commits there cost nothing, and the figures mean little. Give a folder on a disk.\n", o.Data)
	}
	r := Result{
		Machine: describeMachine(o.Data),
		Setup: Setup{
			Cards: o.Cards, Phones: o.Phones, Merchants: o.Merchants, Hasty: o.Hasty, WarmUpSeconds: o.WarmUp.Seconds(),
		},
	}
	s, err := openSite(ctx, o)
	if err != nil {
		return r, err
	}
	t, err := furnish(ctx, s, o)
	sum := &ledger{}
	if err == nil {
		r.Loops, err = loops(ctx, s, t, o, sum)
	}
	for _, p := range t.phones {
		p.leave()
	}
	if err = errors.Join(err, s.close()); err != nil {
		return r, err
	}
	_, _ = fmt.Fprintln(o.Progress, "checking the books")
	if r.Check, err = verify(ctx, s, t, sum); err != nil {
		return r, err
	}
	return r, r.Check.err()
}

func loops(ctx context.Context, s *site, t *town, o Options, sum *ledger) (all []Loop, err error) {
	type one struct{ connections, rate int }
	var todo []one
	for _, n := range o.Connections {
		todo = append(todo, one{n, 0})
	}
	if o.Rate > 0 {
		todo = append(todo, one{o.RateConns, o.Rate})
	}
	if o.Profile != nil {
		stop, err := o.Profile()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	for _, next := range todo {
		l := &load{site: s, town: t, o: o, acknowledged: sum, rate: next.rate}
		_, _ = fmt.Fprintf(o.Progress, "%d connections, %s%v\n", next.connections, rateText(next.rate), o.WarmUp+o.Duration)
		loop, err := l.run(ctx, next.connections)
		if err != nil {
			return all, err
		}
		all = append(all, loop)
	}
	return all, nil
}

func rateText(rate int) string {
	if rate == 0 {
		return ""
	}
	return fmt.Sprintf("%d payments/s, ", rate)
}
