package pcscdtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Where Debian puts them.
const (
	binary = "/usr/sbin/pcscd"
	driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
)

func needs(t testing.TB) {
	t.Helper()
	for _, path := range []string{binary, driver} {
		if _, err := os.Stat(path); err != nil {
			missing(t, path, "pcscd", "vsmartcard-vpcd")
		}
	}
}

// freePorts finds two ports in a row on which nobody listens, and returns the
// first. The driver listens on all addresses, so they are looked for there.
func freePorts() (int, error) {
	for range 100 {
		first, err := net.Listen("tcp4", "0.0.0.0:0") //nolint:gosec,noctx // closed before anyone can connect
		if err != nil {
			return 0, err
		}
		at, ok := first.Addr().(*net.TCPAddr)
		if !ok {
			return 0, errors.New("no TCP address")
		}
		second, err := net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", at.Port+1)) //nolint:noctx // likewise
		first.Close()
		if err == nil {
			second.Close()
			return at.Port, nil
		}
	}
	return 0, errors.New("no two free ports in a row")
}

// process is a running daemon.
type process struct {
	cmd    *exec.Cmd
	dir    string
	socket string
	output bytes.Buffer // to be read when ended
	ended  chan struct{}
}

// launch starts the daemon with its readers on port and the one behind it.
func launch(t testing.TB, port int) (*process, error) {
	t.Helper()
	// Not t.TempDir: with a long test name the socket's path would not fit.
	dir, err := os.MkdirTemp("", "pcscd") //nolint:usetesting // see above
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir, socket: filepath.Join(dir, "comm"), ended: make(chan struct{})}
	if err := p.launch(port); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (p *process) launch(port int) error {
	config := filepath.Join(p.dir, "reader.conf.d")
	if err := os.Mkdir(config, 0o700); err != nil {
		return err
	}
	reader := fmt.Sprintf("FRIENDLYNAME \"%s\"\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n",
		readerName, port, driver, port)
	if err := os.WriteFile(filepath.Join(config, "vpcd"), []byte(reader), 0o600); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.socket, Net: "unix"})
	if err != nil {
		return err
	}
	// From here on the socket is the daemon's alone: when it dies, so does every
	// connection.
	l.SetUnlinkOnClose(false)
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	if err = p.start(config, socket, true); errors.Is(err, os.ErrPermission) {
		err = p.start(config, socket, false)
	}
	return err
}

// start runs the daemon, if apart with a /run of its own.
func (p *process) start(config string, socket *os.File, apart bool) error {
	// The way of systemd's socket activation: descriptor 3, announced to this
	// process id.
	script := `LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"`
	attributes, apart := attributes(apart)
	if apart {
		script = "mount -t tmpfs none /run; " + script // if this is refused, it may do without
	}
	p.output.Reset()
	p.cmd = exec.Command("/bin/sh", "-c", script, "pcscd", binary, "--foreground", "--info", "--config", config) //nolint:noctx,gosec // ended by end
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.ExtraFiles = []*os.File{socket}
	p.cmd.SysProcAttr = attributes
	started := make(chan error)
	go p.run(started)
	return <-started
}

// run keeps the thread that starts the daemon until it has ended: the kernel
// takes the death of that thread for the death of the parent.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // how it ended shows in what it said
		close(p.ended)
	}
}

// end ends the daemon, removes its folder, and returns what it said.
func (p *process) end() string {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error: it has ended
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	os.RemoveAll(p.dir)
	return p.output.String()
}
