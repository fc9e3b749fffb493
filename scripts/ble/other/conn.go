package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	bluetooth "tinygo.org/x/bluetooth/ble"
	"tinygo.org/x/bluetooth/hci"

	"sotto/link/ble"
)

// conn is a ble.Conn.
type conn struct {
	c      *central
	handle uint16
	size   int
	frames chan []byte
	closed chan struct{}
	once   sync.Once

	message, answer, info, configuration uint16 // handles of attributes
}

// As docs/protocol/ble.md has them, and not as the card's code does: whoever reads
// the document alone must be able to reach a card.
const (
	serviceUUID = "6d2f0001-c8f6-4ed9-bfcf-3e6ca67b36d6"
	messageUUID = "6d2f0002-c8f6-4ed9-bfcf-3e6ca67b36d6"
	answerUUID  = "6d2f0003-c8f6-4ed9-bfcf-3e6ca67b36d6"
	infoUUID    = "6d2f0004-c8f6-4ed9-bfcf-3e6ca67b36d6"
)

// Values of the client characteristic configuration (Core 5.4, Vol 3, Part G,
// 3.3.3.3).
var (
	configurationUUID = []byte{0x02, 0x29}
	indicate          = []byte{0x02, 0x00}
)

// discover agrees upon an MTU, finds the card's attributes and asks for
// indications. The caller holds mu.
func (n *conn) discover() error {
	att := n.c.stack.ATT
	if err := att.MTUReq(n.handle); err != nil {
		return fmt.Errorf("exchange MTU: %w", err)
	}
	// The stack gives what the card offers; the smaller offer counts.
	n.size = ble.FrameSize(min(mtu, int(att.MTU())))
	known, err := att.ConnectionData(n.handle)
	if err != nil {
		return err
	}
	last, err := n.characteristics(known)
	if err != nil {
		return err
	}
	if err := att.FindInfoReq(n.handle, n.answer+1, last); err != nil {
		return fmt.Errorf("find the configuration: %w", err)
	}
	for _, d := range known.Descriptors {
		if bytes.Equal(d.Data, configurationUUID) && n.configuration == 0 {
			n.configuration = d.Handle
		}
	}
	if err := att.WriteReq(n.handle, n.configuration, indicate); err != nil {
		return fmt.Errorf("ask for indications: %w", err)
	}
	return nil
}

// characteristics finds the card's service and what is in it, and gives the last
// handle of it.
func (n *conn) characteristics(known *hci.ConnectionData) (last uint16, err error) {
	att := n.c.stack.ATT
	var first uint16
	for start := uint16(1); first == 0; {
		if err := att.ReadByGroupReq(n.handle, start, 0xFFFF, hci.UUIDPrimaryService); err != nil {
			return 0, fmt.Errorf("find the service: %w", err)
		}
		for _, s := range known.Services {
			if s.UUID == uuid(serviceUUID) {
				first, last = s.StartHandle, s.EndHandle
			}
			start = s.EndHandle + 1
		}
	}
	handles := map[bluetooth.UUID]*uint16{
		uuid(messageUUID): &n.message, uuid(answerUUID): &n.answer, uuid(infoUUID): &n.info,
	}
	for start := first; n.message == 0 || n.answer == 0 || n.info == 0; {
		if err := att.ReadByTypeReq(n.handle, start, last, hci.UUIDCharacteristic); err != nil {
			return 0, fmt.Errorf("find the characteristics: %w", err)
		}
		for _, ch := range known.Characteristics {
			if at := handles[ch.UUID]; at != nil {
				*at = ch.ValueHandle
			}
			start = ch.ValueHandle + 1
		}
	}
	return last, nil
}

func uuid(s string) bluetooth.UUID {
	u, err := bluetooth.ParseUUID(s)
	if err != nil { // a constant of the protocol
		panic(err)
	}
	return u
}

// listen takes what comes while nobody waits for a response.
func (n *conn) listen() {
	defer close(n.frames)
	for {
		select {
		case <-n.closed:
			return
		case f := <-n.c.stack.ATT.Notifications():
			if f.ConnectionHandle == n.handle && f.Handle == n.answer {
				n.hear(f.Data)
			}
		case <-time.After(5 * time.Millisecond):
			n.c.mu.Lock()
			err := n.c.stack.ATT.Poll()
			gone := n.c.stack.HCI.HasDisconnection()
			n.c.mu.Unlock()
			if gone || err != nil {
				return
			}
		}
	}
}

// hear drops what nobody reads: the phone asks for it again.
func (n *conn) hear(frame []byte) {
	select {
	case n.frames <- frame:
	default:
	}
}

// Info implements ble.Conn.
func (n *conn) Info(context.Context) (value []byte, err error) {
	err = n.ask(func(att *hci.ATT) error {
		if err := att.ReadReq(n.handle, n.info); err != nil {
			return err
		}
		known, err := att.ConnectionData(n.handle)
		if err == nil {
			value = bytes.Clone(known.Value)
		}
		return err
	})
	return value, err
}

// Knock implements ble.Conn.
func (n *conn) Knock(_ context.Context, proof []byte) error { return n.write(n.info, proof) }

// Write implements ble.Conn.
func (n *conn) Write(_ context.Context, frame []byte) error { return n.write(n.message, frame) }

func (n *conn) write(handle uint16, value []byte) error {
	return n.ask(func(att *hci.ATT) error { return att.WriteReq(n.handle, handle, value) })
}

// insufficientAuthorization is what a card says to strangers.
const insufficientAuthorization = 0x08

func (n *conn) ask(request func(*hci.ATT) error) error {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	att := n.c.stack.ATT
	err := request(att)
	if !errors.Is(err, hci.ErrATTOp) {
		return err
	}
	said, _ := att.LastError(n.handle)
	if said.Code.Code() == insufficientAuthorization {
		return ble.ErrStranger
	}
	return fmt.Errorf("%w: %w", err, said.Code)
}

// Pair implements ble.Conn: this stack has no security manager.
func (*conn) Pair(context.Context) error { return errors.New("this stack cannot pair") }

// Frames implements ble.Conn.
func (n *conn) Frames() <-chan []byte { return n.frames }

// FrameSize implements ble.Conn.
func (n *conn) FrameSize() int { return n.size }

// Close implements ble.Conn.
func (n *conn) Close() {
	n.once.Do(func() {
		close(n.closed)
		n.c.mu.Lock()
		defer n.c.mu.Unlock()
		h := n.c.stack.HCI
		if h.HasDisconnection() || h.Disconnect(n.handle) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = n.c.poll(ctx, h.HasDisconnection)
	})
}
