package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair in two files that somebody renews from time to time.
// New connections get the new one; what cannot be read leaves the old in use.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	stamps [2]time.Time // of the files that pair is from
}

// openCertificate reads the files, which must be good now.
func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	stamps, err := c.look()
	if err == nil {
		err = c.read(stamps)
	}
	if err != nil {
		return nil, fmt.Errorf("read --tls-cert and --tls-key: %w", err)
	}
	return c, nil
}

// config is TLS with whatever the files hold.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now(), nil },
	}
}

func (c *certificate) now() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamps, err := c.look()
	if stamps == c.stamps {
		return c.pair
	}
	if err == nil {
		err = c.read(stamps)
	}
	if err != nil {
		c.log.Error("the new certificate cannot be used, and the old one stays: renew both files", "err", err)
		c.stamps = stamps // said once for each change
		return c.pair
	}
	c.log.Info("a new certificate is in use", "until", c.pair.Leaf.NotAfter)
	return c.pair
}

func (c *certificate) look() (stamps [2]time.Time, err error) {
	for i, file := range []string{c.cert, c.key} {
		info, missing := os.Stat(file)
		if missing != nil {
			err = errors.Join(err, missing)
			continue
		}
		stamps[i] = info.ModTime()
	}
	return stamps, err
}

func (c *certificate) read(stamps [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err == nil {
		c.pair, c.stamps = &pair, stamps
	}
	return err
}
