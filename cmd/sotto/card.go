package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sotto/card"
	"sotto/card/flash"
	"sotto/dyncode"
	"sotto/ident"
)

// cardCmd is the payment card with a display.
type cardCmd struct {
	New         cardNewCmd         `cmd:"" help:"Make the folder of a blank card and print the recipient to issue it to."`
	Personalize cardPersonalizeCmd `cmd:"" help:"Write what the bank answered into the blank card."`
	Run         cardRunCmd         `cmd:"" help:"Switch the card on: it takes messages and shows codes."`
	Show        cardShowCmd        `cmd:"" help:"Look at the card's screen."`
	Say         cardSayCmd         `cmd:"" help:"Hear what is on the card, once more."`
}

type cardNewCmd struct {
	State string `required:"" placeholder:"DIR" help:"Folder of the card's state; it is made."`
}

// Help has an example.
func (cardNewCmd) Help() string {
	return `Prints an age recipient. Hand it to the bank as "recipient" when it issues the
card: what the bank answers is encrypted to this folder alone.

Example:
  sotto card new --state ./card`
}

// Run makes the folder.
func (c cardNewCmd) Run(g *globals) error {
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return fmt.Errorf("make the card's folder: %w", err)
	}
	if err := ownFolder(c.State); err != nil {
		return err
	}
	path := cardIdentity(c.State)
	if err := newIdentity(path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is a card's folder already: use another", c.State)
		}
		return err
	}
	return printRecipient(g, path)
}

func cardIdentity(dir string) string { return filepath.Join(dir, "identity.txt") }

// ownFolder refuses a folder that others may enter: it holds keys, and a socket
// that tells the code.
func ownFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no card in %s: make one with 'sotto card new --state %s'", dir, dir)
	case err != nil:
		return fmt.Errorf("look at the card's folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others may enter %s: run 'chmod 700 %s'", dir, dir)
	}
	return nil
}

type cardPersonalizeCmd struct {
	State string `required:"" placeholder:"DIR" help:"Folder of the card's state, from 'sotto card new'."`
	File  string `arg:"" optional:"" default:"-" help:"The bank's answer, an armored age file; - or nothing is standard input."`
	presentFlags
}

// Help has an example.
func (cardPersonalizeCmd) Help() string {
	return `Works once for a folder. Prints the card's id. How the card presents is fixed here,
and 'sotto card run' can differ.

Example:
  sotto card personalize --state ./card card.age
  sotto card personalize --state ./card --prompt both --pace slow card.age`
}

// Run decrypts and writes.
func (c cardPersonalizeCmd) Run(g *globals) error {
	if err := ownFolder(c.State); err != nil {
		return err
	}
	plain, err := decryptFor(g, cardIdentity(c.State), c.File, personalizationMax, "sotto card new")
	if err != nil {
		return err
	}
	defer clear(plain)
	p, err := dyncode.ParsePersonalization(plain)
	if err != nil {
		return fmt.Errorf("the bank's answer is no personalisation of this version: %w", err)
	}
	defer p.Key.Wipe()
	memory := card.NewMemory(p)
	if memory.Presentation, err = c.over(card.Presentation{}); err != nil {
		return err
	}
	encoded, err := memory.Append(nil)
	if err != nil {
		return fmt.Errorf("write the card's memory: %w", err)
	}
	defer clear(encoded)
	s, err := flash.Create(c.State, encoded)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("write the card's memory: %w", err)
	}
	_, err = fmt.Fprintln(g.Out, "personalized", ident.Text(ident.Card, p.Card))
	return err
}

// personalizationMax bounds what is read, in bytes: it is a few hundred.
const personalizationMax = 1 << 16

// openCard reads a card's memory and keeps its files until Close.
func openCard(dir string) (card.Memory, *flash.Store, error) {
	if err := ownFolder(dir); err != nil {
		return card.Memory{}, nil, err
	}
	s, encoded, err := flash.Open(dir)
	if err != nil {
		return card.Memory{}, nil, err
	}
	defer clear(encoded)
	m, err := card.ParseMemory(encoded)
	if err != nil {
		s.Close()
		return card.Memory{}, nil, fmt.Errorf("read %s: %w: run the version of sotto that wrote it", dir, err)
	}
	return m, s, nil
}
