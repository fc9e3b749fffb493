package vpcd

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestListenRefuses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "somewhere", "", "127.0.0.1", "127.0.0.1:x", "no/such/folder/sim"} {
		if l, err := Listen(t.Context(), address); err == nil {
			l.Close()
			t.Errorf("%q: got a listener", address)
		}
	}
	for _, address := range []string{"somewhere", "", "127.0.0.1"} {
		if _, err := NewReader(address); err == nil {
			t.Errorf("%q: got a reader", address)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sim")
	l, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS == "linux" {
		t.Errorf("mode: got %o", mode)
	}
	if second, err := Listen(t.Context(), path); err == nil {
		second.Close()
		t.Error("the socket of a living chip was taken over")
	}

	// Dead without a goodbye: the file stays, nobody accepts.
	file, ok := l.(interface{ SetUnlinkOnClose(bool) })
	if !ok {
		t.Fatal("no Unix listener")
	}
	file.SetUnlinkOnClose(false)
	l.Close()
	l, err = Listen(t.Context(), path)
	if err != nil {
		t.Fatalf("the socket of a dead chip: %v", err)
	}
	l.Close()

	if err := os.WriteFile(path, []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a file: got %v", err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "notes" {
		t.Errorf("a file: got %q, %v", kept, err)
	}
}
