//go:build unix

package flash

import (
	"errors"
	"os"
	"syscall"
)

const hasModes = true

// lock keeps other processes away until f is closed or this process ends: two
// cards with one memory would use a counter twice.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}
