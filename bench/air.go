package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"sotto/apdu"
	"sotto/emv"
	"sotto/money"
	"sotto/pos"
	"sotto/sim"
	"sotto/sim/bolt"
	"sotto/tlv"
)

// AirOptions of Air.
type AirOptions struct {
	Taps int    // of each kind, for the chip's time; the bytes are those of any
	Data string // a folder on a disk, for the device
}

// AirResult is what Air has measured and reckoned. Times are in milliseconds.
type AirResult struct {
	Machine Machine  `json:"machine"`
	Taps    []AirTap `json:"taps"`
	Added   AirAdded `json:"added_by_spi"`
}

// AirTap is one tap, command by command.
type AirTap struct {
	Name     string       `json:"name"`
	Class    string       `json:"class"` // of the reader
	Commands []AirCommand `json:"commands"`

	Bytes  int     `json:"bytes"` // of all APDUs
	Air    float64 `json:"air"`
	AirEMV float64 `json:"air_at_emv_readers"` // which wait longer between frames
	CPU    float64 `json:"chip_cpu"`
}

// AirCommand is one command and its answer.
type AirCommand struct {
	Name     string  `json:"name"`
	Sent     int     `json:"sent"` // bytes of the APDU
	Received int     `json:"received"`
	Status   string  `json:"status"`
	Air      float64 `json:"air"`
	CPU      float64 `json:"chip_cpu"` // of this machine, not of a chip

	times airTime
}

// AirAdded is what SEND POI INFORMATION adds to a tap.
type AirAdded struct {
	Exchange  float64 `json:"exchange"`  // the command itself
	Directory float64 `json:"directory"` // the object in the directory (9F3F) that asks for it
	All       float64 `json:"all"`
	AllEMV    float64 `json:"all_at_emv_readers"`
	Without   float64 `json:"tap_without"`
	Percent   float64 `json:"percent"` // of the tap without
	GoalMost  float64 `json:"goal"`
	GoalShare float64 `json:"goal_percent"`
}

// What the design promises of the choice.
const (
	goalSPI      = 7.0  // ms
	goalSPIShare = 10.0 // percent of the tap
)

// airTaps are the taps: what stands in the wallet, what is paid, at which reader.
var airTaps = []struct {
	name     string
	balances []int64
	class    int // of readerClasses
}{
	{"one purse", []int64{purseMost}, 0},
	{"one purse", []int64{purseMost}, 1},
	{"two purses, the first has too little", []int64{1, purseMost}, 0},
	{"two purses, the first has too little", []int64{1, purseMost}, 1},
}

const airAmount = 2

// Air lets real devices tap at real tills, records every byte, and reckons how
// long that takes in the field.
func Air(ctx context.Context, o AirOptions) (AirResult, error) {
	r := AirResult{Machine: describeMachine(o.Data)}
	if o.Taps < 1 {
		return r, errors.New("there is nothing to measure: give at least one tap")
	}
	press, err := newPress(2)
	if err != nil {
		return r, err
	}
	var spi AirCommand
	var sdol int
	for i, one := range airTaps {
		a, err := newAirWallet(ctx, press, one.balances, filepath.Join(o.Data, fmt.Sprint("air-", i)))
		if err != nil {
			return r, err
		}
		tap, err := a.record(ctx, readerClasses[one.class], o.Taps)
		if err = errors.Join(err, a.store.Close()); err != nil {
			return r, fmt.Errorf("%s, class %s: %w", one.name, readerClasses[one.class].name, err)
		}
		tap.Name = one.name
		r.Taps = append(r.Taps, tap)
		if i == 0 {
			sdol = a.sdol
			spi = tap.Commands[slices.IndexFunc(tap.Commands, func(c AirCommand) bool { return c.Name == nameSPI })]
		}
	}
	r.Added = added(r.Taps[0], spi, sdol)
	return r, r.err()
}

// added compares a tap with the same tap without the choice: the command is not
// sent, and the directory does not ask for it.
func added(tap AirTap, spi AirCommand, sdol int) AirAdded {
	directory := periods(byteBits*sdol) * bitPeriods
	all := spi.times.all() + directory
	without := tap.periods() - all
	return AirAdded{
		Exchange: spi.times.all().ms(), Directory: directory.ms(), All: all.ms(),
		AllEMV:  (all + spi.times.emv()).ms(),
		Without: without.ms(), Percent: round(100*float64(all)/float64(without), 2), GoalMost: goalSPI, GoalShare: goalSPIShare,
	}
}

// emv is by how much longer a reader for payment waits.
func (t airTime) emv() periods { return periods(t.turns) * (turnPeriodsEMV - turnPeriods) }

func (t AirTap) periods() (sum periods) {
	for _, c := range t.Commands {
		sum += c.times.all()
	}
	return sum
}

// err is a sentence if the goals are missed, or the model has come apart.
func (r AirResult) err() error {
	a := r.Added
	switch {
	case r.Taps[0].periods()-r.Taps[1].periods() != r.spi():
		return errors.New("a tap with SEND POI INFORMATION differs from one without by more than that")
	case a.All > a.GoalMost || a.Percent > a.GoalShare:
		return fmt.Errorf("SEND POI INFORMATION adds %.2f ms, %.1f %% of a tap; the goal is %.0f ms and %.0f %%", a.All, a.Percent, a.GoalMost, a.GoalShare)
	}
	return nil
}

// spi is the air time of the first tap's SEND POI INFORMATION.
func (r AirResult) spi() (sum periods) {
	for _, c := range r.Taps[0].Commands {
		if c.Name == nameSPI {
			sum += c.times.all()
		}
	}
	return sum
}

// airWallet is a device with purses, on a disk.
type airWallet struct {
	press  *press
	store  *bolt.Store
	device *sim.Device
	sdol   int // bytes of the object in the directory that asks for the amount
}

func newAirWallet(ctx context.Context, p *press, balances []int64, dir string) (*airWallet, error) {
	plan := walletPlan{currency: money.CNY, amount: airAmount}
	for i, balance := range balances {
		plan.applets = append(plan.applets, appletPlan{
			aid: []byte{0xF0, 's', 'o', 't', 't', 'o', 0x01, 0x00, byte(i + 1)}, priority: byte(i + 1), currency: money.CNY,
			balance: balance, tapMax: purseMost, expiry: 20311231,
		})
	}
	a := &airWallet{press: p}
	var err error
	if a.store, err = bolt.Create(dir, rand.Reader); err != nil {
		return nil, err
	}
	w := &wallet{plan: plan, press: p, options: sim.Options{Key: a.store.Key(), Random: rand.Reader, Now: noon}}
	if a.device, err = sim.Open(a.store, w.options); err == nil {
		err = w.install(ctx, a.device)
	}
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

// record taps so often. The bytes are those of the last tap, which are as many as
// those of any; the chip's time of each command is the median.
func (a *airWallet) record(ctx context.Context, class readerClass, taps int) (AirTap, error) {
	runtime.LockOSThread() // whose time is counted
	defer runtime.UnlockOSThread()
	t := AirTap{Class: class.name}
	took := map[int][]time.Duration{}
	for range taps {
		t.Commands = t.Commands[:0]
		place := &slot{chip: a.device, face: class.face, heard: func(command, response []byte, d time.Duration) {
			took[len(t.Commands)] = append(took[len(t.Commands)], d)
			t.Commands = append(t.Commands, a.command(command, response))
		}}
		till, err := newTill(a.press, place, money.CNY, class, nil)
		if err != nil {
			return t, err
		}
		r, err := till.Tap(ctx, pos.Sale{Amount: money.Amount{Minor: airAmount, Currency: money.CNY}})
		if err != nil {
			return t, err
		}
		if r.Outcome != pos.Approved {
			return t, fmt.Errorf("the tap ended with %s: %s", r.Outcome, r.Reason)
		}
	}
	for i := range t.Commands {
		c := &t.Commands[i]
		slices.Sort(took[i])
		c.CPU = round(float64(took[i][len(took[i])/2].Microseconds())/1000, 3)
		t.CPU = round(t.CPU+c.CPU, 3)
		t.Bytes += c.Sent + c.Received
		t.AirEMV += float64(c.times.emv())
	}
	t.Air, t.AirEMV = t.periods().ms(), (t.periods() + periods(t.AirEMV)).ms()
	return t, nil
}

// command is what is kept of an exchange: how long its parts are.
func (a *airWallet) command(command, response []byte) AirCommand {
	c := AirCommand{Name: airName(command), Sent: len(command), Received: len(response), times: exchangeTime(len(command), len(response))}
	c.Air = c.times.all().ms()
	if r, err := apdu.ParseResponse(response); err == nil {
		c.Status = fmt.Sprintf("%04X", uint16(r.Status))
	}
	if c.Name == namePPSE {
		if value, ok := find(response[:max(0, len(response)-2)], emv.TagFCI, emv.TagFCIProprietary, emv.TagFCIDiscretionary, emv.TagSDOL); ok {
			a.sdol = len(tlv.Append(nil, emv.TagSDOL, value))
		}
	}
	return c
}

// find goes down through templates.
func find(b []byte, path ...tlv.Tag) (value []byte, ok bool) {
	for _, tag := range path {
		if b, ok = tlv.Find(b, tag); !ok {
			return nil, false
		}
	}
	return b, true
}

// Names of commands.
const (
	namePPSE = "SELECT PPSE"
	nameSPI  = "SEND POI INFORMATION"
)

// airName says what a command is.
func airName(raw []byte) string {
	c, err := apdu.Parse(raw)
	switch {
	case err != nil:
		return "?"
	case c.INS == 0x1A:
		return nameSPI
	case c.INS == 0xA8:
		return "GET PROCESSING OPTIONS"
	case c.INS == 0xB2:
		return fmt.Sprintf("READ RECORD %d", c.P1)
	case c.INS != 0xA4:
		return fmt.Sprintf("command %02X", c.INS)
	case bytes.HasSuffix(c.Data, []byte("SYS.DDF01")):
		return namePPSE
	}
	return "SELECT"
}
