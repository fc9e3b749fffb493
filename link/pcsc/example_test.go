package pcsc_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"sotto/link/pcsc"
)

// The next chip that comes to the one reader whose name has "PICC" in it.
func ExampleDaemon() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := pcsc.Daemon{}.Reader("PICC").Connect(ctx)
	if err != nil {
		log.Print(err) // a sentence that says what to do
		return
	}
	defer connection.Close()
	response, err := connection.Transmit(ctx, []byte{0x00, 0xA4, 0x04, 0x00})
	fmt.Println(connection.Interface(), len(response), err)
}
