// Package mem keeps a terminal's journal (pos.Journal) in memory: for tests, and
// for a terminal that is to forget everything. What it takes and gives are
// copies, so that it is as far from its user as a disk.
package mem

import (
	"maps"
	"slices"
	"sync"

	"sotto/pos"
)

// Journal is a journal that lasts as long as the process. The zero Journal is
// empty.
type Journal struct {
	mu     sync.Mutex
	values map[uint64][]byte
}

var _ pos.Journal = (*Journal)(nil)

// Each implements pos.Journal.
func (j *Journal) Each(f func(number uint64, value []byte) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(j.values)) {
		if err := f(number, slices.Clone(j.values[number])); err != nil {
			return err
		}
	}
	return nil
}

// Save implements pos.Journal.
func (j *Journal) Save(changes ...pos.Change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.values == nil {
		j.values = map[uint64][]byte{}
	}
	for _, c := range changes {
		delete(j.values, c.Number)
		if c.Value != nil {
			j.values[c.Number] = slices.Clone(c.Value)
		}
	}
	return nil
}
