package file

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/age"

	"sotto/secret"
)

// Lock opens and closes a key store. Passphrase and IdentityFile make one.
type Lock struct {
	open func() (age.Identity, age.Recipient, error)
	what string // for errors: "passphrase" or "identity file …"
}

// An Option changes how a passphrase is stretched.
type Option func(*work)

type work struct{ log2 int }

// Work sets scrypt's work factor to 2^log2 for what is written; age's default
// is 2^18, about a second. A lower one is for tests.
func Work(log2 int) Option { return func(w *work) { w.log2 = log2 } }

// Passphrase locks with a passphrase.
func Passphrase(phrase secret.Secret, options ...Option) Lock {
	var w work
	for _, o := range options {
		o(&w)
	}
	return Lock{what: "passphrase", open: func() (age.Identity, age.Recipient, error) {
		if phrase.Empty() {
			return nil, nil, errors.New("the key store's passphrase is empty: set one")
		}
		if w.log2 < 0 || w.log2 > 22 { // what age itself will read
			return nil, nil, errors.New("the work factor is outside of 1 to 22: leave it out for age's default")
		}
		identity, err1 := age.NewScryptIdentity(string(phrase.Reveal()))
		recipient, err2 := age.NewScryptRecipient(string(phrase.Reveal()))
		if err1 != nil || err2 != nil {
			return nil, nil, errors.New("the key store's passphrase cannot be used: choose another")
		}
		if w.log2 > 0 {
			recipient.SetWorkFactor(w.log2)
		}
		return identity, recipient, nil
	}}
}

// IdentityFile locks with the one key in the age identity file at path, as
// age-keygen writes it. The file is read anew at every use and must be 0600.
func IdentityFile(path string) Lock {
	return Lock{what: "identity file " + path, open: func() (age.Identity, age.Recipient, error) {
		text, err := read(path, "identity file")
		if err != nil {
			return nil, nil, err
		}
		defer clear(text)
		all, err := age.ParseIdentities(bytes.NewReader(text))
		if err == nil && len(all) == 1 {
			switch one := all[0].(type) {
			case *age.X25519Identity:
				return one, one.Recipient(), nil
			case *age.HybridIdentity:
				return one, one.Recipient(), nil
			}
		}
		// age's own error could quote the line.
		return nil, nil, fmt.Errorf("%s does not hold exactly one age identity: make it with age-keygen -o %s", path, path)
	}}
}
