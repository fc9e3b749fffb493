package bankbus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// Close ends the bus: it takes no more messages, lets the desk finish those it
// has, sends their answers, and closes the server, so that phones look for
// another replica or come back later. When ctx ends first it stops waiting and
// returns its error. Only the first call does anything.
func (b *Bus) Close(ctx context.Context) (err error) {
	b.close.Do(func() {
		err = b.finish(ctx)
		b.drop()
	})
	return err
}

// finish drains the subscriptions, then the handlers, then the answers. On a
// connection that is lost there is nobody to take leave of.
func (b *Bus) finish(ctx context.Context) error {
	if b.bank.IsConnected() {
		if err := b.drain(ctx); err != nil {
			return err
		}
	}
	if err := b.gate.wait(ctx); err != nil {
		return err
	}
	if err := b.login.gate.wait(ctx); err != nil {
		return err
	}
	if !b.bank.IsConnected() {
		return nil
	}
	if _, ok := ctx.Deadline(); !ok { // which FlushWithContext wants
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	return b.bank.FlushWithContext(ctx)
}

func (b *Bus) drain(ctx context.Context) error {
	var ends []<-chan struct{}
	for _, s := range b.subs {
		ended := make(chan struct{})
		s.SetClosedHandler(func(string) { close(ended) })
		if s.Drain() == nil {
			ends = append(ends, ended)
		}
	}
	for _, ended := range ends {
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// drop closes whatever is open, in whatever state.
func (b *Bus) drop() {
	b.cancel()
	for _, nc := range []*nats.Conn{b.bank, b.system} {
		if nc != nil {
			nc.Close()
		}
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}
