package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"

	"sotto/bank/bankbus"
	"sotto/bank/service"
	"sotto/secret"
)

// natsFlags join the bank to a NATS cluster that others run.
type natsFlags struct {
	NATS        string `name:"nats" placeholder:"URL,…" help:"Join this NATS cluster instead of running a bus, as in tls://n1.bank.example:4222; 'sotto bank nats' makes its configuration."`
	NATSSeeds   string `name:"nats-seeds" type:"path" placeholder:"DIR" help:"Folder with the seeds from 'sotto bank nats'."`
	NATSAccount string `name:"nats-account" default:"PHONES" placeholder:"NAME" help:"The cluster's account of bank and phones (default ${default})."`
	NATSCA      string `name:"nats-ca" type:"path" placeholder:"FILE" help:"Root certificate of the cluster, for bank and phones; without it, what the system trusts."`
}

// The seeds in the folder, and what they are for.
const (
	seedIssuer = "issuer.nk" // signs who may be on the bus
	seedBank   = "bank.nk"   // the bank among its phones
	seedSystem = "system.nk" // sees who is connected, and kicks
)

// join completes a service whose bus is outside.
func (f natsFlags) join(s *service.Config) error {
	if f.NATSSeeds == "" {
		return errors.New("--nats needs the seeds of the bank on the cluster: make them with 'sotto bank nats --nats-seeds DIR'")
	}
	o := &bankbus.Outside{URL: f.NATS, Account: f.NATSAccount}
	for name, to := range map[string]*secret.Secret{seedIssuer: &o.Issuer, seedBank: &o.User, seedSystem: &o.System} {
		seed, err := os.ReadFile(filepath.Join(f.NATSSeeds, name))
		if err != nil {
			return fmt.Errorf("read the seeds from 'sotto bank nats': %w", err)
		}
		*to = secret.New(bytes.TrimSpace(seed))
	}
	if f.NATSCA != "" {
		var err error
		if o.TLS, s.BusPEM, s.BusPin, err = trusting(f.NATSCA); err != nil {
			return err
		}
	}
	s.Bus.Outside = o
	if s.BusURL == "" {
		s.BusURL = f.NATS
	}
	return nil
}

// trusting is TLS that trusts the one certificate in a file, which, and its
// SHA-256.
func trusting(file string) (*tls.Config, []byte, string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, "", fmt.Errorf("read --nats-ca: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, "", fmt.Errorf("%s is no certificate in PEM form", file)
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, "", fmt.Errorf("read the certificate in %s: %w", file, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	sum := sha256.Sum256(root.Raw)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, pem.EncodeToMemory(block), hex.EncodeToString(sum[:]), nil
}

type bankNATSCmd struct {
	NATSSeeds   string `name:"nats-seeds" required:"" type:"path" placeholder:"DIR" help:"Folder to make the seeds in, or to find those made before."`
	NATSAccount string `name:"nats-account" default:"PHONES" placeholder:"NAME" help:"The cluster's account of bank and phones (default ${default})."`
}

// Help shows examples.
func (bankNATSCmd) Help() string {
	return `Makes the keys of the bank on a NATS cluster, once, and prints what every node's
configuration must have. Give the folder to every replica of the bank, and to nobody
else: who has it lets phones in.

    sotto bank nats --nats-seeds ./seeds > bus.conf
    sotto bank --data ./bank --nats tls://n1.bank.example:4222 --nats-seeds ./seeds`
}

// Run makes seeds that are not there and prints the configuration.
func (c bankNATSCmd) Run(g *globals) error {
	if err := os.MkdirAll(c.NATSSeeds, 0o700); err != nil {
		return fmt.Errorf("make the folder of the seeds: %w", err)
	}
	var public [3]string
	for i, one := range []struct {
		name   string
		create func() (nkeys.KeyPair, error)
	}{
		{seedIssuer, nkeys.CreateAccount}, {seedBank, nkeys.CreateUser}, {seedSystem, nkeys.CreateUser},
	} {
		var err error
		if public[i], err = publicOf(filepath.Join(c.NATSSeeds, one.name), one.create); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(g.Out, natsConf, public[0], public[1], public[2], c.NATSAccount)
	return err
}

// natsConf is what docs/adr/0020-bus-auth.md asks of a cluster.
const natsConf = `max_payload: 65536
max_subscriptions: 16
accounts {
  %[4]s: { users: [ { nkey: %[2]s } ] }
  SYS: { users: [ { nkey: %[3]s } ] }
}
system_account: SYS
authorization {
  timeout: 5
  auth_callout { issuer: %[1]s, account: %[4]s, auth_users: [ %[2]s, %[3]s ] }
}
# Phones speak TLS from the first byte:
# tls { cert_file: "…", key_file: "…", min_version: "1.3", handshake_first: auto }
`

// publicOf is the public key of the seed in a file, which is made if it is not
// there.
func publicOf(file string, create func() (nkeys.KeyPair, error)) (string, error) {
	seed, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return made(file, create)
	}
	if err != nil {
		return "", fmt.Errorf("read a seed: %w", err)
	}
	defer clear(seed)
	pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
	if err != nil {
		return "", fmt.Errorf("%s is no seed: move it away, and all that it lets in must be let in anew", file)
	}
	return pair.PublicKey()
}

func made(file string, create func() (nkeys.KeyPair, error)) (string, error) {
	pair, err := create()
	if err != nil {
		return "", err
	}
	seed, err := pair.Seed()
	if err != nil {
		return "", err
	}
	defer clear(seed)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("write a seed: %w", err)
	}
	_, err = f.Write(append(seed, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write a seed: %w", err)
	}
	return pair.PublicKey()
}
