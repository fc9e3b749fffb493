package cps

import (
	"bytes"
	"slices"

	"sotto/tlv"
)

// Kind is what kind of applet it is.
type Kind byte

// The kinds.
const (
	Purse   Kind = 1 // holds money and pays offline
	Account Kind = 2 // the money is at the bank, which decides
)

// Valid reports whether k is one of them.
func (k Kind) Valid() bool { return k == Purse || k == Account }

// String is the name of the kind.
func (k Kind) String() string {
	switch k {
	case Purse:
		return "purse"
	case Account:
		return "account"
	}
	return "no kind"
}

// Applet is an applet ready to be installed: what INSTALL says of it, and the
// groups that STORE DATA brings.
type Applet struct {
	AID      []byte // 5 to 16 bytes
	Label    string // 1 to 16 printable characters
	Kind     Kind
	Priority byte // 1, the highest, to 15; 0 is none
	Groups   []Group
}

// Limits of a name.
const (
	aidMin      = 5
	aidMax      = 16
	labelMax    = 16
	priorityMax = 15
)

func (a Applet) named() bool {
	printable := !slices.ContainsFunc([]byte(a.Label), func(c byte) bool { return c < ' ' || c > '~' })
	return len(a.AID) >= aidMin && len(a.AID) <= aidMax && len(a.Label) >= 1 && len(a.Label) <= labelMax &&
		printable && a.Kind.Valid() && a.Priority <= priorityMax
}

// Record is the record of this file and number, as READ RECORD answers it.
func (a Applet) Record(sfi, number byte) ([]byte, bool) {
	id := ID(sfi)<<8 | ID(number)
	if _, _, ok := id.Record(); !ok {
		return nil, false
	}
	data := a.group(id)
	return data, data != nil
}

// group is the data of a group, nil if there is none.
func (a Applet) group(id ID) []byte {
	for _, g := range a.Groups {
		if g.ID == id {
			return g.Data.Reveal()
		}
	}
	return nil
}

// The file in which an applet is handed out.
const (
	tagFile     tlv.Tag = 0xEC
	tagVersion  tlv.Tag = 0x80
	tagKind     tlv.Tag = 0x81
	tagAID      tlv.Tag = 0x82
	tagLabel    tlv.Tag = 0x83
	tagPriority tlv.Tag = 0x84
	tagGroups   tlv.Tag = 0x85

	fileVersion = 1
	fileRoom    = 128 // more than headers and fixed fields
)

// FileMax is the size of the largest file, in bytes.
const FileMax = SizeMax + fileRoom

// Append writes the file: one object of canonical BER-TLV. It holds keys in
// clear: wipe it after use, and let it travel encrypted.
//
//	EC { 80 version 01, 81 kind, 82 AID, 83 label, 84 priority, 85 groups }
//
// The groups stand as on the wire, in ascending order, none of them hidden. It
// does not look into them; Profile does.
func (a Applet) Append(dst []byte) ([]byte, error) {
	if !a.named() {
		return dst, ErrName
	}
	groups := slices.Clone(a.Groups)
	slices.SortStableFunc(groups, func(a, b Group) int { return int(a.ID) - int(b.ID) })
	if slices.ContainsFunc(groups, func(g Group) bool { return g.Hidden }) {
		return dst, ErrHidden
	}
	wire, err := AppendGroups(nil, groups)
	if err != nil {
		return dst, err
	}
	defer clear(wire)
	value := make([]byte, 0, len(wire)+fileRoom) // growing would leave copies of keys
	defer func() { clear(value) }()
	value = tlv.Append(value, tagVersion, []byte{fileVersion})
	value = tlv.Append(value, tagKind, []byte{byte(a.Kind)})
	value = tlv.Append(value, tagAID, a.AID)
	value = tlv.Append(value, tagLabel, []byte(a.Label))
	value = tlv.Append(value, tagPriority, []byte{a.Priority})
	value = tlv.Append(value, tagGroups, wire)
	return tlv.Append(slices.Grow(dst, len(value)+4), tagFile, value), nil
}

// ParseApplet reads what Append wrote, and refuses every other form of it. It
// keeps no part of b.
func ParseApplet(b []byte) (Applet, error) {
	value, err := tlv.Only(b, tagFile)
	if err != nil || len(b) > FileMax {
		return Applet{}, ErrForm
	}
	if version, ok := tlv.Find(value, tagVersion); !ok || len(version) != 1 {
		return Applet{}, ErrForm
	} else if version[0] != fileVersion {
		return Applet{}, ErrVersion
	}
	a := Applet{Kind: Kind(find1(value, tagKind)), Priority: find1(value, tagPriority)}
	aid, _ := tlv.Find(value, tagAID)
	label, _ := tlv.Find(value, tagLabel)
	wire, _ := tlv.Find(value, tagGroups)
	a.AID, a.Label = bytes.Clone(aid), string(label)
	if a.Groups, err = ParseGroups(wire, false); err != nil {
		return Applet{}, err
	}
	again, err := a.Append(nil)
	defer clear(again)
	switch {
	case err != nil:
		return Applet{}, err
	case !bytes.Equal(again, b):
		return Applet{}, ErrForm
	}
	return a, nil
}

// find1 is the value of an object of one byte; 0 if there is none.
func find1(b []byte, tag tlv.Tag) byte {
	if v, ok := tlv.Find(b, tag); ok && len(v) == 1 {
		return v[0]
	}
	return 0
}
