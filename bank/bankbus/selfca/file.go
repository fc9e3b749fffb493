package selfca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS #8
	sizeMax          = 64 << 10
)

// read returns what the file holds. It is four blocks in this order: root,
// root key, server certificate, server key.
func read(path string) (*material, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: put the certificate authority's file itself there", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read the key in %s: run chmod 600 %s", path, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, sizeMax+1))
	if err != nil {
		return nil, err
	}
	m, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a copy, or move it away to start a new authority", path, err)
	}
	return m, nil
}

var errForm = errors.New("this is not a certificate authority's file, or it is damaged")

func parse(text []byte) (*material, error) {
	if len(text) > sizeMax {
		return nil, errForm
	}
	m := &material{}
	var err1, err2, err3, err4 error
	m.root, text, err1 = certificate(text)
	m.rootKey, text, err2 = key(text)
	m.server, text, err3 = certificate(text)
	m.serverKey, text, err4 = key(text)
	if errors.Join(err1, err2, err3, err4) != nil || len(bytes.TrimSpace(text)) != 0 {
		return nil, errForm
	}
	if !m.root.IsCA || !m.rootKey.PublicKey.Equal(m.root.PublicKey) || !m.serverKey.PublicKey.Equal(m.server.PublicKey) {
		return nil, errForm
	}
	if m.server.CheckSignatureFrom(m.root) != nil {
		return nil, errForm
	}
	return m, nil
}

func block(text []byte, kind string) ([]byte, []byte, error) {
	b, rest := pem.Decode(text)
	if b == nil || b.Type != kind {
		return nil, nil, errForm
	}
	return b.Bytes, rest, nil
}

func certificate(text []byte) (*x509.Certificate, []byte, error) {
	der, rest, err := block(text, certificateBlock)
	if err != nil {
		return nil, nil, err
	}
	c, err := x509.ParseCertificate(der)
	return c, rest, err
}

func key(text []byte) (*ecdsa.PrivateKey, []byte, error) {
	der, rest, err := block(text, keyBlock)
	if err != nil {
		return nil, nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, nil, errForm
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errForm
	}
	return ec, rest, nil
}

// write replaces the file in one step: a crash leaves the old one or the new.
func write(path string, m *material) (err error) {
	var text bytes.Buffer
	for _, pair := range []struct {
		c *x509.Certificate
		k *ecdsa.PrivateKey
	}{{m.root, m.rootKey}, {m.server, m.serverKey}} {
		der, err := x509.MarshalPKCS8PrivateKey(pair.k)
		if err != nil {
			return fmt.Errorf("write the certificate authority: %w", err)
		}
		if err := errors.Join(
			pem.Encode(&text, &pem.Block{Type: certificateBlock, Bytes: pair.c.Raw}),
			pem.Encode(&text, &pem.Block{Type: keyBlock, Bytes: der}),
		); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the certificate authority to %s: %w", path, err)
		}
	}()
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), ".selfca-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is there after the rename
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
