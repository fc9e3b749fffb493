package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sotto/sim"
	"sotto/sim/bolt"
)

// seeded is randomness that a test can repeat.
func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func create(t *testing.T) (dir string, s *bolt.Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "sim")
	s, err := bolt.Create(dir, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return dir, s
}

func save(t *testing.T, s *bolt.Store, pairs ...string) {
	t.Helper()
	err := s.Update(func(w sim.Writer) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := w.Save([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, s *bolt.Store, prefix string) string {
	t.Helper()
	var text strings.Builder
	err := s.View(func(r sim.Reader) error {
		return r.Walk([]byte(prefix), func(key, value []byte) error {
			fmt.Fprintf(&text, "%s=%s ", key, value)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestWhatWasCommittedIsThereAgain(t *testing.T) {
	dir, s := create(t)
	save(t, s, "b", "2", "a", "1", "ba", "3")
	key := s.Key()
	if got, want := content(t, s, ""), "a=1 b=2 ba=3 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := content(t, s, "b"), "b=2 ba=3 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := bolt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, want := content(t, again, ""), "a=1 b=2 ba=3 "; got != want {
		t.Errorf("opened again: got %q, want %q", got, want)
	}
	if !again.Key().Equal(key) || len(key.Reveal()) != 32 {
		t.Error("the device key is another one")
	}
}

func TestAnUpdateThatFailsLeavesNothing(t *testing.T) {
	_, s := create(t)
	save(t, s, "a", "1")
	broken := errors.New("broken")
	err := s.Update(func(w sim.Writer) error {
		if err := w.Save([]byte("a"), []byte("2")); err != nil {
			return err
		}
		if got := w.Load([]byte("a")); string(got) != "2" {
			t.Errorf("an update does not see itself: got %q", got)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := content(t, s, ""); got != "a=1 " {
		t.Errorf("got %q", got)
	}
	if err := s.Update(func(w sim.Writer) error { return w.Save([]byte("a"), nil) }); err == nil {
		t.Error("an empty value was taken")
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir, _ := create(t)
	if _, err := bolt.Open(dir); !errors.Is(err, bolt.ErrInUse) {
		t.Errorf("got %v", err)
	}
	if os.Getenv("SIM_BOLT_CHILD") != "" {
		return
	}
	child := exec.Command(os.Args[0], "-test.run=TestChildOpens", "-test.v")
	child.Env = append(os.Environ(), "SIM_BOLT_CHILD="+dir)
	output, err := child.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("in use by another process")) {
		t.Errorf("another process: %v, %s", err, output)
	}
}

// TestChildOpens is the other process of TestOneProcessAtATime.
func TestChildOpens(t *testing.T) {
	dir := os.Getenv("SIM_BOLT_CHILD")
	if dir == "" {
		return
	}
	_, err := bolt.Open(dir)
	t.Log(err)
}

func TestFolderThatIsNoDevice(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(dir); !errors.Is(err, bolt.ErrNone) || !strings.Contains(err.Error(), "sotto sim new") {
		t.Errorf("empty folder: got %v", err)
	}
	if _, err := bolt.Open(filepath.Join(dir, "nowhere")); !errors.Is(err, bolt.ErrNone) {
		t.Errorf("no folder: got %v", err)
	}
	made, s := create(t)
	s.Close()
	if _, err := bolt.Create(made, seeded(2)); !errors.Is(err, bolt.ErrExists) {
		t.Errorf("twice: got %v", err)
	}
}

func TestModes(t *testing.T) {
	dir, s := create(t)
	s.Close()
	for _, name := range []string{"applets.db", "device.key", "lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{"applets.db", "device.key", ""} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, info.Mode().Perm()|0o044); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.Open(dir); !errors.Is(err, bolt.ErrExposed) || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("open to others, %q: got %v", name, err)
		}
		if err := os.Chmod(path, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := bolt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestDeviceKeyFile(t *testing.T) {
	dir, s := create(t)
	s.Close()
	path := filepath.Join(dir, "device.key")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, line []byte) {
		t.Helper()
		if err := os.WriteFile(path, line, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := bolt.Open(dir)
		if err == nil {
			again.Close()
			t.Errorf("%s was taken", what)
			return
		}
		if strings.Contains(err.Error(), string(whole[20:40])) {
			t.Errorf("%s: the error shows the key", what)
		}
	}
	for n := range whole {
		refused(fmt.Sprintf("cut at %d", n), whole[:n])
		bent := bytes.Clone(whole)
		bent[n] ^= 0x01
		refused(fmt.Sprintf("bent at %d", n), bent)
	}
	refused("longer", append(bytes.Clone(whole), '\n'))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(dir); err == nil || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("gone: got %v", err)
	}
}

// A creation that was cut off before the store had its name is begun again.
func TestCreationCutOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"device.key", "applets.db.new", "device.key.new"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bolt.Open(dir); !errors.Is(err, bolt.ErrNone) {
		t.Errorf("half made: got %v", err)
	}
	s, err := bolt.Create(dir, seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
