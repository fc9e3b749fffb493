//go:build !unix

package journal

import (
	"errors"
	"os"
)

const hasModes = false

// lock refuses: without a lock two processes could write one journal.
func lock(*os.File) error { return errors.ErrUnsupported }
