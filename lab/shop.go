package lab

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
)

// Good is something the shop sells.
type Good struct {
	ID    string            `json:"id"`
	Name  map[string]string `json:"name"` // by language
	Note  map[string]string `json:"note"`
	Price int64             `json:"price"` // minor units
}

var goods = []Good{
	{
		ID: "cloud", Price: 12800,
		Name: map[string]string{"en": "Cloud mist green tea", "zh": "云雾绿茶"},
		Note: map[string]string{"en": "250 g, spring harvest", "zh": "250 克，春茶"},
	},
	{
		ID: "jasmine", Price: 6800,
		Name: map[string]string{"en": "Jasmine pearls", "zh": "茉莉龙珠"},
		Note: map[string]string{"en": "100 g, rolled by hand", "zh": "100 克，手工揉制"},
	},
	{
		ID: "gaiwan", Price: 8600,
		Name: map[string]string{"en": "Porcelain gaiwan", "zh": "白瓷盖碗"},
		Note: map[string]string{"en": "lidded cup, 120 ml", "zh": "带盖茶碗，120 毫升"},
	},
}

const quantityMax = 9

var payees = map[string]string{"en": shopName, "zh": "云雾茶铺"}

// Problem is why the last request of the shop was refused.
type Problem struct {
	Reason       string `json:"reason"`
	Text         string `json:"text"`
	AttemptsLeft *int   `json:"attempts_left,omitempty"`
	RetryAfter   int    `json:"retry_after,omitempty"` // seconds
}

func problemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	p := new(bankapi.Problem)
	if errors.As(err, &p) {
		return &Problem{Reason: string(p.Reason()), Text: p.Error(), AttemptsLeft: p.AttemptsLeft, RetryAfter: p.RetryAfter}
	}
	return &Problem{Reason: "unavailable", Text: err.Error()}
}

// errAsk says that a request to the lab itself makes no sense.
type errAsk string

func (e errAsk) Error() string { return string(e) }

// SetBasket puts so many of a good into the basket.
func (l *Lab) SetBasket(good string, quantity int) error {
	if !slices.ContainsFunc(goods, func(g Good) bool { return g.ID == good }) {
		return errAsk("the shop does not sell that: take one of the goods in /lab/state")
	}
	if quantity < 0 || quantity > quantityMax {
		return errAsk("give a quantity of 0 to 9")
	}
	l.change(func(w *world) { w.basket[good] = quantity })
	return nil
}

// Checkout has the shop ask the bank for the money in the basket.
func (l *Lab) Checkout(ctx context.Context) error {
	l.mu.Lock()
	total, about, payee := l.world.total(), l.world.about(), payees[l.world.language]
	l.mu.Unlock()
	if total == 0 {
		return errAsk("the basket is empty: put something into it first")
	}
	key, err := l.draw(16)
	if err != nil {
		return err
	}
	order, err := l.draw(2)
	if err != nil {
		return err
	}
	l.change(func(w *world) {
		w.begin(l.c.Now())
		w.payment, w.problem = nil, nil
		w.note(Crossing{From: Shop, To: Bank, Kind: "create"}, l.c.Now())
	})
	p, err := l.shop.CreatePayment(ctx, bankapi.CreatePayment{
		Card: l.kept.Card, Amount: total, Currency: currency, Payee: payee,
		Order: "T-" + strings.ToUpper(order), Description: about, ReturnURL: l.url + "/",
	}, client.IdempotencyKey(key))
	if err != nil {
		l.refused(err)
		return nil
	}
	if !l.phone.online() {
		l.note(Crossing{From: Bank, To: Phone, Kind: "offline", Lost: true})
	}
	l.took(p)
	return nil
}

// total is what the basket costs, in minor units.
func (w *world) total() (sum int64) {
	for _, g := range goods {
		sum += g.Price * int64(w.basket[g.ID])
	}
	return sum
}

// about is the basket in one line, for the card's screen.
func (w *world) about() string {
	var out []string
	for _, g := range goods {
		if n := w.basket[g.ID]; n > 0 {
			out = append(out, fmt.Sprintf("%d × %s", n, g.Name[w.language]))
		}
	}
	return strings.Join(out, ", ")
}

// draw is n random bytes in hex.
func (l *Lab) draw(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(l.c.Random, b); err != nil {
		return "", fmt.Errorf("draw randomness: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// took keeps a payment as the bank told it last.
func (l *Lab) took(p bankapi.Payment) {
	l.change(func(w *world) {
		if w.payment != nil && w.payment.ID > p.ID {
			return // an answer that was overtaken
		}
		w.payment = &p
		w.watch(l, p)
	})
}

// watch looks at the payment again when its code has run out.
func (w *world) watch(l *Lab, p bankapi.Payment) {
	if w.alarm != nil {
		w.alarm.Stop()
		w.alarm = nil
	}
	if p.Status != bankapi.AwaitingCode {
		return
	}
	left := time.UnixMilli(int64(p.ExpiresAt)).Sub(l.c.Now())
	w.alarm = time.AfterFunc(max(left, 0)+time.Second, func() { l.refreshPayment(l.ctx) })
}

func (l *Lab) refused(err error) {
	l.change(func(w *world) { w.problem = problemOf(err) })
}

// current is the payment under way.
func (l *Lab) current() (bankapi.Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.world.payment == nil {
		return bankapi.Payment{}, errAsk("there is no payment: check out first")
	}
	return *l.world.payment, nil
}

// Confirm types a code at the shop, which hands it to the bank.
func (l *Lab) Confirm(ctx context.Context, code string) error {
	p, err := l.current()
	if err != nil {
		return err
	}
	key, err := l.draw(16)
	if err != nil {
		return err
	}
	l.change(func(w *world) {
		w.problem = nil
		w.note(Crossing{From: Payer, To: Shop, Kind: "typed"}, l.c.Now())
	})
	after, err := l.shop.ConfirmPayment(ctx, p.ID, bankapi.Confirm{Code: code}, client.IdempotencyKey(key))
	if err != nil {
		reason := problemOf(err)
		l.note(Crossing{From: Bank, To: Shop, Kind: "refused", Reason: reason.Reason})
		l.refused(err)
		l.refreshPayment(ctx)
		return nil
	}
	l.took(after)
	l.note(Crossing{From: Bank, To: Shop, Kind: "paid"})
	l.refreshFunds(ctx)
	return nil
}

// ConfirmWrong types a code that is not the one on the card.
func (l *Lab) ConfirmWrong(ctx context.Context) error {
	wrong := []byte(l.card.face.panel.look().Code)
	if len(wrong) == 0 {
		wrong = []byte("000000")
	}
	for i, digit := range wrong {
		wrong[i] = '0' + (digit-'0'+1)%10
	}
	return l.Confirm(ctx, string(wrong))
}

// Resend asks for a new code, which voids the one before.
func (l *Lab) Resend(ctx context.Context) error {
	return l.ask(ctx, "resend", l.shop.ResendPayment)
}

// Cancel ends the payment.
func (l *Lab) Cancel(ctx context.Context) error {
	return l.ask(ctx, "cancel", l.shop.CancelPayment)
}

func (l *Lab) ask(
	ctx context.Context, kind string, do func(context.Context, string, ...client.CallOption) (bankapi.Payment, error),
) error {
	p, err := l.current()
	if err != nil {
		return err
	}
	key, err := l.draw(16)
	if err != nil {
		return err
	}
	l.change(func(w *world) {
		w.problem = nil
		w.note(Crossing{From: Shop, To: Bank, Kind: kind}, l.c.Now())
	})
	after, err := do(ctx, p.ID, client.IdempotencyKey(key))
	if err != nil {
		l.refused(err)
		l.refreshPayment(ctx)
		return nil
	}
	l.took(after)
	return nil
}

// Leave goes back to the shop's shelves. The payer puts the card away, which
// switches it off: a used code would stay on it to its end otherwise, and be
// taken for the next.
func (l *Lab) Leave() error {
	l.change(func(w *world) { w.payment, w.problem = nil, nil })
	return l.card.restart(l.home.card())
}

// TopUp gives the payer more demo money.
func (l *Lab) TopUp(ctx context.Context) error {
	if err := l.topUp(ctx); err != nil {
		l.refused(err)
		return nil
	}
	l.refreshFunds(ctx)
	return nil
}

// refreshPayment asks the bank how the payment stands.
func (l *Lab) refreshPayment(ctx context.Context) {
	l.mu.Lock()
	known := l.world.payment
	l.mu.Unlock()
	if known == nil {
		return
	}
	p, err := l.shop.Payment(ctx, known.ID)
	if err != nil {
		return // it is only looked at; the next event looks again
	}
	l.took(p)
	if p.Status != known.Status {
		l.refreshFunds(ctx)
	}
}
