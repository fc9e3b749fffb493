package sim_test

import (
	"bytes"
	"fmt"

	"sotto/link"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/mem"
)

// A fresh device, and a reader that asks it who can pay CNY 12.34.
func Example() {
	device, err := sim.Open(mem.New(), sim.Options{
		Key:    secret.New(bytes.Repeat([]byte{0x2A}, 32)), // at random, and kept
		Random: seeded(1),                                  // crypto/rand.Reader
		Now:    noon,                                       // time.Now
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	device.Reset(link.Contactless)
	for _, command := range []string{
		"\x00\xA4\x04\x00\x0E2PAY.SYS.DDF01\x00",
		"\x80\x1A\x00\x00\x0A\x83\x08\x00\x00\x00\x00\x12\x34\x01\x56\x00",
	} {
		fmt.Printf("%X\n", device.Transmit([]byte(command)))
	}
	fmt.Println(sim.ReasonNoApplet)

	// Output:
	// 6F1E840E325041592E5359532E4444463031A50CBF0C099F3F069F02065F2A029000
	// 6F19840E325041592E5359532E4444463031A507BF0C04DF5001069000
	// no applet
}

// What the holder can see and decide without any reader.
func ExampleDevice_List() {
	device, err := sim.Open(mem.New(), sim.Options{Key: deviceKey, Random: seeded(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := device.SetPolicy(sim.PolicyBestFit); err != nil {
		fmt.Println(err)
	}
	applets, err := device.List()
	fmt.Println(len(applets), err)
	policy, err := device.Policy()
	fmt.Println(policy, err)

	// Output:
	// 0 <nil>
	// best-fit <nil>
}
