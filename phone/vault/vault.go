// Package vault keeps a phone's state in a folder on disk: who it is, and its
// pairings with their counters. It keeps no message.
//
// Start with Open, or with Prepare for a phone that is not enrolled yet. The
// folder and its files must be closed to everyone but their owner (0700, 0600);
// wider ones are refused, with the command that mends them. One process has the
// folder at a time: two would use one counter twice.
//
// A file is one line of JSON and one line with its SHA-256. There is one way to
// write it, and anything else is refused: cut, changed, longer than 64 KiB, of
// another version, or with a field that nobody knows. Writes are atomic and
// durable: a new file, fsync, rename, fsync of the folder. Secrets lie in the
// files in clear; the phone's disk encryption and the modes guard them.
package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"sotto/ident"
	"sotto/phone"
	"sotto/secret"
)

const (
	identityFile = "identity"
	lockFile     = "lock"
	cardPrefix   = "card_"
	newSuffix    = ".new" // of a file that is being written
)

// filesMax bounds the folder: more is not ours.
const filesMax = 512

// Identity is who the phone is and where its bank is. It is fixed at enrolment.
type Identity struct {
	Phone     string        // "ph_…"
	Bank      string        // base URL of the bank's API
	Bus       string        // URL of the bus
	CA        string        // PEM of the bus's certificate authority; empty is the system's roots
	Seed      secret.Secret // 32 bytes: Ed25519, for the bus
	Key       secret.Secret // 32 bytes: opens what the bank seals for this phone
	KeySource [32]byte      // digest
}

// Vault is an open folder. It is safe for concurrent use and implements
// phone.State.
type Vault struct {
	dir  string
	root *os.Root
	lock *os.File

	mu       sync.Mutex
	identity Identity
}

var _ phone.State = (*Vault)(nil)

// ErrNotEnrolled says that the folder has no phone in it.
var ErrNotEnrolled = errors.New("no phone is enrolled here: run 'sotto phone enrol --state DIR --ticket TICKET' first")

// Open opens the folder of an enrolled phone.
func Open(dir string) (*Vault, error) {
	v, err := open(dir)
	if err != nil {
		return nil, err
	}
	if err := v.read(); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Prepare makes or takes an empty folder, so that what may fail does so before
// a ticket is spent. Enrol then makes it a phone's.
func Prepare(dir string) (*Vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the phone's folder: %w", err)
	}
	v, err := open(dir)
	if err != nil {
		return nil, err
	}
	if _, err := v.root.Lstat(identityFile); err == nil {
		v.Close()
		return nil, fmt.Errorf("%s already has a phone: choose another folder with --state, or remove this one", dir)
	}
	if err := v.write("probe", []byte("probe")); err != nil {
		v.Close()
		return nil, err
	}
	return v, v.root.Remove("probe")
}

// Enrol writes who the phone is.
func (v *Vault) Enrol(id Identity) error {
	b, err := encodeIdentity(id)
	if err != nil {
		return err
	}
	defer clear(b)
	if err := v.write(identityFile, b); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.identity = id
	return nil
}

// Identity is who the phone is.
func (v *Vault) Identity() Identity {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.identity
}

// Close lets another process have the folder.
func (v *Vault) Close() error { return errors.Join(v.lock.Close(), v.root.Close()) }

// Bindings implements phone.State.
func (v *Vault) Bindings() (map[string]phone.Binding, error) {
	names, err := v.names()
	if err != nil {
		return nil, err
	}
	out := make(map[string]phone.Binding)
	for _, name := range names {
		if !strings.HasPrefix(name, cardPrefix) || strings.HasSuffix(name, newSuffix) {
			continue
		}
		b, err := v.load(name)
		if err != nil {
			return nil, err
		}
		card, binding, err := decodeBinding(b)
		clear(b)
		if err == nil && card != name {
			err = errOther
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: remove the file and bind the card again", v.path(name), err)
		}
		out[card] = binding
	}
	return out, nil
}

// Save implements phone.State.
func (v *Vault) Save(card string, b phone.Binding) error {
	if _, err := ident.Parse(ident.Card, card); err != nil {
		return fmt.Errorf("keep a binding: %w", err)
	}
	if b.Empty() {
		return v.remove(card)
	}
	encoded, err := encodeBinding(card, b)
	if err != nil {
		return err
	}
	defer clear(encoded)
	return v.write(card, encoded)
}

// Peek reads who the phone is and its bindings, also while another process has
// the folder.
func Peek(dir string) (Identity, map[string]phone.Binding, error) {
	v := &Vault{dir: dir}
	if err := v.enter(); err != nil {
		return Identity{}, nil, err
	}
	defer v.root.Close()
	if err := v.read(); err != nil {
		return Identity{}, nil, err
	}
	bindings, err := v.Bindings()
	return v.identity, bindings, err
}

// open enters the folder and takes its lock.
func open(dir string) (*Vault, error) {
	v := &Vault{dir: dir}
	if err := v.enter(); err != nil {
		return nil, err
	}
	if err := v.take(); err != nil {
		v.root.Close()
		return nil, err
	}
	if err := v.tidy(); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

func (v *Vault) enter() error {
	info, err := os.Stat(v.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there: %w", v.dir, ErrNotEnrolled)
	case err != nil:
		return fmt.Errorf("open the phone's folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: choose another with --state", v.dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others: run 'chmod 700 %s'", v.dir, v.dir)
	}
	v.root, err = os.OpenRoot(v.dir)
	if err != nil {
		return fmt.Errorf("open the phone's folder: %w", err)
	}
	return nil
}

func (v *Vault) take() (err error) {
	v.lock, err = v.root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the phone's folder: %w", err)
	}
	if err := lock(v.lock); err != nil {
		v.lock.Close()
		return fmt.Errorf("%s is in use by another process: stop that one first", v.dir)
	}
	return nil
}

// tidy removes what a crash left half written.
func (v *Vault) tidy() error {
	names, err := v.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, newSuffix) {
			if err := v.root.Remove(name); err != nil {
				return fmt.Errorf("remove %s: %w", v.path(name), err)
			}
		}
	}
	return nil
}

func (v *Vault) read() error {
	b, err := v.load(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", v.dir, ErrNotEnrolled)
	}
	if err != nil {
		return err
	}
	defer clear(b)
	id, err := decodeIdentity(b)
	if err != nil {
		return fmt.Errorf("%s: %w: enrol the phone again in a new folder", v.path(identityFile), err)
	}
	v.identity = id
	return nil
}
