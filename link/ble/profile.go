package ble

import (
	"encoding/binary"
	"errors"

	"sotto/link/frame"
)

// What a card offers: a service of three characteristics.
const (
	ServiceUUID = "6d2f0001-c8f6-4ed9-bfcf-3e6ca67b36d6"
	MessageUUID = "6d2f0002-c8f6-4ed9-bfcf-3e6ca67b36d6" // write: a frame to the card
	AnswerUUID  = "6d2f0003-c8f6-4ed9-bfcf-3e6ca67b36d6" // indicate: a frame from the card
	InfoUUID    = "6d2f0004-c8f6-4ed9-bfcf-3e6ca67b36d6" // read: Info; write: the knock
)

// CompanyID marks the hint in what a card advertises. It is the one that the
// Bluetooth SIG keeps for tests; whoever sells cards puts his own here.
const CompanyID = 0xFFFF

// Sizes in bytes.
const (
	// FrameMax is what an ATT MTU of 512 leaves. An attribute may have 512 bytes
	// (Core 5.4, Vol 3, Part F, 3.2.9), but bluetoothd 5.66 refuses more than 510.
	FrameMax = 509
	// attHeader is what ATT puts before a value that is written or indicated.
	attHeader     = 3
	mtuMin        = 23
	challengeSize = 8
	knockSize     = 8
	infoSize      = 1 + 2 + challengeSize
)

const version = 1

// FrameSize is the largest frame that fits an ATT MTU; 0 stands for the smallest
// MTU there is.
func FrameSize(mtu int) int { return min(max(mtu, mtuMin)-attHeader, FrameMax) }

// Info is what a card says of itself to whoever connects.
type Info struct {
	FrameMax  int // the largest frame it takes, in bytes
	Challenge [challengeSize]byte
}

var errInfo = errors.New("ble: not the info of a card of this version")

// Append writes the info behind dst.
func (i Info) Append(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint16(dst, uint16(i.FrameMax))
	return append(dst, i.Challenge[:]...)
}

// ParseInfo reads what Append writes, and nothing else.
func ParseInfo(b []byte) (Info, error) {
	if len(b) != infoSize || b[0] != version {
		return Info{}, errInfo
	}
	i := Info{FrameMax: int(binary.BigEndian.Uint16(b[1:]))}
	copy(i.Challenge[:], b[3:])
	if i.FrameMax < frame.SizeMin || i.FrameMax > FrameMax {
		return Info{}, errInfo
	}
	return i, nil
}
