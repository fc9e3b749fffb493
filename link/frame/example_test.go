package frame_test

import (
	"fmt"
	"time"

	"sotto/link/frame"
)

// A phone and a card, and every frame between them.
func Example() {
	config := frame.Config{Size: 20}
	now := time.Unix(0, 0)
	phone := frame.NewSender(config, frame.NewID(0x1234, 1), []byte("the message"))
	card := frame.NewPeers(2, config)
	for !phone.Over() {
		to, ok := phone.Next(now, nil)
		if !ok {
			break // wait for a frame, or until phone.Due()
		}
		fmt.Printf("> %X\n", to)
		place, message := card.Receive(now, 0, to)
		if message != nil {
			place.Answer(now, []byte("yes"))
		}
		for from, ok := place.Next(nil); ok; from, ok = place.Next(nil) {
			fmt.Printf("< %X\n", from)
			phone.Receive(now, from)
		}
	}
	answer, err := phone.Answer()
	fmt.Printf("%s %v\n", answer, err)

	// Output:
	// > 3900000B12340001746865206D657373616765
	// < 3A00000312340001796573
	// yes <nil>
}
