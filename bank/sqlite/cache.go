package sqlite

import "sync"

// cache keeps the rows used last, and which ids have none. It is two
// generations: what is asked for moves to the young one, and when that is full
// the old one is dropped. Twice size rows are the most it holds.
//
// Rows in it are shared with views: nobody changes them, an edit is a copy.
// It may be used while another transaction is being committed.
type cache[T any] struct {
	size       int
	mu         sync.Mutex
	young, old map[string]*T
}

func newCache[T any](size int) *cache[T] {
	return &cache[T]{size: size, young: map[string]*T{}, old: map[string]*T{}}
}

// get is the row, nil for one that is known not to be there.
func (c *cache[T]) get(id string) (row *T, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, known = c.young[id]; known {
		return row, true
	}
	if row, known = c.old[id]; known {
		c.keep(id, row)
	}
	return row, known
}

func (c *cache[T]) put(id string, row *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(id, row)
}

func (c *cache[T]) keep(id string, row *T) {
	if c.size == 0 {
		return
	}
	if len(c.young) >= c.size {
		clear(c.old)
		c.young, c.old = c.old, c.young
	}
	c.young[id] = row
}

func (c *cache[T]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.young)
	clear(c.old)
}
