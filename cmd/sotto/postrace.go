package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sotto/pos"
)

// traceFile keeps the trace of one tap, an event a line. Card numbers are
// masked in it. It takes the place of the trace before when a chip has come.
type traceFile struct {
	f       *os.File
	path    string
	chip    bool // something was said to a chip
	out     *json.Encoder
	failed  error
	live    *globals // to whom it is told as well, or nil
	colours bool
}

func (c posPayCmd) openTrace() (*traceFile, error) {
	path := c.file("trace.jsonl")
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = c.read() // which says what to do
	}
	if err != nil {
		return nil, err
	}
	return &traceFile{f: f, path: path, out: json.NewEncoder(f)}, nil
}

func (t *traceFile) event(e pos.Event) {
	t.chip = t.chip || e.Exchange != nil
	t.failed = errors.Join(t.failed, t.out.Encode(e)) //nolint:musttag // the names of the fields are the names
	if t.live != nil {
		_, _ = fmt.Fprint(t.live.Err, e.Text(t.colours))
	}
}

func (t *traceFile) close() error {
	err := errors.Join(t.failed, t.f.Close())
	if err == nil && t.chip {
		return os.Rename(t.path+".new", t.path)
	}
	return errors.Join(err, os.Remove(t.path+".new"))
}

var errNoTrace = errors.New("nothing was tapped yet; do it with 'sotto pos pay'")

type posTraceCmd struct {
	posHome
	JSON    bool   `help:"Print the events as JSON, one a line."`
	Colours string `enum:"auto,always,never" default:"auto" help:"Colours: ${enum} (default ${default}: on a terminal)."`
}

// Help has an example.
func (posTraceCmd) Help() string {
	return `Every command and answer of the last tap, with its data objects by name. Card numbers
are masked.

  sotto pos trace --data ./till`
}

// Run prints the trace.
func (c posTraceCmd) Run(g *globals) error {
	f, err := os.Open(c.file("trace.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoTrace
	}
	if err != nil {
		return err
	}
	defer f.Close()
	screen, _ := terminalOf(g.Out)
	colours := c.Colours == "always" || c.Colours == "auto" && screen != nil
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	printed := false
	for ; lines.Scan(); printed = true {
		if c.JSON {
			_, _ = fmt.Fprintf(g.Out, "%s\n", lines.Bytes())
			continue
		}
		var e pos.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil { //nolint:musttag // as written by event
			return fmt.Errorf("the trace is damaged: %w", err)
		}
		_, _ = fmt.Fprint(g.Out, e.Text(colours))
	}
	if err := lines.Err(); err != nil || printed {
		return err
	}
	return errNoTrace
}
