package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func (v *Vault) path(name string) string { return filepath.Join(v.dir, name) }

// names lists the folder.
func (v *Vault) names() ([]string, error) {
	d, err := v.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list the phone's folder: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(filesMax + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("list the phone's folder: %w", err)
	}
	if len(names) > filesMax {
		return nil, fmt.Errorf("%s has more than %d files: it is no phone's folder", v.dir, filesMax)
	}
	return names, nil
}

// load reads one whole file, which must be closed to others.
func (v *Vault) load(name string) ([]byte, error) {
	f, err := v.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", v.path(name), err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", v.path(name), err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", v.path(name))
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s is open to others: run 'chmod 600 %s'", v.path(name), v.path(name))
	case info.Size() > fileMax:
		return nil, fmt.Errorf("%s is longer than %d bytes: it is damaged", v.path(name), fileMax)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		clear(b)
		return nil, fmt.Errorf("read %s: %w", v.path(name), err)
	}
	return b, nil
}

// write replaces one file: after a crash there is the old one or the new one.
func (v *Vault) write(name string, b []byte) error {
	if err := v.replace(name, b); err != nil {
		return fmt.Errorf("write %s: %w", v.path(name), err)
	}
	return nil
}

func (v *Vault) replace(name string, b []byte) error {
	fresh := name + newSuffix
	f, err := v.root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := v.root.Rename(fresh, name); err != nil {
		return err
	}
	return v.sync()
}

func (v *Vault) remove(name string) error {
	if err := v.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", v.path(name), err)
	}
	if err := v.sync(); err != nil {
		return fmt.Errorf("remove %s: %w", v.path(name), err)
	}
	return nil
}

// sync makes the folder's own entries durable.
func (v *Vault) sync() error {
	d, err := v.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
