package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"sotto/secret"
)

// version of the JSON inside.
const version = 1

// content is the JSON inside; encoding/json writes bytes as standard base64.
type content struct {
	Version int               `json:"version"`
	Secrets map[string][]byte `json:"secrets"`
}

func (c content) wipe() {
	for _, b := range c.Secrets {
		clear(b)
	}
}

func seal(named map[string]secret.Secret, lock Lock) ([]byte, error) {
	if lock.open == nil {
		return nil, errors.New("the key store needs a lock: give a passphrase or an identity file")
	}
	_, recipient, err := lock.open()
	if err != nil {
		return nil, err
	}
	c := content{version, map[string][]byte{}}
	for name, s := range named {
		c.Secrets[name] = s.Reveal()
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, errors.New("write the key store: its content cannot be written as JSON")
	}
	defer clear(plain)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypt the key store: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt the key store: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt the key store: %w", err)
	}
	if sealed.Len() > SizeMax {
		return nil, ErrSize
	}
	return sealed.Bytes(), nil
}

func unseal(sealed []byte, lock Lock, path string) (map[string]secret.Secret, error) {
	if lock.open == nil {
		return nil, errors.New("the key store needs a lock: give a passphrase or an identity file")
	}
	identity, _, err := lock.open()
	if err != nil {
		return nil, err
	}
	// The causes below are not wrapped: a parser may quote what it has read.
	plain, err := decrypt(sealed, identity)
	defer func() { clear(plain) }()
	var mismatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &mismatch):
		return nil, fmt.Errorf("%w: the %s is not that of %s; try another, or restore the file from a copy", ErrLocked, lock.what, path)
	case err != nil:
		return nil, damaged(path)
	}
	return parse(plain, path)
}

func decrypt(sealed []byte, identity age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func parse(plain []byte, path string) (map[string]secret.Secret, error) {
	var head struct {
		Version *int `json:"version"`
	}
	if json.Unmarshal(plain, &head) != nil || head.Version == nil {
		return nil, damaged(path)
	}
	if *head.Version != version {
		return nil, fmt.Errorf("%w: %s has version %d and this program reads %d; use the program that wrote it", ErrVersion, path, *head.Version, version)
	}
	var c content
	defer func() { c.wipe() }()
	strict := json.NewDecoder(bytes.NewReader(plain))
	strict.DisallowUnknownFields()
	if strict.Decode(&c) != nil || strict.Decode(&struct{}{}) != io.EOF {
		return nil, damaged(path)
	}
	named := map[string]secret.Secret{}
	for name, b := range c.Secrets {
		if !validName(name) || len(b) == 0 || len(b) > SecretMax {
			return nil, damaged(path)
		}
		named[name] = secret.New(b)
	}
	for _, name := range Standard() {
		if s, ok := named[name]; ok && len(s.Reveal()) != standardSize {
			return nil, damaged(path)
		}
	}
	return named, nil
}

func damaged(path string) error {
	return fmt.Errorf("%w: restore %s from a copy", ErrDamaged, path)
}
