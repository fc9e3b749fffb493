//go:build unix

package bolt

import (
	"errors"
	"os"
	"syscall"
)

const hasModes = true

// lock keeps other processes away until f is closed or this process ends: two
// devices over one store would spend its money twice.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}
