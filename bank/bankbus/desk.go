package bankbus

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sotto/bankapi/subject"
)

// replicas is the queue group of all banks on one bus: one of them answers.
const replicas = "bank"

// What the client library may hold for the bank before it drops.
const (
	queuedMessagesMax = 64 << 10
	queuedBytesMax    = 32 << 20
)

// subscribe begins to listen. Logins come last: a phone that gets in finds
// everything else in place.
func (b *Bus) subscribe() error {
	if err := b.presence.listen(); err != nil {
		return err
	}
	for _, one := range []struct {
		subject string
		handle  nats.MsgHandler
	}{
		{subject.AllAck, b.onAck},
		{subject.AllOut, b.onOut},
		{subject.AllPending, b.onPending},
		{server.AuthCalloutSubject, b.login.onRequest},
	} {
		s, err := b.bank.QueueSubscribe(one.subject, replicas, one.handle)
		if err == nil {
			err = s.SetPendingLimits(queuedMessagesMax, queuedBytesMax)
		}
		if err != nil {
			return fmt.Errorf("listen on %s: %w", one.subject, err)
		}
		b.subs = append(b.subs, s)
	}
	if err := b.bank.Flush(); err != nil {
		return fmt.Errorf("listen on the bus: %w", err)
	}
	return nil
}

// admit paces a phone. One that floods loses its connections, not its rights.
func (b *Bus) admit(phone string) bool {
	v := b.pace.judge(phone)
	if v == evict {
		b.log.Warn("a phone sends too fast and was disconnected", "phone", phone)
		b.presence.drop(phone)
	}
	return v == fine
}

func (b *Bus) onAck(m *nats.Msg) {
	phone, dispatch, ok := subject.Acknowledged(m.Subject)
	if ok && b.admit(phone) {
		b.desk.Arrived(phone, dispatch)
	}
}

func (b *Bus) onOut(m *nats.Msg) {
	b.serve(m, func(ctx context.Context, phone string) ([]byte, error) {
		return b.desk.Receive(ctx, phone, m.Data)
	})
}

// onPending sends all that waits and then says how many they were.
func (b *Bus) onPending(m *nats.Msg) {
	b.serve(m, func(ctx context.Context, phone string) ([]byte, error) {
		n := 0
		var failed error
		err := b.desk.Pending(ctx, phone, func(dispatch string, body []byte) {
			if err := b.Send(phone, dispatch, body); err != nil {
				failed = err
				return
			}
			n++
		})
		if err == nil {
			err = failed
		}
		return strconv.AppendInt(nil, int64(n), 10), err
	})
}

// serve runs one request of a phone and answers it. A request that names no
// answer box of its own phone is dropped: see subject.Answerable.
func (b *Bus) serve(m *nats.Msg, do func(ctx context.Context, phone string) ([]byte, error)) {
	phone, ok := subject.Sender(m.Subject)
	if !ok || !subject.Answerable(phone, m.Reply) {
		return
	}
	if !b.admit(phone) {
		b.refuse(m.Reply, subject.Busy)
		return
	}
	started := b.gate.run(phone, func() {
		ctx, cancel := context.WithTimeout(b.ctx, deskTimeoutMax)
		defer cancel()
		answer, err := do(ctx, phone)
		if err == nil && len(answer) > PayloadMax {
			err = ErrDispatch
		}
		if err != nil {
			b.log.Warn("a phone's message failed", "phone", phone, "reason", err)
			b.refuse(m.Reply, subject.Failed)
			return
		}
		if err := b.bank.Publish(m.Reply, answer); err != nil {
			b.log.Warn("a phone was not answered", "phone", phone, "reason", err)
		}
	})
	if !started {
		b.refuse(m.Reply, subject.Busy)
	}
}

// refuse answers with a reason in the header, so that no body can look like it.
func (b *Bus) refuse(reply, reason string) {
	m := nats.NewMsg(reply)
	m.Header.Set(subject.Refused, reason)
	if err := b.bank.PublishMsg(m); err != nil {
		b.log.Warn("a phone was not answered", "reason", err)
	}
}
