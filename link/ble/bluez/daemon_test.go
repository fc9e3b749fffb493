//go:build linux

package bluez

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// daemon is a message bus with a bluetoothd at its other end, for one program. It
// says what a test wants it to say.
type daemon struct {
	t       *testing.T
	address string

	mu      sync.Mutex
	conn    net.Conn
	serial  uint32
	waiting map[uint32]chan *dbus.Message
	objects tree
	called  []string                          // methods, in their order
	refuse  map[string]string                 // method → name of the error
	answer  map[string]func(args []any) []any // method → its answer
	signals chan *dbus.Message                // what the program emits
}

const owner = ":1.7"

func startDaemon(t *testing.T) *daemon {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{
		t: t, address: "unix:path=" + path, waiting: make(map[uint32]chan *dbus.Message),
		objects: tree{"/org/bluez/hci0": {adapter1: {
			"Powered": dbus.MakeVariant(true), "Pairable": dbus.MakeVariant(true),
			"Discoverable": dbus.MakeVariant(false), "Alias": dbus.MakeVariant("laptop"),
		}}},
		refuse: make(map[string]string), answer: make(map[string]func([]any) []any),
		signals: make(chan *dbus.Message, 64),
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.mu.Lock()
			d.conn = c
			d.mu.Unlock()
			running.Go(func() { d.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		d.hangUp()
		running.Wait()
	})
	return d
}

func (d *daemon) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		d.conn.Close()
	}
}

// serve answers until the program hangs up.
func (d *daemon) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if !authenticated(r, c) {
		return
	}
	for {
		m, err := dbus.DecodeMessage(r)
		if err != nil {
			return
		}
		switch m.Type {
		case dbus.TypeMethodCall:
			d.reply(m)
		case dbus.TypeSignal:
			select {
			case d.signals <- m:
			default:
			}
		case dbus.TypeMethodReply, dbus.TypeError:
			serial, _ := m.Headers[dbus.FieldReplySerial].Value().(uint32)
			d.mu.Lock()
			if w := d.waiting[serial]; w != nil {
				w <- m
			}
			d.mu.Unlock()
		}
	}
}

// authenticated lets everybody in (D-Bus specification, Authentication Protocol).
func authenticated(r *bufio.Reader, c net.Conn) bool {
	if _, err := r.ReadByte(); err != nil {
		return false
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		reply := "ERROR\r\n"
		switch {
		case line == "BEGIN\r\n":
			return true
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			reply = "OK 0123456789abcdef0123456789abcdef\r\n"
		case strings.HasPrefix(line, "AUTH"):
			reply = "REJECTED EXTERNAL\r\n"
		}
		if _, err := c.Write([]byte(reply)); err != nil {
			return false
		}
	}
}

func field(m *dbus.Message, h dbus.HeaderField) string {
	switch v := m.Headers[h].Value().(type) {
	case string:
		return v
	case dbus.ObjectPath:
		return string(v)
	}
	return ""
}

// reply answers one call.
func (d *daemon) reply(m *dbus.Message) {
	method := field(m, dbus.FieldInterface) + "." + field(m, dbus.FieldMember)
	d.mu.Lock()
	if strings.HasPrefix(method, "org.bluez.") {
		d.called = append(d.called, strings.TrimPrefix(method, "org.bluez."))
	}
	refused, answer := d.refuse[method], d.answer[method]
	d.mu.Unlock()
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
	}}
	switch {
	case refused != "":
		reply.Type = dbus.TypeError
		reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(refused)
	case answer != nil:
		reply.Body = answer(m.Body)
	default:
		reply.Body = d.usual(method, field(m, dbus.FieldPath), m.Body)
	}
	d.send(reply, owner)
}

// usual is what a healthy bluetoothd says.
func (d *daemon) usual(method, path string, args []any) []any {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch method {
	case "org.freedesktop.DBus.Hello":
		return []any{":1.1"}
	case "org.freedesktop.DBus.GetNameOwner":
		return []any{owner}
	case "org.freedesktop.DBus.StartServiceByName":
		return []any{uint32(2)}
	case objects + ".GetManagedObjects":
		all := tree{}
		for path, o := range d.objects {
			all[path] = map[string]props{}
			for iface, p := range o {
				all[path][iface] = maps.Clone(p)
			}
		}
		return []any{all}
	case properties + ".Get":
		return []any{d.objects[dbus.ObjectPath(path)][text(args[0])][text(args[1])]}
	case properties + ".Set":
		value, _ := args[2].(dbus.Variant)
		d.objects[dbus.ObjectPath(path)][text(args[0])][text(args[1])] = value
	}
	return nil
}

// text is a string among a call's arguments; what is none is an empty one.
func text(argument any) string {
	s, _ := argument.(string)
	return s
}

// send writes a message to the program, as from this name on the bus.
func (d *daemon) send(m *dbus.Message, from string) (serial uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sendLocked(m, from)
}

func (d *daemon) sendLocked(m *dbus.Message, from string) uint32 {
	d.serial++
	m.Headers[dbus.FieldSender] = dbus.MakeVariant(from)
	m.Headers[dbus.FieldDestination] = dbus.MakeVariant(":1.1")
	if len(m.Body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(m.Body...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, binary.LittleEndian); err != nil {
		d.t.Errorf("encode: %v", err)
		return d.serial
	}
	// A message's serial is not to be set from outside; it has its place.
	binary.LittleEndian.PutUint32(b.Bytes()[8:], d.serial)
	_, _ = d.conn.Write(b.Bytes()) // the program may be gone
	return d.serial
}

// signal emits one of bluetoothd's signals, or of somebody who pretends.
func (d *daemon) signal(from string, path dbus.ObjectPath, name string, body ...any) {
	at := strings.LastIndexByte(name, '.')
	d.send(&dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(path), dbus.FieldInterface: dbus.MakeVariant(name[:at]),
		dbus.FieldMember: dbus.MakeVariant(name[at+1:]),
	}, Body: body}, from)
}

// has puts an object in the place of another; refuses and answers say how a method
// ends.
func (d *daemon) has(path dbus.ObjectPath, iface string, p props) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[path] = map[string]props{iface: p}
}

func (d *daemon) refuses(method, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse[method] = name
}

func (d *daemon) answers(method string, f func(args []any) []any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer[method] = f
}

// change sets a property of an object and tells so.
func (d *daemon) change(path dbus.ObjectPath, iface, name string, value any) {
	d.mu.Lock()
	if d.objects[path] == nil {
		d.objects[path] = map[string]props{}
	}
	if d.objects[path][iface] == nil {
		d.objects[path][iface] = props{}
	}
	d.objects[path][iface][name] = dbus.MakeVariant(value)
	d.mu.Unlock()
	d.signal(owner, path, changed, iface, props{name: dbus.MakeVariant(value)}, []string{})
}

// call calls a method of an object that the program shows.
func (d *daemon) call(path dbus.ObjectPath, method string, args ...any) (body []any, errorName string) {
	at := strings.LastIndexByte(method, '.')
	reply := make(chan *dbus.Message, 1)
	d.mu.Lock()
	serial := d.sendLocked(&dbus.Message{Type: dbus.TypeMethodCall, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(path), dbus.FieldInterface: dbus.MakeVariant(method[:at]),
		dbus.FieldMember: dbus.MakeVariant(method[at+1:]),
	}, Body: args}, owner)
	d.waiting[serial] = reply
	d.mu.Unlock()
	m := <-reply
	return m.Body, field(m, dbus.FieldErrorName)
}

const theCard = dbus.ObjectPath("/org/bluez/hci0/dev_4E_73_4A_35_32_50")

// meet puts a card within reach of the adapter.
func (d *daemon) meet(h ble.Hint) {
	hint := map[uint16]dbus.Variant{ble.CompanyID: dbus.MakeVariant(h[:])}
	d.has(theCard, device1, props{
		"RSSI": dbus.MakeVariant(int16(-60)), "ManufacturerData": dbus.MakeVariant(hint),
		"Connected": dbus.MakeVariant(false), "ServicesResolved": dbus.MakeVariant(false),
	})
	d.answers(device1+".Connect", func([]any) []any {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.objects[theCard][device1]["Connected"] = dbus.MakeVariant(true)
		d.objects[theCard][device1]["ServicesResolved"] = dbus.MakeVariant(true)
		at := theCard + "/service003a"
		d.objects[at] = map[string]props{service1: {"UUID": dbus.MakeVariant(ble.ServiceUUID)}}
		for uuid, name := range map[string]dbus.ObjectPath{ble.MessageUUID: "/char1", ble.AnswerUUID: "/char2", ble.InfoUUID: "/char3"} {
			d.objects[at+name] = map[string]props{char1: {
				"UUID": dbus.MakeVariant(uuid), "Service": dbus.MakeVariant(at), "MTU": dbus.MakeVariant(uint16(185)),
			}}
		}
		return nil
	})
}
