// Package slot is the form in which one half of a card's flash holds the card's
// memory: magic ‖ version ‖ sequence ‖ length ‖ payload ‖ SHA-256 of all that.
//
// A write that is torn at any byte is found by the checksum. Of two slots the
// one with the higher sequence is the newer. The package builds for a
// microcontroller; package flash keeps slots in files, cmd/cardfw in pages.
package slot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// PayloadMax bounds a payload, and Max a slot, in bytes.
const (
	PayloadMax = 2048
	Max        = headerSize + PayloadMax + sha256.Size
)

const (
	magic      = "sotcard"
	version    = 1
	headerSize = len(magic) + 1 + 8 + 4
)

// Errors of a slot.
var (
	ErrDamaged = errors.New("the card memory is damaged")
	ErrVersion = errors.New("the card memory is of another version of sotto")
)

// Append writes a slot. Into room for Max bytes it allocates nothing.
func Append(dst []byte, sequence uint64, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint64(dst, sequence)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, payload...)
	sum := sha256.Sum256(dst[start:])
	return append(dst, sum[:]...)
}

// Parse reads what Append wrote. The payload aliases image.
func Parse(image []byte) (sequence uint64, payload []byte, err error) {
	if len(image) < headerSize+sha256.Size || len(image) > Max || string(image[:len(magic)]) != magic {
		return 0, nil, ErrDamaged
	}
	body := image[:len(image)-sha256.Size]
	if sha256.Sum256(body) != [sha256.Size]byte(image[len(body):]) {
		return 0, nil, ErrDamaged
	}
	// Only a whole slot can say what version it is.
	if image[len(magic)] != version {
		return 0, nil, ErrVersion
	}
	at := len(magic) + 1
	sequence, payload = binary.BigEndian.Uint64(image[at:]), body[headerSize:]
	if uint64(binary.BigEndian.Uint32(image[at+8:])) != uint64(len(payload)) || len(payload) == 0 {
		return 0, nil, ErrDamaged
	}
	return sequence, payload, nil
}

// Of cuts the slot out of a page that begins with it, by the length that it
// names. Of a page with no slot it is something that Parse refuses.
func Of(page []byte) []byte {
	if len(page) < headerSize {
		return page
	}
	n := uint64(binary.BigEndian.Uint32(page[headerSize-4:]))
	return page[:min(uint64(headerSize)+n+sha256.Size, uint64(len(page)))]
}
