package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sotto/ident"
	"sotto/money"
)

// begunLoad is a load that the bank has begun, and whose end nobody has seen yet.
type begunLoad struct {
	Load    string       `json:"load"` // its id at the bank
	AID     string       `json:"aid"`  // hex
	Account string       `json:"account,omitempty"`
	Amount  money.Amount `json:"amount"`
}

// begunLoads remembers them in a SIM's folder, a file each, beyond the end of the
// command. What is not there was never told to a purse.
type begunLoads struct{ data string }

func (l begunLoads) dir() string { return filepath.Join(l.data, "loads") }

func (l begunLoads) file(id string) (string, error) {
	if _, err := ident.Parse(ident.Load, id); err != nil {
		return "", fmt.Errorf("the bank's id of the load: %w", err)
	}
	return filepath.Join(l.dir(), id+".json"), nil
}

// keep returns when the load is on the disk.
func (l begunLoads) keep(b begunLoad) error {
	path, err := l.file(b.Load)
	if err != nil {
		return err
	}
	text, err := json.Marshal(b) //nolint:musttag // an amount's names of the fields are the names
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.dir(), 0o700); err != nil {
		return fmt.Errorf("make the folder of begun loads: %w", err)
	}
	if err := errors.Join(syncDir(l.data), writeDurably(path, text)); err != nil {
		return fmt.Errorf("remember the load: %w", err)
	}
	return nil
}

// of are the begun loads of a purse, oldest first: the ids sort by time.
func (l begunLoads) of(aid []byte) (list []begunLoad, err error) {
	files, err := os.ReadDir(l.dir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what was begun before: %w", err)
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".json" {
			continue // half written: its load was never told to a purse
		}
		path := filepath.Join(l.dir(), file.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read what was begun before: %w", err)
		}
		var b begunLoad
		if err := json.Unmarshal(text, &b); err != nil || file.Name() != b.Load+".json" { //nolint:musttag // as written by keep
			return nil, fmt.Errorf("%s is damaged: see in 'GET /v1/loads' of the bank how this load ended, and delete the file", path)
		}
		if b.AID == hexAID(aid) {
			list = append(list, b)
		}
	}
	return list, nil
}

// forget takes a load out that has ended.
func (l begunLoads) forget(id string) error {
	path, err := l.file(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the load: %w", err)
	}
	return nil
}

func hexAID(aid []byte) string { return strings.ToUpper(hex.EncodeToString(aid)) }

// writeDurably writes a file as a whole or not at all: it is on the disk under
// its name when this returns.
func writeDurably(path string, content []byte) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
