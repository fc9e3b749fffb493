package cps

import (
	"fmt"
	"slices"

	"sotto/secret"
)

// Limits of one applet's data.
const (
	GroupsMax = 255
	SizeMax   = 32768 // bytes of all groups on the wire
)

// ID is a data grouping identifier (DGI).
type ID uint16

// The groups.
const (
	IssuerRecord     ID = 0x0101
	ICCRecord        ID = 0x0102
	LastRecord       ID = 0x0103
	ContactRecord    ID = 0x0201
	ContactICCRecord ID = 0x0202
	AccountData      ID = 0x0E01
	CardKeys         ID = 0x8000
	KeyQInv          ID = 0x8201
	KeyDQ            ID = 0x8202
	KeyDP            ID = 0x8203
	KeyQ             ID = 0x8204
	KeyP             ID = 0x8205
	CheckValues      ID = 0x9000
	FCI              ID = 0x9102
	Processing       ID = 0x9104
)

var ids = []ID{
	IssuerRecord, ICCRecord, LastRecord, ContactRecord, ContactICCRecord, AccountData, CardKeys,
	KeyQInv, KeyDQ, KeyDP, KeyQ, KeyP, CheckValues, FCI, Processing,
}

// String is the number in hexadecimal.
func (id ID) String() string { return fmt.Sprintf("%04X", uint16(id)) }

// Record is the file and the number of a group that is a record.
func (id ID) Record() (sfi, number byte, ok bool) {
	sfi, number = byte(id>>8), byte(id)
	return sfi, number, sfi >= 1 && sfi <= 10 && number >= 1
}

// IsKey reports whether the group crosses the wire encrypted: secret keys, in
// 80xx, and the parts of private keys, in 82xx.
func (id ID) IsKey() bool { return id>>8 == 0x80 || id>>8 == 0x82 }

// Group is one data grouping.
type Group struct {
	ID   ID
	Data secret.Secret
	// Hidden says that Data is padded and encrypted under the channel's data
	// encryption key.
	Hidden bool
}

// size is what the group takes on the wire.
func (g Group) size() int {
	n := len(g.Data.Reveal())
	return len(appendHeader(nil, g.ID, n)) + n
}

// append writes the group as it stands on the wire: number, length, data. The
// length has one byte up to 254, else FF and two.
func (g Group) append(dst []byte) []byte {
	data := g.Data.Reveal()
	return append(appendHeader(dst, g.ID, len(data)), data...)
}

func appendHeader(dst []byte, id ID, n int) []byte {
	dst = append(dst, byte(id>>8), byte(id))
	if n < 0xFF {
		return append(dst, byte(n))
	}
	return append(dst, 0xFF, byte(n>>8), byte(n))
}

// readHeader reads number and length. It is not complete as long as the bytes
// may be the beginning of one.
func readHeader(b []byte) (id ID, n int, rest []byte, complete bool, err error) {
	if len(b) < 3 {
		return 0, 0, b, false, nil
	}
	id, n, rest = ID(b[0])<<8|ID(b[1]), int(b[2]), b[3:]
	if n == 0xFF {
		if len(rest) < 2 {
			return 0, 0, b, false, nil
		}
		n, rest = int(rest[0])<<8|int(rest[1]), rest[2:]
		if n < 0xFF {
			return 0, 0, b, false, ErrForm
		}
	}
	switch {
	case n == 0: // a group of nothing says nothing
		return 0, 0, b, false, ErrForm
	case n > SizeMax:
		return 0, 0, b, false, ErrLimit
	}
	return id, n, rest, true, nil
}

// AppendGroups writes groups as they stand on the wire. The result may hold
// keys: wipe it after use.
func AppendGroups(dst []byte, groups []Group) ([]byte, error) {
	size, err := check(groups)
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, size) // growing later would leave copies of keys
	for _, g := range groups {
		dst = g.append(dst)
	}
	return dst, nil
}

// ParseGroups reads what AppendGroups wrote; hidden says of all of them whether
// they are. It keeps no part of b.
func ParseGroups(b []byte, hidden bool) ([]Group, error) {
	if len(b) > SizeMax {
		return nil, ErrLimit
	}
	groups, rest, err := appendRead(nil, b, hidden)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 || len(groups) == 0 {
		return nil, ErrForm
	}
	return groups, nil
}

// appendRead reads as many whole groups as there are, and returns what remains.
func appendRead(groups []Group, b []byte, hidden bool) (_ []Group, rest []byte, err error) {
	for {
		id, n, data, complete, err := readHeader(b)
		switch {
		case err != nil:
			return nil, nil, err
		case !complete || len(data) < n:
			return groups, b, nil
		case len(groups) == GroupsMax:
			return nil, nil, ErrLimit
		case has(groups, id):
			return nil, nil, ErrTwice
		}
		groups = append(groups, Group{id, secret.New(data[:n]), hidden})
		b = data[n:]
	}
}

func has(groups []Group, id ID) bool {
	return slices.ContainsFunc(groups, func(g Group) bool { return g.ID == id })
}

// check looks at the limits of a list of groups, and returns its size.
func check(groups []Group) (size int, err error) {
	for i, g := range groups {
		n := len(g.Data.Reveal())
		switch {
		case n == 0:
			return 0, ErrForm
		case n > SizeMax || i == GroupsMax:
			return 0, ErrLimit
		case has(groups[:i], g.ID):
			return 0, ErrTwice
		}
		size += g.size()
	}
	switch {
	case size > SizeMax:
		return 0, ErrLimit
	case size == 0:
		return 0, ErrForm
	}
	return size, nil
}

// Wipe overwrites the data of all groups.
func Wipe(groups []Group) {
	for _, g := range groups {
		g.Data.Wipe()
	}
}
