package file_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"sotto/keystore/file"
	"sotto/secret"
)

// A file cut anywhere, or with any bit turned, is refused as a whole. Every
// third byte is tried, which meets every line of the header.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lock := identity(t, x25519)
	path, k := create(t, lock)
	whole := get(t, path)
	try := func(what string, at int, content []byte) {
		t.Helper()
		put(t, path, content)
		_, err := file.Open(path, lock)
		if !errors.Is(err, file.ErrDamaged) && !errors.Is(err, file.ErrLocked) {
			t.Errorf("%s at %d of %d: got %v", what, at, len(whole), err)
		} else if leaks(err.Error(), k) {
			t.Errorf("%s at %d: the error holds key bytes", what, at)
		}
	}
	for i := 0; i < len(whole); i += 3 {
		try("cut", i, whole[:i])
		turned := bytes.Clone(whole)
		turned[i] ^= 1 << (i % 8)
		try("turned", i, turned)
	}
	try("longer", len(whole), append(bytes.Clone(whole), 0))
	put(t, path, whole)
	if _, err := file.Open(path, lock); err != nil {
		t.Errorf("the test's own file is bad: %v", err)
	}
}

// sealed encrypts what the package itself would not write.
func sealed(t testing.TB, to *age.X25519Identity, plain string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What decrypts but is not what this package writes.
func TestContentIsChecked(t *testing.T) {
	t.Parallel()
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lock := identity(t, x25519)
	marked := base64.StdEncoding.EncodeToString([]byte("MARKED-SECRET-MARKED-SECRET-1234"))
	for _, c := range []struct {
		name, plain string
		want        error
	}{
		{"good", `{"version":1,"secrets":{"code-pepper":"` + marked + `"}}`, nil},
		{"next version", `{"version":2,"secrets":{"code-pepper":"` + marked + `"},"more":1}`, file.ErrVersion},
		{"version zero", `{"version":0,"secrets":{}}`, file.ErrVersion},
		{"no version", `{"secrets":{"code-pepper":"` + marked + `"}}`, file.ErrDamaged},
		{"version is text", `{"version":"1","secrets":{}}`, file.ErrDamaged},
		{"secrets are a list", `{"version":1,"secrets":["` + marked + `"]}`, file.ErrDamaged},
		{"secret is a number", `{"version":1,"secrets":{"code-pepper":4711}}`, file.ErrDamaged},
		{"not base64", `{"version":1,"secrets":{"code-pepper":"MARKED-SECRET!"}}`, file.ErrDamaged},
		{"short pepper", `{"version":1,"secrets":{"code-pepper":"TUFSS0VE"}}`, file.ErrDamaged},
		{"empty secret", `{"version":1,"secrets":{"other":""}}`, file.ErrDamaged},
		{"bad name", `{"version":1,"secrets":{"A b":"TUFSS0VE"}}`, file.ErrDamaged},
		{"unknown field", `{"version":1,"secrets":{},"MARKED":1}`, file.ErrDamaged},
		{"two values", `{"version":1,"secrets":{}}{}`, file.ErrDamaged},
		{"null", `null`, file.ErrDamaged},
		{"nothing", ``, file.ErrDamaged},
		{"no JSON", "MARKED-SECRET", file.ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.age")
			put(t, path, sealed(t, x25519, c.plain))
			_, err := file.Open(path, lock)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "MARKED") || strings.Contains(err.Error(), "TUFSS0VE")) {
				t.Errorf("the error quotes the content: %v", err)
			}
		})
	}
}

func TestWhatIsNoKeyStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real, _ := create(t, phrase("a"))
	link, pipe, large, text := filepath.Join(dir, "link"), filepath.Join(dir, "pipe"), filepath.Join(dir, "large"), filepath.Join(dir, "text")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, large, append(get(t, real), make([]byte, file.SizeMax)...))
	put(t, text, []byte("just a text\n"))
	for _, c := range []struct{ name, path, want string }{
		{"nothing there", filepath.Join(dir, "none"), "create it"},
		{"a directory", dir, "not a regular file"},
		{"a symbolic link", link, "not a regular file"},
		{"a pipe", pipe, "not a regular file"},
		{"above the limit", large, "above 1 MiB"},
		{"a text", text, "restore"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := file.Open(c.path, phrase("a"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestWrongLock(t *testing.T) {
	t.Parallel()
	one, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	two, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	byPhrase, _ := create(t, phrase("right"))
	byIdentity, _ := create(t, identity(t, one))
	both := filepath.Join(t.TempDir(), "both")
	put(t, both, []byte(one.String()+"\n"+two.String()+"\n"))
	broken := filepath.Join(t.TempDir(), "broken")
	put(t, broken, []byte(one.String()[:60]+"\n"))
	for _, c := range []struct {
		name, path string
		lock       file.Lock
		want       string
	}{
		{"wrong passphrase", byPhrase, phrase("wrong"), "try another"},
		{"identity for a passphrase", byPhrase, identity(t, one), "try another"},
		{"wrong identity", byIdentity, identity(t, two), "try another"},
		{"passphrase for an identity", byIdentity, phrase("right"), "try another"},
		{"empty passphrase", byPhrase, phrase(""), "set one"},
		{"no lock", byPhrase, file.Lock{}, "passphrase or an identity file"},
		{"two identities", byIdentity, file.IdentityFile(both), "age-keygen"},
		{"broken identity", byIdentity, file.IdentityFile(broken), "age-keygen"},
		{"work factor", byPhrase, file.Passphrase(secret.New([]byte("right")), file.Work(31)), "leave it out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := file.Open(c.path, c.lock)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want it to say %q", err, c.want)
			}
			for _, leak := range []string{"right", "wrong", one.String()[16:30], two.String()[16:30]} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("the error holds %q: %v", leak, err)
				}
			}
		})
	}
}
