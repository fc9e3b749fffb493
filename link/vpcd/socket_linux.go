package vpcd

import "syscall"

// acknowledgeAtOnce turns delayed acknowledgements off until the kernel turns
// them on again.
func acknowledgeAtOnce(socket uintptr) {
	// A socket that refuses is slower and no less right.
	_ = syscall.SetsockoptInt(int(socket), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
}

// ownerOnly sets the mode with which a Unix socket will be bound, so that there
// is no moment at which others can connect.
func ownerOnly(_, _ string, c syscall.RawConn) error {
	var refused error
	err := c.Control(func(socket uintptr) { refused = syscall.Fchmod(int(socket), 0o600) })
	if err != nil {
		return err
	}
	return refused
}
