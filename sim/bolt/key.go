package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sotto/secret"
)

// The key file is one line: name, version, the key and the first 4 bytes of its
// SHA-256, in lower-case hexadecimal.
const (
	keyHead    = "sotto-device-key 1 "
	keySize    = 32
	sumSize    = 4
	keyFileMax = int64(len(keyHead) + 2*keySize + 1 + 2*sumSize + 1)
)

// makeKey writes a new key, over one that a creation which was cut off has left.
func makeKey(dir string, random io.Reader) error {
	key := make([]byte, keySize)
	defer clear(key)
	if _, err := io.ReadFull(random, key); err != nil {
		return fmt.Errorf("make the device key: %w", err)
	}
	line := keyLine(key)
	defer clear(line)
	path := filepath.Join(dir, keyFile)
	f, err := os.OpenFile(path+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return err
	}
	return syncDir(dir)
}

func keyLine(key []byte) []byte {
	sum := sha256.Sum256(key)
	line := hex.AppendEncode([]byte(keyHead), key)
	line = hex.AppendEncode(append(line, ' '), sum[:sumSize])
	return append(line, '\n')
}

func readKey(path string) (secret.Secret, error) {
	line, err := readClosed(path, keyFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Secret{}, fmt.Errorf("%s is not there: put it back; without it the store cannot be read", path)
	}
	if err != nil {
		return secret.Secret{}, err
	}
	defer clear(line)
	key := make([]byte, keySize)
	defer clear(key)
	if len(line) == int(keyFileMax) {
		_, err = hex.Decode(key, line[len(keyHead):][:2*keySize])
	}
	again := keyLine(key)
	defer clear(again)
	if err != nil || !bytes.Equal(again, line) {
		return secret.Secret{}, fmt.Errorf("%w: %s is no device key of this version: put it back from a backup", ErrDamaged, path)
	}
	return secret.New(key), nil
}

// syncDir makes the names of files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
