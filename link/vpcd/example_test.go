package vpcd_test

import (
	"context"
	"fmt"
	"log"

	"sotto/link"
	"sotto/link/vpcd"
)

// deaf is a chip without applications.
type deaf struct{}

func (deaf) Reset(link.Interface)   {}
func (deaf) Transmit([]byte) []byte { return []byte{0x6A, 0x82} } // nothing found

// A chip and a terminal, without pcscd between them.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := vpcd.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		log.Print(err)
		return
	}
	go func() { _ = vpcd.Serve(ctx, l, deaf{}, vpcd.Options{Interface: link.Contactless}) }()

	reader, err := vpcd.NewReader(l.Addr().String())
	if err != nil {
		log.Print(err)
		return
	}
	connection, err := reader.Connect(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	defer connection.Close()
	response, err := connection.Transmit(ctx, []byte{0x00, 0xA4, 0x04, 0x00})
	fmt.Printf("%v: %X, %v\n", connection.Interface(), response, err)
	// Output: contactless: 6A82, <nil>
}
