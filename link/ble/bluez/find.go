//go:build linux

package bluez

import (
	"context"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"sotto/link/ble"
)

// scan counts those who wait for a card: bluetoothd knows one discovery of each
// program.
type scan struct {
	waiting int
	began   time.Time
}

// lookEvery is how often the list of devices is looked at even if nothing is
// heard, lookMin how seldom if much is. A controller tells of each advert once in
// a scan, and bluetoothd may have dropped it: scanMax is when a new one begins.
const (
	lookEvery = time.Second
	lookMin   = 30 * time.Millisecond
	scanMax   = 2 * time.Second
)

// Find implements ble.Central. The address is a device's path.
func (a *Adapter) Find(ctx context.Context, wanted func(address string, h ble.Hint) bool) (string, error) {
	b, err := a.ready(ctx)
	if err != nil {
		return "", err
	}
	nudged, stop := b.nudge()
	defer stop()
	if err := a.startScan(ctx, b); err != nil {
		return "", err
	}
	defer a.stopScan(b)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		t, err := b.tree(ctx)
		if err != nil {
			return "", err
		}
		for path, o := range t {
			if h, ok := a.hinted(path, o[device1]); ok && wanted(string(path), h) {
				return string(path), nil
			}
		}
		if err := wait(ctx, b, nudged, tick.C); err != nil {
			return "", err
		}
		if err := a.scanAnew(ctx, b); err != nil {
			return "", err
		}
	}
}

// wait waits until there may be something new.
func wait(ctx context.Context, b *bus, nudged <-chan struct{}, tick <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-b.dead:
		return unusable(b.why, "it is tried again")
	case <-tick:
	case <-nudged:
		time.Sleep(lookMin) // more will follow
	}
	return nil
}

// hinted is the hint of a device that can be reached now: it has a signal
// strength while it is heard, or is connected. Others are only remembered.
func (a *Adapter) hinted(path dbus.ObjectPath, device props) (ble.Hint, bool) {
	_, heard := device["RSSI"]
	if !heard && !prop[bool](device, "Connected") || !a.has(path) {
		return ble.Hint{}, false
	}
	return hintOf(device)
}

// hintOf is the hint that a device has advertised, if it has.
func hintOf(device props) (ble.Hint, bool) {
	data := prop[map[uint16]dbus.Variant](device, "ManufacturerData")
	b, _ := data[ble.CompanyID].Value().([]byte)
	return ble.ParseHint(b)
}

// has reports whether a device is one that this adapter has met.
func (a *Adapter) has(device dbus.ObjectPath) bool {
	return strings.HasPrefix(string(device), string(a.path)+"/")
}

func (a *Adapter) startScan(ctx context.Context, b *bus) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scan.waiting == 0 {
		filter := map[string]any{"Transport": "le", "UUIDs": []string{ble.ServiceUUID}}
		if err := b.do(ctx, a.path, adapter1+".SetDiscoveryFilter", filter); err != nil {
			return err
		}
		if err := a.discover(ctx, b); err != nil {
			return err
		}
	}
	a.scan.waiting++
	return nil
}

// discover has bluetoothd begin. The caller holds mu.
func (a *Adapter) discover(ctx context.Context, b *bus) error {
	a.scan.began = time.Now()
	err := b.do(ctx, a.path, adapter1+".StartDiscovery")
	if is(err, "InProgress") {
		return nil
	}
	return err
}

// scanAnew begins again when the time has come.
func (a *Adapter) scanAnew(ctx context.Context, b *bus) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bus != b || time.Since(a.scan.began) < scanMax {
		return nil
	}
	if err := b.do(ctx, a.path, adapter1+".StopDiscovery"); err != nil && !is(err, "Failed") {
		return err
	}
	return a.discover(ctx, b)
}

func (a *Adapter) stopScan(b *bus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bus != b {
		return // it went with its bus
	}
	a.scan.waiting--
	if a.scan.waiting > 0 {
		return
	}
	if err := b.do(context.Background(), a.path, adapter1+".StopDiscovery"); err != nil {
		a.log.Debug("a scan was not stopped", "reason", err)
	}
}
