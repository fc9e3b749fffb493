package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
)

// The protocol's version. A daemon of pcsc-lite 2.3.0 to 2.4.0 takes only its
// own, 4:5, which has all of 4:4 as it was.
const (
	major    = 4
	minor    = 4
	minorMax = 5
)

var (
	errLost   = errors.New("the connection to pcscd broke")
	errDaemon = errors.New("what listens at pcscd's socket does not speak its protocol")
)

// session is one connection to the daemon; a thread of the daemon serves it.
type session struct {
	conn    net.Conn
	context uint32
}

// open connects, agrees on a version and establishes a context.
func (d Daemon) open(ctx context.Context) (*session, error) {
	version := uint32(minor)
	for {
		s, err := d.dial(ctx)
		if err != nil {
			return nil, err
		}
		theirs, err := s.agree(ctx, version)
		if err == nil {
			err = s.establish(ctx)
		}
		if err == nil {
			return s, nil
		}
		s.conn.Close()
		switch {
		case !errors.Is(err, serviceStopped):
			return nil, err
		case theirs <= version || theirs > minorMax:
			return nil, fmt.Errorf("pcscd speaks version %d:%d of its protocol, and this program %d:%d and %d:%d: use pcsc-lite 1.8.24 to 2.5",
				major, theirs, major, minor, major, minorMax)
		}
		version = theirs
	}
}

func (d Daemon) dial(ctx context.Context) (*session, error) {
	path := d.Socket
	if path == "" {
		path = DefaultSocket
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("pcscd is not running (nobody listens at %s): systemctl start pcscd.socket, or run pcscd as root", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("this user may not use pcscd's socket %s: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("pcscd: %w", err)
	}
	return &session{conn: conn}, nil
}

// agree proposes a version and returns the daemon's minor one.
func (s *session) agree(ctx context.Context, version uint32) (theirs uint32, err error) {
	answer, err := s.call(ctx, cmdVersion, words(major, version, 0))
	switch {
	case errors.Is(err, errLost):
		return 0, errors.New("pcscd hangs up at once: its polkit rules may refuse this user; run as root, or allow org.debian.pcsc-lite.access_pcsc")
	case err != nil:
		return 0, err
	case word(answer, 0) != major:
		return 0, errDaemon
	}
	return word(answer, 1), code(word(answer, 2)).err()
}

func (s *session) establish(ctx context.Context) error {
	answer, err := s.call(ctx, cmdEstablish, words(scopeSystem, 0, 0))
	if err != nil {
		return err
	}
	s.context = word(answer, 1)
	return code(word(answer, 2)).err()
}

// states asks for all readers.
func (s *session) states(ctx context.Context) ([]state, error) {
	b, err := s.exchange(ctx, message(cmdStates, nil), statesCount*stateSize)
	return parseStates(b), err
}

// await waits until a chip is in the reader that name means, and returns the
// reader's whole name.
func (s *session) await(ctx context.Context, name string) (string, error) {
	for {
		// The daemon answers with all states and will send an event when one of
		// them changes, so that no change falls between.
		b, err := s.exchange(ctx, message(cmdWatch, nil), statesCount*stateSize)
		if err != nil {
			return "", err
		}
		found, err := choose(parseStates(b), name)
		if err != nil {
			return "", err
		}
		next := []byte(nil) // only wait
		if found.present() {
			next = message(cmdUnwatch, nil)
		}
		// Either the event or the answer to unwatch, never both.
		if _, err := s.exchange(ctx, next, eventSize); err != nil {
			return "", err
		}
		if found.present() {
			return found.name, nil
		}
	}
}

// call sends a command whose answer has the form of its body.
func (s *session) call(ctx context.Context, command uint32, body []byte) ([]byte, error) {
	return s.exchange(ctx, message(command, body), len(body))
}

// exchange sends and reads an answer of n bytes.
func (s *session) exchange(ctx context.Context, request []byte, n int) (answer []byte, err error) {
	err = s.within(ctx, func() (failed error) {
		answer, failed = s.sendAndRead(request, n)
		return failed
	})
	return answer, err
}

func (s *session) sendAndRead(request []byte, n int) ([]byte, error) {
	if len(request) > 0 {
		if _, err := s.conn.Write(request); err != nil {
			return nil, err
		}
	}
	answer := make([]byte, n)
	_, err := io.ReadFull(s.conn, answer)
	return answer, err
}

// within runs one exchange, and hangs up if it fails or when ctx ends: an answer
// that comes late would be taken for the next one's.
func (s *session) within(ctx context.Context, exchange func() error) error {
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	err := exchange()
	closed := !stop()
	switch {
	case err == nil:
		return nil
	case closed:
		return context.Cause(ctx)
	}
	s.conn.Close()
	return fmt.Errorf("%w: %w", errLost, err)
}

// named is a reader's name as a field of the daemon's.
func named(name string) []byte {
	return append([]byte(name), bytes.Repeat([]byte{0}, nameSize-len(name))...)
}
