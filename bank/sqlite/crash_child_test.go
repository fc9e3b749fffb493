//go:build unix

package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

var crashKeys = func() bank.Secrets {
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	return bank.Secrets{
		IssuerMaster: key(1), CodePepper: key(2), PANEncryption: key(3), PANLookup: key(4),
		PhoneTransport: key(5), APIKeys: key(6), Audit: key(7),
	}
}()

// teller does payments at a bank, with the keys of the cards it pays with.
type teller struct {
	bank   *bank.Bank
	store  *sqlite.Store
	random *rand.ChaCha8

	mu   sync.Mutex
	sent map[string]bank.Dispatch // by subject
}

// beKilled makes payments, and prints each answer, until the process ends.
func beKilled(path, seed, limit string) error {
	number, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s := &teller{random: rand.NewChaCha8([32]byte{byte(number), byte(number >> 8), byte(number >> 16), byte(number >> 24)}), sent: map[string]bank.Dispatch{}}
	if s.store, err = sqlite.Open(ctx, path, sqlite.Options{}); err != nil {
		return err
	}
	policy := bank.DefaultPolicy()
	policy.PairBurst, policy.CardBurst = 1<<30, 1<<30
	s.bank, err = bank.Open(ctx, bank.Config{
		Store: s.store, Keys: crashKeys, Policy: policy, Now: time.Now, Random: s.random,
		Log: slog.New(slog.DiscardHandler), Committed: s.committed,
	})
	if err != nil {
		return err
	}
	if err := s.furnish(ctx); err != nil {
		return err
	}
	if err := limitFiles(limit); err != nil {
		return err
	}
	failed := make(chan error)
	for range 16 {
		go func() { failed <- s.payForEver(ctx) }()
	}
	return <-failed
}

func (s *teller) committed(c bank.Committed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range c.Dispatches {
		s.sent[d.Subject] = d
	}
}

// must asks the bank and reads the answer.
func (s *teller) must(ctx context.Context, actor bank.Actor, op bank.Op, into any) error {
	a, err := s.bank.Do(ctx, bank.Call{Op: op, Actor: actor})
	if err != nil {
		return err
	}
	if !a.OK() {
		return fmt.Errorf("%T: %s", op, a.Body)
	}
	return json.Unmarshal(a.Body, into)
}

// furnish makes a merchant, and a customer with money, card and phone.
func (s *teller) furnish(ctx context.Context) (failed error) {
	if there, err := s.store.Merchants(ctx, bank.Page{Limit: 1}); err != nil || len(there) > 0 {
		return err
	}
	var vault, customer bankapi.Account
	var card bankapi.Card
	var phone bankapi.Phone
	var binding bankapi.Binding
	ticket, source := make([]byte, 32), make([]byte, 32)
	do := func(actor bank.Actor, op bank.Op, into any) {
		if failed == nil {
			failed = s.must(ctx, actor, op, into)
		}
	}
	do(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Vault", Kind: "internal", Currency: "CNY"}}, &vault)
	do(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "Li Wei", Kind: "customer", Currency: "CNY"}}, &customer)
	do(bank.Issuer, bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{Debit: vault.ID, Credit: customer.ID, Amount: 1 << 39, Currency: "CNY"}}, &struct{}{})
	do(bank.Issuer, s.bank.Keys().NewIssueCard(bankapi.IssueCard{Account: customer.ID, PAN: "6217000010000000011", Holder: "LI WEI"}), &card)
	do(bank.Issuer, bank.InvitePhone{InvitePhone: bankapi.InvitePhone{Name: "Li Wei's phone"}, TicketMAC: ticket}, &phone)
	do(bank.Self, bank.EnrolPhone{TicketMAC: ticket, PublicKey: "U", BoxKey: source, KeySource: source}, &phone)
	do(bank.Issuer, bank.Bind{Bind: bankapi.Bind{Card: card.ID, Phone: phone.ID}}, &binding)
	do(bank.Issuer, bank.ConfirmBinding{Binding: binding.ID, Code: s.code(binding.ID)}, &binding)
	do(bank.Issuer, bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: "Tea House", Currency: "CNY"}, Key: bank.NewKey{ID: "key_1"}}, &struct{}{})
	return failed
}

// code opens the message about a payment or binding, as phone and card would.
func (s *teller) code(subject string) string {
	s.mu.Lock()
	d := s.sent[subject]
	delete(s.sent, subject)
	s.mu.Unlock()
	code, err := presented(d)
	if err != nil {
		return err.Error() // the bank will refuse it
	}
	return code
}

func presented(d bank.Dispatch) (string, error) {
	card, err1 := ident.Parse(ident.Card, d.Card)
	phone, err2 := ident.Parse(ident.Phone, d.Phone)
	id, err3 := ident.Parse(ident.Dispatch, d.ID)
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", err
	}
	body := d.Body
	if bankapi.DispatchKind(d.Kind) == bankapi.DispatchPair {
		opened, err := dyncode.NewBox(dyncode.PhoneKey(crashKeys.PhoneTransport, phone), phone).Open(card, id, body)
		if err != nil {
			return "", err
		}
		pairing, err := bankapi.ParsePairing(opened)
		if err != nil {
			return "", err
		}
		body = pairing.BankPart
	}
	part, err := dyncode.ParseBankPart(body)
	if err != nil {
		return "", err
	}
	plain, err := dyncode.NewInner(dyncode.CardKey(crashKeys.IssuerMaster, card), card).Open(nil, dyncode.CardSealed, id, part)
	if err != nil {
		return "", err
	}
	c, err := dyncode.ParseContent(plain)
	return string(c.Code), err
}

// payForEver ends with the first answer that is neither yes nor a wrong code.
func (s *teller) payForEver(ctx context.Context) error {
	merchants, err := s.store.Merchants(ctx, bank.Page{Limit: 1})
	if err != nil {
		return err
	}
	cards, err := s.store.Cards(ctx, bank.Page{Limit: 1})
	if err != nil {
		return err
	}
	shop := bank.Actor{Role: bankapi.RoleMerchant, Merchant: merchants[0].ID}
	for {
		var p bankapi.Payment
		request := bankapi.CreatePayment{Card: cards[0].ID, Amount: 12_800, Currency: "CNY", Order: "A-1001"}
		if err := s.must(ctx, shop, s.bank.Keys().NewCreatePayment(request), &p); err != nil {
			return err
		}
		// One write a line: what a pipe has taken outlives the process.
		if _, err := fmt.Fprintf(os.Stdout, "%s %s\n", p.ID, p.Status); err != nil {
			return err
		}
		if err := s.must(ctx, shop, bank.ConfirmPayment{Payment: p.ID, Code: s.code(p.ID)}, &p); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(os.Stdout, "%s %s\n", p.ID, p.Status); err != nil {
			return err
		}
	}
}
