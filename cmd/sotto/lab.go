package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"

	"sotto/lab"
)

type labCmd struct {
	Listen         string `placeholder:"HOST:PORT" help:"Where the page is served (default 127.0.0.1:8420; with --run any free port)."`
	ListenAnywhere bool   `help:"Allow --listen to be reached by other machines. Whoever reaches the lab can play with it."`
	Data           string `placeholder:"DIR" help:"Where the demo bank, its customers' devices and the till are kept; mem keeps nothing (default ${state}/lab; with --run mem)."`
	Link           string `enum:",best,nfc,rfid,ble" default:"" placeholder:"LINK" help:"By what the phone calls the card at first: nfc, rfid, ble, or best, the nearest that reaches (default best)."`
	Distance       string `placeholder:"DISTANCE" help:"How far it is from the card at first, as in 3m or 2cm (default 3m)."`
	Seed           uint64 `placeholder:"N" help:"Have the radio lose and delay the same again (default any)."`
	Script         string `name:"run" enum:",online,tap" default:"" placeholder:"online|tap" help:"Make one payment without a browser, print what happened, and end."`
	JSON           bool   `name:"json" help:"With --run: print one JSON object a line."`
}

// Help shows examples.
func (labCmd) Help() string {
	return `Shop, bank, phone and card, a SIM with four applets and a till, in one process and on
one web page, with demo data made at the first start. Nothing has to be configured.

    sotto lab
    sotto lab --listen 127.0.0.1:8430 --data mem
    sotto lab --run online
    sotto lab --run online --link ble --distance 25m --seed 7
    sotto lab --run tap --json

With --run it exits 0 only if the money moved and the phone showed nothing.`
}

// Run opens the lab, and closes it when the process is asked to end.
func (c *labCmd) Run(g *globals) error {
	makeRoom()
	if c.JSON && c.Script == "" {
		return errors.New("--json is for scripted payments: add --run online or --run tap")
	}
	l, err := lab.Open(g.Ctx, c.config(g))
	if err != nil {
		return err
	}
	if c.Script != "" {
		return errors.Join(c.play(g, l), l.Close())
	}
	_, err = fmt.Fprintf(g.Out, "ready %s\n", l.URL())
	if err == nil {
		_, _ = fmt.Fprintf(g.Err, "Open %s in a browser. Ctrl-C ends the lab.\n", l.URL())
		err = l.Wait(g.Ctx)
	}
	return errors.Join(err, l.Close())
}

// config fills in what was not given.
func (c *labCmd) config(g *globals) lab.Config {
	data, listen := filepath.Join(stateDir(), "lab"), "127.0.0.1:8420"
	if c.Script != "" {
		data, listen = lab.Mem, "127.0.0.1:0"
	}
	return lab.Config{
		Listen: cmp.Or(c.Listen, listen), Anywhere: c.ListenAnywhere, Data: cmp.Or(c.Data, data),
		Link: c.Link, Distance: c.Distance, Seed: c.Seed,
		Now: g.Now, Random: g.Rand, Log: g.Log,
	}
}

// play makes one payment and prints its transcript.
func (c *labCmd) play(g *globals, l *lab.Lab) error {
	paper := transcript{out: g.Out, colour: colourful(g.Out)}
	tell := paper.step
	if c.JSON {
		tell = func(s lab.Step) { paper.object(s) }
	}
	run := l.RunOnline
	if c.Script == "tap" {
		run = l.RunTap
	}
	outcome, err := run(g.Ctx, tell)
	if c.JSON {
		paper.object(outcome)
	} else {
		paper.end(outcome)
	}
	return cmp.Or(err, paper.err)
}

// transcript prints a scripted payment.
type transcript struct {
	out    io.Writer
	colour bool
	err    error
}

func (t *transcript) print(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.out, format, args...)
	}
}

func (t *transcript) object(v any) {
	if t.err == nil {
		t.err = json.NewEncoder(t.out).Encode(v)
	}
}

const (
	styleBold = "1"
	styleDim  = "2"
	styleSeal = "31"
)

func (t *transcript) style(style, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// step prints the devices beside each other in time: the phone, which is dark,
// and the others as they can be read.
func (t *transcript) step(s lab.Step) {
	t.print("%s %s\n", t.style(styleSeal, fmt.Sprintf("%7.1f ms", s.AtMS)), t.style(styleBold, s.Step))
	t.print("           %s\n", s.Says)
	screen := "(dark)"
	if s.Phone.Screen != "" {
		screen = s.Phone.Screen
	}
	t.device("phone", screen)
	if s.Link != nil {
		t.device("link", heard(s.Link))
	}
	if s.Card != nil {
		t.device("card", s.Card.Lines...)
	}
	if s.SIM != nil {
		t.device("SIM", applets(s.SIM)...)
	}
	if s.Till != nil {
		t.device("till", strings.Join(s.Till.Display, "  "))
	}
	funds := "payer " + s.Funds.Payer.Text + ", shop " + s.Funds.Shop.Text
	if s.SIM != nil {
		funds += ", float " + s.Funds.Float.Text + ", to be settled " + s.Funds.Settlement.Text
	}
	t.device("money", funds)
	t.print("\n")
}

// device prints what can be read on one device.
func (t *transcript) device(name string, lines ...string) {
	for _, line := range lines {
		if line != "" {
			t.print("           %s %s\n", t.style(styleDim, fmt.Sprintf("%-5s", name)), line)
		}
		name = ""
	}
}

// heard says what has crossed between phone and card.
func heard(f *lab.LinkFace) string {
	name := map[string]string{"nfc": "NFC", "rfid": "RFID", "ble": "Bluetooth"}[f.Name]
	return fmt.Sprintf("%s over %v m: %d fragments, %d of them lost, %.0f ms", name, f.Distance, f.Fragments, f.Lost, f.Took)
}

// applets is a line for each applet in a SIM.
func applets(f *lab.SIMFace) (lines []string) {
	for _, a := range f.Applets {
		line := fmt.Sprintf("%-13s %11s", a.Label, a.Available.Text)
		if a.Preferred {
			line += "  preferred"
		}
		if a.Locked {
			line += "  locked"
		}
		lines = append(lines, line)
	}
	return lines
}

func (t *transcript) end(o lab.Outcome) {
	if o.OK {
		t.print("%s %s moved, and the phone showed nothing.\n", t.style(styleBold, "ok"), o.Moved.Text)
		return
	}
	t.print("%s %s\n", t.style(styleBold, "failed"), o.Reason)
}

// colourful reports whether out is a terminal whose owner has not asked for
// plain text (no-color.org).
func colourful(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && isatty.IsTerminal(f.Fd())
}
