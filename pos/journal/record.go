package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"sotto/pos"
	"sotto/secret"
)

const (
	magic   = "sottopos"
	version = 1

	idSize     = 16
	proofSize  = 8
	headerSize = len(magic) + 1 + idSize + proofSize
	keySize    = 32
	nonceSize  = 12
	tagSize    = 16
	frontSize  = 4 + 4 + nonceSize // of a record

	// recordMax bounds what is sealed of one record.
	recordMax = 4 << 20
)

// header begins a file: magic, version, an id that is fresh for each file, so
// that no record of one is a record of another, and a proof of the key.
type header [headerSize]byte

// sealer makes and opens the records of one file, under a key of its own.
type sealer struct {
	aead   cipher.AEAD
	header header
}

// newSealer is for a new file.
func newSealer(key secret.Secret) sealer {
	id := make([]byte, idSize)
	rand.Read(id)
	return sealerOf(key, id)
}

func sealerOf(key secret.Secret, id []byte) sealer {
	b, err := hkdf.Expand(sha256.New, key.Reveal(), "sotto pos journal "+string(id), keySize+proofSize)
	if err != nil {
		panic("journal: " + err.Error()) // only for lengths that no hash can give
	}
	block, err := aes.NewCipher(b[:keySize])
	if err != nil {
		panic("journal: " + err.Error()) // AES has keys of 32 bytes
	}
	s := sealer{}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		panic("journal: " + err.Error()) // AES has blocks of 16 bytes
	}
	head := append(s.header[:0], magic...)
	head = append(head, version)
	head = append(head, id...)
	copy(s.header[len(head):], b[keySize:])
	clear(b)
	return s
}

// openSealer is for a file that begins with these bytes.
func openSealer(key secret.Secret, b []byte) (sealer, error) {
	switch {
	case len(b) < headerSize || string(b[:len(magic)]) != magic:
		return sealer{}, ErrDamaged
	case b[len(magic)] != version:
		return sealer{}, ErrVersion
	}
	s := sealerOf(key, b[len(magic)+1:][:idSize])
	if s.header != header(b[:headerSize]) {
		return sealer{}, ErrKey
	}
	return s, nil
}

func (s sealer) binding(number uint64) []byte {
	return binary.BigEndian.AppendUint64(s.header[:headerSize:headerSize], number)
}

// record is the bytes of one record. The nonce is random: a counter would come
// again after a torn write.
func (s sealer) record(number uint64, changes []pos.Change) ([]byte, error) {
	plain := encode(changes)
	defer clear(plain)
	length := len(plain) + tagSize
	if length > recordMax {
		return nil, errSize
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, frontSize+length), uint32(length))
	b = binary.BigEndian.AppendUint32(b, check(number, uint32(length)))
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	b = append(b, nonce...)
	return s.aead.Seal(b, nonce, plain, s.binding(number)), nil
}

// open reads the record with this number at the beginning of b, and says how
// long it is. A record that is not whole is not ok.
func (s sealer) open(number uint64, b []byte) (changes []pos.Change, size int, ok bool) {
	if len(b) < frontSize {
		return nil, 0, false
	}
	length := binary.BigEndian.Uint32(b)
	if binary.BigEndian.Uint32(b[4:]) != check(number, length) || length > recordMax || int64(len(b)-frontSize) < int64(length) {
		return nil, 0, false
	}
	size = frontSize + int(length)
	plain, err := s.aead.Open(nil, b[8:frontSize], b[frontSize:size], s.binding(number))
	if err != nil {
		return nil, 0, false
	}
	defer clear(plain)
	changes, ok = decode(plain)
	return changes, size, ok
}

func check(number uint64, length uint32) uint32 {
	b := binary.BigEndian.AppendUint64(nil, number)
	return crc32.ChecksumIEEE(binary.BigEndian.AppendUint32(b, length))
}

// follows reports whether a record stands anywhere in b whose number is this one
// or one of the next: then what is before it was whole once.
func (s sealer) follows(number uint64, b []byte) bool {
	for at := range b {
		for n := number; n < number+8; n++ {
			if _, _, ok := s.open(n, b[at:]); ok {
				return true
			}
		}
	}
	return false
}

func encode(changes []pos.Change) (b []byte) {
	for _, c := range changes {
		b = binary.BigEndian.AppendUint64(b, c.Number)
		if c.Value == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.Value)))
		b = append(b, c.Value...)
	}
	return b
}

func decode(b []byte) (changes []pos.Change, ok bool) {
	for len(b) > 0 {
		if len(b) < 9 || b[8] > 1 {
			return nil, false
		}
		c := pos.Change{Number: binary.BigEndian.Uint64(b)}
		there := b[8] == 1
		b = b[9:]
		if there {
			if len(b) < 4 {
				return nil, false
			}
			n := binary.BigEndian.Uint32(b)
			if b = b[4:]; int64(len(b)) < int64(n) {
				return nil, false
			}
			c.Value, b = append([]byte{}, b[:n]...), b[n:]
		}
		changes = append(changes, c)
	}
	return changes, true
}
