package pos_test

import (
	"context"
	"fmt"
	"time"

	"sotto/money"
	"sotto/pos"
	"sotto/pos/mem"
)

// A terminal takes a payment, and settles at night.
func Example() {
	purse := newPurse(1, 5_000)
	till, err := pos.New(pos.Options{
		Settings: pos.Settings{
			Terminal: "T0000001", Name: "Corner Shop", Country: cny, Currency: money.CNY,
			Applications: []pos.Application{{AID: pos.OurAID}}, Authorities: authorities(),
		},
		Reader:   &reader{chip: &fake{applets: []*applet{purse}}}, // link/pcsc has real ones
		Journal:  &mem.Journal{},                                  // pos/journal keeps one on disk
		Acquirer: newBank(),
		Now:      func() time.Time { return noon },
		Random:   &counting{}, // crypto/rand
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	result, err := till.Tap(ctx, pos.Sale{Order: "A-1001", Amount: money.Amount{Minor: 1_234, Currency: money.CNY}})
	fmt.Println(result.Outcome, result.Reason, err)
	fmt.Println("left in the purse:", *result.Receipt.Left)

	night, err := till.Settle(ctx)
	fmt.Println("posted:", night.Posted, "settled:", night.Batches[0].Amount, err)

	// Output:
	// approved chip approves <nil>
	// left in the purse: 3766
	// posted: 1 settled: 1234 <nil>
}
