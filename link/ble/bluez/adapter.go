//go:build linux

package bluez

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// cardName is what every card's adapter calls itself: whoever connects can read
// it, and it must not tell one card from another.
const cardName = "card"

// Adapter is one Bluetooth controller of this machine. It is safe for concurrent
// use.
type Adapter struct {
	path dbus.ObjectPath
	at   string // the bus; empty for the system's
	log  *slog.Logger

	mu   sync.Mutex
	bus  *bus
	was  map[string]any // settings that are put back
	scan scan
}

var (
	_ ble.Central    = (*Adapter)(nil)
	_ ble.Peripheral = (*Adapter)(nil)
)

// Open takes the controller of this name, such as "hci0", and switches it on.
func Open(ctx context.Context, name string, log *slog.Logger) (*Adapter, error) {
	return open(ctx, "", name, log)
}

func open(ctx context.Context, at, name string, log *slog.Logger) (*Adapter, error) {
	path := dbus.ObjectPath("/org/bluez/" + name)
	if !path.IsValid() || strings.Contains(name, "/") {
		return nil, unusable(nil, "this is no name of an adapter: it is one such as hci0")
	}
	a := &Adapter{path: path, at: at, log: log, was: make(map[string]any)}
	_, err := a.ready(ctx)
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// ready gives a bus that is alive, with the adapter on it switched on.
func (a *Adapter) ready(ctx context.Context) (*bus, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bus != nil && !a.bus.isDead() {
		return a.bus, nil
	}
	b, err := dial(ctx, a.at)
	if err != nil {
		return nil, err
	}
	if err := a.prepare(ctx, b); err != nil {
		b.fail(err)
		return nil, err
	}
	b.hear(func(s *dbus.Signal) {
		if a.off(s) {
			go b.fail(errOff)
		}
	})
	a.bus, a.scan = b, scan{}
	return b, nil
}

var errOff = errors.New("the adapter was switched off or taken away")

// off reports whether a signal says that the adapter is gone. Then all begins
// anew: what bluetoothd knew of it may be lost.
func (a *Adapter) off(s *dbus.Signal) bool {
	switch {
	case s == nil || len(s.Body) < 2:
		return false
	case s.Name == removed:
		path, _ := s.Body[0].(dbus.ObjectPath)
		return path == a.path
	case s.Name == changed && s.Path == a.path:
		p, _ := s.Body[1].(map[string]dbus.Variant)
		powered, is := p["Powered"].Value().(bool)
		return is && !powered
	}
	return false
}

// prepare finds the adapter, switches it on, and forbids bonds: a bond that one
// side has lost keeps the other from connecting, and its keys would let a
// stranger follow the card.
func (a *Adapter) prepare(ctx context.Context, b *bus) error {
	t, err := b.tree(ctx)
	if err != nil {
		return err
	}
	if t[a.path][adapter1] == nil {
		return unusable(nil, a.others(t))
	}
	if !prop[bool](t[a.path][adapter1], "Powered") {
		err := b.set(ctx, a.path, adapter1, "Powered", true)
		switch {
		case errors.Is(err, ble.ErrNoRadio):
			return err
		case err != nil:
			return unusable(err, "the adapter does not switch on: run 'rfkill unblock bluetooth' and 'bluetoothctl power on'")
		}
	}
	a.forgetAll(b, t, func(device props) bool {
		_, card := hintOf(device)
		return card && !bonded(device)
	})
	return a.change(ctx, b, "Pairable", false)
}

// others says which adapters there are instead.
func (a *Adapter) others(t tree) string {
	var names []string
	for path, o := range t {
		if o[adapter1] != nil {
			names = append(names, strings.TrimPrefix(string(path), "/org/bluez/"))
		}
	}
	slices.Sort(names)
	there := "there is no Bluetooth adapter at all: plug one in, or load its driver"
	if len(names) > 0 {
		there = "there is " + strings.Join(names, ", ") + ": name one with --ble"
	}
	return fmt.Sprintf("there is no adapter %s; %s", strings.TrimPrefix(string(a.path), "/org/bluez/"), there)
}

// change sets a property of the adapter and remembers what it was. The caller
// holds mu.
func (a *Adapter) change(ctx context.Context, b *bus, name string, value any) error {
	was, err := get[any](ctx, b, a.path, adapter1, name)
	if err != nil {
		return err
	}
	if was == value {
		return nil
	}
	if _, known := a.was[name]; !known {
		a.was[name] = was
	}
	return b.set(ctx, a.path, adapter1, name, value)
}

// Close lets the adapter go, as it was before.
func (a *Adapter) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bus == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, name := range slices.Sorted(maps.Keys(a.was)) {
		if err := a.bus.set(ctx, a.path, adapter1, name, a.was[name]); err != nil {
			a.log.Debug("a setting of the adapter was not put back", "setting", name, "reason", err)
		}
	}
	a.was = make(map[string]any)
	a.bus.fail(errClosed)
	a.bus = nil
}

var errClosed = errors.New("bluez: the adapter was let go")
