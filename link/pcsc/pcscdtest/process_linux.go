package pcscdtest

import (
	"os"
	"syscall"
)

// attributes let the daemon die with the test's process. Apart, it gets a mount
// namespace; without root that takes a user namespace as well.
func attributes(apart bool) (*syscall.SysProcAttr, bool) {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if !apart {
		return a, false
	}
	a.Unshareflags = syscall.CLONE_NEWNS
	if uid := os.Getuid(); uid != 0 {
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return a, true
}
