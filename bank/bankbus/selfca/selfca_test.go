package selfca_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/bank/bankbus/selfca"
)

var hosts = []string{"bank.example", "127.0.0.1", "::1"}

func open(t *testing.T, path string, hosts []string, now time.Time) *selfca.Authority {
	t.Helper()
	a, err := selfca.Open(path, hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// handshake connects to a server with the authority's certificate.
func handshake(t *testing.T, a *selfca.Authority, trust []byte, name string, max uint16) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trust)
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		defer there.Close()
		_ = tls.Server(there, a.TLS()).Handshake()
	}()
	return tls.Client(here, &tls.Config{RootCAs: roots, ServerName: name, MaxVersion: max}).Handshake()
}

func TestPhonesTrustTheRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, filepath.Join(dir, "a.pem"), hosts, time.Now())
	other := open(t, filepath.Join(dir, "b.pem"), hosts, time.Now())
	for _, c := range []struct {
		name  string
		trust []byte
		host  string
		max   uint16
		want  bool
	}{
		{"name", a.PEM(), "bank.example", 0, true},
		{"IPv4", a.PEM(), "127.0.0.1", 0, true},
		{"IPv6", a.PEM(), "::1", 0, true},
		{"another name", a.PEM(), "shop.example", 0, false},
		{"another root", other.PEM(), "bank.example", 0, false},
		{"TLS 1.2", a.PEM(), "bank.example", tls.VersionTLS12, false},
	} {
		if err := handshake(t, a, c.trust, c.host, c.max); (err == nil) != c.want {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	block, _ := pem.Decode(a.PEM())
	sum := sha256.Sum256(block.Bytes)
	if got, want := a.Pin(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("pin: got %s, want %s", got, want)
	}
}

// The root stays; the certificate changes with time and names, and only then.
func TestRenewal(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "ca.pem")
	first := open(t, path, hosts, start)
	leaf := func(a *selfca.Authority) string { return string(a.TLS().Certificates[0].Certificate[0]) }
	for _, c := range []struct {
		name    string
		hosts   []string
		days    int
		renewed bool
	}{
		{"the next day", hosts, 1, false},
		{"other order", []string{"::1", "127.0.0.1", "bank.example", "bank.example"}, 1, false},
		{"near its end", hosts, 398 - 59, true},
		{"more names", append([]string{"10.0.0.1"}, hosts...), 1, true},
		{"fewer names", hosts[:1], 1, true},
		{"a clock before its beginning", hosts, -2, true},
	} {
		was := open(t, path, hosts, start)
		now := start.AddDate(0, 0, c.days)
		is := open(t, path, c.hosts, now)
		if got := leaf(was) != leaf(is); got != c.renewed {
			t.Errorf("%s: renewed %v", c.name, got)
		}
		if is.Pin() != first.Pin() {
			t.Errorf("%s: the root changed", c.name)
		}
		if !is.NotAfter().After(now) {
			t.Errorf("%s: ends %v", c.name, is.NotAfter())
		}
	}
	_, err := selfca.Open(path, hosts, start.AddDate(20, 0, 0))
	if err == nil || !strings.Contains(err.Error(), "new pin") {
		t.Errorf("an old root: got %v", err)
	}
}

func TestFileIsGuarded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.pem")
	open(t, path, hosts, time.Now())
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("got %v, %v", info.Mode(), err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := selfca.Open(link, hosts, time.Now()); err == nil {
		t.Error("a link was followed")
	}
	if _, err := selfca.Open(path, nil, time.Now()); err == nil {
		t.Error("a certificate for nobody")
	}

	lines := bytes.SplitAfter(good, []byte("\n"))
	for name, bad := range map[string][]byte{
		"empty":          {},
		"cut":            good[:len(good)/2],
		"text":           []byte("just a text"),
		"first line":     bytes.Join(lines[1:], nil),
		"more":           append(bytes.Clone(good), "more"...),
		"keys swapped":   swapKeys(good),
		"above 64 KiB":   append(bytes.Clone(good), make([]byte, 64<<10)...),
		"another's pair": foreign(t, good, 2),
		"another's key":  foreign(t, good, 3),
	} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := selfca.Open(path, hosts, time.Now())
		if err == nil || !strings.Contains(err.Error(), "restore it") {
			t.Errorf("%s: got %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, bad) {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := selfca.Open(path, hosts, time.Now()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("exposed: got %v", err)
	}
}

func blocks(text []byte) (all []*pem.Block) {
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		all = append(all, b)
	}
	return all
}

func join(all []*pem.Block) (text []byte) {
	for _, b := range all {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	return text
}

func swapKeys(text []byte) []byte {
	all := blocks(text)
	all[1], all[3] = all[3], all[1]
	return join(all)
}

// foreign takes the blocks from here on from another authority.
func foreign(t *testing.T, text []byte, from int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.pem")
	open(t, path, hosts, time.Now())
	other, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return join(append(blocks(text)[:from], blocks(other)[from:]...))
}
