package main

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
	"tinygo.org/x/bluetooth/hci"
)

// socket is a controller all of whose packets are ours: a user channel of the
// kernel, which then keeps its own hands off it. It is a hci.Transport.
type socket struct {
	fd      int
	waiting []byte // a packet that has been received, and was not read
}

func openSocket(device uint16) (*socket, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_HCI)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrHCI{Dev: device, Channel: unix.HCI_CHANNEL_USER}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &socket{fd: fd}, nil
}

func (s *socket) Close() { unix.Close(s.fd) }

func (*socket) StartRead() {}
func (*socket) EndRead()   {}

// Buffered implements hci.Transport.
func (s *socket) Buffered() int {
	if s.waiting == nil {
		var room [1024]byte
		n, err := unix.Read(s.fd, room[:])
		if err != nil || n <= 0 {
			return 0
		}
		s.waiting = room[:n]
		s.confirm()
	}
	return len(s.waiting)
}

// Where an ATT packet has what, behind the packet's kind, the header of ACL and that
// of L2CAP (Core 5.4, Vol 4, Part E, 5.4.2 and Vol 3, Part A, 3.1).
const (
	cidAt = 7
	attAt = 9
)

// confirm does for an indication what the stack leaves out: it tells the card that
// it has come, and passes it on as the notification that the stack knows.
func (s *socket) confirm() {
	p := s.waiting
	if len(p) <= attAt || p[0] != hci.PacketACLData || binary.LittleEndian.Uint16(p[cidAt:]) != hci.CIDATT || p[attAt] != hci.OpHandleInd {
		return
	}
	p[attAt] = hci.OpHandleNotify
	handle := binary.LittleEndian.Uint16(p[1:]) & 0x0FFF
	confirmation := []byte{hci.PacketACLData}
	for _, field := range []uint16{handle, 5, 1, hci.CIDATT} {
		confirmation = binary.LittleEndian.AppendUint16(confirmation, field)
	}
	_, _ = s.Write(append(confirmation, hci.OpHandleCNF)) // the card hangs up without it
}

var errRoom = errors.New("no room for the packet")

// Read implements hci.Transport.
func (s *socket) Read(b []byte) (int, error) {
	p := s.waiting
	s.waiting = nil
	if len(p) > len(b) {
		return 0, errRoom
	}
	return copy(b, p), nil
}

// Write implements hci.Transport.
func (s *socket) Write(b []byte) (int, error) { return unix.Write(s.fd, b) }
