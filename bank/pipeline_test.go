package bank_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
)

// slowStore holds one commit back, and may fail it.
type slowStore struct {
	bank.Store
	holds chan error // what to answer a commit with that is held; nil commits it
	held  chan struct{}
	slow  bool
}

type slowTx struct {
	bank.Tx
	s *slowStore
}

func (s *slowStore) Begin(ctx context.Context) (bank.Tx, error) {
	tx, err := s.Store.Begin(ctx)
	return slowTx{tx, s}, err
}

func (x slowTx) Commit(ctx context.Context, v *bank.View, l bank.Link) error {
	if x.s.slow {
		x.s.slow = false
		x.s.held <- struct{}{}
		if err := <-x.s.holds; err != nil {
			x.Rollback()
			return err
		}
	}
	return x.Tx.Commit(ctx, v, l)
}

// While a commit is at work, ops are judged by what it is about to store, and
// nobody hears of them before it has ended. When it fails, so has all that was
// built on it, and is judged again.
func TestOpsRestOnACommitAtWork(t *testing.T) {
	for name, c := range map[string]struct {
		commit error
		want   [3]bankapi.Reason // of moving 600, then 600, then 400 of 1,000
	}{
		"it succeeds": {nil, [3]bankapi.Reason{"", bankapi.InsufficientFunds, ""}},
		"it fails":    {errors.New("constraint"), [3]bankapi.Reason{bankapi.Internal, "", ""}},
		"it is lost":  {bank.ErrConflict, [3]bankapi.Reason{"", bankapi.InsufficientFunds, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			slow := &slowStore{holds: make(chan error), held: make(chan struct{})}
			w := newWorld(t, func(w *world, c *bank.Config) {
				slow.Store = w.store
				c.Store = slow
			})
			if c.want[0] == bankapi.Internal {
				w.poisoned = 1
			}
			answers := [3]chan bank.Answer{}
			move := func(i int, amount int64) {
				answers[i] = make(chan bank.Answer, 1)
				go func() {
					answers[i] <- w.do(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{
						Debit: w.customer, Credit: w.internal, Amount: amount, Currency: "CNY",
					}})
				}()
			}
			slow.slow = true
			move(0, 60000)
			<-slow.held
			for i, amount := range []int64{60000, 40000} {
				applied := w.bank.Stats().Applied
				move(1+i, amount)
				for w.bank.Stats().Applied == applied {
					time.Sleep(time.Millisecond)
				}
			}
			for i := range answers {
				if len(answers[i]) != 0 {
					t.Errorf("move %d was answered before the commit", i)
				}
			}
			slow.holds <- c.commit
			for i, want := range c.want {
				if a := <-answers[i]; a.Reason != want {
					t.Errorf("move %d: got %q, want %q", i, a.Reason, want)
				}
			}
		})
	}
}
