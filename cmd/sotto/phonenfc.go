package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"sotto/link"
	"sotto/link/best"
	"sotto/link/nfc"
	"sotto/link/pcsc"
)

// phoneNearFlags say at which readers cards are held to the phone.
type phoneNearFlags struct {
	Reader string `placeholder:"NAME" help:"Reach cards held to this PC/SC reader (NFC): its name, or a part of it that only it has."`
	RFID   string `name:"rfid-reader" placeholder:"NAME" help:"Reach cards by ISO/IEC 15693 through this PC/SC reader, if it lets such requests through."`
}

// A try at a reader waits this long for a card, and then another link has its
// turn; a reader needs no rest, for asking it costs nothing.
const (
	atReaderMax = 2 * time.Second
	noRest      = time.Millisecond
)

// The costs of the ways, in the order in which they are tried.
const (
	costFirst = iota // TCP and Bluetooth, which need nobody's hand
	costNFC
	costRFID
)

// ways is the phone's way to its cards: the best of all that were asked for.
func (c phoneRunCmd) ways(ctx context.Context, g *globals) (link.Reach, func(), error) {
	ways, err := c.phoneNearFlags.ways(ctx, g)
	if err != nil {
		return nil, nil, err
	}
	first, closeFirst, err := c.reach(ctx, g)
	if err != nil || len(ways) == 0 {
		return first, closeFirst, err
	}
	// Bluetooth may have to scan, connect and pair.
	ways = append(ways, best.Way{Name: "tcp, ble", Reach: first, Cost: costFirst, TryMax: 8 * time.Second})
	return best.New(best.Config{Ways: ways, PauseMax: 200 * time.Millisecond}), closeFirst, nil
}

func (c phoneNearFlags) ways(ctx context.Context, g *globals) (ways []best.Way, err error) {
	if c.Reader != "" {
		reader, err := readerNamed(ctx, g, c.Reader)
		if err != nil {
			return nil, err
		}
		ways = append(ways, best.Way{
			Name: "nfc", Reach: nfc.NewReach(reader, nfc.Config{}), Cost: costNFC, TryMax: atReaderMax, RestMax: noRest,
		})
	}
	if c.RFID != "" {
		way, err := c.rfid(ctx, g)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way)
	}
	return ways, nil
}

// readerNamed is a PC/SC reader, which may be plugged in later; pcscd must be
// there.
func readerNamed(ctx context.Context, g *globals, name string) (*pcsc.Reader, error) {
	daemon := pcsc.Daemon{Socket: os.Getenv("PCSCLITE_CSOCK_NAME")}
	names, err := daemon.Readers(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for reader %q: %w", name, err)
	}
	for _, n := range names {
		if strings.Contains(strings.ToLower(n), strings.ToLower(name)) {
			return daemon.Reader(name), nil
		}
	}
	g.Log.Warn("the reader is not there yet", "reader", name, "there", names)
	return daemon.Reader(name), nil
}
