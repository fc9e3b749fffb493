package vpcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// network reads an address: host:port, or the path of a Unix socket, which is
// known by its slash.
func network(address string) (string, error) {
	if strings.Contains(address, "/") {
		return "unix", nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "", fmt.Errorf("vpcd: %q is no address: give host:port, or the path of a Unix socket", address)
	}
	return "tcp", nil
}

// Listen opens an address for Serve: a port of this machine's loopback, or a Unix
// socket, which only its owner can reach. It refuses any other, since whoever
// reaches a chip can spend its money. The socket of a chip that died without
// closing it is taken over; that of one that lives is not.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	kind, err := network(address)
	if err != nil {
		return nil, err
	}
	if kind == "unix" {
		return listenUnix(ctx, address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, kind, address)
	if err != nil {
		return nil, fmt.Errorf("vpcd: %w", err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("vpcd: %s would open the chip to others: listen on 127.0.0.1 or a Unix socket", address)
	}
	return l, nil
}

func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	config := net.ListenConfig{Control: ownerOnly}
	l, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		os.Remove(path)
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("vpcd: %w", err)
	}
	return l, nil
}

// abandoned reports whether path is a socket at which nobody listens any more.
func abandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// dial opens a wire to an address, trying for at most frameTime.
func dial(ctx context.Context, address string) (*wire, error) {
	kind, err := network(address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: frameTime}
	conn, err := dialer.DialContext(ctx, kind, address)
	if err != nil {
		return nil, err
	}
	return newWire(conn), nil
}

// hopeless tells what another try will not mend.
func hopeless(err error) bool {
	var name *net.DNSError
	var address *net.AddrError
	return errors.As(err, &name) && name.IsNotFound || errors.As(err, &address) || errors.Is(err, fs.ErrPermission)
}

// sleep returns false when ctx ended it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
