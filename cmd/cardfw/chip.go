package main

import (
	"errors"
	"fmt"
	"io"

	"sotto/card/flash/slot"
)

// The chip: two pages of NOR flash. Erasing sets every bit of a page; writing
// clears bits and takes programUnit bytes at a time.
const (
	pages       = 2
	pageSize    = 4096
	programUnit = 256
)

// backing is what keeps the chip's content when the power is gone.
type backing interface {
	io.ReaderAt
	io.WriterAt
}

// chip is the flash, and the card.Store on it: one slot a page, written in turn,
// so that a write that is torn leaves the other one whole.
type chip struct {
	cells   [pages][pageSize]byte
	backing backing
	fuse    uint32 // writes until the power goes; 0: never
	die     func() // the power goes; does not return

	next     int // the page to write
	sequence uint64
	image    [slot.Max]byte
}

// openChip reads the cells; a backing that is shorter is a chip that is blank
// from there on.
func openChip(b backing, die func()) (*chip, error) {
	c := &chip{backing: b, die: die}
	for p := range c.cells {
		n, err := b.ReadAt(c.cells[p][:], int64(p)*pageSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read the flash: %w", err)
		}
		for i := n; i < pageSize; i++ {
			c.cells[p][i] = 0xFF
		}
	}
	return c, nil
}

// newest finds the memory that was saved last; nil is none. It aliases cells.
func (c *chip) newest() []byte {
	var best []byte
	c.next, c.sequence = 0, 0
	for p := range c.cells {
		sequence, payload, err := slot.Parse(slot.Of(c.cells[p][:]))
		if err == nil && (best == nil || sequence > c.sequence) {
			best, c.sequence, c.next = payload, sequence, 1-p
		}
	}
	return best
}

// Save implements card.Store.
func (c *chip) Save(encoded []byte) error {
	image := slot.Append(c.image[:0], c.sequence+1, encoded)
	defer clear(image)
	if err := c.erase(c.next); err != nil {
		return err
	}
	for at := 0; at < len(image); at += programUnit {
		if err := c.program(c.next, at, image[at:min(at+programUnit, len(image))]); err != nil {
			return err
		}
	}
	c.sequence++
	c.next = 1 - c.next
	return nil
}

func (c *chip) erase(page int) error {
	return c.write(page, 0, pageSize, func(i int) byte { return 0xFF })
}

func (c *chip) program(page, at int, b []byte) error {
	return c.write(page, at, len(b), func(i int) byte { return c.cells[page][at+i] & b[i] })
}

// write changes n cells to what they become. When the power goes meanwhile the
// first half of them has changed.
func (c *chip) write(page, at, n int, becomes func(i int) byte) error {
	lost := c.fuse == 1
	if lost {
		n /= 2
	}
	if c.fuse > 0 {
		c.fuse--
	}
	for i := range n {
		c.cells[page][at+i] = becomes(i)
	}
	_, err := c.backing.WriteAt(c.cells[page][at:at+n], int64(page)*pageSize+int64(at))
	if lost {
		c.die()
	}
	return err
}
