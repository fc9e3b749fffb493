//go:build !unix

package bolt

import "os"

// Where files have no modes and no locks, nothing is checked.
const hasModes = false

func lock(*os.File) error { return nil }
