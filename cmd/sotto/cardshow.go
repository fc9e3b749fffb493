package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"time"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/png"
	"sotto/card/screen/term"
	"sotto/ident"
)

type cardShowCmd struct {
	State string `required:"" placeholder:"DIR" help:"Folder of the card's state."`
	JSON  bool   `name:"json" help:"Print the screen as JSON."`
	PNG   string `name:"png" placeholder:"FILE" help:"Write the page to FILE as well. It will hold the code."`
	Page  int    `default:"1" help:"Which page, from 1."`
}

// Help has an example.
func (cardShowCmd) Help() string {
	return `A card that is switched off shows its resting picture. Without a terminal of
125 columns the screen is printed as lines of text.

Example:
  sotto card show --state ./card --png card.png`
}

// Run shows.
func (c cardShowCmd) Run(g *globals) error {
	s, err := look(g, c.State)
	if err != nil {
		return err
	}
	v, err := s.view()
	if err != nil {
		return err
	}
	layout := screen.Compose(v)
	if c.Page < 1 || c.Page > layout.Pages() {
		return fmt.Errorf("the screen has %d pages: choose one with --page", layout.Pages())
	}
	if c.PNG != "" {
		if err := png.File(c.PNG).Put(layout, c.Page-1); err != nil {
			return fmt.Errorf("write the picture: %w", err)
		}
	}
	if c.JSON {
		e := json.NewEncoder(g.Out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(s)
	}
	_, columns := terminalOf(g.Out)
	_, err = io.WriteString(g.Out, term.Draw(layout, c.Page-1, columns))
	return err
}

// look asks the card that runs, or the memory of one that does not.
func look(g *globals, dir string) (screenJSON, error) {
	if err := ownFolder(dir); err != nil {
		return screenJSON{}, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(g.Ctx, "unix", windowPath(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return resting(dir)
	case err != nil:
		return screenJSON{}, fmt.Errorf("ask the card: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return screenJSON{}, err
	}
	var s screenJSON
	if err := json.NewDecoder(io.LimitReader(conn, 1<<20)).Decode(&s); err != nil {
		return screenJSON{}, fmt.Errorf("ask the card: %w; is it still running?", err)
	}
	return s, nil
}

func resting(dir string) (screenJSON, error) {
	memory, store, err := openCard(dir)
	if err != nil {
		return screenJSON{}, err
	}
	defer store.Close()
	d := card.New(memory, store, &screen.Prompt{}, nil)
	return screenOf(ident.Text(ident.Card, memory.Identity.Card), d.View(), memory.Presentation), nil
}
