package sqlite

import (
	"errors"
	"fmt"
	"os"

	lib "modernc.org/sqlite/lib"
)

// Why a file is refused.
var (
	errLocked  = errors.New("another bank has it open")
	errForeign = errors.New("it is a database, but not of a bank")
	errNewer   = errors.New("a newer version of this program wrote it")
	errOlder   = errors.New("an older version of this program wrote it")
	errNone    = errors.New("there is no such file")
	// errReadOnly is for those who want to write all the same.
	errReadOnly = errors.New("the bank is open for reading alone")
)

// explain says what went wrong with a file, and what to do about it.
func explain(path string, err error) error {
	next := "look at the disk, and try again"
	switch code := primary(err); {
	case errors.Is(err, errLocked):
		next = "end that one, or use another path"
	case errors.Is(err, errNone):
		next = "use the path of a bank"
	case errors.Is(err, errForeign):
		next = "use the path of a bank, or one where there is no file yet"
	case errors.Is(err, errNewer):
		next = "use that version or a later one"
	case errors.Is(err, errOlder):
		next = "start the bank once, which brings it up to date"
	case code == lib.SQLITE_NOTADB:
		err, next = fmt.Errorf("it is no database: %w", err), "use the path of a bank, or one where there is no file yet"
	case code == lib.SQLITE_CORRUPT:
		err, next = fmt.Errorf("it is damaged: %w", err), "restore it from a backup"
	case code == lib.SQLITE_FULL:
		next = "make room on the disk"
	case code == lib.SQLITE_CANTOPEN, code == lib.SQLITE_READONLY, code == lib.SQLITE_PERM, isPathError(err):
		next = "see that its folder is there and that this user may write to it"
	}
	return fmt.Errorf("open the bank at %s: %w; %s", path, err, next)
}

func isPathError(err error) bool {
	var p *os.PathError
	return errors.As(err, &p)
}
