package file_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"sotto/keystore/file"
	"sotto/secret"
)

func phrase(text string) file.Lock {
	return file.Passphrase(secret.New([]byte(text)), file.Work(4))
}

// identity writes an identity file as age-keygen does.
func identity(t testing.TB, one fmt.Stringer) file.Lock {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity")
	put(t, path, []byte("# created: 2026-01-02T03:04:05Z\n"+one.String()+"\n"))
	return file.IdentityFile(path)
}

func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func create(t testing.TB, lock file.Lock) (string, *file.Keys) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.age")
	k, err := file.Create(path, lock)
	if err != nil {
		t.Fatal(err)
	}
	return path, k
}

func reveal(t testing.TB, k *file.Keys, name string) []byte {
	t.Helper()
	s, err := k.Secret(name)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestCreateAndOpen(t *testing.T) {
	t.Parallel()
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, lock := range map[string]file.Lock{
		"passphrase": phrase("correct horse"), "identity": identity(t, x25519), "hybrid identity": identity(t, hybrid),
	} {
		t.Run(name, func(t *testing.T) {
			path, made := create(t, lock)
			opened, err := file.Open(path, lock)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Sorted(slices.Values(file.Standard()))
			if got := opened.Names(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			drawn := map[string]bool{}
			onDisk := get(t, path)
			for _, name := range want {
				got := reveal(t, opened, name)
				if len(got) != 32 || !bytes.Equal(got, reveal(t, made, name)) || drawn[string(got)] {
					t.Errorf("%s: read back differently, or not drawn", name)
				}
				drawn[string(got)] = true
				if bytes.Contains(onDisk, got) || bytes.Contains(onDisk, []byte(base64.StdEncoding.EncodeToString(got))) {
					t.Errorf("%s stands in the file in clear", name)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("got mode %v, %v", info.Mode(), err)
			}
			if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	t.Parallel()
	path, _ := create(t, phrase("a"))
	before := get(t, path)
	if _, err := file.Create(path, phrase("a")); !errors.Is(err, file.ErrExists) {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(get(t, path), before) {
		t.Error("the file changed")
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	path, k := create(t, phrase("a"))
	other, err := file.Open(path, phrase("a"))
	if err != nil {
		t.Fatal(err)
	}
	key := bytes.Repeat([]byte{0x30, 0x82}, 600)
	if err := k.Add("emv-issuer-1", secret.New(key)); err != nil {
		t.Fatal(err)
	}
	// Another handle, older than the file, loses nothing by adding.
	if err := other.Add("emv-issuer-2", secret.New([]byte("second"))); err != nil {
		t.Fatal(err)
	}
	opened, err := file.Open(path, phrase("a"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(reveal(t, opened, "emv-issuer-1"), key) || string(reveal(t, opened, "emv-issuer-2")) != "second" {
		t.Error("read back differently")
	}
	if !bytes.Equal(reveal(t, opened, file.CodePepper), reveal(t, k, file.CodePepper)) {
		t.Error("another secret changed")
	}

	for _, c := range []struct {
		name string
		size int
		want error
	}{
		{"emv-issuer-1", 1, file.ErrExists}, {file.IssuerMaster, 32, file.ErrExists},
		{"", 1, file.ErrName}, {"Upper", 1, file.ErrName}, {"a b", 1, file.ErrName}, {strings.Repeat("a", 65), 1, file.ErrName},
		{"empty", 0, file.ErrSize}, {"large", file.SecretMax + 1, file.ErrSize},
	} {
		if err := k.Add(c.name, secret.New(make([]byte, c.size))); !errors.Is(err, c.want) {
			t.Errorf("%q: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := k.Secret("nobody"); !errors.Is(err, file.ErrMissing) {
		t.Errorf("got %v", err)
	}
}

// A store that would be too great to be read again is not written.
func TestAddStopsBelowTheLimit(t *testing.T) {
	t.Parallel()
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lock := identity(t, x25519)
	filler := base64.StdEncoding.EncodeToString(make([]byte, file.SecretMax))
	var named []string
	for i := range file.SizeMax/len(filler) - 1 {
		named = append(named, fmt.Sprintf("%q:%q", fmt.Sprintf("filler-%d", i), filler))
	}
	path := filepath.Join(t.TempDir(), "keys.age")
	put(t, path, sealed(t, x25519, `{"version":1,"secrets":{`+strings.Join(named, ",")+`}}`))
	k, err := file.Open(path, lock)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil && i < 4; i++ {
		err = k.Add(fmt.Sprintf("more-%d", i), secret.New(make([]byte, file.SecretMax)))
	}
	if !errors.Is(err, file.ErrSize) {
		t.Errorf("got %v", err)
	}
	if _, err := file.Open(path, lock); err != nil {
		t.Error(err)
	}
}

func TestRelock(t *testing.T) {
	t.Parallel()
	path, k := create(t, phrase("old"))
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	next := identity(t, x25519)
	if err := file.Relock(path, phrase("wrong"), next); !errors.Is(err, file.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if err := file.Relock(path, phrase("old"), next); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(path, phrase("old")); !errors.Is(err, file.ErrLocked) {
		t.Errorf("the old lock: got %v", err)
	}
	opened, err := file.Open(path, next)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(reveal(t, opened, file.PANLookup), reveal(t, k, file.PANLookup)) {
		t.Error("a secret changed")
	}
}

// A relock that cannot be done leaves the store as it was.
func TestRelockFailsWhole(t *testing.T) {
	t.Parallel()
	path, _ := create(t, phrase("old"))
	for name, next := range map[string]file.Lock{
		"no lock": {}, "empty phrase": phrase(""), "no identity": file.IdentityFile(filepath.Join(t.TempDir(), "none")),
	} {
		if err := file.Relock(path, phrase("old"), next); err == nil {
			t.Errorf("%s: it was done", name)
		}
		if _, err := file.Open(path, phrase("old")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExposedFilesAreRefused(t *testing.T) {
	t.Parallel()
	path, _ := create(t, phrase("a"))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := file.Open(path, phrase("a"))
		if !errors.Is(err, file.ErrExposed) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("%o: got %v", mode, err)
		}
	}
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	exposed := filepath.Join(t.TempDir(), "identity")
	put(t, exposed, []byte(x25519.String()))
	if err := os.Chmod(exposed, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Create(filepath.Join(t.TempDir(), "k"), file.IdentityFile(exposed)); !errors.Is(err, file.ErrExposed) {
		t.Errorf("identity: got %v", err)
	}
}

// leaks reports whether text holds a part of any of the secrets.
func leaks(text string, k *file.Keys) bool {
	for _, name := range k.Names() {
		s, err := k.Secret(name)
		if err != nil {
			return true
		}
		b := s.Reveal()
		for _, form := range []string{string(b[:8]), hex.EncodeToString(b)[:12], base64.StdEncoding.EncodeToString(b)[:10]} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}
