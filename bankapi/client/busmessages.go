package client

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"sotto/bankapi/subject"
)

// onDispatch hands one message to the phone, and acknowledges it once taken. An
// acknowledgement that is lost brings the dispatch again.
func (b *Bus) onDispatch(m *nats.Msg) {
	phone, dispatch, ok := subject.Acknowledged(m.Reply)
	if !ok || phone != b.c.PhoneID {
		b.c.Logger.Warn("a message without a dispatch id was ignored")
		return
	}
	if err := b.c.OnDispatch(b.ctx, dispatch, m.Data); err != nil {
		b.c.Logger.Warn("a dispatch was not taken", "dispatch", dispatch, "reason", err)
		return
	}
	if err := b.nc.Publish(m.Reply, nil); err != nil {
		b.c.Logger.Debug("a dispatch was not acknowledged", "dispatch", dispatch, "reason", err)
	}
}

// askOnConnect asks for what waits after every connect. The subscription
// stands by then: what the bank commits before it answers is in the answer, and
// what it commits later finds a listener.
func (b *Bus) askOnConnect() {
	defer close(b.ended)
	defer b.nc.Close()
	first := true
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.connected:
		}
		count, err := b.request(b.ctx, subject.Pending(b.c.PhoneID), nil)
		if err != nil {
			return // the bus is closed
		}
		b.c.Logger.Debug("the phone is on the bus", "pending", string(count))
		if first {
			close(b.ready)
			first = false
		}
	}
}

// Send brings one message to the bank and returns the answer. It tries again
// until ctx ends, so the bank may see a message twice.
func (b *Bus) Send(ctx context.Context, body []byte) ([]byte, error) {
	if len(body) > busBodyMax {
		return nil, ErrBusBody
	}
	return b.request(ctx, subject.Out(b.c.PhoneID), body)
}

func (b *Bus) request(ctx context.Context, to string, body []byte) ([]byte, error) {
	for tries := 1; ; tries++ {
		answer, err := b.try(ctx, to, body)
		if err == nil {
			return answer, nil
		}
		if b.ctx.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) {
			return nil, ErrBusClosed
		}
		if errors.Is(err, nats.ErrMaxPayload) {
			return nil, ErrBusBody
		}
		b.c.Logger.Debug("the bank did not answer", "tries", tries, "reason", err)
		pause := time.NewTimer(b.pause(tries))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		case <-b.ctx.Done():
			pause.Stop()
			return nil, ErrBusClosed
		}
	}
}

func (b *Bus) try(ctx context.Context, to string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := b.nc.RequestWithContext(ctx, to, body)
	if err != nil {
		return nil, err
	}
	if reason := answer.Header.Get(subject.Refused); reason != "" {
		return nil, errors.New("the bank is " + reason)
	}
	return answer.Data, nil
}
