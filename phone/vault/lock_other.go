//go:build !unix

package vault

import (
	"errors"
	"os"
)

// lock refuses: without a lock two processes could use one counter twice.
func lock(*os.File) error { return errors.ErrUnsupported }
