package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// read returns a file that only its owner can read, of at most SizeMax.
func read(path, what string) ([]byte, error) {
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s at %s: create it or name the right path: %w", what, path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	if !before.Mode().IsRegular() { // opening a pipe would wait for ever
		return nil, fmt.Errorf("%s is not a regular file: name the %s itself, without links", path, what)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the %s: %w", what, err)
	case !os.SameFile(before, info):
		return nil, fmt.Errorf("%s was exchanged while it was opened: try again", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: run chmod 600 %s", ErrExposed, path)
	}
	content, err := io.ReadAll(io.LimitReader(f, SizeMax+1))
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	if len(content) > SizeMax {
		return nil, fmt.Errorf("%w: %s is above 1 MiB and cannot be a %s; restore it from a copy", ErrDamaged, path, what)
	}
	return content, nil
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, content []byte) error {
	return write(path, content, func(temporary string) error {
		// A link, unlike a rename, fails when the name is taken.
		err := os.Link(temporary, path)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s; open it, or move it away if it is not needed", ErrExists, path)
		}
		return err
	})
}

// replace writes a file that is there.
func replace(path string, content []byte) error {
	return write(path, content, func(temporary string) error { return os.Rename(temporary, path) })
}

// write makes the content durable under a temporary name, lets place give it
// its own, and makes that durable too.
func write(path string, content []byte, place func(temporary string) error) (err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrExists) {
			err = fmt.Errorf("write the key store to %s: %w", path, err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), ".keystore-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // is gone already after a rename
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
