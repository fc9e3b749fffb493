package journal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"sotto/pos"
	"sotto/secret"
)

func (j *Journal) takeLock() (err error) {
	if j.lock, err = j.openFile(lockFile, os.O_RDWR|os.O_CREATE); err != nil {
		return err
	}
	if lock(j.lock) != nil {
		return ErrInUse
	}
	return nil
}

// openFile opens one file of the folder, which must be closed to others.
func (j *Journal) openFile(name string, flags int) (*os.File, error) {
	f, err := j.root.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", name)
	case hasModes && info.Mode().Perm()&0o077 != 0:
		err = ErrExposed
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (j *Journal) has(name string) bool {
	_, err := j.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// prepare returns the key, and begins a journal if there is none.
//
// The key gets its name last. So a journal that has vanished can be told from
// one that was never finished: then there is a key, and no journal.
func (j *Journal) prepare() error {
	switch journal, hasKey := j.has(journalFile), j.has(keyFile); {
	case journal && hasKey:
		return j.readKey()
	case hasKey:
		return ErrGone
	case journal && !j.has(keyFile+newSuffix):
		return ErrKey
	case !journal:
		if err := j.begin(); err != nil {
			return err
		}
	}
	if err := j.place(keyFile); err != nil {
		return err
	}
	return j.readKey()
}

// begin makes a fresh key and an empty journal.
func (j *Journal) begin() error {
	key := make([]byte, keySize)
	rand.Read(key)
	defer clear(key)
	if err := j.write(keyFile, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return err
	}
	s := newSealer(secret.New(key))
	if err := j.write(journalFile, s.header[:]); err != nil {
		return err
	}
	return j.place(journalFile)
}

func (j *Journal) readKey() error {
	f, err := j.openFile(keyFile, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return err
	}
	defer clear(text)
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return ErrKey
	}
	defer clear(key)
	j.key = secret.New(key)
	return nil
}

// write writes a file under its new name, durably.
func (j *Journal) write(name string, b []byte) error {
	f, err := j.root.OpenFile(name+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// place gives a file that was written its name.
func (j *Journal) place(name string) error {
	if err := j.root.Rename(name+newSuffix, name); err != nil {
		return err
	}
	d, err := j.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read reads the whole file, and cuts off what was torn.
func (j *Journal) read() error {
	b, err := io.ReadAll(j.f)
	if err != nil {
		return err
	}
	if j.sealer, err = openSealer(j.key, b); err != nil {
		return err
	}
	rest := b[headerSize:]
	for len(rest) > 0 {
		changes, size, ok := j.sealer.open(j.next, rest)
		if !ok {
			break
		}
		j.apply(changes)
		j.next++
		rest = rest[size:]
	}
	j.size = int64(len(b) - len(rest))
	if len(rest) == 0 {
		return nil
	}
	return j.cut(rest)
}

// cut drops what is behind the last whole record, if a torn write can have left
// it.
func (j *Journal) cut(rest []byte) error {
	if j.sealer.follows(j.next+1, rest) {
		return ErrDamaged
	}
	if err := j.f.Truncate(j.size); err != nil {
		return err
	}
	return j.f.Sync()
}

// When a journal is written anew: it is longer than this, and than so many times
// of what counts.
const (
	compactMin   = 256 << 10
	compactTimes = 4
	compactPart  = 100 // values in one record
)

func (j *Journal) liveSize() (n int64) {
	for _, value := range j.live {
		n += int64(len(value)) + 13
	}
	return n
}

// tidy removes what a crash left.
func (j *Journal) tidy() error {
	for _, name := range []string{journalFile, keyFile} {
		if err := j.root.Remove(name + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return j.compactIfWorth()
}

// compactIfWorth writes the journal anew if most of it does not count any more.
// What was saved is on the disk in any case: if the new file cannot be written,
// the old one goes on to be the journal.
func (j *Journal) compactIfWorth() error {
	if j.size <= compactMin || j.size <= compactTimes*j.liveSize() {
		return nil
	}
	if err := j.compact(); err != nil && j.broken {
		return fmt.Errorf("write %s/%s anew: %w", j.dir, journalFile, err)
	}
	return nil
}

// compact writes what counts into a new file and puts that in the place of the
// old one. A failure before that leaves the old one as it was; after it nobody
// knows, and the journal is broken.
func (j *Journal) compact() error {
	fresh := newSealer(j.key)
	b, next := fresh.header[:], uint64(0)
	for part := range slices.Chunk(slices.Sorted(maps.Keys(j.live)), compactPart) {
		changes := make([]pos.Change, 0, len(part))
		for _, number := range part {
			changes = append(changes, pos.Change{Number: number, Value: j.live[number]})
		}
		record, err := fresh.record(next, changes)
		if err != nil {
			return err
		}
		b, next = append(b, record...), next+1
	}
	if err := j.write(journalFile, b); err != nil {
		return err
	}
	f, err := j.openFile(journalFile+newSuffix, os.O_RDWR)
	if err != nil {
		return err
	}
	if err := j.place(journalFile); err != nil {
		j.broken = true
		return errors.Join(err, f.Close())
	}
	j.f.Close()
	j.f, j.sealer, j.next, j.size = f, fresh, next, int64(len(b))
	return nil
}
