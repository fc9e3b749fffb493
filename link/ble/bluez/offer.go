//go:build linux

package bluez

import (
	"context"
	"errors"
	"maps"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// What a program offers to bluetoothd are objects of its own, which bluetoothd
// calls (doc/gatt-api.txt, doc/agent-api.txt).

func (s *session) show(path dbus.ObjectPath, iface string, methods map[string]any) error {
	return s.b.conn.ExportMethodTable(methods, path, iface)
}

// showProperties answers for properties that do not change.
func (s *session) showProperties(path dbus.ObjectPath, of map[string]props) error {
	return s.show(path, properties, map[string]any{
		"GetAll": func(iface string) (map[string]dbus.Variant, *dbus.Error) { return of[iface], nil },
		"Get": func(iface, name string) (dbus.Variant, *dbus.Error) {
			v, ok := of[iface][name]
			if !ok {
				return v, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
			}
			return v, nil
		},
	})
}

func (s *session) charPath(uuid string) dbus.ObjectPath {
	names := map[string]dbus.ObjectPath{ble.MessageUUID: "message", ble.AnswerUUID: "answer", ble.InfoUUID: "info"}
	return s.root + "/service/" + names[uuid]
}

func (s *session) agentPath() dbus.ObjectPath { return s.root + "/agent" }

// offerService shows the service and its characteristics.
func (s *session) offerService(ctx context.Context) error {
	at := s.root + "/service"
	all := tree{at: {service1: {"UUID": dbus.MakeVariant(ble.ServiceUUID), "Primary": dbus.MakeVariant(true)}}}
	for uuid, flags := range map[string][]string{
		ble.MessageUUID: {"write"}, ble.AnswerUUID: {"indicate"}, ble.InfoUUID: {"read", "write"},
	} {
		all[s.charPath(uuid)] = map[string]props{char1: {
			"UUID": dbus.MakeVariant(uuid), "Service": dbus.MakeVariant(at), "Flags": dbus.MakeVariant(flags),
		}}
	}
	for path, o := range all {
		if err := s.showProperties(path, o); err != nil {
			return err
		}
	}
	nothing := func() *dbus.Error { return nil }
	shown := map[string]map[string]any{
		ble.MessageUUID: {"WriteValue": s.writeMessage},
		ble.AnswerUUID:  {"StartNotify": nothing, "StopNotify": nothing, "Confirm": nothing},
		ble.InfoUUID:    {"ReadValue": s.readInfo, "WriteValue": s.writeInfo},
	}
	for uuid, methods := range shown {
		if err := s.show(s.charPath(uuid), char1, methods); err != nil {
			return err
		}
	}
	managed := func() (tree, *dbus.Error) { return maps.Clone(all), nil }
	if err := s.show(s.root, objects, map[string]any{"GetManagedObjects": managed}); err != nil {
		return err
	}
	return s.b.do(ctx, s.a.path, "org.bluez.GattManager1.RegisterApplication", s.root, map[string]any{})
}

// options are what bluetoothd says with a read or write.
type options = map[string]dbus.Variant

func phoneOf(o options) string {
	path, _ := o["device"].Value().(dbus.ObjectPath)
	return string(path)
}

func (s *session) readInfo(o options) ([]byte, *dbus.Error) {
	if offset(o) != 0 {
		return nil, dbus.NewError("org.bluez.Error.InvalidOffset", nil)
	}
	value, err := s.v.ReadInfo(phoneOf(o))
	return value, told(err)
}

func (s *session) writeInfo(value []byte, o options) *dbus.Error {
	if offset(o) != 0 {
		return dbus.NewError("org.bluez.Error.InvalidOffset", nil)
	}
	return told(s.v.WriteInfo(phoneOf(o), value))
}

func (s *session) writeMessage(value []byte, o options) *dbus.Error {
	switch {
	case offset(o) != 0:
		return dbus.NewError("org.bluez.Error.InvalidOffset", nil)
	case len(value) > ble.FrameMax:
		return dbus.NewError("org.bluez.Error.InvalidValueLength", nil)
	}
	mtu, _ := o["mtu"].Value().(uint16)
	return told(s.v.WriteMessage(phoneOf(o), ble.FrameSize(int(mtu)), value))
}

func offset(o options) uint16 {
	n, _ := o["offset"].Value().(uint16)
	return n
}

// told is an error as bluetoothd passes it on to the phone.
func told(err error) *dbus.Error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ble.ErrStranger):
		return dbus.NewError("org.bluez.Error.NotAuthorized", nil)
	case errors.Is(err, ble.ErrBusy):
		return dbus.NewError("org.bluez.Error.InProgress", nil)
	}
	return dbus.NewError("org.bluez.Error.Failed", nil)
}

// offerAgent decides who may pair. A card has nothing to type on and shows nothing
// for a stranger's sake, so it is Just Works, which keeps out only those who
// listen (Core 5.4, Vol 3, Part H, 2.3.5.1).
func (s *session) offerAgent(ctx context.Context) error {
	rejected := func() *dbus.Error { return dbus.NewError("org.bluez.Error.Rejected", nil) }
	decide := func(device dbus.ObjectPath) *dbus.Error {
		if !s.v.MayPair(string(device)) {
			return rejected()
		}
		return nil
	}
	nothing := func() *dbus.Error { return nil }
	err := s.show(s.agentPath(), agent1, map[string]any{
		"Release":              nothing,
		"Cancel":               nothing,
		"RequestAuthorization": decide,
		"RequestConfirmation":  func(device dbus.ObjectPath, _ uint32) *dbus.Error { return decide(device) },
		"AuthorizeService":     func(_ dbus.ObjectPath, _ string) *dbus.Error { return rejected() },
		"RequestPinCode":       func(_ dbus.ObjectPath) (string, *dbus.Error) { return "", rejected() },
		"RequestPasskey":       func(_ dbus.ObjectPath) (uint32, *dbus.Error) { return 0, rejected() },
		"DisplayPinCode":       func(_ dbus.ObjectPath, _ string) *dbus.Error { return rejected() },
		"DisplayPasskey":       func(_ dbus.ObjectPath, _ uint32, _ uint16) *dbus.Error { return rejected() },
	})
	if err != nil {
		return err
	}
	if err := s.b.do(ctx, "/org/bluez", "org.bluez.AgentManager1.RegisterAgent", s.agentPath(), "NoInputNoOutput"); err != nil {
		return err
	}
	return s.b.do(ctx, "/org/bluez", "org.bluez.AgentManager1.RequestDefaultAgent", s.agentPath())
}
