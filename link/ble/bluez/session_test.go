//go:build linux

package bluez

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// visits writes down what a session tells it, and answers as a test has told it to
// last: godbus calls it in goroutines of its own.
type visits struct {
	log chan string

	mu   sync.Mutex
	err  error
	pair bool
}

// will says how the visits answer from now on.
func (v *visits) will(err error, pair bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err, v.pair = err, pair
}

// say writes down what has been told, and is the answer.
func (v *visits) say(s string) error {
	if v.log != nil {
		v.log <- s
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

func (v *visits) Came(p string)                      { _ = v.say("came " + p) }
func (v *visits) Gone(p string)                      { _ = v.say("gone " + p) }
func (v *visits) ReadInfo(p string) ([]byte, error)  { return []byte("info"), v.say("read " + p) }
func (v *visits) WriteInfo(p string, b []byte) error { return v.say("knock " + p + " " + string(b)) }
func (v *visits) WriteMessage(p string, _ int, b []byte) error {
	return v.say("write " + p + " " + string(b))
}

func (v *visits) MayPair(string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pair
}

// What bluetoothd asks of a card, and what it is told.
func TestSession(t *testing.T) {
	d := startDaemon(t)
	v := &visits{log: make(chan string, 100)}
	bonded := dbus.ObjectPath("/org/bluez/hci0/dev_headphones")
	d.has(bonded, device1, props{"Bonded": dbus.MakeVariant(true), "Connected": dbus.MakeVariant(true)})
	got, err := opened(t, d).Start(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	s := got.(*session) //nolint:errcheck,forcetypeassert // this package's
	defer s.Close()

	phone := dbus.ObjectPath("/org/bluez/hci0/dev_phone")
	from := func(offset uint16) props {
		return props{"device": dbus.MakeVariant(phone), "offset": dbus.MakeVariant(offset), "mtu": dbus.MakeVariant(uint16(185))}
	}
	message, info := s.charPath(ble.MessageUUID), s.charPath(ble.InfoUUID)
	tests := []struct {
		name   string
		path   dbus.ObjectPath
		method string
		args   []any
		err    error
		heard  string
		want   string // the error's name
	}{
		{"info", info, "ReadValue", []any{from(0)}, nil, "read " + string(phone), ""},
		{"info in pieces", info, "ReadValue", []any{from(4)}, nil, "", "org.bluez.Error.InvalidOffset"},
		{"knock", info, "WriteValue", []any{[]byte("k"), from(0)}, nil, "knock " + string(phone) + " k", ""},
		{"a stranger's knock", info, "WriteValue", []any{[]byte("k"), from(0)}, ble.ErrStranger, "knock " + string(phone) + " k", "org.bluez.Error.NotAuthorized"},
		{"a knock in pieces", info, "WriteValue", []any{[]byte("k"), from(1)}, nil, "", "org.bluez.Error.InvalidOffset"},
		{"too many", info, "ReadValue", []any{from(0)}, ble.ErrBusy, "read " + string(phone), "org.bluez.Error.InProgress"},
		{"a fault", info, "ReadValue", []any{from(0)}, errors.New("x"), "read " + string(phone), "org.bluez.Error.Failed"},
		{"message", message, "WriteValue", []any{[]byte("m"), from(0)}, nil, "write " + string(phone) + " m", ""},
		{"a message in pieces", message, "WriteValue", []any{[]byte("m"), from(1)}, nil, "", "org.bluez.Error.InvalidOffset"},
		{"a long write", message, "WriteValue", []any{make([]byte, ble.FrameMax+1), from(0)}, nil, "", "org.bluez.Error.InvalidValueLength"},
		{"options of other types", message, "WriteValue", []any{[]byte("m"), props{"device": dbus.MakeVariant(7), "mtu": dbus.MakeVariant("x"), "offset": dbus.MakeVariant("y")}}, nil, "write  m", ""},
		{"reading what is written", message, "ReadValue", []any{from(0)}, nil, "", "org.freedesktop.DBus.Error.UnknownMethod"},
	}
	for _, tt := range tests {
		v.will(tt.err, false)
		body, name := d.call(tt.path, char1+"."+tt.method, tt.args...)
		if name != tt.want || name == "" && tt.method == "ReadValue" && !bytes.Equal(body[0].([]byte), []byte("info")) { //nolint:errcheck,forcetypeassert // ReadValue
			t.Errorf("%s: got %v, error %q, want %q", tt.name, body, name, tt.want)
		}
		if tt.heard != "" {
			if said := <-v.log; said != tt.heard {
				t.Errorf("%s: heard %q, want %q", tt.name, said, tt.heard)
			}
		}
	}

	for _, may := range []bool{true, false} {
		v.will(nil, may)
		for method, args := range map[string][]any{"RequestAuthorization": {phone}, "RequestConfirmation": {phone, uint32(0)}} {
			if _, name := d.call(s.agentPath(), agent1+"."+method, args...); (name == "") != may {
				t.Errorf("%s of one who may pair, %v: got %q", method, may, name)
			}
		}
	}
	if _, name := d.call(s.agentPath(), agent1+".RequestPinCode", phone); name != "org.bluez.Error.Rejected" {
		t.Errorf("a PIN: got %q", name)
	}

	if err := s.Send([]byte("frame")); err != nil {
		t.Fatal(err)
	}
	m := <-d.signals
	values, _ := m.Body[1].(map[string]dbus.Variant)
	if field(m, dbus.FieldPath) != string(s.charPath(ble.AnswerUUID)) || !bytes.Equal(values["Value"].Value().([]byte), []byte("frame")) { //nolint:errcheck,forcetypeassert // what was sent
		t.Errorf("indicated %v", m)
	}

	d.change(phone, device1, "Connected", true)
	d.change(bonded, device1, "Connected", true)
	d.change("/org/bluez/hci1/dev_other", device1, "Connected", true)
	d.change(phone, device1, "Connected", false)
	for _, want := range []string{"came " + string(phone), "gone " + string(phone)} {
		if said := <-v.log; said != want {
			t.Errorf("got %q, want %q", said, want)
		}
	}
}

// A program that was killed leaves devices behind, connected or with keys that the
// other side has forgotten. A card begins without them, a phone without the cards;
// who has a bond is the owner's, and stays.
func TestForgetsWhatWasLeft(t *testing.T) {
	const at = "/org/bluez/hci0/dev_"
	left := props{"Paired": dbus.MakeVariant(true), "Bonded": dbus.MakeVariant(false), "Connected": dbus.MakeVariant(true)}
	owned := props{"Bonded": dbus.MakeVariant(true), "Connected": dbus.MakeVariant(true)}
	card := maps.Clone(left)
	card["ManufacturerData"] = dbus.MakeVariant(map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant(make([]byte, 6))})

	d := startDaemon(t)
	d.has(at+"phone", device1, left)
	d.has(at+"card", device1, card)
	d.has(at+"headphones", device1, owned)
	d.has("/org/bluez/hci1/dev_other", device1, card)
	var forgotten []string
	d.answers(adapter1+".RemoveDevice", func(args []any) []any {
		path, _ := args[0].(dbus.ObjectPath)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.objects, path)
		forgotten = append(forgotten, strings.TrimPrefix(string(path), at))
		return nil
	})

	a := opened(t, d)
	v := &visits{log: make(chan string, 8)}
	s, err := a.Start(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d.mu.Lock()
	got := slices.Clone(forgotten)
	d.mu.Unlock()
	if want := []string{"card", "phone"}; !slices.Equal(got, want) {
		t.Errorf("forgotten were %q, want %q: the phone's card, then the card's phone", got, want)
	}
	if len(v.log) != 0 {
		t.Errorf("the card was told: %q", <-v.log)
	}
}

// What is advertised fits what there is, is the hint and the service, and names
// nobody.
func TestAdvertise(t *testing.T) {
	d := startDaemon(t)
	s, err := opened(t, d).Start(t.Context(), &visits{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	registered := make(chan any, 2)
	d.answers("org.bluez.LEAdvertisingManager1.RegisterAdvertisement", func(args []any) []any { registered <- args[0]; return nil })
	var at [2]dbus.ObjectPath
	for i := range at {
		h := ble.Hint{1, 2, 3, 4, 5, byte(i)}
		if err := s.Advertise(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		at[i], _ = (<-registered).(dbus.ObjectPath)
		body, name := d.call(at[i], properties+".GetAll", advert1)
		if name != "" {
			t.Fatal(name)
		}
		p, _ := body[0].(map[string]dbus.Variant)
		data, _ := p["ManufacturerData"].Value().(map[uint16]dbus.Variant)
		if got, _ := data[ble.CompanyID].Value().([]byte); !bytes.Equal(got, h[:]) {
			t.Errorf("advertised %x, want %x", got, h)
		}
		if p["Type"].String() != `"peripheral"` || len(p) != 4 {
			t.Errorf("advertised %v", p)
		}
	}
	if at[0] == at[1] {
		t.Error("the second hint is advertised in the place of the first")
	}
	if _, name := d.call(at[0], properties+".GetAll", advert1); name == "" {
		t.Error("the first hint is still there")
	}
}

// A card's session ends with all that it rests on, and the card hears of it.
func TestSessionFails(t *testing.T) {
	for name, end := range map[string]func(*daemon){
		"the bus goes":       func(d *daemon) { d.hangUp() },
		"it is switched off": func(d *daemon) { d.change("/org/bluez/hci0", adapter1, "Powered", false) },
		"the adapter goes":   func(d *daemon) { d.signal(owner, "/", removed, dbus.ObjectPath("/org/bluez/hci0"), []string{adapter1}) },
		"bluetoothd goes": func(d *daemon) {
			d.signal("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameOwnerChanged", service, owner, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t)
			s, err := opened(t, d).Start(t.Context(), &visits{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Err() != nil {
				t.Errorf("before: %v", s.Err())
			}
			end(d)
			select {
			case <-s.Failed():
			case <-time.After(10 * time.Second):
				t.Fatal("the session goes on")
			}
			if !errors.Is(s.Err(), ble.ErrNoRadio) {
				t.Errorf("got %v", s.Err())
			}
		})
	}
}
