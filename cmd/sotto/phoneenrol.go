package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/dyncode"
	"sotto/phone/vault"
)

type phoneEnrolCmd struct {
	State     string   `required:"" placeholder:"DIR" help:"Folder of the phone's state; it is made."`
	Ticket    string   `required:"" placeholder:"TICKET" help:"Text from the bank, or - to read it from standard input."`
	KeySource []string `default:"device" placeholder:"KIND=FILE" help:"Key-source data: device, account=FILE, finger=FILE, face=FILE; any of them, with commas between."`
	DeviceID  string   `placeholder:"ID" help:"The phone's device identifier; without it one is drawn."`
	Network   bool     `name:"safe-network" help:"Allow http to other machines, where the network itself encrypts."`
}

// Help has an example.
func (phoneEnrolCmd) Help() string {
	return `The key source is fixed from now on: it enters every seal of this phone.

Example:
  sotto phone enrol --state ./phone --ticket sotto1.eyJ1cmwi… \
      --key-source device,finger=./finger.fmr --device-id 356938035643809`
}

// Run enrols.
func (c phoneEnrolCmd) Run(g *globals) error {
	text, err := argument(g, c.Ticket)
	if err != nil {
		return err
	}
	ticket, err := bankapi.ParseTicket(text)
	if err != nil {
		return err
	}
	digest, err := c.keySource(g)
	if err != nil {
		return err
	}
	v, err := vault.Prepare(c.State) // before the ticket is spent
	if err != nil {
		return err
	}
	defer v.Close()
	var options []client.Option
	if c.Network {
		options = append(options, client.SafeNetwork())
	}
	e, err := client.Enrol(g.Ctx, ticket, digest, g.Rand, options...)
	if err != nil {
		return err
	}
	err = v.Enrol(vault.Identity{
		Phone: e.Phone, Bank: ticket.URL, Bus: e.Bus, CA: e.CA, Seed: e.Seed, Key: e.Key, KeySource: digest,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(g.Out, "enrolled", e.Phone)
	return nil
}

// argument is text itself, or standard input for "-": a flag can be seen by
// everyone on the machine.
func argument(g *globals, text string) (string, error) {
	if text != "-" {
		return text, nil
	}
	b, err := io.ReadAll(io.LimitReader(g.In, 1<<16))
	if err != nil {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return string(b), nil
}

// keySource reads the chosen data (A3) and keeps only their digest.
func (c phoneEnrolCmd) keySource(g *globals) (digest [32]byte, err error) {
	var k dyncode.KeySource
	defer func() {
		for _, b := range [][]byte{k.Device, k.Account, k.Fingerprint, k.Face} {
			clear(b)
		}
	}()
	named := map[string]bool{}
	for _, one := range c.KeySource {
		kind, file, _ := strings.Cut(one, "=")
		if named[kind] {
			return digest, fmt.Errorf("the key source %s is there twice: give it once", kind)
		}
		named[kind] = true
		switch kind {
		case "device":
			k.Device, err = c.deviceID(g, file)
		case "account":
			k.Account, err = readDatum(kind, file)
		case "finger":
			k.Fingerprint, err = readDatum(kind, file)
		case "face":
			k.Face, err = readDatum(kind, file)
		default:
			err = fmt.Errorf("there is no key source %q: choose of device, account, finger, face", kind)
		}
		if err != nil {
			return digest, err
		}
	}
	return k.Digest()
}

func (c phoneEnrolCmd) deviceID(g *globals, file string) ([]byte, error) {
	switch {
	case file != "":
		return nil, errors.New("the key source device takes no file: give --device-id")
	case c.DeviceID != "":
		return []byte(c.DeviceID), nil
	}
	var b [16]byte
	if _, err := io.ReadFull(g.Rand, b[:]); err != nil {
		return nil, fmt.Errorf("draw a device identifier: %w", err)
	}
	return hex.AppendEncode(nil, b[:]), nil
}

func readDatum(kind, file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the key source %s: %w", kind, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, dyncode.KeySourceItemMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the key source %s: %w", kind, err)
	case len(b) == 0 || len(b) > dyncode.KeySourceItemMax:
		return nil, fmt.Errorf("%s must have 1 to %d bytes to be a key source", file, dyncode.KeySourceItemMax)
	}
	return b, nil
}
