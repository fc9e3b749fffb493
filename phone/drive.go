package phone

import (
	"context"
	"errors"
	"sync"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
)

// How long one try may take.
const (
	exchangeMax = 15 * time.Second
	reportMax   = 15 * time.Second
)

// garbledMax is how often a card may say that it could not read a message
// before that is taken for its answer: until then the link is to blame.
const garbledMax = 3

// Run serves until ctx ends, cards beside each other. It is called once.
func (p *Phone) Run(ctx context.Context) {
	var tries sync.WaitGroup
	defer tries.Wait()
	for {
		work, wake := p.due()
		for _, do := range work {
			tries.Go(func() {
				do(ctx)
				p.kick()
			})
		}
		var alarm <-chan time.Time
		if !wake.IsZero() {
			alarm = p.c.After(max(wake.Sub(p.c.Now()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return
		case <-p.kicked:
		case <-alarm:
		}
	}
}

// Turn does all that is due, in this goroutine and in a fixed order, and
// returns when something will be due again; zero is never. It is for those who
// have a clock of their own, and stands instead of Run.
func (p *Phone) Turn(ctx context.Context) (wake time.Time) {
	for {
		work, wake := p.due()
		if len(work) == 0 || ctx.Err() != nil {
			return wake
		}
		for _, do := range work {
			do(ctx)
		}
	}
}

// due takes from the desk what is to be done now.
func (p *Phone) due() (work []func(context.Context), wake time.Time) {
	now := p.c.Now()
	forget := p.ring.sweep(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range p.desk.due(now) {
		work = append(work, func(ctx context.Context) { p.try(ctx, j) })
	}
	for _, a := range p.desk.reports(now) {
		work = append(work, func(ctx context.Context) { p.report(ctx, a) })
	}
	return work, earlier(forget, p.desk.wake())
}

// try brings one message to its card, once.
func (p *Phone) try(ctx context.Context, j *job) {
	o := p.exchange(ctx, j)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desk.tried(p.c.Now(), j, o)
}

func (p *Phone) exchange(ctx context.Context, j *job) outcome {
	message, err := p.compose(j)
	if err != nil {
		return p.uncomposed(j, err)
	}
	left := time.UnixMilli(j.d.ExpiresAt).Sub(p.c.Now())
	ctx, cancel := context.WithTimeout(ctx, min(left, exchangeMax))
	defer cancel()
	answer, err := p.c.Reach.Exchange(ctx, j.d.Card, message)
	if j.message == nil {
		clear(message) // a plain one; it is made anew for the next try
	}
	if err != nil {
		return outcome{state: "waiting", reason: linkReason(err)}
	}
	return p.judge(j, answer)
}

// uncomposed says what follows when there is no message to send.
func (p *Phone) uncomposed(j *job, err error) outcome {
	if errors.Is(err, errStale) {
		return outcome{over: true, state: "superseded"}
	}
	reason, ok := refusalOf(err)
	if !ok {
		return outcome{state: "waiting", reason: "storage"}
	}
	id, _ := ident.Parse(ident.Dispatch, j.d.ID)
	refusal := dyncode.Refusal{Reason: reason, Message: id}
	return outcome{answer: refusal.Append(nil), state: "unsendable", reason: reason.String()}
}

// linkReason is one word: a link's own error may say anything.
func linkReason(err error) string {
	switch {
	case errors.Is(err, link.ErrOutOfReach):
		return "out-of-reach"
	case errors.Is(err, link.ErrLost), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "lost"
	}
	return "link"
}

// report tells the bank one answer, once.
func (p *Phone) report(ctx context.Context, a *done) {
	err := p.send(ctx, bankapi.Report{Dispatch: a.id, Answer: a.answer})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desk.reported(p.c.Now(), a, err == nil)
}

func (p *Phone) send(ctx context.Context, r bankapi.Report) error {
	body, err := r.Append(nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reportMax)
	defer cancel()
	_, err = p.c.Bank.Send(ctx, body)
	return err
}
