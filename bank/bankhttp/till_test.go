package bankhttp_test

import (
	"errors"
	"testing"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/secret"
)

// What a till does in a day, through the client it uses.
func TestADayAtTheTill(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	purse, account := w.funded(pursePAN, 50_000), w.issue(bankapi.AppletAccount, accountPAN)
	till := must(client.New(w.url, secret.New([]byte(w.shop))))(t)

	if _, err := till.PostTaps(ctx, purse.upload(bankapi.TapsMax, 10)); err != nil {
		t.Fatal(err)
	}
	ask := account.authorize(500)
	decided := must(till.Authorize(ctx, "a-1", ask))(t)
	if again := must(till.Authorize(ctx, "a-1", ask))(t); decided.Status != bankapi.TapApproved || again != decided {
		t.Errorf("decided %+v, and then %+v", decided, again)
	}
	unheard := account.authorize(700)
	must(till.Authorize(ctx, "a-2", unheard))(t)
	back := must(till.Reverse(ctx, bankapi.Reverse{Terminal: "TILL1", Batch: 7, ChipData: unheard.ChipData}))(t)
	if back.Status != bankapi.TapReversed {
		t.Errorf("reversed %+v", back)
	}
	totals := bankapi.SettleBatch{Terminal: "TILL1", Batch: 7, Count: bankapi.TapsMax, Amount: 5_500, Currency: "CNY"}
	var problem *bankapi.Problem
	if _, err := till.SettleBatch(ctx, totals); !errors.As(err, &problem) || problem.Reason() != bankapi.TotalsDiffer {
		t.Errorf("other totals: %v", err)
	}
	totals.Count++
	if paid := must(till.SettleBatch(ctx, totals))(t); !paid.Settled || w.balance(w.merchant.Account) != 5_500 {
		t.Errorf("settled %+v, and %d in the account", paid, w.balance(w.merchant.Account))
	}
	if keys := must(till.CAKeys(ctx))(t); len(keys.Data) != 1 {
		t.Errorf("got %+v", keys)
	}
}
