package vpcd

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"sotto/link"
)

// limits keep one peer from holding the chip.
type limits struct {
	first    time.Duration // before the first frame
	idle     time.Duration // between two frames
	frame    time.Duration // from a frame's first byte to its last
	refusals int           // that are spoken at once; beyond, connections are just closed
}

var defaults = limits{first: time.Second, idle: time.Minute, frame: frameTime, refusals: 8}

// Serve lets readers come to the chip at l, one at a time, until ctx is done or l
// fails. A second reader is told that the chip is busy; a Reader then tries
// again. Serve closes l, and returns after its last connection has ended; the
// error is nil when ctx was the cause.
func Serve(ctx context.Context, l net.Listener, chip link.Chip, o Options) error {
	return serve(ctx, l, chip, o, defaults)
}

func serve(ctx context.Context, l net.Listener, chip link.Chip, o Options, limit limits) error {
	defer l.Close()
	o, err := o.complete()
	if err != nil {
		return err
	}
	s := &server{
		chip:     chip,
		as:       o,
		limit:    limit,
		slot:     make(chan struct{}, 1),
		refusals: make(chan struct{}, limit.refusals),
	}
	defer s.running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the connections when l has failed
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case temporary(err): // a connection that died in the queue, or no descriptor left
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			return err
		default:
			s.admit(ctx, conn)
		}
	}
}

func temporary(err error) bool {
	var network net.Error
	//nolint:staticcheck // Temporary is deprecated but is all that tells EMFILE from a closed listener.
	return errors.As(err, &network) && network.Temporary()
}

type server struct {
	chip     link.Chip
	as       Options
	limit    limits
	slot     chan struct{} // whoever has put into it has the chip
	refusals chan struct{}
	running  sync.WaitGroup
}

// admit gives the chip to a connection if it is free.
func (s *server) admit(ctx context.Context, conn net.Conn) {
	handle, place := s.present, s.slot
	select {
	case s.slot <- struct{}{}:
	default:
		handle, place = s.refuse, s.refusals
		select {
		case s.refusals <- struct{}{}:
		default:
			conn.Close()
			return
		}
	}
	s.running.Go(func() {
		defer func() { <-place }()
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		handle(conn)
	})
}

// present is one presence of the chip in the field of a reader. The first frame
// has to come soon: nobody dials a chip to keep silent.
func (s *server) present(conn net.Conn) {
	c := &card{chip: s.chip, as: s.as}
	w := newWire(conn)
	w.time = s.limit.frame
	s.as.Log.Info("a reader has come")
	err := c.exchange(w, s.limit.first)
	for err == nil {
		err = c.exchange(w, s.limit.idle)
	}
	if errors.Is(err, io.EOF) {
		err = nil // the reader is done
	}
	s.as.Log.Info("the reader has gone", "why", err)
}

// refuse says busy. What the reader has already sent is read: closing on unread
// bytes would reset the connection and take the answer with it.
func (s *server) refuse(conn net.Conn) {
	w := newWire(conn)
	w.time = s.limit.frame
	if err := w.send(appendFrame(nil, nil)); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	if err := conn.SetReadDeadline(time.Now().Add(s.limit.first)); err != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, conn, 2*payloadMax) // until the reader hangs up
}
