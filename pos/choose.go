package pos

import (
	"bytes"
	"context"
	"errors"
)

// tryAll is final combination selection (EMV Contactless Book B, 3.3.3), kernel
// activation (3.4), and of outcome processing (3.5) the part that stays inside:
// an application that cannot pay makes room for the next (Select Next). The list
// is in order.
func (x *transaction) tryAll(ctx context.Context, list []candidate, kernel func(context.Context) error) error {
	last := end(NoApplication)
	for _, c := range list {
		selected, err := x.selectCandidate(ctx, c)
		if err != nil {
			return err
		}
		if !selected { // 3.3.3, 5
			continue
		}
		err = kernel(ctx)
		var s stop
		if !errors.As(err, &s) || s.reason.Outcome() != SelectNext {
			return err
		}
		x.trace.step("This application cannot pay; on to the next.")
		last = err
	}
	if len(list) > 0 && errors.Is(last, stop{reason: NotThisOne}) {
		x.trace.step("There is no other application.")
	}
	return noneLeft(last)
}

// noneLeft ends Entry Point when all candidates are used up: an empty candidate
// list (3.3.2, 6).
func noneLeft(last error) error {
	if errors.Is(last, stop{reason: NotThisOne}) {
		return end(NoneCanPay)
	}
	return last
}

// selectCandidate selects an application, and forgets all that another has said.
func (x *transaction) selectCandidate(ctx context.Context, c candidate) (bool, error) {
	r, err := x.chip.exchange(ctx, selectCommand(c.aid, 0), about{why: "Selects an application to pay with."})
	if err != nil || !r.Status.OK() {
		return false, err
	}
	return true, x.enter(c, r.Data)
}

// enter begins with an application that has been selected.
func (x *transaction) enter(c candidate, answer []byte) error {
	f, err := parseFCI(answer)
	switch {
	case err != nil:
		return err
	case !bytes.HasPrefix(f.name, c.aid): // EMV 4.4 Book 1, 12.4
		return end(Malformed)
	}
	x.app, x.fci, x.told = c, f, objects{}
	x.aid, x.label = f.name, f.label()
	if x.label == "" {
		x.label = c.label
	}
	x.static, x.sent, x.card, x.reply = nil, nil, nil, bankReply{}
	x.verified, x.proved = nil, false
	return x.newNumber()
}
