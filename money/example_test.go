package money_test

import (
	"fmt"

	"sotto/money"
)

func Example() {
	price, err := money.ParseDecimal("128", money.CNY)
	if err != nil {
		fmt.Println(err)
		return
	}
	shipping, err := money.ParseDecimal("9.5", money.CNY)
	if err != nil {
		fmt.Println(err)
		return
	}
	total, err := price.Add(shipping)
	fmt.Println(total, err)

	_, err = total.Add(money.Amount{Minor: 500, Currency: money.JPY})
	fmt.Println(err)
	// Output:
	// CNY 137.50 <nil>
	// amounts are of different currencies
}
