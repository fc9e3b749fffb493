//go:build unix

package sqlite_test

import (
	"fmt"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// limitFiles lets no file of this process grow beyond so many bytes: to SQLite
// that is a disk that fails in the middle of a commit.
func limitFiles(bytes string) error {
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil || n == 0 {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

// TestDiskFails lets commits fail at ever other places. The bank must not say
// that a payment is made when it is not, and must come up again.
func TestDiskFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.db")
	answered := map[string]string{}
	for _, limit := range []int{600_000, 1_000_000, 1_001_000, 1_300_500, 2_000_000} {
		child, lines := start(t, path, "1", strconv.Itoa(limit))
		for lines.Scan() {
			note(t, answered, lines.Text())
		}
		err := child.Wait()
		if got := fmt.Sprint(child.Stderr); err == nil || !strings.Contains(got, "outcome-unknown") {
			t.Errorf("limit %d: the bank ended with %v %q, want it to say that the outcome is unknown", limit, err, got)
		}
		inspect(t, path, answered)
	}
	if len(answered) == 0 {
		t.Error("no payment was made before the disk failed")
	}
}
