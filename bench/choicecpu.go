package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/money"
	"sotto/sim"
	"sotto/sim/bolt"
	"sotto/sim/host"
	"sotto/tlv"
)

// ChoiceCost is what one SEND POI INFORMATION costs a device with 200 applets:
// it unwraps 200 credentials, decrypts 200 accounts, and picks the only applet
// that has the money, which is the last one.
type ChoiceCost struct {
	Applets  int     `json:"applets"`
	Choices  int     `json:"choices"`
	P50      float64 `json:"cpu_p50"` // ms of CPU, of the thread that answers
	P99      float64 `json:"cpu_p99"`
	Mean     float64 `json:"cpu_mean"` // of the whole process, with its garbage collection
	GoalMost float64 `json:"goal"`
	// OthersCores is what other programs used meanwhile: they take caches away.
	OthersCores float64 `json:"cores_used_by_others"`
}

const (
	costChoices = 2000
	goalChoice  = 1.0 // ms of CPU
)

// choiceCost measures on a store that lies on a disk.
func choiceCost(ctx context.Context, p *press, dir string) (c ChoiceCost, err error) {
	c = ChoiceCost{Applets: sim.AppletsMax, Choices: costChoices, GoalMost: goalChoice}
	store, err := bolt.Create(filepath.Join(dir, "sim"), rand.Reader)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	device, err := sim.Open(store, sim.Options{Key: store.Key(), Random: rand.Reader, Now: noon})
	if err != nil {
		return c, err
	}
	last, err := crowd(ctx, p, device, store)
	if err != nil {
		return c, err
	}
	runtime.GC() // what was done before is not the device's garbage
	began, own, busy := time.Now(), ownCPU(), busyCPU()
	took, err := chooseOften(device, last)
	if err != nil {
		return c, err
	}
	whole, span := ownCPU()-own, time.Since(began)
	c.OthersCores = round(max(0, (busyCPU()-busy-whole).Seconds()/span.Seconds()), 2)
	slices.Sort(took)
	at := func(q float64) float64 {
		return round(float64(took[int(q*float64(len(took)-1))].Microseconds())/1000, 3)
	}
	c.P50, c.P99, c.Mean = at(0.5), at(0.99), round(whole.Seconds()*1000/costChoices, 3)
	return c, nil
}

// crowd installs as many applets as a device holds. Only the last one has money;
// it says which that is.
func crowd(ctx context.Context, p *press, device *sim.Device, store *bolt.Store) (last []byte, err error) {
	keys, err := sim.IssuerKeys(store.Key())
	if err != nil {
		return nil, err
	}
	domain, err := host.Open(ctx, put(device, link.Contact), keys, rand.Reader)
	if err != nil {
		return nil, err
	}
	for i := range sim.AppletsMax {
		a := appletPlan{currency: money.CNY, balance: 100, tapMax: purseMost, expiry: 20311231}
		if i == sim.AppletsMax-1 {
			a.balance = costAmount
		}
		a.aid = binary.BigEndian.AppendUint16([]byte("\xF0sotto\x01"), uint16(i+1))
		applet, err := p.applet(i%len(p.slots), a)
		if err != nil {
			return nil, err
		}
		err = domain.Install(ctx, applet)
		cps.Wipe(applet.Groups)
		if err != nil {
			return nil, fmt.Errorf("install applet %d of %d: %w", i+1, sim.AppletsMax, err)
		}
		last = a.aid
	}
	return last, nil
}

const costAmount = 1234

// chooseOften sends one request again and again, and looks each time what it has
// taken. It stays on one thread, whose time the system counts.
func chooseOften(device *sim.Device, last []byte) (took []time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	device.Reset(link.Contactless)
	device.Transmit(apdu.Command{INS: 0xA4, P1: 0x04, Data: []byte("2PAY.SYS.DDF01"), Ne: apdu.NeMaxShort}.Bytes())
	amount, err := emv.NewAmount(costAmount)
	if err != nil {
		return nil, err
	}
	values := append(amount[:], country[:]...)
	request := apdu.Command{CLA: 0x80, INS: 0x1A, Data: tlv.Append(nil, emv.TagCommandTemplate, values), Ne: apdu.NeMaxShort}.Bytes()
	for range costChoices {
		began := threadCPU()
		said, err := apdu.ParseResponse(device.Transmit(request))
		took = append(took, threadCPU()-began)
		if err == nil {
			err = said.Status.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("choose among many: %w", err)
		}
		if !slices.Equal(chosenBy(said.Data), last) {
			return nil, errors.New("among many applets the device has not chosen the one that has the money")
		}
	}
	return took, nil
}

// chosenBy is the AID in an answer to SEND POI INFORMATION.
func chosenBy(fci []byte) []byte {
	for _, tag := range []tlv.Tag{emv.TagFCI, emv.TagFCIProprietary, emv.TagFCIDiscretionary, emv.TagApplicationTemplate, emv.TagADFName} {
		fci, _ = tlv.Find(fci, tag)
	}
	return fci
}

// threadCPU is the CPU time of the thread that asks; see runtime.LockOSThread.
func threadCPU() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
