//go:build linux

package bluez

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// closeMax is how long a session may take to end.
const closeMax = 3 * time.Second

// session is a card on an adapter.
type session struct {
	a    *Adapter
	b    *bus
	v    ble.Visits
	root dbus.ObjectPath // of what this program shows to bluetoothd

	stop     func()
	stopping sync.Once

	owners map[dbus.ObjectPath]bool // devices with a bond: they are the owner's, and no phones

	mu     sync.Mutex
	advert dbus.ObjectPath // empty when there is none
	turned int             // adverts so far
	here   map[string]bool // phones that are connected
}

// sessions are numbered, so that none meets what is left of another.
var sessions atomic.Uint64

// Start implements ble.Peripheral.
func (a *Adapter) Start(ctx context.Context, v ble.Visits) (ble.Session, error) {
	b, err := a.ready(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{
		a: a, b: b, v: v, owners: make(map[dbus.ObjectPath]bool), here: make(map[string]bool),
		root: dbus.ObjectPath(fmt.Sprintf("/sotto/card/%d", sessions.Add(1))),
	}
	t, err := b.tree(ctx)
	if err != nil {
		return nil, err
	}
	for path, o := range t {
		s.owners[path] = bonded(o[device1])
	}
	a.forgetAll(b, t, func(device props) bool { return !bonded(device) })
	s.stop = b.hear(s.hear)
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// bonded reports whether a device has a bond. BlueZ before 5.66 knows no other
// pairs.
func bonded(device props) bool {
	if _, said := device["Bonded"]; said {
		return prop[bool](device, "Bonded")
	}
	return prop[bool](device, "Paired")
}

func (s *session) start(ctx context.Context) error {
	if err := s.a.becomeCard(ctx, s.b); err != nil {
		return err
	}
	if err := s.offerAgent(ctx); err != nil {
		return fmt.Errorf("offer to pair: %w", err)
	}
	if err := s.offerService(ctx); err != nil {
		return fmt.Errorf("offer the service: %w", err)
	}
	return nil
}

// becomeCard takes from the adapter what would tell this card from another: its
// name, and that anybody can find it without knowing it.
func (a *Adapter) becomeCard(ctx context.Context, b *bus) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.change(ctx, b, "Alias", cardName); err != nil {
		return err
	}
	return a.change(ctx, b, "Discoverable", false)
}

// Advertise implements ble.Session.
func (s *session) Advertise(ctx context.Context, h ble.Hint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stopAdvertising(ctx); err != nil {
		return err
	}
	s.turned++
	path := dbus.ObjectPath(fmt.Sprintf("%s/advert%d", s.root, s.turned))
	// 3 bytes of flags, 18 of the service, 10 of the hint: 31 is what there is
	// (Core 5.4, Vol 3, Part C, 11).
	p := props{
		"Type":             dbus.MakeVariant("peripheral"),
		"ServiceUUIDs":     dbus.MakeVariant([]string{ble.ServiceUUID}),
		"ManufacturerData": dbus.MakeVariant(map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant(h[:])}),
		"Discoverable":     dbus.MakeVariant(true), // this advert, not the adapter
	}
	if err := s.showProperties(path, map[string]props{advert1: p}); err != nil {
		return err
	}
	if err := s.show(path, advert1, map[string]any{"Release": func() *dbus.Error { return nil }}); err != nil {
		return err
	}
	if err := s.b.do(ctx, s.a.path, "org.bluez.LEAdvertisingManager1.RegisterAdvertisement", path, map[string]any{}); err != nil {
		return fmt.Errorf("advertise: %w", err)
	}
	s.advert = path
	return nil
}

// stopAdvertising takes the last hint back. The caller holds mu.
func (s *session) stopAdvertising(ctx context.Context) error {
	if s.advert == "" {
		return nil
	}
	path := s.advert
	s.advert = ""
	err := s.b.do(ctx, s.a.path, "org.bluez.LEAdvertisingManager1.UnregisterAdvertisement", path)
	if err != nil && !is(err, "DoesNotExist") {
		return fmt.Errorf("stop advertising: %w", err)
	}
	for _, iface := range []string{advert1, properties} {
		if err := s.b.conn.Export(nil, path, iface); err != nil {
			return err
		}
	}
	return nil
}

// Send implements ble.Session: bluetoothd indicates what a property changes to.
func (s *session) Send(frame []byte) error {
	value := map[string]dbus.Variant{"Value": dbus.MakeVariant(frame)}
	return s.b.conn.Emit(s.charPath(ble.AnswerUUID), changed, char1, value, []string{})
}

// HangUp implements ble.Session.
func (s *session) HangUp(phone string) {
	go func() {
		err := s.b.do(context.Background(), dbus.ObjectPath(phone), device1+".Disconnect")
		if err != nil && !s.b.isDead() {
			s.a.log.Debug("a phone was not hung up on", "reason", err)
		}
	}()
}

// Failed implements ble.Session.
func (s *session) Failed() <-chan struct{} { return s.b.dead }

// Err implements ble.Session.
func (s *session) Err() error {
	select {
	case <-s.b.dead:
		return unusable(s.b.why, "it is tried again")
	default:
		return nil
	}
}

// Close implements ble.Session.
func (s *session) Close() {
	s.stopping.Do(func() {
		s.stop()
		if s.b.isDead() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), closeMax)
		defer cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.stopAdvertising(ctx)
		for phone := range s.here {
			_ = s.b.do(ctx, dbus.ObjectPath(phone), device1+".Disconnect")
		}
		_ = s.b.do(ctx, s.a.path, "org.bluez.GattManager1.UnregisterApplication", s.root)
		_ = s.b.do(ctx, "/org/bluez", "org.bluez.AgentManager1.UnregisterAgent", s.agentPath())
	})
}

// hear follows who is connected.
func (s *session) hear(sig *dbus.Signal) {
	if sig == nil || len(sig.Body) < 2 {
		return
	}
	switch sig.Name {
	case changed:
		p, _ := sig.Body[1].(map[string]dbus.Variant)
		if connected, is := p["Connected"].Value().(bool); is {
			s.connection(sig.Path, connected)
		}
	case added:
		path, _ := sig.Body[0].(dbus.ObjectPath)
		o, _ := sig.Body[1].(map[string]map[string]dbus.Variant)
		if prop[bool](o[device1], "Connected") {
			s.connection(path, true)
		}
	case removed:
		if path, ok := sig.Body[0].(dbus.ObjectPath); ok {
			s.connection(path, false)
		}
	}
}

// connection says that a device has come or gone, if it may be a phone of this
// adapter.
func (s *session) connection(path dbus.ObjectPath, connected bool) {
	if !s.a.has(path) || s.owners[path] {
		return
	}
	phone := string(path)
	s.mu.Lock()
	was := s.here[phone]
	if connected {
		s.here[phone] = true
	} else {
		delete(s.here, phone)
	}
	s.mu.Unlock()
	switch {
	case connected && !was:
		s.v.Came(phone)
	case !connected && was:
		s.v.Gone(phone)
		go s.a.forget(s.b, path)
	}
}
