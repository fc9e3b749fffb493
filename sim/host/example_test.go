package host_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"sotto/link"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/host"
	"sotto/sim/mem"
)

// slot is a reader that the device is in.
type slot struct{ *sim.Device }

func (slot) Interface() link.Interface { return link.Contact }
func (slot) Close() error              { return nil }

func (s slot) Transmit(_ context.Context, command []byte) ([]byte, error) {
	return s.Device.Transmit(command), nil
}

// An issuer opens a channel and looks what is installed.
func ExampleOpen() {
	key := secret.New(bytes.Repeat([]byte{0x2A}, 32))
	device, err := sim.Open(mem.New(), sim.Options{Key: key, Random: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := sim.IssuerKeys(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	domain, err := host.Open(context.Background(), slot{device}, keys, rand.NewChaCha8([32]byte{2}))
	if err != nil {
		fmt.Println(err)
		return
	}
	installed, err := domain.Status(context.Background())
	fmt.Println(len(installed), err)
	fmt.Println(domain.Delete(context.Background(), []byte("nobody")))

	// Output:
	// 0 <nil>
	// DELETE: card answered 6A88 referenced data not found
}
