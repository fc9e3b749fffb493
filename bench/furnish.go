package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/secret"
)

// town is who uses the bank.
type town struct {
	phones    []*phone
	cards     []*card
	merchants []merchant
}

type merchant struct {
	id, account string
	key         secret.Secret
}

const (
	currency  = "CNY"
	funds     = 900_000_000_000 // minor units on each customer's account
	furnishes = 64              // goroutines: so many ops share a commit
)

// do asks the bank for what must succeed.
func (s *site) do(ctx context.Context, actor bank.Actor, op bank.Op, into any) error {
	answer, err := s.service.Bank.Do(ctx, bank.Call{Op: op, Actor: actor})
	switch {
	case err != nil:
		return err
	case !answer.OK():
		return fmt.Errorf("%T: %w", op, answer.Problem())
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer.Body, into)
}

// furnish makes everybody, and binds each card to a phone with the mechanism
// itself: the card opens the binding message, and its code is confirmed.
func furnish(ctx context.Context, s *site, o Options) (*town, error) {
	t := &town{cards: make([]*card, o.Cards)}
	for i := range o.Merchants {
		m, err := newMerchant(ctx, s, i)
		if err != nil {
			return t, err
		}
		t.merchants = append(t.merchants, m)
	}
	for i := range o.Phones {
		p, err := newPhone(o.Hasty, o.Log)
		if err != nil {
			return t, err
		}
		t.phones = append(t.phones, p)
		if err := p.enrol(ctx, s, "Phone "+strconv.Itoa(i)); err != nil {
			return t, err
		}
		if err := p.connect(ctx, s); err != nil {
			return t, fmt.Errorf("connect a phone: %w", err)
		}
	}
	return t, t.customers(ctx, s, o)
}

func (t *town) customers(ctx context.Context, s *site, o Options) error {
	var vault bankapi.Account
	open := bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Vault", Kind: bankapi.AccountInternal, Currency: currency}}
	if err := s.do(ctx, bank.Issuer, open, &vault); err != nil {
		return err
	}
	return inParallel(o.Cards, o.Progress, func(i int) (err error) {
		t.cards[i], err = t.customer(ctx, s, vault.ID, i)
		return err
	})
}

func newMerchant(ctx context.Context, s *site, i int) (merchant, error) {
	text, key, err := s.service.Bank.Keys().DrawKey(time.Now().UnixMilli(), rand.Reader)
	if err != nil {
		return merchant{}, err
	}
	var view bankapi.Merchant
	op := bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: "Tea House " + strconv.Itoa(i), Currency: currency}, Key: key}
	err = s.do(ctx, bank.Issuer, op, &view)
	return merchant{view.ID, view.Account, text}, err
}

// customer is an account with money, a card, and its binding.
func (t *town) customer(ctx context.Context, s *site, vault string, i int) (*card, error) {
	var account bankapi.Account
	open := bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Customer", Kind: bankapi.AccountCustomer, Currency: currency}}
	if err := s.do(ctx, bank.Issuer, open, &account); err != nil {
		return nil, err
	}
	pay := bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: vault, Credit: account.ID, Amount: funds, Currency: currency}}
	if err := s.do(ctx, bank.Issuer, pay, nil); err != nil {
		return nil, err
	}
	var view bankapi.Card
	issue := bank.IssueCard{Request: bankapi.IssueCard{Account: account.ID, PAN: panOf(i), Holder: "LI WEI"}}
	if err := s.do(ctx, bank.Issuer, s.service.Bank.Keys().NewIssueCard(issue.Request), &view); err != nil {
		return nil, err
	}
	c, err := newCard(view.ID, s.secrets.IssuerMaster)
	if err != nil {
		return nil, err
	}
	p := t.phones[i%len(t.phones)]
	p.hold(c)
	var b bankapi.Binding
	if err := s.do(ctx, bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: c.id, Phone: p.id}}, &b); err != nil {
		return nil, err
	}
	select {
	case seen := <-c.payer:
		return c, s.do(ctx, bank.Issuer, bank.ConfirmBinding{Binding: b.ID, Code: string(seen.code[:seen.n])}, nil)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(codePatience):
		return nil, errNoCode
	}
}

// panOf is a PAN of 16 digits with its check digit (ISO/IEC 7812-1, Annex B).
func panOf(i int) string {
	body := fmt.Sprintf("621700%09d", i)
	sum := 0
	for at := range len(body) {
		d := int(body[at] - '0')
		if at%2 == 0 { // every second digit, beginning left of the check digit
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return body + strconv.Itoa((10-sum%10)%10)
}

// inParallel calls f for 0 to n-1 and answers with the first error.
func inParallel(n int, progress io.Writer, f func(int) error) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var first error
	next, done := 0, 0
	work := func() {
		for {
			mu.Lock()
			i := next
			next++
			stop := i >= n || first != nil
			mu.Unlock()
			if stop {
				return
			}
			err := f(i)
			mu.Lock()
			if done++; err != nil && first == nil {
				first = err
			}
			if done%500 == 0 {
				_, _ = fmt.Fprintf(progress, "%d of %d cards are bound\n", done, n)
			}
			mu.Unlock()
		}
	}
	for range min(n, furnishes) {
		group.Go(work)
	}
	group.Wait()
	return first
}
