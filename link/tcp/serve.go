package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"sotto/link"
)

// limits keep one peer from holding the card.
type limits struct {
	connectionsMax int           // more are closed at once
	idleMax        time.Duration // between two exchanges
	frameMax       time.Duration // from a frame's first byte to its last
}

var defaults = limits{connectionsMax: 8, idleMax: time.Minute, frameMax: 5 * time.Second}

// Serve answers every frame that reaches l with what handler answers, one
// exchange at a time over all connections, until ctx is done or l fails. It
// closes l, and returns after its last connection has ended; the error is nil
// when ctx was the cause.
func Serve(ctx context.Context, l net.Listener, handler link.Handler) error {
	return serve(ctx, l, handler, defaults)
}

func serve(ctx context.Context, l net.Listener, handler link.Handler, limit limits) error {
	s := &server{
		handler: handler,
		limit:   limit,
		slots:   make(chan struct{}, limit.connectionsMax),
	}
	defer s.running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the connections when l has failed
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case temporary(err): // a connection that died in the queue, or no descriptor left
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			return err
		default:
			s.admit(ctx, c)
		}
	}
}

func temporary(err error) bool {
	var network net.Error
	//nolint:staticcheck // Temporary is deprecated but is all that tells EMFILE from a closed listener.
	return errors.As(err, &network) && network.Temporary()
}

type server struct {
	handler  link.Handler
	limit    limits
	slots    chan struct{}
	running  sync.WaitGroup
	exchange sync.Mutex
}

// admit starts a connection if there is room.
func (s *server) admit(ctx context.Context, c net.Conn) {
	select {
	case s.slots <- struct{}{}:
	default:
		c.Close()
		return
	}
	s.running.Go(func() {
		defer func() { <-s.slots }()
		defer c.Close()
		defer context.AfterFunc(ctx, func() { c.Close() })()
		for s.once(c) == nil {
		}
	})
}

// once carries one exchange.
func (s *server) once(c net.Conn) error {
	message, err := s.await(c)
	if err != nil {
		return err
	}
	if len(message) == 0 {
		return errFrame
	}
	s.exchange.Lock()
	answer := s.handler.Handle(message)
	s.exchange.Unlock()
	if err := c.SetWriteDeadline(time.Now().Add(s.limit.frameMax)); err != nil {
		return err
	}
	return writeFrame(c, answer)
}

// await waits long for a frame to begin and briefly for it to end: a peer that
// drips bytes does not hold its slot.
func (s *server) await(c net.Conn) ([]byte, error) {
	var first [1]byte
	if err := c.SetReadDeadline(time.Now().Add(s.limit.idleMax)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, first[:]); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(s.limit.frameMax)); err != nil {
		return nil, err
	}
	return readFrame(c, first[0])
}
