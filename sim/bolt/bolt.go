// Package bolt keeps a device's store in a folder on disk, with bbolt.
//
// Start with Open, or with Create for a new device. The folder and its files
// are for their owner alone (0700, 0600); wider ones are refused, with the
// command that mends them. One process has the folder at a time. The device key
// lies in a file of its own, device.key, so that the store in applets.db may be
// backed up without it; all that is sensitive in the store is sealed under it.
//
// A commit is one transaction of bbolt: the pages, an fdatasync, the new root,
// an fdatasync. bbolt trusts what it maps, so Open first reads the whole file
// and follows every page by itself: a file that was cut or damaged is refused
// with ErrDamaged, or has its last commit undone, but is never followed into a
// panic. What the values say is the room's to authenticate.
package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bbolt "go.etcd.io/bbolt"

	"sotto/secret"
	"sotto/sim"
)

// Errors that a caller branches on. What Open returns also says what to do.
var (
	ErrNone    = errors.New("there is no device")
	ErrExists  = errors.New("there is a device already")
	ErrDamaged = errors.New("the device's store is damaged")
	ErrInUse   = errors.New("the device is in use by another process")
	ErrExposed = errors.New("the device can be read by others")
)

const (
	lockFile  = "lock"
	keyFile   = "device.key"
	storeFile = "applets.db"
	newSuffix = ".new" // of a file that is being made
)

const (
	pageSize = 4096 // on every machine, whatever its own pages
	sizeMax  = 1 << 30
)

var bucketName = []byte("sim")

// Store is an open folder. It implements sim.Store; it is not safe for
// concurrent use, nor does a device need that.
type Store struct {
	lock *os.File
	db   *bbolt.DB
	key  secret.Secret
}

var _ sim.Store = (*Store)(nil)

// Create makes the folder of a new device, with a device key from random.
func Create(dir string, random io.Reader) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the device's folder: %w", err)
	}
	held, err := enter(dir)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	if _, err := os.Lstat(filepath.Join(dir, storeFile)); err == nil {
		return nil, fmt.Errorf("%w in %s: use another folder for a new one", ErrExists, dir)
	}
	if err := makeFiles(dir, random); err != nil {
		return nil, fmt.Errorf("make a device in %s: %w", dir, err)
	}
	if err := held.Close(); err != nil {
		return nil, fmt.Errorf("make a device in %s: %w", dir, err)
	}
	return Open(dir)
}

// makeFiles writes the key and then the store, whose name is what makes the
// folder a device's.
func makeFiles(dir string, random io.Reader) error {
	fresh := filepath.Join(dir, storeFile+newSuffix)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeStore(fresh); err != nil {
		return err
	}
	if err := makeKey(dir, random); err != nil {
		return err
	}
	if err := os.Rename(fresh, filepath.Join(dir, storeFile)); err != nil {
		return err
	}
	return syncDir(dir)
}

// freshCommits is the number of the last commit that makeStore does.
const freshCommits = 3

// makeStore commits twice, so that both roots of the file are ones that we have
// written: bbolt itself begins with a list of free pages, which Open distrusts.
func makeStore(path string) error {
	db, err := openDB(path)
	if err != nil {
		return err
	}
	for range 2 {
		if err = db.Update(makeBucket); err != nil {
			break
		}
	}
	return errors.Join(err, db.Close())
}

func makeBucket(tx *bbolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists(bucketName)
	return err
}

func openDB(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        time.Second,
		PageSize:       pageSize,
		NoFreelistSync: true, // free pages are those that nothing reaches
		FreelistType:   bbolt.FreelistMapType,
		NoStatistics:   true,
	})
}

// Open opens the folder of a device.
func Open(dir string) (*Store, error) {
	held, err := enter(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: held}
	if err := s.open(dir); err != nil {
		held.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(dir string) error {
	path := filepath.Join(dir, storeFile)
	image, err := readClosed(path, sizeMax)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w in %s: make one with 'sotto sim new'", ErrNone, dir)
	}
	if err != nil {
		return err
	}
	if err := follow(image); err != nil {
		return fmt.Errorf("%w: %s: %w: put a backup in its place, or remove the folder and install the applets anew", ErrDamaged, path, err)
	}
	if s.key, err = readKey(filepath.Join(dir, keyFile)); err != nil {
		return err
	}
	if s.db, err = openDB(path); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return nil
}

// enter looks whether the folder is the owner's alone, and locks it.
func enter(dir string) (*os.File, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w in %s: make one with 'sotto sim new'", ErrNone, dir)
	case err != nil:
		return nil, fmt.Errorf("open the device's folder: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder", dir)
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: run 'chmod 700 %s'", ErrExposed, dir)
	}
	held, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the device's folder: %w", err)
	}
	if err := lock(held); err != nil {
		held.Close()
		return nil, fmt.Errorf("%w: %s: stop that one first", err, dir)
	}
	return held, nil
}

// readClosed reads a whole file that nobody else may read.
func readClosed(path string, most int64) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: run 'chmod 600 %s'", ErrExposed, path)
	case info.Size() > most:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrDamaged, path, most)
	}
	return os.ReadFile(path)
}

// Key is the device key.
func (s *Store) Key() secret.Secret { return s.key }

// Close lets another process have the folder.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.lock.Close()) }

// View implements sim.Store.
func (s *Store) View(f func(sim.Reader) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return f(transaction{tx.Bucket(bucketName)}) })
}

// Update implements sim.Store.
func (s *Store) Update(f func(sim.Writer) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return f(transaction{tx.Bucket(bucketName)}) })
}

// transaction implements sim.Reader and sim.Writer.
type transaction struct{ bucket *bbolt.Bucket }

func (t transaction) Load(key []byte) []byte { return t.bucket.Get(key) }

func (t transaction) Walk(prefix []byte, f func(key, value []byte) error) error {
	c := t.bucket.Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix) && key != nil; key, value = c.Next() {
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) Save(key, value []byte) error {
	if len(value) == 0 {
		return errors.New("bolt: a value is empty")
	}
	return t.bucket.Put(key, value)
}

func (t transaction) Remove(key []byte) error { return t.bucket.Delete(key) }
