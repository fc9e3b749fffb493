//go:build linux

package bluez

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

func opened(t *testing.T, d *daemon) *Adapter {
	t.Helper()
	a, err := open(t.Context(), d.address, "hci0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// Whatever keeps an adapter from being used is said with what to do.
func TestOpenSaysTheNextStep(t *testing.T) {
	tests := []struct {
		name, adapter string
		prepare       func(*daemon)
		want          string
	}{
		{"no bluetoothd", "hci0", func(d *daemon) {
			d.refuses("org.freedesktop.DBus.GetNameOwner", "org.freedesktop.DBus.Error.NameHasNoOwner")
		}, "systemctl start bluetooth"},
		{"bluetoothd is not installed", "hci0", func(d *daemon) {
			d.refuses(objects+".GetManagedObjects", "org.freedesktop.DBus.Error.ServiceUnknown")
		}, "install the package bluez"},
		{"not allowed", "hci0", func(d *daemon) {
			d.refuses(objects+".GetManagedObjects", "org.freedesktop.DBus.Error.AccessDenied")
		}, "run as root or as a member of the group bluetooth"},
		{"another adapter", "hci3", func(*daemon) {}, "there is hci0: name one with --ble"},
		{"no adapter", "hci0", func(d *daemon) { d.objects = tree{} }, "no Bluetooth adapter at all"},
		{"no name", "../hci0", func(*daemon) {}, "no name of an adapter"},
		{"an empty name", "", func(*daemon) {}, "no name of an adapter"},
		{"blocked", "hci0", func(d *daemon) {
			d.has("/org/bluez/hci0", adapter1, props{"Powered": dbus.MakeVariant(false), "Pairable": dbus.MakeVariant(true), "Alias": dbus.MakeVariant("laptop"), "Discoverable": dbus.MakeVariant(false)})
			d.refuses(properties+".Set", "org.bluez.Error.Blocked")
		}, "rfkill unblock bluetooth"},
		{"does not switch on", "hci0", func(d *daemon) {
			d.has("/org/bluez/hci0", adapter1, props{"Powered": dbus.MakeVariant(false), "Pairable": dbus.MakeVariant(true), "Alias": dbus.MakeVariant("laptop"), "Discoverable": dbus.MakeVariant(false)})
			d.refuses(properties+".Set", "org.bluez.Error.Failed")
		}, "bluetoothctl power on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := startDaemon(t)
			tt.prepare(d)
			_, err := open(t.Context(), d.address, tt.adapter, slog.New(slog.DiscardHandler))
			if !errors.Is(err, ble.ErrNoRadio) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	nowhere := "unix:path=" + filepath.Join(t.TempDir(), "bus")
	if _, err := open(t.Context(), nowhere, "hci0", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "systemctl start dbus") {
		t.Errorf("no bus: got %v", err)
	}
}

// The adapter's settings are changed while it is used, and put back.
func TestSettingsArePutBack(t *testing.T) {
	d := startDaemon(t)
	d.has("/org/bluez/hci0", adapter1, props{"Powered": dbus.MakeVariant(false), "Pairable": dbus.MakeVariant(true), "Alias": dbus.MakeVariant("laptop"), "Discoverable": dbus.MakeVariant(false)})
	a := opened(t, d)
	s, err := a.Start(t.Context(), &visits{})
	if err != nil {
		t.Fatal(err)
	}
	settings := func() string {
		d.mu.Lock()
		defer d.mu.Unlock()
		p := d.objects["/org/bluez/hci0"][adapter1]
		return p["Powered"].String() + p["Pairable"].String() + p["Alias"].String()
	}
	if got := settings(); got != `truefalse"card"` {
		t.Errorf("a card's settings are %s", got)
	}
	s.Close()
	a.Close()
	if got := settings(); got != `truetrue"laptop"` {
		t.Errorf("they were left at %s", got)
	}
}

func any1(string, ble.Hint) bool { return true }

func TestFind(t *testing.T) {
	d := startDaemon(t)
	a := opened(t, d)
	h := ble.Hint{1, 2, 3, 4, 5, 6}
	// Those that are none: remembered only, of another adapter, without a hint,
	// with one of another size or form.
	hinted := dbus.MakeVariant(map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant(h[:])})
	rssi := dbus.MakeVariant(int16(-50))
	for path, p := range map[dbus.ObjectPath]props{
		"/org/bluez/hci0/dev_1": {"ManufacturerData": hinted, "Connected": dbus.MakeVariant(false)},
		"/org/bluez/hci1/dev_2": {"ManufacturerData": hinted, "RSSI": rssi},
		"/org/bluez/hci0/dev_3": {"RSSI": rssi},
		"/org/bluez/hci0/dev_4": {"RSSI": rssi, "ManufacturerData": dbus.MakeVariant(map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant(make([]byte, 7))})},
		"/org/bluez/hci0/dev_5": {"RSSI": rssi, "ManufacturerData": dbus.MakeVariant("six bytes")},
		"/org/bluez/hci0/dev_6": {"RSSI": rssi, "ManufacturerData": dbus.MakeVariant(map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant("six by")})},
	} {
		d.has(path, device1, p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if at, err := a.Find(ctx, any1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", at, err)
	}
	found := make(chan string, 1)
	go func() {
		at, err := a.Find(t.Context(), func(_ string, got ble.Hint) bool { return got == h })
		if err != nil {
			t.Error(err)
		}
		found <- at
	}()
	d.meet(h)
	d.change(theCard, device1, "RSSI", int16(-61))
	if at := <-found; at != string(theCard) {
		t.Errorf("found %s", at)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	starts := slices.DeleteFunc(slices.Clone(d.called), func(m string) bool { return !strings.HasSuffix(m, "Discovery") })
	if got := strings.Join(starts, " "); got != "Adapter1.StartDiscovery Adapter1.StopDiscovery Adapter1.StartDiscovery Adapter1.StopDiscovery" {
		t.Errorf("scans: %s", got)
	}
}

func connected(t *testing.T, d *daemon) *conn {
	t.Helper()
	d.meet(ble.Hint{1})
	c, err := opened(t, d).Connect(t.Context(), string(theCard))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.(*conn) //nolint:errcheck,forcetypeassert // this package's
}

func TestConn(t *testing.T) {
	d := startDaemon(t)
	d.answers(char1+".ReadValue", func([]any) []any { return []any{[]byte("info")} })
	wrote := make(chan any, 1)
	d.answers(char1+".WriteValue", func(args []any) []any { wrote <- args[0]; return nil })
	c := connected(t, d)
	if c.FrameSize() != 182 {
		t.Errorf("frames of %d bytes for an MTU of 185", c.FrameSize())
	}
	if b, err := c.Info(t.Context()); err != nil || string(b) != "info" {
		t.Errorf("info: %q, %v", b, err)
	}
	if err := c.Write(t.Context(), []byte("frame")); err != nil {
		t.Errorf("write: %v", err)
	} else if got, _ := (<-wrote).([]byte); string(got) != "frame" {
		t.Errorf("wrote %q", got)
	}
	answer := theCard + "/service003a/char2"
	for i := range 40 { // in their order
		d.change(answer, char1, "Value", []byte{byte(i)})
	}
	d.signal(":1.66", answer, changed, char1, props{"Value": dbus.MakeVariant([]byte("not by bluetoothd"))}, []string{})
	d.change(answer, char1, "Value", 7) // no bytes
	d.change(theCard+"/service003a/char1", char1, "Value", []byte("another characteristic"))
	for i := range 40 {
		if f := <-c.Frames(); !bytes.Equal(f, []byte{byte(i)}) {
			t.Fatalf("frame %d is %x", i, f)
		}
	}
	d.refuses(char1+".WriteValue", "org.bluez.Error.NotAuthorized")
	if err := c.Knock(t.Context(), []byte("knock")); !errors.Is(err, ble.ErrStranger) {
		t.Errorf("knock: %v", err)
	}
	d.refuses(device1+".Pair", "org.bluez.Error.AlreadyExists")
	if err := c.Pair(t.Context()); err != nil {
		t.Errorf("pair again: %v", err)
	}
	d.change(theCard, device1, "Connected", false)
	if f, open := <-c.Frames(); open {
		t.Errorf("after the card hung up: got %x", f)
	}
}

func TestConnEnds(t *testing.T) {
	ends := map[string]func(*daemon){
		"the device goes": func(d *daemon) { d.signal(owner, "/", removed, theCard, []string{device1}) },
		"its service goes": func(d *daemon) {
			d.signal(owner, "/", removed, theCard+"/service003a/char2", []string{char1})
		},
		"bluetoothd goes": func(d *daemon) {
			d.signal("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameOwnerChanged", service, owner, "")
		},
		"the bus goes":        func(d *daemon) { d.hangUp() },
		"the adapter goes":    func(d *daemon) { d.signal(owner, "/", removed, dbus.ObjectPath("/org/bluez/hci0"), []string{adapter1}) },
		"it is switched off":  func(d *daemon) { d.change("/org/bluez/hci0", adapter1, "Powered", false) },
		"the program lets go": func(*daemon) {},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t)
			c := connected(t, d)
			end(d)
			if name == "the program lets go" {
				c.a.Close()
			}
			select {
			case _, open := <-c.Frames():
				if open {
					t.Error("got a frame")
				}
			case <-time.After(10 * time.Second):
				t.Error("the connection is still there")
			}
		})
	}
}

// A card that has hung up is forgotten at once, and not when it is wanted again.
func TestForgetsWhoHangsUp(t *testing.T) {
	d := startDaemon(t)
	forgotten := make(chan any, 8)
	connected(t, d)
	d.answers(adapter1+".RemoveDevice", func(args []any) []any { forgotten <- args[0]; return nil })
	d.change(theCard, device1, "Connected", false)
	select {
	case got := <-forgotten:
		if got != theCard {
			t.Errorf("forgotten was %v", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the card is not forgotten")
	}
}

func TestConnectFails(t *testing.T) {
	for name, prepare := range map[string]func(*daemon){
		"nobody there": func(d *daemon) { d.refuses(device1+".Connect", "org.bluez.Error.Failed") },
		"hangs up": func(d *daemon) {
			d.answers(device1+".Connect", func([]any) []any { return nil }) // and is not connected
		},
		"does not let listen": func(d *daemon) { d.refuses(char1+".StartNotify", "org.bluez.Error.NotPermitted") },
	} {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t)
			a := opened(t, d)
			d.meet(ble.Hint{1})
			prepare(d)
			if c, err := a.Connect(t.Context(), string(theCard)); err == nil {
				c.Close()
				t.Error("got no error")
			}
		})
	}
}

// After bluetoothd has gone the next call begins anew.
func TestAdapterComesBack(t *testing.T) {
	d := startDaemon(t)
	a := opened(t, d)
	d.meet(ble.Hint{1})
	d.hangUp()
	for range 100 {
		if _, err := a.Find(t.Context(), any1); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the adapter is not found again")
}
