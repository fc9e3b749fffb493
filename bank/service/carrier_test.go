package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/ident"
)

// depot is a carrier with a clock, a bus and an outbox that a test commands.
type depot struct {
	*carrier
	clock   time.Time
	log     bytes.Buffer
	waiting map[string][]string // outbox: dispatches by phone
	sent    []string            // phone/dispatch
	busDown error
	disk    error
}

func newDepot() *depot {
	d := &depot{clock: time.UnixMilli(1_800_000_000_000), waiting: map[string][]string{}}
	d.carrier = newCarrier(d.pending, slog.New(slog.NewTextHandler(&d.log, nil)), func() time.Time { return d.clock })
	return d
}

func (d *depot) pending(_ context.Context, phone string, send func(string, []byte)) error {
	for _, id := range d.waiting[phone] {
		send(id, []byte(id))
	}
	return d.disk
}

// Send implements sender.
func (d *depot) Send(phone, dispatch string, _ []byte) error {
	if d.busDown != nil {
		return d.busDown
	}
	d.sent = append(d.sent, phone+"/"+dispatch)
	return nil
}

func dispatchID(n int) string {
	return ident.Make(ident.Dispatch, 1_800_000_000_000, [10]byte{byte(n), byte(n >> 8), byte(n >> 16)})
}

// commit is what the committer does: the outbox has it, and the carrier hears.
func (d *depot) commit(phone string, ids ...string) {
	var all []bank.Dispatch
	for _, id := range ids {
		d.waiting[phone] = append(d.waiting[phone], id)
		all = append(all, bank.Dispatch{
			ID: id, Phone: phone, Card: ident.Make(ident.Card, 1, [10]byte{}), Kind: 1, Profile: 1, Body: []byte("body"),
		})
	}
	d.carry(all)
}

func (d *depot) wantSent(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.sent, want) {
		t.Errorf("sent %v, want %v", d.sent, want)
	}
	d.sent = nil
}

// tick moves the clock and lets the carrier look.
func (d *depot) tick(t *testing.T, by time.Duration) {
	t.Helper()
	d.clock = d.clock.Add(by)
	d.repeat(t.Context(), d)
}

var a, b = dispatchID(1), dispatchID(2)

// A dispatch is sent as it comes, and again after growing pauses for as long as
// its phone is silent.
func TestCarrierRepeats(t *testing.T) {
	d := newDepot()
	d.commit("ph_1", a)
	d.sendBatch(d)
	d.wantSent(t, "ph_1/"+a)
	var pauses []time.Duration
	last := d.clock
	for range 200 {
		if d.tick(t, time.Second); len(d.sent) > 0 {
			pauses = append(pauses, d.clock.Sub(last)/time.Second)
			last, d.sent = d.clock, nil
		}
	}
	if want := []time.Duration{2, 4, 8, 16, 30, 30, 30, 30, 30}; !slices.Equal(pauses, want) {
		t.Errorf("sent again after %v seconds, want %v", pauses, want)
	}
	d.arrived("ph_1", a)
	d.tick(t, time.Hour)
	d.wantSent(t)
	if d.owed != 0 || len(d.debts) != 0 {
		t.Errorf("%d dispatches of %d phones are remembered", d.owed, len(d.debts))
	}
}

// What is over is not sent again: the outbox decides.
func TestCarrierLooksIntoTheOutbox(t *testing.T) {
	d := newDepot()
	d.commit("ph_1", a, b)
	d.sendBatch(d)
	d.sent = nil
	d.waiting["ph_1"] = []string{b, dispatchID(3)} // which the phone has taken long ago
	d.tick(t, 2*time.Second)
	d.wantSent(t, "ph_1/"+b)
	if d.owed != 1 {
		t.Errorf("%d dispatches are remembered", d.owed)
	}
	d.waiting["ph_1"] = nil // expired
	d.tick(t, 4*time.Second)
	d.wantSent(t)
	if len(d.debts) != 0 {
		t.Error("it is remembered for ever")
	}
}

// A phone can take back what is its own, and nothing else.
func TestCarrierArrived(t *testing.T) {
	d := newDepot()
	d.commit("ph_1", a, b)
	d.sendBatch(d)
	d.sent = nil
	d.arrived("ph_2", a)
	d.arrived("ph_1", dispatchID(9))
	d.arrived("", "")
	d.arrived("ph_1", b)
	d.arrived("ph_1", b)
	d.tick(t, 2*time.Second)
	d.wantSent(t, "ph_1/"+a)
}

// A new dispatch for a silent phone does not wait out an old pause.
func TestCarrierNewDispatchHurries(t *testing.T) {
	d := newDepot()
	d.commit("ph_1", a)
	d.sendBatch(d)
	for range 60 {
		d.tick(t, time.Second)
	}
	d.commit("ph_1", b)
	d.sendBatch(d)
	d.sent = nil
	d.tick(t, 2*time.Second)
	d.wantSent(t, "ph_1/"+a, "ph_1/"+b)
}

// When bus or store fail nothing is forgotten, and the log says it once.
func TestCarrierFails(t *testing.T) {
	d := newDepot()
	d.busDown = errors.New("the bus is away")
	var many []string
	for n := range 50 {
		many = append(many, dispatchID(n))
	}
	d.commit("ph_1", many...)
	d.sendBatch(d)
	if n := bytes.Count(d.log.Bytes(), []byte("\n")); n != 1 || !bytes.Contains(d.log.Bytes(), []byte("dispatches=50")) {
		t.Errorf("the log:\n%s", d.log.String())
	}
	d.tick(t, 2*time.Second)
	d.disk, d.busDown = errDisk, nil
	d.tick(t, 4*time.Second)
	d.sent = nil
	if d.owed != 50 {
		t.Errorf("%d of 50 are remembered", d.owed)
	}
	d.disk = nil
	d.tick(t, 8*time.Second)
	if len(d.sent) != 50 {
		t.Errorf("%d of 50 were sent at last", len(d.sent))
	}
}

// The carrier is bounded. What has no room as a body comes out of the outbox;
// what has no room at all waits for its phone to connect.
func TestCarrierIsBounded(t *testing.T) {
	d := newDepot()
	for n := range owedMax + 100 {
		d.commit(fmt.Sprint("ph_", n/8), dispatchID(n))
	}
	if len(d.fresh) != freshMax || d.owed != owedMax || d.lost != 100 {
		t.Errorf("%d bodies, %d remembered, %d lost", len(d.fresh), d.owed, d.lost)
	}
	d.sendBatch(d)
	d.sent = nil
	d.tick(t, 2*time.Second)
	if len(d.sent) != owedMax {
		t.Errorf("%d were sent again, want %d", len(d.sent), owedMax)
	}
	if !bytes.Contains(d.log.Bytes(), []byte("dispatches=100")) {
		t.Error("the log does not say what was lost")
	}
	for n := range owedMax {
		d.arrived(fmt.Sprint("ph_", n/8), dispatchID(n))
	}
	if d.owed != 0 || len(d.debts) != 0 {
		t.Errorf("%d are remembered at the end", d.owed)
	}
}

// Whoever commits, acknowledges and repeats does so at once with the others.
func TestCarrierConcurrently(t *testing.T) {
	var mu sync.Mutex
	outbox := map[string]bool{}
	c := newCarrier(func(_ context.Context, _ string, send func(string, []byte)) error {
		mu.Lock()
		there := slices.Collect(maps.Keys(outbox))
		mu.Unlock()
		for _, id := range there {
			send(id, nil)
		}
		return nil
	}, slog.New(slog.DiscardHandler), time.Now)
	ctx, stop := context.WithCancel(t.Context())
	arrived := sendFunc(func(phone, id string, _ []byte) error {
		mu.Lock()
		delete(outbox, id)
		mu.Unlock()
		c.arrived(phone, id)
		return nil
	})
	var running sync.WaitGroup
	running.Go(func() { c.sendFresh(ctx, arrived) })
	running.Go(func() {
		for ctx.Err() == nil {
			c.repeat(ctx, arrived)
		}
	})
	for n := range 2000 {
		id := dispatchID(n)
		mu.Lock()
		outbox[id] = true
		mu.Unlock()
		c.carry([]bank.Dispatch{{ID: id, Phone: "ph_1", Card: ident.Make(ident.Card, 1, [10]byte{}), Kind: 1, Profile: 1}})
	}
	eventually(t, "all are taken", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.owed == 0 && len(c.debts) == 0
	})
	stop()
	running.Wait()
}

type sendFunc func(phone, id string, body []byte) error

func (f sendFunc) Send(phone, id string, body []byte) error { return f(phone, id, body) }
