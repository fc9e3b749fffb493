//go:build linux

package bluez

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of BlueZ (doc/*.txt of its source).
const (
	service    = "org.bluez"
	adapter1   = "org.bluez.Adapter1"
	device1    = "org.bluez.Device1"
	service1   = "org.bluez.GattService1"
	char1      = "org.bluez.GattCharacteristic1"
	agent1     = "org.bluez.Agent1"
	advert1    = "org.bluez.LEAdvertisement1"
	properties = "org.freedesktop.DBus.Properties"
	objects    = "org.freedesktop.DBus.ObjectManager"

	changed = properties + ".PropertiesChanged"
	added   = objects + ".InterfacesAdded"
	removed = objects + ".InterfacesRemoved"
)

// callMax is how long bluetoothd may take for an answer that waits for no radio.
const callMax = 10 * time.Second

// bus is a connection to the message bus, with bluetoothd at its other end. It is
// dead when either has gone.
type bus struct {
	conn  *dbus.Conn
	owner string // bluetoothd's name on the bus

	mu        sync.Mutex
	listeners map[int]func(*dbus.Signal)
	named     int
	dead      chan struct{}
	why       error
}

var (
	errBusGone    = errors.New("the message bus has closed the connection")
	errDaemonGone = errors.New("bluetoothd has ended")
)

// dial connects to a message bus, the system's if address is empty, and finds
// bluetoothd there.
func dial(ctx context.Context, address string) (*bus, error) {
	inOrder := dbus.WithSignalHandler(dbus.NewSequentialSignalHandler())
	var conn *dbus.Conn
	var err error
	if address == "" {
		conn, err = dbus.ConnectSystemBus(inOrder)
	} else {
		conn, err = dbus.Connect(address, inOrder)
	}
	if err != nil {
		return nil, explainDial(err)
	}
	b := &bus{conn: conn, listeners: make(map[int]func(*dbus.Signal)), dead: make(chan struct{})}
	if err := b.watch(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// watch asks for bluetoothd's signals, wakes it if the bus can, and begins to
// listen.
func (b *bus) watch(ctx context.Context) error {
	matches := [][]dbus.MatchOption{
		{dbus.WithMatchSender(service), dbus.WithMatchInterface(properties)},
		{dbus.WithMatchSender(service), dbus.WithMatchInterface(objects)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, service)},
	}
	for _, m := range matches {
		if err := b.conn.AddMatchSignalContext(ctx, m...); err != nil {
			return explain(err)
		}
	}
	signals := make(chan *dbus.Signal, 64)
	b.conn.Signal(signals)
	bus := b.conn.BusObject()
	var result uint32
	_ = bus.CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, service, uint32(0)).Store(&result)
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, service).Store(&b.owner); err != nil {
		return explain(err)
	}
	go b.listen(signals)
	return nil
}

func (b *bus) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		switch {
		case s.Sender == b.owner:
			b.tell(s)
		case s.Name == "org.freedesktop.DBus.NameOwnerChanged" && s.Sender == "org.freedesktop.DBus":
			b.fail(errDaemonGone)
		}
	}
	b.fail(errBusGone)
}

func (b *bus) tell(s *dbus.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.listeners {
		f(s)
	}
}

// hear calls f for each signal of bluetoothd, in their order, until stop; with
// nil when the bus is dead. It must not wait, nor call the bus.
func (b *bus) hear(f func(*dbus.Signal)) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.named++
	name := b.named
	b.listeners[name] = f
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, name)
	}
}

// nudge is a channel that has something in it when a signal has come.
func (b *bus) nudge() (nudged <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	stop = b.hear(func(*dbus.Signal) {
		select {
		case c <- struct{}{}:
		default:
		}
	})
	return c, stop
}

// fail ends the bus for all.
func (b *bus) fail(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why != nil {
		return
	}
	b.why = why
	close(b.dead)
	for _, f := range b.listeners {
		f(nil)
	}
	b.listeners = make(map[int]func(*dbus.Signal))
	go b.conn.Close() // it waits for those who are told
}

func (b *bus) isDead() bool {
	select {
	case <-b.dead:
		return true
	default:
		return false
	}
}

// call calls a method of one of bluetoothd's objects. The caller bounds ctx.
func (b *bus) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return b.conn.Object(service, path).CallWithContext(ctx, method, 0, args...)
}

// do is a call that answers nothing and waits for no radio.
func (b *bus) do(ctx context.Context, path dbus.ObjectPath, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callMax)
	defer cancel()
	return explain(b.call(ctx, path, method, args...).Err)
}

// get reads a property.
func get[T any](ctx context.Context, b *bus, path dbus.ObjectPath, iface, name string) (value T, err error) {
	ctx, cancel := context.WithTimeout(ctx, callMax)
	defer cancel()
	var v dbus.Variant
	if err := b.call(ctx, path, properties+".Get", iface, name).Store(&v); err != nil {
		return value, explain(err)
	}
	value, ok := v.Value().(T)
	if !ok {
		return value, errors.New("bluetoothd has another kind of " + name)
	}
	return value, nil
}

func (b *bus) set(ctx context.Context, path dbus.ObjectPath, iface, name string, value any) error {
	return b.do(ctx, path, properties+".Set", iface, name, dbus.MakeVariant(value))
}

// props are an interface's properties, tree is bluetoothd's objects with theirs.
type (
	props = map[string]dbus.Variant
	tree  = map[dbus.ObjectPath]map[string]props
)

func (b *bus) tree(ctx context.Context) (t tree, err error) {
	ctx, cancel := context.WithTimeout(ctx, callMax)
	defer cancel()
	err = b.call(ctx, "/", objects+".GetManagedObjects").Store(&t)
	return t, explain(err)
}

// prop is a property of this type, or the zero value: bluetoothd leaves out what
// it does not know.
func prop[T any](p props, name string) T {
	value, _ := p[name].Value().(T)
	return value
}
