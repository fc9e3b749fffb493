//go:build linux

package bluez

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// Times of one connection.
const (
	connectMax = 8 * time.Second
	serviceMax = 6 * time.Second // until the card's service is known
	writeMax   = 5 * time.Second
)

// heardMax is how many frames wait for whoever reads them. More are dropped: the
// phone asks for them again.
const heardMax = 64

// conn is a phone's connection to a card.
type conn struct {
	a       *Adapter
	b       *bus
	device  dbus.ObjectPath
	size    int
	frames  chan []byte
	stop    func()
	closing sync.Once

	mu    sync.Mutex
	chars map[string]dbus.ObjectPath // by UUID
	ended bool
}

// at is where a characteristic is; nothing if it is not known yet.
func (c *conn) at(uuid string) dbus.ObjectPath {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chars[uuid]
}

var (
	errNoService = errors.New("bluez: the device does not have the service of a card")
	errHungUp    = errors.New("bluez: the card has hung up")
)

// Connect implements ble.Central.
func (a *Adapter) Connect(ctx context.Context, address string) (ble.Conn, error) {
	b, err := a.ready(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{a: a, b: b, device: dbus.ObjectPath(address), frames: make(chan []byte, heardMax)}
	c.stop = b.hear(c.hear)
	if err := c.connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) connect(ctx context.Context) error {
	connecting, cancel := context.WithTimeout(ctx, connectMax)
	defer cancel()
	err := explain(c.b.call(connecting, c.device, device1+".Connect").Err)
	if err != nil && !is(err, "AlreadyConnected") {
		return fmt.Errorf("connect: %w", err)
	}
	if err := c.discover(ctx); err != nil {
		return err
	}
	listening, cancel := context.WithTimeout(ctx, writeMax)
	defer cancel()
	if err := explain(c.b.call(listening, c.at(ble.AnswerUUID), char1+".StartNotify").Err); err != nil {
		return fmt.Errorf("listen to the card: %w", err)
	}
	mtu, err := get[uint16](ctx, c.b, c.at(ble.MessageUUID), char1, "MTU")
	if err != nil { // BlueZ before 5.62 does not say
		mtu = 0
	}
	c.size = ble.FrameSize(int(mtu))
	return nil
}

// discover waits until the card's service is known.
func (c *conn) discover(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, serviceMax)
	defer cancel()
	nudged, stop := c.b.nudge()
	defer stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		t, err := c.b.tree(ctx)
		if err != nil {
			return err
		}
		device := t[c.device][device1]
		if !prop[bool](device, "Connected") {
			return errHungUp
		}
		if prop[bool](device, "ServicesResolved") {
			if chars := characteristics(t, c.device); chars != nil {
				c.mu.Lock()
				c.chars = chars
				c.mu.Unlock()
				return nil
			}
		}
		if err := wait(ctx, c.b, nudged, tick.C); err != nil {
			return fmt.Errorf("%w: %w", errNoService, err)
		}
	}
}

// characteristics are those of the card's service, nil if one is missing.
func characteristics(t tree, device dbus.ObjectPath) map[string]dbus.ObjectPath {
	for path, o := range t {
		if !strings.HasPrefix(string(path), string(device)+"/") || prop[string](o[service1], "UUID") != ble.ServiceUUID {
			continue
		}
		found := make(map[string]dbus.ObjectPath)
		for at, o := range t {
			if c := o[char1]; prop[dbus.ObjectPath](c, "Service") == path {
				found[prop[string](c, "UUID")] = at
			}
		}
		if found[ble.InfoUUID] != "" && found[ble.MessageUUID] != "" && found[ble.AnswerUUID] != "" {
			return found
		}
	}
	return nil
}

// hear takes what bluetoothd says of this device.
func (c *conn) hear(s *dbus.Signal) {
	switch {
	case s == nil:
		c.end()
	case s.Name == removed && len(s.Body) > 0:
		if path, ok := s.Body[0].(dbus.ObjectPath); ok && c.needs(path) {
			c.end()
		}
	case s.Name == changed && len(s.Body) > 1:
		p, ok := s.Body[1].(map[string]dbus.Variant)
		if !ok {
			return
		}
		if connected, is := p["Connected"].Value().(bool); is && !connected && s.Path == c.device {
			c.end()
			go c.Close() // forgets the device before somebody hears it advertise again
		}
		if value, is := p["Value"].Value().([]byte); is && s.Path == c.at(ble.AnswerUUID) {
			c.heard(value)
		}
	}
}

// needs reports whether nothing is left when this object goes.
func (c *conn) needs(path dbus.ObjectPath) bool {
	return path == c.device || path == c.at(ble.MessageUUID) || path == c.at(ble.AnswerUUID)
}

func (c *conn) heard(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	select {
	case c.frames <- frame:
	default:
	}
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		close(c.frames)
	}
}

// Info implements ble.Conn.
func (c *conn) Info(ctx context.Context) (value []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeMax)
	defer cancel()
	err = c.b.call(ctx, c.at(ble.InfoUUID), char1+".ReadValue", map[string]any{}).Store(&value)
	return value, explain(err)
}

// Knock implements ble.Conn.
func (c *conn) Knock(ctx context.Context, proof []byte) error {
	err := c.write(ctx, ble.InfoUUID, proof)
	if is(err, "NotAuthorized") {
		return fmt.Errorf("%w: %w", ble.ErrStranger, err)
	}
	return err
}

// Write implements ble.Conn.
func (c *conn) Write(ctx context.Context, frame []byte) error {
	return c.write(ctx, ble.MessageUUID, frame)
}

func (c *conn) write(ctx context.Context, uuid string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeMax)
	defer cancel()
	withResponse := map[string]any{"type": "request"}
	return explain(c.b.call(ctx, c.at(uuid), char1+".WriteValue", value, withResponse).Err)
}

// Pair implements ble.Conn. Neither side keeps the keys: see Adapter.prepare.
func (c *conn) Pair(ctx context.Context) error {
	err := explain(c.b.call(ctx, c.device, device1+".Pair").Err)
	if is(err, "AlreadyExists") {
		return nil
	}
	if ctx.Err() != nil {
		_ = c.b.do(context.WithoutCancel(ctx), c.device, device1+".CancelPairing")
	}
	return err
}

// Frames implements ble.Conn.
func (c *conn) Frames() <-chan []byte { return c.frames }

// FrameSize implements ble.Conn.
func (c *conn) FrameSize() int { return c.size }

// Close implements ble.Conn.
func (c *conn) Close() {
	c.closing.Do(func() {
		c.stop()
		c.end()
		// bluetoothd lets services say farewell for two seconds before it hangs up.
		err := c.b.do(context.Background(), c.device, device1+".Disconnect")
		if err != nil && !is(err, "NotConnected", "UnknownObject") && !errors.Is(err, ble.ErrNoRadio) {
			c.a.log.Debug("a connection was not closed", "reason", err)
		}
		c.a.forget(c.b, c.device)
	})
}

// forget has bluetoothd drop what it knows of a device, and hang up on it. It gives
// a device that has paired without a bond its true address, under the name of the
// passing one, and would not know it again: bluetoothd 5.66 has ended, to have heard
// that one advertise. It also wants a link encrypted by keys that the other side has
// forgotten.
func (a *Adapter) forget(b *bus, device dbus.ObjectPath) {
	err := b.do(context.Background(), a.path, adapter1+".RemoveDevice", device)
	if err != nil && !is(err, "DoesNotExist") && !errors.Is(err, ble.ErrNoRadio) {
		a.log.Debug("a device was not forgotten", "reason", err)
	}
}

// forgetAll forgets those devices of this adapter that somebody has left behind who
// had no time to, such as a process that was killed.
func (a *Adapter) forgetAll(b *bus, t tree, which func(device props) bool) {
	var all sync.WaitGroup
	for path, o := range t {
		if device := o[device1]; device != nil && a.has(path) && which(device) {
			all.Go(func() { a.forget(b, path) })
		}
	}
	all.Wait()
}
