package host

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
)

// Order is a load that somebody wants, or, of no amount, an inquiry.
type Order struct {
	AID     []byte
	Account string // that is debited; empty is the applet's own
	Amount  money.Amount
	Country emv.Numeric // of the terminal, ISO 3166-1
	Date    emv.Date
}

// Issuer is the bank's API, as far as a load needs it.
type Issuer struct {
	Create  func(context.Context, bankapi.CreateLoad) (bankapi.Load, error)
	Resolve func(ctx context.Context, id string, r bankapi.ResolveLoad) (bankapi.Load, error)
}

// TopUp loads a purse from its account, and has the purse itself say whether the
// money has arrived: Load, then Prove. What it returns has an id from the moment
// at which the bank has set the money aside.
//
// If it fails behind that, the money is in flight, and maybe in the purse
// already: Order.Resolve says which, and a caller who orders the same once more
// asks it first. For that the caller has the id on a disk before Issuer.Create
// returns: only then does the purse hear of the load.
func TopUp(ctx context.Context, c link.Connection, o Order, random io.Reader, bank Issuer) (bankapi.Load, error) {
	terms, err := o.terms(random)
	if err != nil {
		return bankapi.Load{}, err
	}
	if terms.Amount, err = emv.NewAmount(o.Amount.Minor); err != nil {
		return bankapi.Load{}, err
	}
	var made bankapi.Load
	_, failed := Load(ctx, c, o.AID, terms, func(ctx context.Context, r Request) (Answer, error) {
		data, err := r.ChipData()
		if err != nil {
			return Answer{}, err
		}
		made, err = bank.Create(ctx, bankapi.CreateLoad{
			Account: o.Account, Amount: o.Amount.Minor, Currency: string(o.Amount.Currency), ChipData: data.Hex(),
		})
		if err != nil {
			return Answer{}, err
		}
		return AnswerOf(made)
	})
	if made.ID == "" {
		return made, failed
	}
	// Whatever the reader has made of it: the purse knows.
	ended, err := o.Resolve(ctx, c, made.ID, random, bank)
	if err != nil {
		return made, err
	}
	return ended, nil
}

// Resolve lets the purse say whether the money of a load has arrived, and returns
// the load as it ended. It may be asked again, also when that load has ended.
func (o Order) Resolve(ctx context.Context, c link.Connection, load string, random io.Reader, bank Issuer) (bankapi.Load, error) {
	terms, err := o.terms(random)
	if err != nil {
		return bankapi.Load{}, err
	}
	proof, err := Prove(ctx, c, o.AID, terms)
	if err != nil {
		return bankapi.Load{}, fmt.Errorf("ask the purse whether the load arrived: %w", err)
	}
	data, err := proof.ChipData()
	if err != nil {
		return bankapi.Load{}, err
	}
	ended, err := bank.Resolve(ctx, load, bankapi.ResolveLoad{ChipData: data.Hex()})
	if err != nil {
		return bankapi.Load{}, fmt.Errorf("tell the bank whether the load arrived: %w", err)
	}
	return ended, nil
}

// terms are those of one transaction of nothing.
func (o Order) terms(random io.Reader) (t Terms, err error) {
	t.Country, t.Date = o.Country, o.Date
	if t.Currency, err = emv.NewNumeric(o.Amount.Currency.Numeric()); err != nil {
		return t, err
	}
	if _, err = io.ReadFull(random, t.Unpredictable[:]); err != nil {
		return t, fmt.Errorf("draw a number: %w", err)
	}
	return t, nil
}

// ChipData is a request as the bank takes it.
func (r Request) ChipData() (bankapi.ChipData, error) {
	iad, err := emv.ParseIAD(r.IAD)
	if err != nil {
		return bankapi.ChipData{}, ErrMalformed
	}
	return bankapi.ChipData{
		PAN: r.PAN, Sequence: r.PSN, AID: r.AID, CID: r.CID, AC: r.ARQC, IAD: iad,
		Input: emv.ACInput{
			Amount: r.Amount, Other: r.Other, Country: r.Country, TVR: r.TVR, Currency: r.Currency, Date: r.Date, Type: r.Type,
			Unpredictable: r.Unpredictable, AIP: r.AIP, ATC: r.ATC, CVN: iad.CVN, CVR: iad.CVR,
		},
	}, nil
}

// AnswerOf is what the bank's answer to a load gives to the chip.
func AnswerOf(l bankapi.Load) (Answer, error) {
	return readAnswer(l.ResponseCode, l.IssuerAuth, l.Script)
}

func readAnswer(code, issuerAuth, scriptText string) (a Answer, err error) {
	if a.IssuerAuth, err = hex.DecodeString(issuerAuth); err != nil {
		return Answer{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	if a.ARC, err = emv.ParseARC([]byte(code)); err != nil {
		return Answer{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	raw, err := hex.DecodeString(scriptText)
	if err != nil {
		return Answer{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	script, err := emv.ParseScript(raw)
	if err != nil {
		return Answer{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	a.Commands = script.Commands
	return a, nil
}
