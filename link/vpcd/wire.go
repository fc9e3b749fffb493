package vpcd

import (
	"bufio"
	"net"
	"syscall"
	"time"
)

// frameTime is how long a frame may take from its first byte to its last, and
// the longest wait for a peer that does not read.
const frameTime = 5 * time.Second

// wire is one connection, frame by frame. To end it from elsewhere, close conn:
// a deadline would be set anew by the next frame.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	time time.Duration // frameTime, less in tests
}

func newWire(conn net.Conn) *wire {
	w := &wire{conn: conn, in: bufio.NewReader(conn), time: frameTime}
	if t, ok := conn.(*net.TCPConn); ok {
		if raw, err := t.SyscallConn(); err == nil {
			w.in.Reset(promptly{conn: t, raw: raw})
		}
	}
	return w
}

// promptly acknowledges at once what it reads.
//
// The driver writes small frames one by one, some of which have no answer, and
// leaves Nagle's algorithm on: its next frame waits for the acknowledgement of
// the one before, which the kernel would hold back for 40 ms in the hope of an
// answer to send it with. The kernel forgets the wish now and then, so it is
// renewed before every read.
type promptly struct {
	conn *net.TCPConn
	raw  syscall.RawConn
}

func (p promptly) Read(b []byte) (int, error) {
	_ = p.raw.Control(acknowledgeAtOnce) // if this fails it is slower, and Read says why
	return p.conn.Read(b)
}

// receive waits for a frame to begin, for ever if idle is 0, and then briefly for
// it to end: a peer that drips bytes does not hold the chip.
func (w *wire) receive(idle time.Duration, max int) ([]byte, error) {
	var until time.Time
	if idle > 0 {
		until = time.Now().Add(idle)
	}
	if err := w.conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	if _, err := w.in.Peek(1); err != nil {
		return nil, err
	}
	if err := w.conn.SetReadDeadline(time.Now().Add(w.time)); err != nil {
		return nil, err
	}
	return readFrame(w.in, max)
}

// send writes frames in one call.
func (w *wire) send(frames []byte) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.time)); err != nil {
		return err
	}
	_, err := w.conn.Write(frames)
	return err
}
