package isomac_test

import (
	"encoding/hex"
	"fmt"

	"sotto/isomac"
)

// An application cryptogram of EMV is the retail MAC over transaction data,
// padded by method 2.
func ExampleRetail() {
	key, _ := hex.DecodeString("f2a75194c2b954a4163e9886bca45473")
	data, _ := hex.DecodeString("000000010000000000001000084000000010800840980704001111111158003456a08003242000")
	fmt.Printf("%X\n", isomac.Retail([16]byte(key), isomac.Pad2(data, 8)))

	// Output:
	// 55BE45DD2C9E0CBF
}
