package sim

import (
	"bytes"
	"crypto/cipher"

	"sotto/emv/cps"
	"sotto/tlv"
)

// Kind is what kind of applet it is.
type Kind = cps.Kind

// The kinds of applets.
const (
	Purse   = cps.Purse   // holds money and pays offline
	Account = cps.Account // the money is at the bank, which decides
)

// life is the life cycle state of an applet (GlobalPlatform Card Specification
// 2.3.1, table 11-4).
type life byte

const (
	lifeSelectable   life = 0x07
	lifePersonalized life = 0x0F // application specific: it can be used
	lifeLocked       life = 0x80 // by the issuer; beside one of the others
)

// AppletsMax is how many applets a device holds.
const AppletsMax = 200

const (
	aidMin      = 5
	aidMax      = 16
	labelMax    = 16
	priorityMax = 15
)

// entry is what the registry says of one applet (B6). It is in clear but for
// the credential, which the device key wraps.
type entry struct {
	aid      []byte
	label    string
	kind     Kind
	priority byte
	life     life
	held     bool // locked by the holder
	wrapped  []byte
}

// usable reports whether anybody may use the applet at all.
func (e entry) usable() bool { return e.life == lifePersonalized && !e.held }

// Tags of a registry entry, those of GlobalPlatform and EMV where they have one.
const (
	tagEntryAID      tlv.Tag = 0x4F
	tagEntryLabel    tlv.Tag = 0x50
	tagEntryPriority tlv.Tag = 0x87
	tagEntryLife     tlv.Tag = 0x9F70
	tagEntryKind     tlv.Tag = 0xC0
	tagEntryHeld     tlv.Tag = 0xC1
	tagEntryWrapped  tlv.Tag = 0xC2
)

const wrappedSize = nonceSize + keySize + tagSize

// Keys of the store. What belongs to one applet begins with its AID, and that
// with its length: one AID may be the beginning of another.
const (
	prefixEntry  = 'r'
	prefixApplet = 'a'
)

func entryKey(aid []byte) []byte { return append([]byte{prefixEntry}, aid...) }

func appletKey(aid, name []byte) []byte {
	key := append(make([]byte, 0, 2+len(aid)+len(name)), prefixApplet, byte(len(aid)))
	return append(append(key, aid...), name...)
}

func (e entry) append(dst []byte) []byte {
	dst = tlv.Append(dst, tagEntryAID, e.aid)
	dst = tlv.Append(dst, tagEntryLabel, []byte(e.label))
	dst = tlv.Append(dst, tagEntryPriority, []byte{e.priority})
	dst = tlv.Append(dst, tagEntryLife, []byte{byte(e.life)})
	dst = tlv.Append(dst, tagEntryKind, []byte{byte(e.kind)})
	dst = tlv.Append(dst, tagEntryHeld, []byte{flag(e.held)})
	return tlv.Append(dst, tagEntryWrapped, e.wrapped)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// readEntry reads what append wrote. It keeps slices of value.
func readEntry(key, value []byte) (entry, error) {
	var e entry
	for rest := value; ; {
		o, next, ok, err := tlv.Next(rest)
		if err != nil {
			return entry{}, ErrDamaged
		}
		if !ok {
			break
		}
		if !e.take(o) {
			return entry{}, ErrDamaged
		}
		rest = next
	}
	if !bytes.Equal(key[1:], e.aid) || !e.kind.Valid() || len(e.wrapped) != wrappedSize {
		return entry{}, ErrDamaged
	}
	return e, nil
}

func (e *entry) take(o tlv.Object) bool {
	one := byte(0)
	if len(o.Value) == 1 {
		one = o.Value[0]
	}
	switch o.Tag {
	case tagEntryAID:
		e.aid = o.Value
	case tagEntryLabel:
		e.label = string(o.Value)
	case tagEntryPriority:
		e.priority = one
	case tagEntryLife:
		e.life = life(one)
	case tagEntryKind:
		e.kind = Kind(one)
	case tagEntryHeld:
		e.held = one != 0
	case tagEntryWrapped:
		e.wrapped = o.Value
	default:
		return false
	}
	return true
}

// assign makes the credential of a new applet (B6) and wraps it.
func (e *entry) assign(wrap cipher.AEAD, random *entropy) {
	credential := make([]byte, keySize)
	random.fill(credential)
	e.wrapped = seal(nil, wrap, random, credential, e.binding(nil))
	clear(credential)
}

// binding is what a wrapped credential belongs to.
func (e entry) binding(dst []byte) []byte { return append(append(dst, byte(e.kind)), e.aid...) }

// safe opens the applet's objects.
func (e entry) safe(wrap cipher.AEAD) (safe, error) {
	var room, credential [64]byte
	key, err := open(credential[:0], wrap, e.wrapped, e.binding(room[:0]))
	if err != nil || len(key) != keySize {
		return safe{}, ErrDamaged
	}
	defer clear(key)
	return safe{newAEAD(key), bytes.Clone(e.aid)}, nil
}
