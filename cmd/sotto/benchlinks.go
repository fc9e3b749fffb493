package main

import (
	"errors"

	"sotto/bench"
)

type benchLinksCmd struct {
	Deliveries int       `default:"10000" placeholder:"N" help:"Payments over each link at each loss (default ${default})."`
	Loss       []float64 `default:"0,5,20" placeholder:"P,…" help:"Shares of packets that are lost, in percent (default ${default})."`
	Seed       uint64    `default:"1" placeholder:"S" help:"What radios and payments are drawn from: the same seed draws the same ones (default ${default})."`
	JSON       bool      `help:"Print the result as JSON."`
	SVG        string    `type:"path" placeholder:"FILE" help:"Draw times and bytes into FILE."`
}

// Help shows examples.
func (benchLinksCmd) Help() string {
	return `Seals payments as a bank and a phone do, and delivers them to a real card over the
models of BLE, NFC and RFID, in a time of their own. Measures how long it takes from
the phone having a payment to the card showing it, and the bytes on the air. The card's
screen is compared with what was sealed, pixel by pixel; exits 1 if a payment is neither
delivered nor expired, or the screen ever has anything but the last whole one or none.

    sotto bench links
    sotto bench links --loss 40,60 --deliveries 500 --seed 7
    sotto bench links --json --svg links.svg > links.json`
}

// Run measures.
func (c *benchLinksCmd) Run(g *globals) error {
	result, failed := bench.Links(g.Ctx, bench.LinksOptions{Deliveries: c.Deliveries, Loss: c.Loss, Seed: c.Seed, Progress: g.Err})
	if len(result.Links) == 0 {
		return failed
	}
	return errors.Join(failed, draw(c.SVG, bench.LinksSVG(result)), (&measuring{JSON: c.JSON}).show(g, result))
}
