package apdu_test

import (
	"fmt"

	"sotto/apdu"
)

// A till asks for the directory of contactless applications.
func Example() {
	selectPPSE := apdu.Command{CLA: 0x00, INS: 0xA4, P1: 0x04, Data: []byte("2PAY.SYS.DDF01"), Ne: 256}
	fmt.Printf("> %X\n", selectPPSE.Bytes())

	response, err := apdu.ParseResponse([]byte{0x6A, 0x82})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("<", response.Status)
	// Output:
	// > 00A404000E325041592E5359532E444446303100
	// < card answered 6A82 file or application not found
}

// A long command goes to a card that takes 255 bytes at a time.
func ExampleSplit() {
	storeData := apdu.Command{CLA: 0x00, INS: 0xE2, P1: 0x80, Data: make([]byte, 300)}
	links, err := apdu.Split(storeData, apdu.DataMaxShort)
	for _, link := range links {
		fmt.Printf("class %02X, %d bytes\n", byte(link.CLA), len(link.Data))
	}
	fmt.Println(err)
	// Output:
	// class 10, 255 bytes
	// class 00, 45 bytes
	// <nil>
}

func ExampleStatus_TriesLeft() {
	if n, ok := apdu.Status(0x63C2).TriesLeft(); ok {
		fmt.Println(n, "tries left")
	}
	// Output: 2 tries left
}
