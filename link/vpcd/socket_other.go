//go:build !linux

package vpcd

import "syscall"

// acknowledgeAtOnce does nothing: other systems have no such wish, or no such
// delay.
func acknowledgeAtOnce(uintptr) {}

// ownerOnly leaves the mode of a Unix socket to the umask: keep the socket in a
// folder of your own.
func ownerOnly(_, _ string, _ syscall.RawConn) error { return nil }
