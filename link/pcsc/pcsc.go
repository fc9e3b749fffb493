// Package pcsc reaches chips in PC/SC readers through pcscd, the daemon of
// pcsc-lite.
//
// Daemon is where to begin: it lists the readers and gives one by its name. A
// Reader is a link.Reader; it waits for a chip, resets it, and holds the reader
// for itself until the connection is closed, which powers the chip off. GET
// RESPONSE and repetitions after 6Cxx are left to apdu.Transmit.
//
// It speaks the protocol of pcscd's socket, versions 4:4 and 4:5 (pcsc-lite
// 1.8.24 and all later up to 2.5), without libpcsclite; see docs/adr/0017. It
// believes no length the daemon sends, ends with ctx whatever the daemon does,
// and its errors say what to do next. It has nothing for Windows or macOS, where
// PC/SC is not this daemon.
package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sotto/link"
)

// DefaultSocket is where the system's pcscd listens.
const DefaultSocket = "/run/pcscd/pcscd.comm"

// Daemon is a pcscd. The zero value is the system's.
type Daemon struct {
	Socket string // empty: DefaultSocket; libpcsclite's programs use PCSCLITE_CSOCK_NAME
}

// Readers lists the names of the readers, whether or not a chip is there.
func (d Daemon) Readers(ctx context.Context) ([]string, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.conn.Close()
	states, err := s.states(ctx)
	if err != nil {
		return nil, err
	}
	return names(states), nil
}

// Reader is the reader of this name. A part of the name will do if no other
// reader has it, in either case of letters, and nothing at all if there is but
// one reader. It is looked for when it is used.
func (d Daemon) Reader(name string) *Reader { return &Reader{daemon: d, name: name} }

// Reader is one PC/SC reader.
type Reader struct {
	daemon Daemon
	name   string
}

// retryAfter is the pause after a chip that was gone, or mute, when it was to be
// reset; pcscd itself looks every 0.4 s. patience is how long another program may
// hold the reader: many do for a moment, and pcscd takes one to notice that its
// client has died.
const (
	retryAfter = 100 * time.Millisecond
	patience   = time.Second
)

// Connect implements link.Reader: it waits until a chip is there, and resets it.
// It does not wait for a daemon or a reader, and not long for another program
// that holds the reader.
func (r *Reader) Connect(ctx context.Context) (link.Connection, error) {
	for began := time.Now(); ; {
		c, err := r.connect(ctx)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("no chip came to the reader %q: %w", r.name, context.Cause(ctx))
		case errors.Is(err, sharingViolation) && time.Since(began) < patience:
		case !errors.Is(err, link.ErrGone):
			return nil, err
		}
		timer := time.NewTimer(retryAfter)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// connect waits for a chip and connects to it once.
func (r *Reader) connect(ctx context.Context) (*connection, error) {
	s, err := r.daemon.open(ctx)
	if err != nil {
		return nil, err
	}
	name, err := s.await(ctx, r.name)
	if err == nil {
		c := &connection{session: s}
		if err = c.open(ctx, name); err == nil {
			return c, nil
		}
	}
	s.conn.Close()
	return nil, err
}

// choose finds the one reader that is meant.
func choose(states []state, name string) (state, error) {
	var found []state
	for _, s := range states {
		if s.name == name {
			return s, nil
		}
		if strings.Contains(strings.ToLower(s.name), strings.ToLower(name)) {
			found = append(found, s)
		}
	}
	switch {
	case len(states) == 0:
		return state{}, errors.New("pcscd has no reader: plug one in, or for the virtual one install vsmartcard-vpcd and restart pcscd")
	case len(found) == 0:
		return state{}, fmt.Errorf("no reader is called %q: there is %s", name, quoted(states))
	case len(found) > 1 && name == "":
		return state{}, fmt.Errorf("there is more than one reader: name one of %s", quoted(found))
	case len(found) > 1:
		return state{}, fmt.Errorf("%q may be any of %s: give more of the name", name, quoted(found))
	}
	return found[0], nil
}

func names(states []state) []string {
	var list []string
	for _, s := range states {
		list = append(list, s.name)
	}
	slices.Sort(list)
	return list
}

func quoted(states []state) string {
	var list []string
	for _, name := range names(states) {
		list = append(list, fmt.Sprintf("%q", name))
	}
	return strings.Join(list, ", ")
}
