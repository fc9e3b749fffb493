// Command fontpack writes the card's text face as it lies in flash, to a file for
// a build of firmware (scripts/cardgo.sh):
//
//	fontpack face.bin
package main

import (
	"errors"
	"fmt"
	"os"

	"sotto/card/screen/font"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fontpack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("use: fontpack FILE")
	}
	b, err := font.Pack(font.Of)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], b, 0o644) //nolint:gosec // glyphs for everybody
}
