package nfc_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"sotto/link"
	"sotto/link/nfc"
)

// A card in a reader, and a phone that gives it a message.
func Example() {
	const id = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	handler := link.HandlerFunc(func(message []byte) []byte { return []byte("shown") })
	card := nfc.NewCard(id, handler, rand.Reader)

	reader := &slot{chip: card} // for a real one, package pcsc
	answer, err := nfc.NewReach(reader, nfc.Config{}).Exchange(context.Background(), id, []byte("sealed"))
	fmt.Printf("%s %v\n", answer, err)

	// Output:
	// shown <nil>
}
