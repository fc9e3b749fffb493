package bankhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits bound what one peer, and all of them, can hold of the server. A zero
// value is the default.
type Limits struct {
	HeaderTimeout time.Duration // until the headers are there; 5 s
	ReadTimeout   time.Duration // until the body is there; 15 s
	WriteTimeout  time.Duration // until the answer is gone; 30 s. Streams have it for each event
	IdleTimeout   time.Duration // between two requests; 75 s
	ShutTimeout   time.Duration // for requests under way when the server ends; 10 s
	Connections   int           // open at once; 10000. More wait in the system's queue
}

const headerMax = 16 << 10 // bytes

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&l.HeaderTimeout, 5 * time.Second}, {&l.ReadTimeout, 15 * time.Second}, {&l.WriteTimeout, 30 * time.Second},
		{&l.IdleTimeout, 75 * time.Second}, {&l.ShutTimeout, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if l.Connections == 0 {
		l.Connections = 10_000
	}
	return l
}

// Serve answers requests on l, over TLS if secure is there, until ctx ends, and
// then lets those under way finish.
func (h *Handler) Serve(ctx context.Context, l net.Listener, secure *tls.Config) error {
	return h.ServeWithin(ctx, Limits{}, l, secure)
}

// ServeWithin is Serve with other limits.
func (h *Handler) ServeWithin(ctx context.Context, limits Limits, l net.Listener, secure *tls.Config) error {
	limits = limits.withDefaults()
	server := &http.Server{
		Handler:           h,
		TLSConfig:         secure,
		ReadHeaderTimeout: limits.HeaderTimeout,
		ReadTimeout:       limits.ReadTimeout,
		WriteTimeout:      limits.WriteTimeout,
		IdleTimeout:       limits.IdleTimeout,
		MaxHeaderBytes:    headerMax,
		// What net/http has to say is of peers that speak no HTTP or TLS.
		ErrorLog: slog.NewLogLogger(h.c.Log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(h.c.Hub.Close) // a stream would not end by itself
	ended := make(chan error, 1)
	go func() { ended <- serve(server, newLimited(l, limits.Connections), secure != nil) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.ShutTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

func serve(s *http.Server, l net.Listener, secure bool) error {
	if secure {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

// limited is a listener with a number of connections open at once.
type limited struct {
	net.Listener
	free   chan struct{}
	closed chan struct{}
	close  sync.Once
}

func newLimited(l net.Listener, n int) *limited {
	return &limited{Listener: l, free: make(chan struct{}, n), closed: make(chan struct{})}
}

// Accept waits for a free place first.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &limitedConn{Conn: conn, leave: func() { <-l.free }}, nil
}

// Close ends the listener and whoever waits for a place.
func (l *limited) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close gives the place back.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}

// CloseWrite lets net/http end an answer to somebody who still sends, without
// the system dropping that answer.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
