package lab

import (
	"context"
	"errors"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/emv"
	"sotto/money"
	"sotto/sim"
	"sotto/sim/host"
)

// loadMax is the most that one load may be, in minor units.
const loadMax = 1_000_000

// Load tops a purse up from the account, as at the bank's counter: bank and
// purse speak with each other, and whoever stands between sees MACs.
func (l *Lab) Load(ctx context.Context, aid string, amount int64) error {
	a, ok := l.wallet.applet(aid)
	switch {
	case !ok:
		return errNoApplet
	case a.Kind != sim.Purse:
		return errAsk("this applet has its money at the bank: load a purse")
	case amount < 1 || amount > loadMax:
		return errAsk("load CNY 0.01 to 10000.00")
	case a.Held:
		return errAsk("this applet is locked: unlock it first")
	}
	return l.atTill(ctx, func(ctx context.Context) error {
		ended, err := l.load(ctx, a.AID, amount)
		story := &Story{Kind: StoryLoaded, Amount: balance(amount), Chosen: a.Label}
		switch {
		case errors.Is(err, host.ErrRefused):
			story.Kind, story.Reason = StoryRefused, "purse-full"
		case err != nil:
			story.Kind, story.Reason = StoryRefused, problemOf(err).Reason
		case ended.Status != bankapi.LoadCompleted:
			story.Kind = StoryReturned
		}
		l.change(func(w *world) { w.tap.story = story })
		return nil
	})
}

func (l *Lab) load(ctx context.Context, aid []byte, amount int64) (bankapi.Load, error) {
	key, err := l.draw(16)
	if err != nil {
		return bankapi.Load{}, err
	}
	year, month, day := l.c.Now().Date()
	date, err := emv.NewDate(year, int(month), day)
	if err != nil {
		return bankapi.Load{}, err
	}
	order := host.Order{
		AID: aid, Amount: money.Amount{Minor: amount, Currency: money.Currency(currency)}, Country: china, Date: date,
	}
	return host.TopUp(ctx, directly(l.wallet.device), order, l.c.Random, host.Issuer{
		Create: func(ctx context.Context, r bankapi.CreateLoad) (bankapi.Load, error) {
			return l.issuer.CreateLoad(ctx, r, client.IdempotencyKey(key))
		},
		Resolve: l.issuer.ResolveLoad,
	})
}
