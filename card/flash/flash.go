// Package flash keeps a card's memory in two files, the way a microcontroller
// keeps it in two pages of flash.
//
// Each slot holds a sequence number, a payload and a checksum. Save overwrites
// the slot that is not the newest and returns when it is durable; a write that
// is torn at any byte leaves the other slot whole, so that Open finds either
// the memory before or the memory after, never a mixture. It costs one fsync.
//
// Reading: a newest slot that has rotted cannot be told from one whose write was
// torn, so Open then gives the memory before it. It takes another damage, in the
// other slot, for Open to refuse.
//
// Files are readable by their owner alone, and one process at a time has them.
// They hold keys in clear: so does a card's flash.
package flash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sotto/card/flash/slot"
)

// PayloadMax bounds what Save takes, in bytes.
const PayloadMax = slot.PayloadMax

// Errors that a caller branches on. What Open returns also says what to do.
var (
	ErrNone    = errors.New("there is no card memory")
	ErrExists  = errors.New("there is a card memory already")
	ErrDamaged = slot.ErrDamaged
	ErrVersion = slot.ErrVersion
	ErrInUse   = errors.New("the card memory is in use by another process")
	ErrExposed = errors.New("the card memory can be read by others")
	errSize    = errors.New("flash: payload is empty or too large")
)

// Store is the two slots. It implements card.Store; it is not safe for
// concurrent use, nor does a card need that.
type Store struct {
	slots    [2]*os.File
	next     int // the slot to write
	sequence uint64
}

func slotPath(dir string, i int) string {
	return filepath.Join(dir, "memory-"+string(rune('0'+i)))
}

// Create makes the memory of a fresh card in dir, which must exist and have
// none.
func Create(dir string, payload []byte) (*Store, error) {
	for i := range 2 {
		if exists(slotPath(dir, i)) {
			return nil, fmt.Errorf("%w in %s: use another folder for a new card", ErrExists, dir)
		}
	}
	s := &Store{}
	err := s.openFiles(dir, os.O_CREATE|os.O_EXCL)
	if err == nil {
		err = syncDir(dir)
	}
	// Both slots: a card that has just been written shall not depend on one.
	for range 2 {
		if err == nil {
			err = s.Save(payload)
		}
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("create card memory in %s: %w", dir, err)
	}
	return s, nil
}

// Open finds the newest whole memory in dir. The payload is the caller's to
// wipe.
func Open(dir string) (*Store, []byte, error) {
	s := &Store{}
	if err := s.openFiles(dir, 0); err != nil {
		s.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%w in %s: make one with 'sotto card new' and 'sotto card personalize'", ErrNone, dir)
		}
		return nil, nil, fmt.Errorf("open card memory in %s: %w", dir, err)
	}
	payload, err := s.newest()
	if err != nil {
		s.Close()
		return nil, nil, fmt.Errorf("%w (%s): %s", err, dir, nextStep(err))
	}
	return s, payload, nil
}

func nextStep(err error) string {
	if errors.Is(err, ErrVersion) {
		return "run the version that wrote it"
	}
	return "its keys cannot be recovered; make a new card in another folder with 'sotto card new' and ask the bank to issue it"
}

func (s *Store) openFiles(dir string, flags int) error {
	for i := range s.slots {
		f, err := os.OpenFile(slotPath(dir, i), os.O_RDWR|flags, 0o600)
		if errors.Is(err, fs.ErrNotExist) && exists(slotPath(dir, 1-i)) {
			f, err = os.OpenFile(slotPath(dir, i), os.O_RDWR|os.O_CREATE, 0o600) // one lost slot is like a torn one
		}
		if err != nil {
			return err
		}
		s.slots[i] = f
	}
	info, err := s.slots[0].Stat()
	switch {
	case err != nil:
		return err
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: run 'chmod 600 %s'", ErrExposed, filepath.Join(dir, "memory-*"))
	}
	return lock(s.slots[0])
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// newest reads both slots and takes the whole one that was written last.
func (s *Store) newest() ([]byte, error) {
	var best []byte
	foreign := false
	for i, f := range s.slots {
		sequence, payload, slotErr := readSlot(f)
		switch {
		case errors.Is(slotErr, ErrVersion):
			foreign = true
		case slotErr != nil && !errors.Is(slotErr, ErrDamaged):
			return nil, slotErr
		case slotErr == nil && (best == nil || sequence > s.sequence):
			clear(best)
			best, s.sequence, s.next = payload, sequence, 1-i
		default:
			clear(payload)
		}
	}
	switch {
	// Even beside a whole slot: going on would lose what the other version has
	// kept, counters above all.
	case foreign:
		clear(best)
		return nil, ErrVersion
	case best == nil:
		return nil, ErrDamaged
	}
	return best, nil
}

func readSlot(f *os.File) (uint64, []byte, error) {
	image, err := io.ReadAll(io.NewSectionReader(f, 0, int64(slot.Max)+1))
	if err != nil {
		return 0, nil, err
	}
	defer clear(image)
	sequence, payload, err := slot.Parse(image)
	return sequence, append([]byte(nil), payload...), err
}

// Save makes payload the card's memory. After an error the memory is the one
// before or this one; the next Save goes to the same slot again, so that the
// last one that succeeded is never at risk.
func (s *Store) Save(payload []byte) error {
	if len(payload) == 0 || len(payload) > PayloadMax {
		return errSize
	}
	image := slot.Append(make([]byte, 0, slot.Max), s.sequence+1, payload)
	defer clear(image)
	f := s.slots[s.next]
	if _, err := f.WriteAt(image, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(image))); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	s.sequence++
	s.next = 1 - s.next
	return nil
}

// Close gives the files free.
func (s *Store) Close() error {
	var errs []error
	for _, f := range s.slots {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// syncDir makes the names of new files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
