// Package selfca makes and keeps the bank's own certificate authority for the
// bus, for banks that have no other: an ECDSA P-256 root and one server
// certificate for the names and addresses at which phones find the bank.
//
// Phones trust the root alone, by its PEM text or its SHA-256 pin, so it is
// made once and kept; the server certificate is made anew when it is near its
// end or the names change. Root, key and certificate stand in one PEM file with
// mode 0600. The package refuses a file that others may read, and never
// overwrites one that it cannot read. TLS is 1.3 only (RFC 8446).
package selfca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"time"
)

// How long certificates live, and when a server certificate is renewed.
const (
	rootLife    = 20 * 365 * 24 * time.Hour
	serverLife  = 398 * 24 * time.Hour // what phones' own TLS stacks still take
	renewBefore = 60 * 24 * time.Hour
	backdate    = time.Hour // for clocks that go slow
)

// Authority is the root and the server certificate made from it.
type Authority struct {
	rootPEM []byte
	rootDER []byte
	server  tls.Certificate
}

// Open reads the authority in the file at path, or makes it, and sees to it
// that its server certificate is for exactly these host names and IP addresses
// and will last. now is the time by the caller's clock.
func Open(path string, hosts []string, now time.Time) (*Authority, error) {
	if len(hosts) == 0 {
		return nil, errors.New("a server certificate needs at least one host name or address")
	}
	kept, err := read(path)
	if errors.Is(err, os.ErrNotExist) {
		kept, err = newRoot(now)
	}
	if err != nil {
		return nil, err
	}
	if now.After(kept.root.NotAfter.Add(-renewBefore)) {
		return nil, fmt.Errorf("the certificate authority in %s ends on %s: move the file away, start again, and give all phones the new pin", path, kept.root.NotAfter.Format(time.DateOnly))
	}
	if !kept.serves(hosts, now) {
		if err := kept.issue(hosts, now); err != nil {
			return nil, fmt.Errorf("make a server certificate: %w", err)
		}
		if err := write(path, kept); err != nil {
			return nil, err
		}
	}
	return &Authority{
		rootPEM: pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: kept.root.Raw}),
		rootDER: kept.root.Raw,
		server: tls.Certificate{
			Certificate: [][]byte{kept.server.Raw, kept.root.Raw}, PrivateKey: kept.serverKey, Leaf: kept.server,
		},
	}, nil
}

// TLS is the configuration of a server with this certificate.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{a.server}}
}

// PEM is the root certificate, which phones trust.
func (a *Authority) PEM() []byte { return bytes.Clone(a.rootPEM) }

// Pin is the SHA-256 of the root certificate's DER form, in lower-case hex.
func (a *Authority) Pin() string {
	sum := sha256.Sum256(a.rootDER)
	return hex.EncodeToString(sum[:])
}

// NotAfter is when the server certificate ends.
func (a *Authority) NotAfter() time.Time { return a.server.Leaf.NotAfter }

// material is what the file holds.
type material struct {
	root, server       *x509.Certificate
	rootKey, serverKey *ecdsa.PrivateKey
}

func newRoot(now time.Time) (*material, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the certificate authority: %w", err)
	}
	form := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "sotto bank bus root"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(rootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	m := &material{rootKey: key}
	if m.root, err = sign(form, form, key, key); err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	return m, nil
}

// issue makes a new server key and certificate.
func (m *material) issue(hosts []string, now time.Time) (err error) {
	if m.serverKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	form := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "sotto bank bus"},
		NotBefore: now.Add(-backdate), NotAfter: earlier(now.Add(serverLife), m.root.NotAfter),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			form.IPAddresses = append(form.IPAddresses, ip)
		} else {
			form.DNSNames = append(form.DNSNames, h)
		}
	}
	m.server, err = sign(form, m.root, m.serverKey, m.rootKey)
	return err
}

func sign(form, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	form.SerialNumber = serial.Add(serial, big.NewInt(1)) // RFC 5280, 4.1.2.2: positive
	der, err := x509.CreateCertificate(rand.Reader, form, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serves reports whether the server certificate is for these hosts and lasts.
func (m *material) serves(hosts []string, now time.Time) bool {
	if m.server == nil || now.After(m.server.NotAfter.Add(-renewBefore)) || now.Before(m.server.NotBefore) {
		return false
	}
	have := slices.Clone(m.server.DNSNames)
	for _, ip := range m.server.IPAddresses {
		have = append(have, ip.String())
	}
	var want []string
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			h = ip.String()
		}
		want = append(want, h)
	}
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(slices.Compact(have), slices.Compact(want))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
