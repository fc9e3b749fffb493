package lab

import (
	"context"
	"fmt"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/money"
	"sotto/pos"
	"sotto/sim"
)

// Money is an amount, for machines and for people.
type Money struct {
	Minor int64  `json:"minor"`
	Text  string `json:"text"`
}

func balance(minor int64) Money {
	return Money{Minor: minor, Text: money.Amount{Minor: minor, Currency: money.Currency(currency)}.String()}
}

// Funds are the balances at the bank. Their sum, with that of the vault from
// which demo money comes, is nothing.
type Funds struct {
	Payer      Money `json:"payer"`
	Shop       Money `json:"shop"`
	Float      Money `json:"float"`      // what the bank says that is in purses, or has been
	Settlement Money `json:"settlement"` // what tills have brought and was not paid out yet
	Vault      Money `json:"vault"`
}

// Move is one transfer in the bank's ledger.
type Move struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	At     int64  `json:"at"` // Unix milliseconds
	From   string `json:"from"`
	To     string `json:"to"` // names of Funds
	Amount Money  `json:"amount"`
}

// movesMost is how many transfers are shown.
const movesMost = 8

// Where is where the money is, each part of it by the word of whoever has it.
// Float is the sum of Purses, Flight, Doubt and Till.
type Where struct {
	Payer      Money `json:"payer"`      // the bank
	Flight     Money `json:"flight"`     // the bank: loads of which no purse has told yet
	Purses     Money `json:"purses"`     // the SIM
	Doubt      Money `json:"doubt"`      // debited from a purse, and the till does not know
	Till       Money `json:"till"`       // the till's journal: approved, not uploaded
	Settlement Money `json:"settlement"` // the bank
	Shop       Money `json:"shop"`       // the bank
}

// refreshFunds asks the bank for the balances and the last transfers.
func (l *Lab) refreshFunds(ctx context.Context) {
	_ = l.lookAtBank(ctx) // it is only looked at; whoever looks next looks again
}

func (l *Lab) lookAtBank(ctx context.Context) error {
	var f Funds
	for _, one := range []struct {
		account string
		into    *Money
	}{
		{l.kept.Payer, &f.Payer}, {l.kept.Till, &f.Shop}, {l.kept.Vault, &f.Vault},
		{l.kept.Float, &f.Float}, {l.kept.Settlement, &f.Settlement},
	} {
		if one.account == "" {
			continue // it is opened when it is first needed
		}
		a, err := l.issuer.Account(ctx, one.account)
		if err != nil {
			return fmt.Errorf("look at the accounts: %w", err)
		}
		*one.into = balance(a.Balance)
	}
	moves, err := l.lookAtLedger(ctx)
	if err != nil {
		return err
	}
	l.change(func(w *world) { w.funds, w.moves = f, moves })
	return nil
}

func (l *Lab) lookAtLedger(ctx context.Context) ([]Move, error) {
	list, err := l.issuer.Transfers(ctx, "", client.Page{Limit: movesMost})
	if err != nil {
		return nil, fmt.Errorf("look at the ledger: %w", err)
	}
	names := map[string]string{
		l.kept.Payer: "payer", l.kept.Till: "shop", l.kept.Vault: "vault", l.kept.Float: "float", l.kept.Settlement: "settlement",
	}
	moves := []Move{}
	for _, t := range list.Data {
		moves = append(moves, Move{
			ID: t.ID, Kind: string(t.Kind), At: int64(t.CreatedAt), From: names[t.Debit], To: names[t.Credit], Amount: balance(t.Amount),
		})
	}
	return moves, nil
}

// lookAtMoney counts all the money, wherever it is.
func (l *Lab) lookAtMoney(ctx context.Context) error {
	if err := l.lookAtBank(ctx); err != nil {
		return err
	}
	loads, err := l.issuer.Loads(ctx, client.Page{Limit: movesMost})
	if err != nil {
		return fmt.Errorf("look at the loads: %w", err)
	}
	var flight int64
	for _, one := range loads.Data {
		if one.Status == bankapi.LoadInFlight {
			flight += one.Amount
		}
	}
	l.count(flight)
	return nil
}

// count puts together what bank, SIM and till say.
func (l *Lab) count(flight int64) {
	applets, _ := l.wallet.seen()
	var purses, till int64
	for _, a := range applets {
		if a.Kind == sim.Purse {
			purses += a.Available
		}
	}
	terminal, _, _ := l.counter.now()
	for _, e := range terminal.Entries(pos.StateApproved) {
		till += e.Receipt.Amount.Minor
	}
	l.change(func(w *world) {
		f := w.funds
		w.where = Where{
			Payer: f.Payer, Flight: balance(flight), Purses: balance(purses), Till: balance(till),
			Doubt: balance(f.Float.Minor - flight - purses - till), Settlement: f.Settlement, Shop: f.Shop,
		}
	})
}
