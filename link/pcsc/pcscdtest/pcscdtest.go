// Package pcscdtest starts a pcscd with virtual readers for a test, beside any
// other on the machine and beside those of other tests.
//
//	d := pcscdtest.Start(t)
//	go vpcd.Run(ctx, d.Slots[0].Address, chip, vpcd.Options{})     // the card
//	reader := pcsc.Daemon{Socket: d.Socket}.Reader(d.Slots[0].Reader)
//	out, err := d.Command("opensc-tool", "-r", d.Slots[0].Reader, "-a").CombinedOutput()
//
// The daemon gets its socket handed over as from systemd, so it can lie in a
// folder of the test's own and takes connections before the daemon is ready. It
// sees a /run of its own where the kernel allows that (as root, or with user
// namespaces), so that it leaves no trace and finds none; elsewhere it needs
// root, or a /run/pcscd that exists. It reads no configuration but the test's. It
// ends with the test, and with the test's process.
//
// Missing packages fail the test: see scripts/need.sh.
package pcscdtest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/link/pcsc"
)

// startTime is how long a daemon may take until it lists its readers. It takes
// some 20 ms; the rest is for machines that are busy.
const startTime = 20 * time.Second

// attempts is how many pairs of ports are tried. Between being found free and
// being taken by the daemon, a port may go to somebody else.
const attempts = 10

// Daemon is a pcscd that runs until the test ends.
type Daemon struct {
	Socket string // for pcsc.Daemon
	Slots  [2]Slot

	t testing.TB
}

// Slot is one virtual reader.
type Slot struct {
	Address string // where the card dials
	Reader  string // its name in PC/SC
}

// Start starts a pcscd and waits until its readers are there.
func Start(t testing.TB) *Daemon {
	t.Helper()
	needs(t)
	var last error
	for range attempts {
		d, err := start(t)
		if err == nil {
			return d
		}
		if last = err; !errors.Is(err, errPorts) {
			break
		}
	}
	t.Fatal(last)
	return nil
}

// errPorts says that the daemon could not open its ports.
var errPorts = errors.New("a reader is missing")

func start(t testing.TB) (*Daemon, error) {
	t.Helper()
	port, err := freePorts()
	if err != nil {
		return nil, err
	}
	p, err := launch(t, port)
	if err != nil {
		return nil, err
	}
	d := &Daemon{t: t, Socket: p.socket}
	for i := range d.Slots {
		d.Slots[i] = Slot{
			Address: fmt.Sprintf("127.0.0.1:%d", port+i),
			Reader:  fmt.Sprintf("%s 00 %02d", readerName, i),
		}
	}
	if err := d.ready(p); err != nil {
		return nil, fmt.Errorf("pcscd did not start: %w\n%s", err, p.end())
	}
	t.Cleanup(func() {
		if said := p.end(); t.Failed() {
			t.Logf("pcscd said:\n%s", said)
		}
	})
	return d, nil
}

// readerName is what the driver adds its numbers to.
const readerName = "Test PCD"

// ready waits for the daemon's first answer, which comes when it has opened its
// readers, or failed to.
func (d *Daemon) ready(p *process) error {
	ctx, cancel := context.WithTimeout(d.t.Context(), startTime)
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	names, err := pcsc.Daemon{Socket: d.Socket}.Readers(ctx)
	if err != nil {
		return err
	}
	for _, slot := range d.Slots {
		if !slices.Contains(names, slot.Reader) {
			return fmt.Errorf("%w: %s among %q", errPorts, slot.Reader, names)
		}
	}
	return nil
}

// Env is what programs that use libpcsclite need in their environment.
func (d *Daemon) Env() []string { return []string{"PCSCLITE_CSOCK_NAME=" + d.Socket} }

// Command prepares one of the tools (opensc-tool, scriptor, pcsc_scan) for this
// daemon. It is killed when the test ends.
func (d *Daemon) Command(name string, args ...string) *exec.Cmd {
	d.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(d.t, name, toolPackages[name])
	}
	cmd := exec.CommandContext(d.t.Context(), path, args...) //nolint:gosec // the test names the tool
	cmd.Env = append(cmd.Environ(), d.Env()...)
	return cmd
}

var toolPackages = map[string]string{
	"opensc-tool": "opensc",
	"scriptor":    "pcsc-tools",
	"pcsc_scan":   "pcsc-tools",
}

// missing fails the test with the way out.
func missing(t testing.TB, what string, packages ...string) {
	t.Helper()
	t.Fatalf("%s is missing: run scripts/need.sh, or apt-get install -y --no-install-recommends %s",
		what, strings.Join(packages, " "))
}
