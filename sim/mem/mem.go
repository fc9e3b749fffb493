// Package mem keeps a device's store in memory: for tests, for the lab, and for
// whole-system simulations. What was committed survives the device, not the
// process. Nothing of an Update that fails is kept.
package mem

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strings"

	"sotto/sim"
)

// Store implements sim.Store. The zero Store is empty and ready. Like every
// store of a device it is not safe for concurrent use.
type Store struct {
	names  []string // sorted
	values map[string][]byte
}

var _ sim.Store = (*Store)(nil)

// New is an empty store.
func New() *Store { return &Store{} }

// View implements sim.Store.
func (s *Store) View(f func(sim.Reader) error) error { return f(&transaction{store: s}) }

// Update implements sim.Store.
func (s *Store) Update(f func(sim.Writer) error) error {
	t := &transaction{store: s, changed: make(map[string][]byte)}
	if err := f(t); err != nil {
		return err
	}
	s.apply(t.changed)
	return nil
}

// Clone is a store of its own with the same content, as a copy of the disk at
// this instant would be.
func (s *Store) Clone() *Store {
	clone := New()
	clone.apply(s.values)
	return clone
}

// Len is how many keys there are.
func (s *Store) Len() int { return len(s.names) }

func (s *Store) apply(changed map[string][]byte) {
	if s.values == nil {
		s.values = make(map[string][]byte)
	}
	for name, value := range changed {
		at, found := slices.BinarySearch(s.names, name)
		switch {
		case value == nil && found:
			s.names = slices.Delete(s.names, at, at+1)
			delete(s.values, name)
		case value != nil:
			if !found {
				s.names = slices.Insert(s.names, at, name)
			}
			s.values[name] = bytes.Clone(value)
		}
	}
}

// transaction reads what was committed and what it has written itself. Walk
// sees the former alone.
type transaction struct {
	store   *Store
	changed map[string][]byte // nil: removed
}

func (t *transaction) Load(key []byte) []byte {
	if value, ok := t.changed[string(key)]; ok {
		return value
	}
	return t.store.values[string(key)]
}

func (t *transaction) Walk(prefix []byte, f func(key, value []byte) error) error {
	names := t.store.names
	for _, name := range names[sort.SearchStrings(names, string(prefix)):] {
		if !strings.HasPrefix(name, string(prefix)) {
			return nil
		}
		if err := f([]byte(name), t.store.values[name]); err != nil {
			return err
		}
	}
	return nil
}

var errEmpty = errors.New("mem: a key or value is empty")

func (t *transaction) Save(key, value []byte) error {
	if len(key) == 0 || len(value) == 0 {
		return errEmpty
	}
	t.changed[string(key)] = bytes.Clone(value)
	return nil
}

func (t *transaction) Remove(key []byte) error {
	t.changed[string(key)] = nil
	return nil
}
