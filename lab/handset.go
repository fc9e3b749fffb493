package lab

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sotto/bankapi/client"
	"sotto/link"
	"sotto/phone"
	"sotto/phone/vault"
)

// handset is the phone: its folder, the rules at work, and its connection to the
// bank, which a switch can cut.
type handset struct {
	dir   string
	vault *vault.Vault
	phone *phone.Phone
	line  *line
	log   *logbook
	bus   client.BusConfig
	stop  context.CancelFunc
	run   sync.WaitGroup
}

// handsetConfig is what a handset needs of the lab. Heard and said are called
// with every message from the bank and every answer to it.
type handsetConfig struct {
	dir    string
	busURL string
	reach  link.Reach
	now    func() time.Time
	random io.Reader
	heard  func(dispatch string, body []byte)
	said   func(body []byte, answered bool)
}

// openHandset switches the phone in dir on; it is not connected yet.
func openHandset(ctx context.Context, c handsetConfig) (*handset, error) {
	v, err := vault.Open(c.dir)
	if err != nil {
		return nil, err
	}
	id := v.Identity()
	h := &handset{dir: c.dir, vault: v, line: newLine(c.said), log: &logbook{}}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	h.phone, err = phone.New(phone.Config{
		ID: id.Phone, Key: id.Key, KeySource: id.KeySource,
		State: v, Reach: c.reach, Bank: h.line,
		Now: c.now, After: time.After, Random: c.random, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	h.bus = client.BusConfig{
		// The bus of a lab has another port at each start.
		URL: c.busURL, CAPEM: []byte(id.CA), Seed: id.Seed, PhoneID: id.Phone, Logger: log,
		RetryMin: 50 * time.Millisecond, RetryMax: time.Second,
		OnDispatch: func(ctx context.Context, dispatch string, body []byte) error {
			c.heard(dispatch, body)
			return h.phone.Dispatch(ctx, dispatch, body)
		},
	}
	ctx, h.stop = context.WithCancel(ctx)
	h.run.Go(func() { h.phone.Run(ctx) })
	return h, nil
}

// connect joins the bank's bus and waits until the bank has answered.
func (h *handset) connect(ctx context.Context) error {
	if h.line.up() {
		return nil
	}
	bus, err := client.Dial(context.WithoutCancel(ctx), h.bus)
	if err != nil {
		return err
	}
	if err := bus.Ready(ctx); err != nil {
		bus.Close()
		return err
	}
	h.line.set(bus)
	return nil
}

// disconnect leaves the bus, as in a cellar.
func (h *handset) disconnect() {
	if bus := h.line.set(nil); bus != nil {
		bus.Close()
	}
}

func (h *handset) online() bool { return h.line.up() }

func (h *handset) close() error {
	h.stop()
	h.disconnect()
	h.run.Wait()
	return h.vault.Close()
}

// line is the phone's way to the bank. While there is none it holds what the
// phone says, until there is one or the phone gives up.
type line struct {
	said func(body []byte, answered bool)

	mu    sync.Mutex
	bus   *client.Bus
	there chan struct{} // closed while there is a bus
}

func newLine(said func([]byte, bool)) *line {
	return &line{said: said, there: make(chan struct{})}
}

// set changes the bus, and returns the one before.
func (l *line) set(bus *client.Bus) (before *client.Bus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.bus = l.bus, bus
	switch {
	case before == nil && bus != nil:
		close(l.there)
	case before != nil && bus == nil:
		l.there = make(chan struct{})
	}
	return before
}

func (l *line) up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bus != nil
}

// Send implements phone.Sender.
func (l *line) Send(ctx context.Context, body []byte) ([]byte, error) {
	l.mu.Lock()
	there := l.there
	l.mu.Unlock()
	select {
	case <-there:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	bus := l.bus
	l.mu.Unlock()
	if bus == nil {
		return nil, client.ErrBusClosed
	}
	l.said(body, false)
	answer, err := bus.Send(ctx, body)
	if err == nil {
		l.said(body, true)
	}
	return answer, err
}

// logbook keeps the phone's last log lines, as its log file would. It is the
// writer of a slog handler, which writes a line at a time.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

const logMax = 60 // lines

// Write implements io.Writer.
func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= logMax {
		l.lines = append(l.lines[:0], l.lines[len(l.lines)-logMax+1:]...)
	}
	l.lines = append(l.lines, strings.TrimSpace(string(line)))
	return len(line), nil
}

func (l *logbook) read() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.lines...)
}
