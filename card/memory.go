package card

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
	"sotto/tlv"
)

// Memory is all that a card keeps when its power is gone.
type Memory struct {
	Identity dyncode.Personalization
	// BankCounter is the highest counter that was accepted under the bank's own
	// seal. It is kept before anything is shown.
	BankCounter uint64
	// Shown is the last message whose content was on the prompt. It is kept
	// after showing, and lets a repetition have its receipt again.
	Shown Shown
	// Active is the phone in use. Pending is a phone that was introduced and
	// has not proven itself yet; until it does, Active stays.
	Active, Pending Pairing
	// Presentation is the holder's choice of display and voice.
	Presentation Presentation
}

// Shown is what the card's last receipt says. The zero Shown is none: no result
// is zero.
type Shown = dyncode.Receipt

// Pairing is what the card knows of one phone. The zero Pairing is none.
type Pairing struct {
	Phone     ident.Raw
	Secret    secret.Secret
	KeySource [32]byte
	Counter   uint64 // the highest of the phone's that was accepted
	// Claimed is the highest bank counter that was accepted on this phone's word
	// alone (PhoneSealed). It is apart from BankCounter because a phone may lie:
	// one that names the last counter of all must not be able to keep the bank
	// from releasing it.
	Claimed uint64
}

// Present reports whether there is a pairing.
func (p Pairing) Present() bool { return !p.Secret.Empty() }

// same reports whether p and q are one pairing, whatever their counters.
func (p Pairing) same(q Pairing) bool {
	return p.Phone == q.Phone && p.KeySource == q.KeySource && p.Secret.Equal(q.Secret)
}

// wipeForgotten overwrites the pairing secrets that are in m and no more in
// next.
func (m Memory) wipeForgotten(next Memory) {
	for _, old := range [...]secret.Secret{m.Active.Secret, m.Pending.Secret} {
		if !old.Equal(next.Active.Secret) && !old.Equal(next.Pending.Secret) {
			old.Wipe()
		}
	}
}

// NewMemory is the memory of a fresh card.
func NewMemory(p dyncode.Personalization) Memory { return Memory{Identity: p} }

// ErrMemory says that bytes are no card memory: damaged, cut, or of an unknown
// version.
var ErrMemory = errors.New("card: not a card's memory, or damaged")

// MemoryMax bounds an encoded memory, in bytes.
const MemoryMax = 1024

const memoryVersion = 1

// Tags of the encoded memory (template EC). The personalisation stands first,
// as the object dyncode writes.
const (
	tagMemory      tlv.Tag = 0xEC
	tagVersion     tlv.Tag = 0x80
	tagBankCounter tlv.Tag = 0x81
	tagShown       tlv.Tag = 0x82
	tagActive      tlv.Tag = 0x83
	tagPending     tlv.Tag = 0x84
	tagIdentity    tlv.Tag = 0xA5
	tagPresents    tlv.Tag = 0x86 // absent when it is the display alone
)

const (
	checksumSize = 8
	shownSize    = 1 + 16 + 8
	pairingSize  = 16 + 32 + 32 + 8 + 8
)

// memoryRoom is room in which a memory can be written without growing it on the
// way, which would leave a copy of its keys behind.
const memoryRoom = MemoryMax + 512

// Append writes m: one TLV object and the first 8 bytes of its SHA-256. There is
// one way to write a memory. It holds keys in clear: wipe it after use.
func (m Memory) Append(dst []byte) ([]byte, error) {
	if !m.Presentation.valid() {
		return dst, ErrMemory
	}
	dst = slices.Grow(dst, memoryRoom)
	start := len(dst)
	dst = tlv.Append(dst, tagVersion, []byte{memoryVersion})
	dst = binary.BigEndian.AppendUint64(tlv.AppendHeader(dst, tagBankCounter, 8), m.BankCounter)
	if m.Shown != (Shown{}) {
		dst = append(tlv.AppendHeader(dst, tagShown, shownSize), byte(m.Shown.Result))
		dst = append(dst, m.Shown.Message[:]...)
		dst = binary.BigEndian.AppendUint64(dst, m.Shown.Counter)
	}
	dst = m.Active.append(dst, tagActive)
	dst = m.Pending.append(dst, tagPending)
	identity := len(dst)
	dst, err := m.Identity.Append(dst)
	if err != nil {
		clear(dst[start:])
		return dst[:start], err
	}
	dst = wrap(dst, identity, tagIdentity)
	if m.Presentation != (Presentation{}) {
		b := m.Presentation.bytes()
		dst = append(tlv.AppendHeader(dst, tagPresents, presentationSize), b[:]...)
	}
	dst = wrap(dst, start, tagMemory)
	sum := sha256.Sum256(dst[start:])
	return append(dst, sum[:checksumSize]...), nil
}

// wrap makes one object of what was written from start on.
func wrap(dst []byte, start int, tag tlv.Tag) []byte {
	n := len(dst) - start
	end := len(dst)
	dst = tlv.AppendHeader(dst, tag, n)
	var header [8]byte
	h := copy(header[:], dst[end:])
	copy(dst[start+h:], dst[start:end])
	copy(dst[start:], header[:h])
	return dst
}

func (p Pairing) append(dst []byte, tag tlv.Tag) []byte {
	if !p.Present() {
		return dst
	}
	dst = append(tlv.AppendHeader(dst, tag, pairingSize), p.Phone[:]...)
	dst = append(dst, p.Secret.Reveal()...)
	dst = append(dst, p.KeySource[:]...)
	dst = binary.BigEndian.AppendUint64(dst, p.Counter)
	return binary.BigEndian.AppendUint64(dst, p.Claimed)
}

// ParseMemory reads what Append wrote. It keeps no part of b.
func ParseMemory(b []byte) (Memory, error) {
	if len(b) < checksumSize || len(b) > MemoryMax {
		return Memory{}, ErrMemory
	}
	body := b[:len(b)-checksumSize]
	sum := sha256.Sum256(body)
	value, err := tlv.Only(body, tagMemory)
	if err != nil || !bytes.Equal(sum[:checksumSize], b[len(body):]) {
		return Memory{}, ErrMemory
	}
	m, ok := readMemory(value)
	if !ok {
		return Memory{}, ErrMemory
	}
	// Only the one canonical form is a memory; everything that differs from it
	// in order, repetition or length is caught here at once.
	again, err := m.Append(nil)
	defer clear(again)
	if err != nil || !bytes.Equal(again, b) {
		return Memory{}, ErrMemory
	}
	return m, nil
}

func readMemory(value []byte) (m Memory, ok bool) {
	if version, found := tlv.Find(value, tagVersion); !found || len(version) != 1 || version[0] != memoryVersion {
		return Memory{}, false
	}
	if counter, _ := tlv.Find(value, tagBankCounter); len(counter) == 8 {
		m.BankCounter = binary.BigEndian.Uint64(counter)
	}
	if v, found := tlv.Find(value, tagShown); found {
		if len(v) != shownSize || v[0] < byte(dyncode.Shown) || v[0] > byte(dyncode.Released) {
			return Memory{}, false
		}
		m.Shown = Shown{
			Result:  dyncode.Result(v[0]),
			Message: ident.Raw(v[1:17]),
			Counter: binary.BigEndian.Uint64(v[17:]),
		}
	}
	if v, found := tlv.Find(value, tagPresents); found {
		if m.Presentation, ok = readPresentation(v); !ok {
			return Memory{}, false
		}
	}
	m.Active, m.Pending = readPairing(value, tagActive), readPairing(value, tagPending)
	identity, _ := tlv.Find(value, tagIdentity)
	var err error
	m.Identity, err = dyncode.ParsePersonalization(identity)
	return m, err == nil
}

func readPairing(value []byte, tag tlv.Tag) Pairing {
	v, _ := tlv.Find(value, tag)
	if len(v) != pairingSize {
		return Pairing{}
	}
	return Pairing{
		Phone:     ident.Raw(v[:16]),
		Secret:    secret.New(v[16:48]),
		KeySource: [32]byte(v[48:80]),
		Counter:   binary.BigEndian.Uint64(v[80:]),
		Claimed:   binary.BigEndian.Uint64(v[88:]),
	}
}
