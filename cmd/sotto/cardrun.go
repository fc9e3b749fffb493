package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sotto/card"
	"sotto/ident"
	"sotto/link/tcp"
)

type cardRunCmd struct {
	State  string      `required:"" placeholder:"DIR" help:"Folder of the card's state, from 'sotto card personalize'."`
	Listen string      `default:"127.0.0.1:7301" placeholder:"HOST:PORT" help:"Where the phone reaches the card; port 0 takes a free one."`
	BLE    adapterName `name:"ble" placeholder:"ADAPTER" help:"Let the phone reach the card over Bluetooth as well; hci0 if no adapter is named."`
	cardNearFlags
	Quiet bool   `help:"Do not draw on the terminal."`
	PNG   string `name:"png" placeholder:"FILE" help:"Write each change of the screen to FILE. It will hold codes: for demonstrations."`
	panelFlags
	presentFlags
	soundFlags
}

// Help has an example.
func (cardRunCmd) Help() string {
	return `Prints "ready HOST:PORT" when it takes messages. On a terminal it draws its
screen and turns the pages; elsewhere ask it with 'sotto card show'. A card speaks
if it was personalised so, or with --prompt: whoever is near then hears the code.

Example:
  sotto card run --state ./card --listen 127.0.0.1:7301
  sotto card run --state ./card --ble hci0
  sotto card run --state ./card --vpcd 127.0.0.1:35963`
}

// pageTime is how long a page stays before the next one comes.
const pageTime = 4 * time.Second

// Run serves until it is asked to end.
func (c cardRunCmd) Run(g *globals) error {
	if err := leaveNoCore(); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	memory, store, err := openCard(c.State)
	if err != nil {
		return err
	}
	defer store.Close()
	set, err := c.over(memory.Presentation)
	if err != nil {
		return err
	}
	prompt, closer, err := c.prompt(g, set)
	if err != nil {
		return err
	}
	defer closer.Close()
	defer prompt.Clear()
	device := card.New(memory, store, prompt, g.Now)

	ctx, cancel := context.WithCancel(g.Ctx)
	defer cancel()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another with --listen", c.Listen, err)
	}
	window, err := openWindow(ctx, c.State)
	if err != nil {
		l.Close()
		return err
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { serveWindow(ctx, window, device, set) })
	beside.Go(func() { keepTime(ctx, g.Now, device) })
	if err := serveBLE(ctx, g, &beside, c.BLE, device); err != nil {
		l.Close()
		return err
	}
	if err := c.serveNear(ctx, g, &beside, device); err != nil {
		l.Close()
		return err
	}
	if _, err := fmt.Fprintln(g.Out, "ready", l.Addr()); err != nil {
		l.Close()
		return err
	}
	if err := tcp.Serve(ctx, l, device); err != nil {
		return fmt.Errorf("serve the phone: %w", err)
	}
	return nil
}

// keepTime ticks, and turns the pages.
func keepTime(ctx context.Context, now func() time.Time, d *card.Device) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	page := time.NewTicker(pageTime)
	defer page.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			d.Tick(now())
		case <-page.C:
			d.PageNext()
		}
	}
}

// The window is a socket in the card's folder through which another process of
// the same user looks at the screen. Each connection gets the screen as JSON.

func windowPath(dir string) string { return filepath.Join(dir, "screen.sock") }

func openWindow(ctx context.Context, dir string) (net.Listener, error) {
	path := windowPath(dir)
	// A socket that is there is nobody's: this process has the card's memory.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old socket: %w", err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the card's window: %w; a path of %d bytes may be too long, try a shorter --state", err, len(path))
	}
	return l, nil
}

func serveWindow(ctx context.Context, l net.Listener, d *card.Device, set card.Presentation) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	id := ident.Text(ident.Card, d.Identity().Card)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		// The answer fits the socket's buffer; the deadline is for a peer that
		// was stopped.
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_ = json.NewEncoder(c).Encode(screenOf(id, d.View(), set))
		c.Close()
	}
}
