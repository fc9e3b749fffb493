//go:build linux

package bluez

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// unusable says that there is no Bluetooth for now, why, and what to do.
func unusable(why error, next string) error {
	if why == nil {
		return fmt.Errorf("%w: %s", ble.ErrNoRadio, next)
	}
	return fmt.Errorf("%w: %w; %s", ble.ErrNoRadio, why, next)
}

func explainDial(err error) error {
	return unusable(err, "there is no D-Bus system bus: start it with 'systemctl start dbus'")
}

// explain adds what to do to those errors of the bus about which something can be
// done from outside.
func explain(err error) error {
	var e dbus.Error
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, dbus.ErrClosed):
		return unusable(errBusGone, "it is tried again")
	case !errors.As(err, &e):
		return err
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return unusable(nil, "bluetoothd does not run: start it with 'systemctl start bluetooth', or install the package bluez")
	case "org.freedesktop.DBus.Error.AccessDenied":
		return unusable(nil, "the bus does not let this user at bluetoothd: run as root or as a member of the group bluetooth")
	case "org.bluez.Error.Blocked":
		return unusable(nil, "the adapter is blocked: run 'rfkill unblock bluetooth'")
	case "org.bluez.Error.NotReady":
		return unusable(nil, "the adapter is off: run 'bluetoothctl power on'")
	}
	return named{e}
}

// named is an error of bluetoothd with its name, which its text leaves out.
type named struct{ of dbus.Error }

func (e named) Error() string {
	if text := e.of.Error(); text != e.of.Name {
		return e.of.Name + ": " + text
	}
	return e.of.Name
}

func (e named) Unwrap() error { return e.of }

// is reports whether bluetoothd said one of these, by the last part of its name.
func is(err error, names ...string) bool {
	var e dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range names {
		if e.Name == "org.bluez.Error."+n || e.Name == "org.freedesktop.DBus.Error."+n {
			return true
		}
	}
	return false
}
