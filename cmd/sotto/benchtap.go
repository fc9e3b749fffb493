package main

import (
	"errors"
	"fmt"
	"os"

	"sotto/bench"
)

type benchChoiceCmd struct {
	Wallets   int    `default:"10000" placeholder:"N" help:"Wallets, each with an amount to pay (default ${default})."`
	Seed      uint64 `default:"1" placeholder:"S" help:"What the wallets are drawn from: the same seed draws the same ones (default ${default})."`
	Applets   int    `default:"8" placeholder:"MAX" help:"Applets in a wallet: above 8 it draws wallets of 9 to so many (default ${default}, at most 200)."`
	Offline   bool   `help:"Tills without a bank, where only purses can pay."`
	Clockless bool   `help:"Devices without a clock, which do not know what has expired."`
	JSON      bool   `help:"Print the result as JSON."`
	SVG       string `type:"path" placeholder:"FILE" help:"Draw the shares into FILE."`
}

// Help shows examples.
func (benchChoiceCmd) Help() string {
	return `Draws wallets of one to eight applets, personalises them over a secure channel, and
taps with them at real tills of three classes: readers that send the amount before they
select, readers that do not, and contact readers. Each wallet taps twice in each class:
with its default card only, as phones do today, and with the SIM's choice. An oracle
that shares no code with the SIM says what any applet could have paid; exits 1 if the
choice pays less, or more. Then it measures the choice among 200 applets.

    sotto bench choice
    sotto bench choice --wallets 500 --seed 7 --json
    sotto bench choice --svg choice.svg`
}

// Run measures.
func (c *benchChoiceCmd) Run(g *globals) (err error) {
	dir, err := os.MkdirTemp("", "sotto-bench-")
	if err != nil {
		return fmt.Errorf("make a folder to measure in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	result, failed := bench.Choice(g.Ctx, bench.ChoiceOptions{
		Wallets: c.Wallets, Seed: c.Seed, Applets: c.Applets, Offline: c.Offline, Clockless: c.Clockless, Data: dir, Progress: g.Err,
	})
	if len(result.Classes) == 0 {
		return failed
	}
	return errors.Join(failed, draw(c.SVG, bench.ChoiceSVG(result)), (&measuring{JSON: c.JSON}).show(g, result))
}

// draw writes a drawing, if a file was named.
func draw(path string, svg []byte) error {
	if path == "" {
		return nil
	}
	if err := os.WriteFile(path, svg, 0o644); err != nil { //nolint:gosec // a picture for everybody
		return fmt.Errorf("write the drawing: %w", err)
	}
	return nil
}

type benchAirCmd struct {
	Taps int    `default:"200" placeholder:"N" help:"Taps of each kind, for the chip's CPU time (default ${default})."`
	JSON bool   `help:"Print the result as JSON."`
	SVG  string `type:"path" placeholder:"FILE" help:"Draw the taps as a timeline into FILE."`
}

// Help shows examples.
func (benchAirCmd) Help() string {
	return `Records offline taps of a real SIM at a real till, byte by byte, at readers that send
the amount first and at those that do not, and reckons how long they take in the field:
ISO/IEC 14443 type A at 106 kbit/s. Exits 1 if the choice adds more than 7 ms or 10 %.

    sotto bench air
    sotto bench air --json --svg air.svg > air.json`
}

// Run measures.
func (c *benchAirCmd) Run(g *globals) (err error) {
	dir, err := os.MkdirTemp("", "sotto-bench-")
	if err != nil {
		return fmt.Errorf("make a folder to measure in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	result, failed := bench.Air(g.Ctx, bench.AirOptions{Taps: c.Taps, Data: dir})
	if len(result.Taps) == 0 {
		return failed
	}
	return errors.Join(failed, draw(c.SVG, bench.AirSVG(result)), (&measuring{JSON: c.JSON}).show(g, result))
}
