// Package journal keeps a terminal's journal (pos.Journal) in a folder.
//
// The folder has three files: journal, to which every Save appends one record;
// key, 32 random bytes under which all records are encrypted; and lock, so that
// two processes never write one journal. All are closed to others (0600), and
// wider ones are refused.
//
//	file    "sottopos", version (1), id (16), proof of the key (8), records
//	record  length (4), check (4), nonce (12), sealed (length)
//	sealed  AES-256-GCM over the changes, AAD = file header, record number (8)
//	change  number (8), 1, length (4), value, or number (8), 0
//
// Check is a CRC-32 of the record's number and length, so that a length that has
// rotted is not taken for the end. Save returns when the record is on the disk.
// A write that was torn leaves a record at the end that is not whole, and Open
// drops it: what it opens to is what had been saved. A record that is not whole
// and has another behind it was not torn but damaged, and Open refuses.
//
// What was superseded stays in the file until that has grown to several times of
// what counts; then the journal is written anew beside it and takes its place.
//
// The key lies beside the journal. It keeps card numbers out of backups and
// repaired disks, and not from whoever has the whole folder.
package journal

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"sotto/pos"
	"sotto/secret"
)

// Names in the folder.
const (
	journalFile = "journal"
	keyFile     = "key"
	lockFile    = "lock"
	newSuffix   = ".new" // of a file that is not in its place yet
)

// Errors that a caller branches on. What Open returns also says what to do.
var (
	ErrInUse   = errors.New("the journal is in use by another process")
	ErrExposed = errors.New("the journal can be read by others")
	ErrDamaged = errors.New("the journal is damaged")
	ErrVersion = errors.New("the journal is of another version of sotto")
	ErrKey     = errors.New("the journal's key is missing or is another one's")
	ErrGone    = errors.New("the journal is gone, but its key is there")
	// errBroken follows a write that failed: nobody knows what is in the file.
	errBroken = errors.New("the journal failed before and must be opened anew")
	errSize   = errors.New("the changes are larger than a record may be")
)

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	dir  string
	root *os.Root
	lock *os.File

	mu     sync.Mutex
	f      *os.File
	key    secret.Secret
	sealer sealer
	next   uint64 // number of the next record
	size   int64
	live   map[uint64][]byte
	broken bool
}

var _ pos.Journal = (*Journal)(nil)

// Open opens the journal in dir, or begins one there if the folder has none.
// The folder is made if it is not there.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the terminal's folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the terminal's folder: %w", err)
	}
	j := &Journal{dir: dir, root: root, live: map[uint64][]byte{}}
	if err := j.open(); err != nil {
		j.Close()
		return nil, fmt.Errorf("open the journal in %s: %w%s", dir, err, nextStep(err, dir))
	}
	return j, nil
}

func nextStep(err error, dir string) string {
	switch {
	case errors.Is(err, ErrInUse):
		return ": stop that one first"
	case errors.Is(err, ErrExposed):
		return ": run 'chmod 600 " + dir + "/*'"
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrGone):
		return ": payments in it are not known here any more; keep the folder, and settle with the bank by its own list"
	case errors.Is(err, ErrVersion):
		return ": run the version that wrote it"
	case errors.Is(err, ErrKey):
		return ": put the right key file back beside it"
	}
	return ""
}

func (j *Journal) open() error {
	if err := j.takeLock(); err != nil {
		return err
	}
	if err := j.prepare(); err != nil {
		return err
	}
	var err error
	if j.f, err = j.openFile(journalFile, os.O_RDWR); err != nil {
		return err
	}
	if err := j.read(); err != nil {
		return err
	}
	return j.tidy()
}

// Each implements pos.Journal.
func (j *Journal) Each(f func(number uint64, value []byte) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(j.live)) {
		if err := f(number, j.live[number]); err != nil {
			return err
		}
	}
	return nil
}

// Save implements pos.Journal: one record, one fsync.
func (j *Journal) Save(changes ...pos.Change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return errBroken
	}
	if err := j.append(changes); err != nil {
		j.broken = true
		return fmt.Errorf("write %s/%s: %w", j.dir, journalFile, err)
	}
	j.apply(changes)
	return j.compactIfWorth()
}

func (j *Journal) append(changes []pos.Change) error {
	record, err := j.sealer.record(j.next, changes)
	if err != nil {
		return err
	}
	if _, err := j.f.WriteAt(record, j.size); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.next++
	j.size += int64(len(record))
	return nil
}

// apply brings what is in memory up to what is on the disk.
func (j *Journal) apply(changes []pos.Change) {
	for _, c := range changes {
		clear(j.live[c.Number])
		delete(j.live, c.Number)
		if c.Value != nil {
			j.live[c.Number] = slices.Clone(c.Value)
		}
	}
}

// Close lets another process have the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = true
	var err error
	if j.f != nil {
		err = j.f.Close()
	}
	if j.lock != nil {
		err = errors.Join(err, j.lock.Close())
	}
	return errors.Join(err, j.root.Close())
}
