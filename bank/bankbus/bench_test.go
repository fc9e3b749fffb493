package bankbus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sotto/bankapi/client"
)

// One dispatch to a phone, its acknowledgement, and the phone's receipt,
// answered: what one payment costs on the bus. The desk takes 3 ms over a
// receipt, as a group commit does, so many must wait at once. Bank, server, TLS
// and all phones share the process. The metric is payments a second.
func BenchmarkPayment(b *testing.B) {
	const phones, atOnce = 200, 512
	s := open(b, nil)
	s.receive = func(context.Context, string, []byte) ([]byte, error) {
		time.Sleep(3 * time.Millisecond)
		return []byte("ok"), nil
	}
	desk := &counter{office: s.office}
	s.desk = desk
	shut(b, s.bus)
	s.start(b)

	slots := make(chan struct{}, atOnce)
	var done sync.WaitGroup
	for i := range phones {
		name := fmt.Sprintf("ph_%03d", i)
		receipts := make(chan struct{}, atOnce)
		phone := s.dialReady(b, name, s.enrol(b, name), func(string, []byte) { receipts <- struct{}{} })
		for range 4 {
			go answerAll(phone, receipts, slots, &done)
		}
	}
	body := make([]byte, 300)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		slots <- struct{}{}
		done.Add(1)
		if err := s.bus.Send(fmt.Sprintf("ph_%03d", i%phones), id(i), body); err != nil {
			b.Fatal(err)
		}
	}
	done.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
	eventually(b, "all are acknowledged", func() bool { return desk.arrived.Load() == int64(b.N) })
}

func answerAll(phone *client.Bus, receipts, slots chan struct{}, done *sync.WaitGroup) {
	body := make([]byte, 100)
	for range receipts {
		if _, err := phone.Send(context.Background(), body); err != nil {
			return
		}
		<-slots
		done.Done()
	}
}

// Only the way out: dispatches for phones which are not there.
func BenchmarkSend(b *testing.B) {
	s := open(b, nil)
	body := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.bus.Send("ph_1", "dsp_1", body); err != nil {
			b.Fatal(err)
		}
	}
}

// One login: TLS handshake, callout, signatures, and the first question.
func BenchmarkLogin(b *testing.B) {
	s := open(b, nil)
	seed := s.enrol(b, "ph_1")
	b.ReportAllocs()
	for b.Loop() {
		phone := s.dialReady(b, "ph_1", seed, nil)
		phone.Close()
	}
}

// counter is a desk that keeps nothing.
type counter struct {
	*office
	arrived atomic.Int64
}

func (c *counter) Arrived(string, string) { c.arrived.Add(1) }

func (c *counter) Receive(ctx context.Context, phone string, body []byte) ([]byte, error) {
	return c.receive(ctx, phone, body)
}
