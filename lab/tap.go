package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"sotto/money"
	"sotto/pos"
	"sotto/sim"
)

// saleMax is the largest amount that the till's keys can type, in minor units.
const saleMax = 9_999_999

// paceSlow is how long one message takes when it can be watched.
const paceSlow = 550 * time.Millisecond

// Touch is one tap as somebody wants it.
type Touch struct {
	Amount int64 // minor units
	Pull   Pull
	After  int // of PullAfter
	Slow   bool
}

// messagesMost is more than any tap has.
const messagesMost = 99

func (t Touch) check() error {
	switch {
	case t.Amount < 1 || t.Amount > saleMax:
		return errAsk("type an amount at the till first: CNY 0.01 to 99999.99")
	case t.Pull == PullAfter && (t.After < 0 || t.After > messagesMost):
		return errAsk("pull the phone away after 0 to 99 messages")
	}
	switch t.Pull {
	case PullNever, PullBefore, PullWorst, PullAfter, PullRandom:
		return nil
	}
	return errAsk("pull the phone away before, at the worst moment (worst), after so many messages (after), at random, or not at all")
}

// atTill does something for which till and SIM must be free, and looks at what
// has become of them.
func (l *Lab) atTill(ctx context.Context, do func(context.Context) error) error {
	if !l.touching.TryLock() {
		return errAsk("the phone is at the till: wait until the tap has ended")
	}
	defer l.touching.Unlock()
	// Whoever asked may leave; what is under way ends all the same.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(l.ctx, cancel)
	defer stop()
	err := do(ctx)
	return errors.Join(err, l.wallet.look(), l.lookAtMoney(ctx))
}

// Tap holds the phone to the till, and returns when the till has said how it
// ended. A sale that was to be tried again keeps its order: the till will know
// the payment if it finds it.
func (l *Lab) Tap(ctx context.Context, t Touch) error {
	if err := t.check(); err != nil {
		return err
	}
	g := gesture{pull: t.Pull, after: t.After}
	if t.Slow {
		g.pace = paceSlow
	}
	if t.Pull == PullRandom {
		n, err := l.drawBelow(messagesUsual)
		if err != nil {
			return err
		}
		g.pull, g.after = PullAfter, n
	}
	return l.atTill(ctx, func(ctx context.Context) error { return l.touch(ctx, t.Amount, g) })
}

// messagesUsual is how many messages a tap has.
const messagesUsual = 14

// drawBelow is a random number below n.
func (l *Lab) drawBelow(n int64) (int, error) {
	drawn, err := rand.Int(l.c.Random, big.NewInt(n))
	if err != nil {
		return 0, fmt.Errorf("draw randomness: %w", err)
	}
	return int(drawn.Int64()), nil
}

func (l *Lab) touch(ctx context.Context, amount int64, g gesture) error {
	sale, err := l.saleOf(amount)
	if err != nil {
		return err
	}
	terminal, class, _ := l.counter.now()
	l.field.prepare(class.face(), g)
	before, _ := l.wallet.seen()
	l.change(func(w *world) { w.tap.begin(sale, class, l.c.Now(), g.pace > 0) })
	result, err := terminal.Tap(ctx, sale)
	if err == nil {
		err = l.wallet.look()
	}
	if err != nil {
		l.change(func(w *world) { w.tap.crossing, w.tap.busy = "", false })
		return err
	}
	after, _ := l.wallet.seen()
	l.change(func(w *world) { w.tap.end(result, before, after) })
	return nil
}

// saleOf is the sale at hand if it is of this amount, else a new one.
func (l *Lab) saleOf(amount int64) (pos.Sale, error) {
	l.mu.Lock()
	sale := l.world.tap.sale
	l.mu.Unlock()
	if sale.Order != "" && sale.Amount.Minor == amount {
		return sale, nil
	}
	order, err := l.draw(3)
	if err != nil {
		return pos.Sale{}, err
	}
	return pos.Sale{
		Order: "C-" + strings.ToUpper(order), Amount: money.Amount{Minor: amount, Currency: money.Currency(currency)},
	}, nil
}

// PullAway takes the phone from the till during a tap.
func (l *Lab) PullAway() error {
	if !l.field.pullNow() {
		return errAsk("there is no phone at the till: begin a slow tap first")
	}
	return nil
}

// NewSale gives the sale at hand up.
func (l *Lab) NewSale(ctx context.Context) error {
	return l.atTill(ctx, func(context.Context) error {
		l.change(func(w *world) { w.tap.sale, w.tap.ending, w.tap.story = pos.Sale{}, nil, nil })
		return nil
	})
}

// SetReader puts another reader on the counter.
func (l *Lab) SetReader(ctx context.Context, class Class) error {
	switch class {
	case ClassAmountFirst, ClassPlain, ClassContact:
	default:
		return errAsk("the readers are a (sends the amount first), b (does not) and c (contact)")
	}
	_, _, offline := l.counter.now()
	return l.atTill(ctx, func(context.Context) error { return l.counter.set(class, offline) })
}

// Upload brings what the till has approved to the bank.
func (l *Lab) Upload(ctx context.Context) error {
	return l.atTill(ctx, func(ctx context.Context) error {
		terminal, _, offline := l.counter.now()
		if offline {
			return errAsk("the till has no network: give it one first")
		}
		_, err := terminal.Upload(ctx)
		if err != nil {
			l.refusedTap(err)
		}
		return nil
	})
}

// Settle closes the till's day: uploads what is missing, and has the shop paid.
func (l *Lab) Settle(ctx context.Context) error {
	return l.atTill(ctx, func(ctx context.Context) error {
		terminal, _, offline := l.counter.now()
		if offline {
			return errAsk("the till has no network: give it one first")
		}
		done, err := terminal.Settle(ctx)
		if err != nil {
			l.refusedTap(err)
			return nil
		}
		var sum, count int64
		for _, b := range done.Batches {
			sum, count = sum+b.Amount, count+b.Count
		}
		l.change(func(w *world) { w.tap.story = &Story{Kind: StorySettled, Amount: balance(sum), Applets: int(count)} })
		return nil
	})
}

// refusedTap keeps why the bank has said no.
func (l *Lab) refusedTap(err error) {
	l.change(func(w *world) { w.tap.story = &Story{Kind: StoryRefused, Reason: problemOf(err).Text} })
}

// Prefer makes an applet the holder's preferred one; none with an empty AID.
func (l *Lab) Prefer(ctx context.Context, aid string) error {
	return l.atTill(ctx, func(context.Context) error {
		if aid == "" {
			return l.wallet.device.Prefer(nil)
		}
		a, ok := l.wallet.applet(aid)
		if !ok {
			return errNoApplet
		}
		return l.wallet.device.Prefer(a.AID)
	})
}

const errNoApplet = errAsk("the SIM has no such applet: take an aid from /lab/state")

// SetPolicy changes how the SIM chooses among those that can pay.
func (l *Lab) SetPolicy(ctx context.Context, name string) error {
	policy, ok := sim.ParsePolicy(name)
	if !ok {
		return errAsk("the policies are preferred, best-fit, most-left and fixed")
	}
	return l.atTill(ctx, func(context.Context) error { return l.wallet.device.SetPolicy(policy) })
}

// LockApplet keeps an applet from paying, or lets it pay again.
func (l *Lab) LockApplet(ctx context.Context, aid string, locked bool) error {
	return l.atTill(ctx, func(context.Context) error {
		a, ok := l.wallet.applet(aid)
		switch {
		case !ok:
			return errNoApplet
		case locked:
			return l.wallet.device.Lock(a.AID)
		}
		return l.wallet.device.Unlock(a.AID)
	})
}
