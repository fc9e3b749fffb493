package sim

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// vault is the store with the device's authentication of the whole of it.
//
// Every object is authenticated by itself, but an object that has vanished, or
// an old one that has come back, would not be seen by that. So one more object,
// the root, says how many commits there were and carries the sum of a keyed hash
// of every key and value. A commit takes the old values out of the sum and puts
// the new ones in; the start adds all up again. What the root cannot see is a
// whole store of yesterday: no device without a counter outside its store can.
type vault struct {
	store Store
	seal  cipher.AEAD
	sum   hash.Hash
}

var rootKey = []byte{'0'}

type root struct {
	commits uint64
	sum     [sha256.Size]byte
}

const rootSize = 8 + sha256.Size

func newVault(store Store, sealKey, sumKey []byte) *vault {
	return &vault{store: store, seal: newAEAD(sealKey), sum: hmac.New(sha256.New, sumKey)}
}

// toggle puts a pair into the sum, or takes it out again. No value is none.
func (v *vault) toggle(r *root, key, value []byte) {
	if value == nil {
		return
	}
	v.sum.Reset()
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(key)))
	v.sum.Write(n[:])
	v.sum.Write(key)
	v.sum.Write(value)
	var room [sha256.Size]byte
	subtle.XORBytes(r.sum[:], r.sum[:], v.sum.Sum(room[:0]))
}

func (v *vault) loadRoot(r Reader) (root, error) {
	sealed := r.Load(rootKey)
	if sealed == nil {
		return root{}, nil
	}
	plain, err := open(nil, v.seal, sealed, rootKey)
	if err != nil || len(plain) != rootSize {
		return root{}, ErrDamaged
	}
	return root{binary.BigEndian.Uint64(plain), [sha256.Size]byte(plain[8:])}, nil
}

func (v *vault) saveRoot(w Writer, random *entropy, r root) error {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, rootSize), r.commits)
	plain = append(plain, r.sum[:]...)
	sealed := seal(nil, v.seal, random, plain, rootKey)
	if random.err != nil {
		return random.err
	}
	return w.Save(rootKey, sealed)
}

// commit makes a draft durable.
func (v *vault) commit(d *draft, random *entropy) error {
	if random.err != nil {
		return random.err
	}
	return v.store.Update(func(w Writer) error {
		r, err := v.loadRoot(w)
		if err != nil {
			return err
		}
		for _, name := range d.keys() {
			key, value := []byte(name), d.changed[name]
			v.toggle(&r, key, w.Load(key))
			v.toggle(&r, key, value)
			if err := write(w, key, value); err != nil {
				return err
			}
		}
		r.commits++
		return v.saveRoot(w, random, r)
	})
}

func write(w Writer, key, value []byte) error {
	if value == nil {
		return w.Remove(key)
	}
	return w.Save(key, value)
}

// verify adds the whole store up and compares it with the root. An empty store
// is that of a new device.
func (v *vault) verify() error {
	return v.store.View(func(r Reader) error {
		want, err := v.loadRoot(r)
		if err != nil {
			return err
		}
		var got root
		err = r.Walk(nil, func(key, value []byte) error {
			if string(key) != string(rootKey) {
				v.toggle(&got, key, value)
			}
			return nil
		})
		switch {
		case errors.Is(err, ErrDamaged):
			return err
		case err != nil:
			return fmt.Errorf("read the device's store: %w", err)
		case subtle.ConstantTimeCompare(got.sum[:], want.sum[:]) != 1:
			return ErrDamaged
		}
		return nil
	})
}
