package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"tinygo.org/x/bluetooth/hci"

	"sotto/link/ble"
)

// patience is how long each step may take in an emulated machine.
const patience = 20 * time.Second

// mtu lets every ATT packet fit one of a controller's buffers of 192 bytes: this
// stack joins no fragments.
const mtu = 185

// central is a ble.Central. The stack wants one goroutine at a time.
type central struct {
	mu    sync.Mutex
	stack *hci.Stack
	air   *socket
	heard []report
}

// Commands and events of Bluetooth 5 (Core 5.4, Vol 4, Part E, 7.8.64 to 7.8.66 and
// 7.7.65.13), which the stack lets pass. BlueZ's virtual controllers tell those of
// Bluetooth 4 nothing of what was advertised.
const (
	setExtendedScanParameters = hci.OGFLECtrl<<hci.OGFCommandPos | 0x41
	setExtendedScanEnable     = hci.OGFLECtrl<<hci.OGFCommandPos | 0x42
	extendedCreateConnection  = hci.OGFLECtrl<<hci.OGFCommandPos | 0x43
	extendedAdvertisingReport = 0x0D
)

func open(device uint16) (*central, error) {
	s, err := openSocket(device)
	if err != nil {
		return nil, err
	}
	c := &central{stack: hci.NewStack(s), air: s}
	h := c.stack.HCI
	h.SetLEEventHandler(c.hear)
	for _, step := range []func() error{
		h.Start, h.Reset,
		func() error { return h.SetEventMask(0x3FFFFFFFFFFFFFFF) },
		func() error { return h.SetLEEventMask(0x1FFF) },
		func() error { return c.command(setExtendedScanParameters, 0, 0, 1, 0, 0x60, 0, 0x60, 0) },
		func() error { return c.stack.ATT.SetMaxMTU(mtu) },
	} {
		if err := step(); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// command is one that must succeed.
func (c *central) command(opcode uint16, params ...byte) error {
	if err := c.stack.HCI.SendCommandWithParams(opcode, params); err != nil {
		return err
	}
	if status := c.stack.HCI.CommandStatus(); status != 0 {
		return fmt.Errorf("command %04X: status %02X", opcode, status)
	}
	return nil
}

func (c *central) Close() { c.air.Close() }

// poll has the stack take what has come, until something is so.
func (c *central) poll(ctx context.Context, so func() bool) error {
	for !so() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.stack.HCI.Poll(); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// peer is a device that was heard, as the address that a Central gives.
type peer struct {
	kind uint8
	at   [6]uint8
}

func (p peer) String() string { return fmt.Sprintf("%d/%x", p.kind, p.at) }

func parsePeer(s string) (p peer, err error) {
	var at []byte
	if _, err = fmt.Sscanf(s, "%d/%x", &p.kind, &at); err == nil && len(at) != len(p.at) {
		err = errors.New("not an address")
	}
	copy(p.at[:], at)
	return p, err
}

// report is what a device was heard to advertise.
type report struct {
	from peer
	data []byte
}

// hear takes the events that the stack does not know.
func (c *central) hear(subevent uint8, p []byte) (bool, error) {
	const head = 24 // before the data; 0 is how many reports there are
	if subevent != extendedAdvertisingReport || len(p) == 0 {
		return false, nil
	}
	for p = p[1:]; len(p) >= head && head+int(p[head-1]) <= len(p); {
		end := head + int(p[head-1])
		c.heard = append(c.heard, report{peer{p[2], [6]uint8(p[3:9])}, bytes.Clone(p[head:end])})
		p = p[end:]
	}
	return true, nil
}

// Find implements ble.Central.
func (c *central) Find(ctx context.Context, wanted func(string, ble.Hint) bool) (found string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.command(setExtendedScanEnable, 1, 0, 0, 0, 0, 0); err != nil {
		return "", err
	}
	err = c.poll(ctx, func() bool {
		for _, r := range c.heard {
			if hint, ok := hintOf(r.data); ok && found == "" && wanted(r.from.String(), hint) {
				found = r.from.String()
			}
		}
		c.heard = nil
		return found != ""
	})
	return found, errors.Join(err, c.command(setExtendedScanEnable, 0, 0, 0, 0, 0, 0))
}

// hintOf looks for the manufacturer's data (Core Specification Supplement, Part A,
// 1.4) among what was advertised.
func hintOf(data []byte) (ble.Hint, bool) {
	for len(data) > 0 && int(data[0]) < len(data) {
		field := data[1 : 1+data[0]]
		data = data[1+data[0]:]
		if len(field) > 3 && field[0] == 0xFF && binary.LittleEndian.Uint16(field[1:]) == ble.CompanyID {
			return ble.ParseHint(field[3:])
		}
	}
	return ble.Hint{}, false
}

// Connect implements ble.Central.
func (c *central) Connect(ctx context.Context, address string) (ble.Conn, error) {
	p, err := parsePeer(address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.stack.HCI
	h.ClearConnection()
	params := append([]byte{0, 0, p.kind}, p.at[:]...)
	params = append(params, 1)
	for _, n := range []uint16{0x60, 0x60, 0x18, 0x28, 0, 0x2A, 0, 0} { // scan, interval, latency, timeout
		params = binary.LittleEndian.AppendUint16(params, n)
	}
	if err := c.command(extendedCreateConnection, params...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.poll(ctx, h.HasConnection); err != nil {
		return nil, errors.Join(err, h.LECancelConn())
	}
	made, _ := h.Connection()
	if made.Status != 0 {
		return nil, fmt.Errorf("the controller says %02X", made.Status)
	}
	n := &conn{c: c, handle: made.Handle, frames: make(chan []byte, 64), closed: make(chan struct{})}
	if err := n.discover(); err != nil {
		return nil, errors.Join(err, h.Disconnect(made.Handle))
	}
	go n.listen()
	return n, nil
}
