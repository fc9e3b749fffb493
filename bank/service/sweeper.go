package service

import (
	"context"
	"log/slog"
	"time"

	"sotto/bank"
)

// sweeper ends what has run out of time. Nothing depends on its punctuality:
// every op looks at the clock itself.
type sweeper struct {
	bank *bank.Bank
	now  func() time.Time
	log  *slog.Logger
}

const (
	sweepEvery = time.Second
	sweepMax   = 200 // of each kind at a time, so that payers do not wait behind it
	roundsMax  = 100 // of these a second
)

func (s *sweeper) run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}

// sweep goes on while there is a whole portion to do. What the bank refuses
// waits for the next time: asking at once would be asking for ever.
func (s *sweeper) sweep(ctx context.Context) {
	for range roundsMax {
		more, ok := s.round(ctx)
		if !ok || !more {
			return
		}
	}
}

// round ends one portion, and says whether there may be more.
func (s *sweeper) round(ctx context.Context) (more, ok bool) {
	now := s.now().UnixMilli()
	due, err := s.bank.Store().Due(ctx, now, now-s.bank.Policy().IdempotencyKept, sweepMax)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("cannot look for what has run out of time", "err", err)
		}
		return false, false
	}
	if len(due.Payments)+len(due.Bindings) > 0 && !s.do(ctx, bank.Expire{Payments: due.Payments, Bindings: due.Bindings}) {
		return false, false
	}
	if len(due.Dispatches)+len(due.Idempotency) > 0 && !s.do(ctx, bank.Forget{Dispatches: due.Dispatches, Idempotency: due.Idempotency}) {
		return false, false
	}
	most := max(len(due.Payments), len(due.Bindings), len(due.Dispatches), len(due.Idempotency))
	return most >= sweepMax, true
}

func (s *sweeper) do(ctx context.Context, op bank.Op) bool {
	answer, err := s.bank.Do(ctx, bank.Call{Op: op, Actor: bank.Self})
	if err == nil && answer.OK() {
		return true
	}
	if ctx.Err() == nil {
		s.log.Warn("cannot end what has run out of time", "reason", string(answer.Reason), "err", err)
	}
	return false
}
