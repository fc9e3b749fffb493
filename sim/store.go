package sim

import (
	"cmp"
	"maps"
	"slices"
)

// Store keeps what the device must not forget: keys and values in the order of
// the keys. Calls come one after the other.
type Store interface {
	// View runs f over what was committed last.
	View(f func(Reader) error) error
	// Update runs f and commits all that it wrote at once. When it returns nil
	// the commit is durable. If f fails nothing is written; if the commit fails,
	// what a restart finds is either the state before or the state after.
	Update(f func(Writer) error) error
}

// Reader is a store within one View or Update. Keys and values may be read
// until that ends, and not be written to.
type Reader interface {
	// Load is the value of a key, nil if there is none.
	Load(key []byte) []byte
	// Walk calls f for every key that starts with prefix, in order, until f
	// returns an error, which it hands on.
	Walk(prefix []byte, f func(key, value []byte) error) error
}

// Writer is a store within one Update. Values are never empty; Save keeps
// neither slice.
type Writer interface {
	Reader
	Save(key, value []byte) error
	Remove(key []byte) error
}

// draft is the store as one command sees it: what was committed, and over it
// what the command is about to change. Nothing of it is kept unless the command
// succeeds.
type draft struct {
	stored  Reader
	changed map[string][]byte // nil: to be removed
}

func newDraft(r Reader) *draft { return &draft{stored: r} }

func (d *draft) load(key []byte) []byte {
	if value, ok := d.changed[string(key)]; ok {
		return value
	}
	return d.stored.Load(key)
}

func (d *draft) save(key, value []byte) { d.put(key, value) }

func (d *draft) remove(key []byte) { d.put(key, nil) }

func (d *draft) put(key, value []byte) {
	if d.changed == nil {
		d.changed = make(map[string][]byte)
	}
	d.changed[string(key)] = value
}

// removeAll removes every committed key under prefix.
func (d *draft) removeAll(prefix []byte) error {
	return d.stored.Walk(prefix, func(key, _ []byte) error {
		d.remove(key)
		return nil
	})
}

func (d *draft) empty() bool { return len(d.changed) == 0 }

// keys are those that the draft changes, sorted: a commit writes in one order
// however maps are walked.
func (d *draft) keys() []string {
	return slices.SortedFunc(maps.Keys(d.changed), cmp.Compare)
}
