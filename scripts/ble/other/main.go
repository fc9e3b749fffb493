// Command other is a phone's Bluetooth made by others: the host stack of
// tinygo.org/x/bluetooth (HCI, L2CAP and ATT) on a controller of its own, with
// neither bluetoothd nor the kernel's part of it. It shows that a card is open to
// whoever keeps to docs/protocol/ble.md, and is used by `make ble` alone, in a
// module of its own, so that the product does not depend on that stack.
//
//	other stranger DEVICE        does what a stranger can do, and says what came of it
//	other carry DEVICE CARD      carries messages from TCP to the card
//
// DEVICE is the number of a controller: 2 is hci2.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"

	"sotto/link"
	"sotto/link/ble"
	"sotto/link/tcp"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "other:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("say what to do and with which controller, as in: other stranger 2")
	}
	device, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return err
	}
	c, err := open(uint16(device))
	if err != nil {
		return fmt.Errorf("open hci%d: %w", device, err)
	}
	defer c.Close()
	switch {
	case args[0] == "stranger":
		return stranger(c)
	case args[0] == "carry" && len(args) == 3:
		return carry(c, args[2])
	}
	return errors.New("nobody knows how to " + args[0])
}

// carry lets `sotto phone run --card CARD=ADDRESS` reach a card through c.
func carry(c *central, card string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	reach, err := ble.NewReach(c, rand.Reader, log)
	if err != nil {
		return err
	}
	defer reach.Close()
	ctx := context.Background()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", l.Addr())
	return tcp.Serve(ctx, l, link.HandlerFunc(func(message []byte) []byte {
		answer, err := reach.Exchange(ctx, card, message)
		if err != nil {
			log.Info("a message was not delivered", "reason", err)
			return nil
		}
		return answer
	}))
}

// stranger does not know the card: it connects to the first that it hears, and must
// not get further than its info.
func stranger(c *central) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address, err := c.Find(ctx, func(string, ble.Hint) bool { return true })
	if err != nil {
		return fmt.Errorf("find a card: %w", err)
	}
	conn, err := c.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	info, err := conn.Info(ctx)
	if err != nil {
		return fmt.Errorf("read the info: %w", err)
	}
	fmt.Printf("the info has %d bytes\n", len(info))
	if err := conn.Write(ctx, []byte("no frame")); !errors.Is(err, ble.ErrStranger) {
		return fmt.Errorf("a stranger's frame: %w", unexpected(err))
	}
	for range 3 {
		if err := conn.Knock(ctx, make([]byte, 8)); !errors.Is(err, ble.ErrStranger) {
			return fmt.Errorf("a stranger's knock: %w", unexpected(err))
		}
	}
	select {
	case _, open := <-conn.Frames():
		if open {
			return errors.New("a stranger was sent a frame")
		}
	case <-ctx.Done():
		return errors.New("the card did not hang up")
	}
	fmt.Println("its frame and its knocks are refused, and the card has hung up")
	return nil
}

func unexpected(err error) error {
	if err == nil {
		return errors.New("was taken")
	}
	return err
}
