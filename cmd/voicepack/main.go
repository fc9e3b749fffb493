// Command voicepack makes a file of the card's clips from recordings;
// scripts/voice.sh calls it and is where to begin.
//
//	voicepack list FILE             prints each word: number, voice, text
//	voicepack pack FILE DIR OUT     packs DIR/0.wav, DIR/1.wav, … into OUT
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"sotto/card/voice/pack"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "voicepack:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) < 2 {
		return errors.New("use: voicepack list FILE, or voicepack pack FILE DIR OUT")
	}
	list, err := os.ReadFile(args[1]) //nolint:gosec // whoever runs it names the files
	if err != nil {
		return err
	}
	switch {
	case args[0] == "list" && len(args) == 2:
		words, err := pack.ParseList(string(list))
		for i, w := range words {
			fmt.Fprintf(out, "%d\t%s\t%s\n", i, w.Voice, w.Text)
		}
		return err
	case args[0] == "pack" && len(args) == 4:
		return packInto(args[3], args[2], string(list))
	}
	return errors.New("use: voicepack list FILE, or voicepack pack FILE DIR OUT")
}

func packInto(file, dir, list string) error {
	next := 0
	b, err := pack.Bank(list, func(pack.Word) ([]byte, error) {
		next++
		return os.ReadFile(filepath.Join(dir, strconv.Itoa(next-1)+".wav")) //nolint:gosec // whoever runs it names the files
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644) //nolint:gosec // it is committed, and no secret
}
