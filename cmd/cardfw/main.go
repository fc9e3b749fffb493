// Command cardfw is the card's rules as firmware: the same packages, built for
// WebAssembly (GOOS=wasip1) in place of a microcontroller, with frames on
// standard input and output in place of a radio, and a flash chip that is
// emulated in memory and kept in a file.
//
//	scripts/cardgo.sh build -ldflags='-s -w' -o cardfw.wasm ./cmd/cardfw
//	wazero run -mount .:/ cardfw.wasm /flash
//
// A frame is an operation of one letter, the length of what follows in two
// bytes, high byte first, and that. Each frame is answered by one with the same
// letter, or with E and one of the errors below:
//
//	L memory          write a card's memory, as card.Memory.Append has it, and boot
//	M time message    take a message, and answer as the card does
//	T time            tell the time
//	N                 turn the page
//	S                 answer with the picture: 122 rows of 32 bytes
//	X count           lose power within the count-th write to flash from now on
//	H                 answer with heap objects made, heap bytes made, heap in use
//
// Times are Unix milliseconds in eight bytes, counts four, heap figures eight
// each. When the power is lost the program ends with status 75, and what had
// been written to flash by then is in the file.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// statusPower is how the program ends when its power is lost.
const statusPower = 75

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cardfw:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("use: cardfw FLASHFILE")
	}
	f, err := os.OpenFile(args[0], os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // whoever runs it names the flash
	if err != nil {
		return err
	}
	defer f.Close()
	chip, err := openChip(f, func() { os.Exit(statusPower) })
	if err != nil {
		return err
	}
	return (&firmware{chip: chip}).serve(in, out)
}
