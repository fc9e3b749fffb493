package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// putCertificate writes a fresh pair with this serial number, made at an hour of
// its own so that the files' times differ.
func putCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(serial) * time.Hour)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "bank.example"}, NotBefore: at, NotAfter: at.AddDate(10, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der := must(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private))(t)
	secret := must(x509.MarshalPKCS8PrivateKey(private))(t)
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// A renewed certificate is in use without a restart, and one that is broken
// leaves the old in use and is spoken of once.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "bank.pem"), filepath.Join(dir, "bank.key")
	var said bytes.Buffer
	if _, err := openCertificate(cert, key, slog.Default()); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
		t.Errorf("no files: %v", err)
	}
	putCertificate(t, cert, key, 1)
	c := must(openCertificate(cert, key, slog.New(slog.NewTextHandler(&said, nil))))(t)
	serial := func() int64 {
		t.Helper()
		got := must(c.config().GetCertificate(&tls.ClientHelloInfo{}))(t)
		return got.Leaf.SerialNumber.Int64()
	}
	wants := func(want int64, words string) {
		t.Helper()
		said.Reset()
		for range 2 {
			if got := serial(); got != want {
				t.Errorf("got certificate %d, want %d", got, want)
			}
		}
		if lines := strings.Count(said.String(), "\n"); !strings.Contains(said.String(), words) || lines > 1 {
			t.Errorf("said %q, want %q once", said.String(), words)
		}
	}
	wants(1, "")
	putCertificate(t, cert, key, 2)
	wants(2, "a new certificate is in use")
	if err := os.WriteFile(cert, []byte("half a certif"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(2, "the old one stays")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	wants(2, "the old one stays")
	putCertificate(t, cert, key, 3)
	wants(3, "a new certificate is in use")
}
