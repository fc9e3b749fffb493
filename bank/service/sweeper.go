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

// sweep goes on while there is a whole portion to do.
func (s *sweeper) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		now := s.now().UnixMilli()
		due, err := s.bank.Store().Due(ctx, now, now-s.bank.Policy().IdempotencyKept, sweepMax)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Warn("cannot look for what has run out of time", "err", err)
			}
			return
		}
		if len(due.Payments)+len(due.Bindings) > 0 {
			s.do(ctx, bank.Expire{Payments: due.Payments, Bindings: due.Bindings})
		}
		if len(due.Dispatches)+len(due.Idempotency) > 0 {
			s.do(ctx, bank.Forget{Dispatches: due.Dispatches, Idempotency: due.Idempotency})
		}
		if max(len(due.Payments), len(due.Bindings), len(due.Dispatches), len(due.Idempotency)) < sweepMax {
			return
		}
	}
}

func (s *sweeper) do(ctx context.Context, op bank.Op) {
	answer, err := s.bank.Do(ctx, bank.Call{Op: op, Actor: bank.Self})
	if err == nil && answer.OK() || ctx.Err() != nil {
		return
	}
	s.log.Warn("cannot end what has run out of time", "reason", string(answer.Reason), "err", err)
}
