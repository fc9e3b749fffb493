package sim_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"sotto/apdu"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/scp03"
	"sotto/sim"
	"sotto/sim/host"
	"sotto/sim/mem"
)

// cut is the power that goes: everything above it in the stack is gone.
type cut struct{}

// flash is a store whose power can go at a commit, before or after it.
type flash struct {
	*mem.Store
	commits int
	at      int  // the commit at which the power goes; 0: never
	after   bool // it was kept
}

func (f *flash) Update(change func(sim.Writer) error) error {
	f.commits++
	if f.commits == f.at && !f.after {
		panic(cut{})
	}
	err := f.Store.Update(change)
	if f.commits == f.at {
		panic(cut{})
	}
	return err
}

// wallet is a device with its store, which a loss of power leaves behind.
type wallet struct {
	t      testing.TB
	bank   *issuer
	flash  *flash
	clock  func() time.Time
	device *sim.Device
	facts  []string
	trace  []string
}

// Exchange implements sim.Observer.
func (w *wallet) Exchange(command, response []byte) {
	w.trace = append(w.trace, fmt.Sprintf("> %X\n< %X", command, response))
}

// Fact implements sim.Observer.
func (w *wallet) Fact(f sim.Fact) { w.facts = append(w.facts, f.String()) }

// noon is the time of all tests.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// newWallet is a device with these applets, installed and personalized through
// its issuer's channel.
func newWallet(t testing.TB, applets ...cps.Profile) *wallet {
	t.Helper()
	w := &wallet{t: t, bank: readIssuer(), flash: &flash{Store: mem.New()}, clock: noon}
	w.boot()
	if len(applets) > 0 {
		w.install(applets...)
	}
	w.facts, w.trace = nil, nil
	return w
}

func (w *wallet) boot() {
	w.t.Helper()
	var err error
	w.device, err = sim.Open(w.flash, sim.Options{Key: deviceKey, Random: seeded(7), Now: w.clock, Observer: w})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *wallet) install(applets ...cps.Profile) {
	w.t.Helper()
	domain := w.domain(w.put(link.Contact))
	for _, p := range applets {
		if err := domain.Install(context.Background(), w.bank.applet(w.t, p)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func issuerKeys() scp03.Keys {
	keys, err := sim.IssuerKeys(deviceKey)
	if err != nil {
		panic(err)
	}
	return keys
}

func (w *wallet) domain(c link.Connection) *host.Domain {
	w.t.Helper()
	domain, err := host.Open(context.Background(), c, issuerKeys(), seeded(8))
	if err != nil {
		w.t.Fatal(err)
	}
	return domain
}

// put puts the device into a reader.
func (w *wallet) put(face link.Interface) *cable {
	w.device.Reset(face)
	return &cable{device: w.device, face: face}
}

// cable is a link.Connection whose device can be pulled away.
type cable struct {
	device *sim.Device
	face   link.Interface

	sent  int
	at    int  // the command at which the device is pulled away; 0: never
	after bool // the device has seen it, and its answer is lost
	gone  bool

	transcript []string
}

func (c *cable) Interface() link.Interface { return c.face }
func (c *cable) Close() error              { return nil }

func (c *cable) Transmit(_ context.Context, command []byte) (response []byte, err error) {
	c.sent++
	if c.gone || c.sent == c.at && !c.after {
		c.gone = true
		return nil, link.ErrGone
	}
	defer func() { // the device's power went inside
		switch x := recover(); x.(type) {
		case nil:
		case cut:
			c.gone, response, err = true, nil, link.ErrGone
		default:
			panic(x)
		}
	}()
	response = c.device.Transmit(command)
	c.record(command, response)
	if c.sent == c.at {
		c.gone = true
		return nil, link.ErrGone
	}
	return response, nil
}

// say sends a command written in hexadecimal and returns the response in
// hexadecimal.
func (c *cable) say(t testing.TB, text string) string {
	t.Helper()
	command, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X", c.device.Transmit(command))
}

// send sends a command and fetches all of its response.
func (c *cable) send(command apdu.Command) (apdu.Response, error) {
	return apdu.Transmit(func(x apdu.Command) (apdu.Response, error) {
		b, err := c.Transmit(context.Background(), x.Bytes())
		if err != nil {
			return apdu.Response{}, err
		}
		return apdu.ParseResponse(b)
	}, command)
}

func selectCommand(name []byte) apdu.Command {
	return apdu.Command{INS: 0xA4, P1: 0x04, Data: name, Ne: 256}
}

func readCommand(file, number byte) apdu.Command {
	return apdu.Command{INS: 0xB2, P1: number, P2: file<<3 | 4, Ne: 256}
}

func dataCommand(tag uint16) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: 0xCA, P1: byte(tag >> 8), P2: byte(tag), Ne: 256}
}

// shown is what the holder sees of an applet.
func (w *wallet) shown(aid []byte) sim.Applet {
	w.t.Helper()
	a, err := w.device.Show(aid)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}
