package emv

import "iter"

// AFLEntry is a range of records in one file of the card.
type AFLEntry struct {
	SFI         byte // 1 to 30
	First, Last byte // record numbers
	Signed      byte // how many, from First on, are under the static signature
}

// AFL is the application file locator (94): which records a terminal reads, in
// this order (Book 3, 10.2).
type AFL []AFLEntry

// aflMax is the length limit of Book 3, Annex A1, and thus 63 entries.
const aflMax = 252

// ParseAFL refuses what Book 3, 10.2, says a terminal must not go on with.
//
// Reading: the three low bits of the first byte are reserved; we refuse what
// sets them, since nobody can say which file such an entry means.
func ParseAFL(b []byte) (AFL, error) {
	if len(b) == 0 || len(b)%4 != 0 || len(b) > aflMax {
		return nil, ErrAFL
	}
	list := make(AFL, 0, len(b)/4)
	for ; len(b) > 0; b = b[4:] {
		e := AFLEntry{SFI: b[0] >> 3, First: b[1], Last: b[2], Signed: b[3]}
		if b[0]&0x07 != 0 || !e.valid() {
			return nil, ErrAFL
		}
		list = append(list, e)
	}
	return list, nil
}

func (e AFLEntry) valid() bool {
	return e.SFI >= 1 && e.SFI <= 30 && e.First >= 1 && e.Last >= e.First &&
		int(e.Signed) <= int(e.Last)-int(e.First)+1
}

// Append writes the locator behind dst. It panics on an entry that ParseAFL
// would refuse.
func (a AFL) Append(dst []byte) []byte {
	for _, e := range a {
		if !e.valid() {
			panic("emv: no entry of an application file locator")
		}
		dst = append(dst, e.SFI<<3, e.First, e.Last, e.Signed)
	}
	return dst
}

// Len is the number of records. A card may name up to 16,065; a terminal
// decides how many it is willing to read.
func (a AFL) Len() (n int) {
	for _, e := range a {
		n += int(e.Last) - int(e.First) + 1
	}
	return n
}

// Record is one record to read.
type Record struct {
	SFI, Number byte
	Signed      bool // under the static signature
}

// Records walks the records in the order in which they are read.
func (a AFL) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, e := range a {
			for n := int(e.First); n <= int(e.Last); n++ {
				if !yield(Record{e.SFI, byte(n), n < int(e.First)+int(e.Signed)}) {
					return
				}
			}
		}
	}
}
