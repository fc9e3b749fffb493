package pos

import "errors"

// Journal is the terminal's durable memory: values by number, of which the
// newest counts. The values have card numbers in them; whoever puts them on a
// disk encrypts them. One terminal uses it, one call at a time.
type Journal interface {
	// Each hands out every value, in ascending order of the numbers.
	Each(f func(number uint64, value []byte) error) error
	// Save makes all changes durable, or none, before it returns. After an error
	// it is unknown which, and the journal is not to be used again.
	Save(changes ...Change) error
}

// Change is a new value for a number. No value takes the old one away.
type Change struct {
	Number uint64
	Value  []byte
}

// Errors of the journal. The terminal does nothing more after either.
var (
	// ErrJournal says that the journal could not be written: nobody knows what
	// is in it. A terminal that is started anew reads what is true.
	ErrJournal = errors.New("pos: the journal cannot be written: mend its disk, and start the terminal anew")
	// ErrEntry says that a value is not what a terminal of this version writes.
	ErrEntry = errors.New("pos: the journal has an entry that this version does not understand")
)
