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
	"sync"
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
	before := dbus.ObjectPath("/org/bluez/hci0/dev_before")
	d.has(before, device1, props{"Paired": dbus.MakeVariant(true), "Bonded": dbus.MakeVariant(false), "Connected": dbus.MakeVariant(true)})
	got, err := opened(t, d).Start(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	s := got.(*session) //nolint:errcheck,forcetypeassert // this package's
	defer s.Close()
	if said := <-v.log; said != "came "+string(before) {
		t.Errorf("got %q", said)
	}

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

func TestSessionFails(t *testing.T) {
	d := startDaemon(t)
	s, err := opened(t, d).Start(t.Context(), &visits{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Err() != nil {
		t.Errorf("before: %v", s.Err())
	}
	d.hangUp()
	select {
	case <-s.Failed():
	case <-time.After(10 * time.Second):
		t.Fatal("the session goes on")
	}
	if !errors.Is(s.Err(), ble.ErrNoRadio) {
		t.Errorf("got %v", s.Err())
	}
}
