package pcscdtest_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/link/pcsc"
	"sotto/link/pcsc/pcscdtest"
)

// Several daemons at once, each with its own readers, found by our client and by
// programs that use libpcsclite.
func TestSideBySide(t *testing.T) {
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			d := pcscdtest.Start(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			names, err := pcsc.Daemon{Socket: d.Socket}.Readers(ctx)
			if err != nil || len(names) < len(d.Slots) {
				t.Errorf("got %q, %v", names, err)
			}
			said, err := d.Command("opensc-tool", "--list-readers").CombinedOutput()
			for _, slot := range d.Slots {
				if err != nil || !strings.Contains(string(said), slot.Reader) {
					t.Errorf("opensc-tool does not see %s: %v\n%s", slot.Reader, err, said)
				}
			}
		})
	}
}

// After the test nothing is left, neither the daemon nor its folder.
func TestEndsWithTheTest(t *testing.T) {
	var d *pcscdtest.Daemon
	t.Run("", func(t *testing.T) { d = pcscdtest.Start(t) })
	if _, err := (pcsc.Daemon{Socket: d.Socket}).Readers(t.Context()); err == nil {
		t.Error("the daemon still answers")
	}
	if _, err := os.Stat(filepath.Dir(d.Socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}
