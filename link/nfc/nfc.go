// Package nfc carries messages to a card over ISO/IEC 7816-4 commands: the card
// is an application of a chip, the phone any reader (docs/protocol/nfc.md).
//
// On the card's side NewCard makes a link.Chip of a link.Handler, and Beside puts
// it next to another chip, such as a bank card, in one device (A13). On the
// phone's side NewReach makes a link.Reach of a link.Reader.
//
// The phone selects the application by its name, sends the message by PUT DATA in
// as many chained commands as it needs, and fetches the answer with GET RESPONSE.
// The chip takes nothing else, and has a status for all else. A message is handed
// over whole or not at all: half of one is forgotten with the next reset.
//
// What the application says when it is selected follows nobody: no number of the
// card, and nothing that comes twice. A phone that knows the card's id sees from
// it whether this is the card (frame.Sign); without that, a card that lies in the
// field by chance would refuse the message, and one that cannot decrypt would
// show it. Nothing here is secret or authentic: messages are sealed before they
// come and after they leave.
package nfc

import (
	"bytes"
	"errors"

	"sotto/link/frame"
	"sotto/tlv"
)

// Version is the version of this protocol.
const Version = 1

// name is the application's without the version: an unregistered identifier
// (ISO/IEC 7816-4:2005, 8.2.1.2: category F), "sotto", and the number of the
// application among ours.
var name = []byte{0xF0, 's', 'o', 't', 't', 'o', 0x00}

// AID is the application's whole name.
func AID() []byte { return append(bytes.Clone(name), Version) }

// Commands.
const (
	insSelect  = 0xA4
	insPutData = 0xDA
	byName     = 0x04 // P1 of SELECT
	firstFCI   = 0x00 // P2: the first or only one, FCI wanted
	firstPlain = 0x0C // P2: nothing wanted
	putHigh    = 0x01 // P1-P2 0100: what the application says (ISO/IEC 7816-4:2005, 7.4.1)
	putLow     = 0x00
)

// Tags of the answer to SELECT.
const (
	tagFCI         tlv.Tag = 0x6F
	tagName        tlv.Tag = 0x84
	tagProprietary tlv.Tag = 0xA5
	tagVersion     tlv.Tag = 0x80
	tagSign        tlv.Tag = 0x81
)

// appendFCI writes what the application says when it is selected.
func appendFCI(dst []byte, s frame.Sign) []byte {
	ours := tlv.Append(nil, tagVersion, []byte{Version})
	ours = tlv.Append(ours, tagSign, s[:])
	fci := tlv.Append(nil, tagName, AID())
	fci = tlv.Append(fci, tagProprietary, ours)
	return tlv.Append(dst, tagFCI, fci)
}

var errFCI = errors.New("nfc: the application does not answer as this protocol wants")

// parseFCI reads it. A later version may say more.
func parseFCI(b []byte) (version byte, s frame.Sign, err error) {
	fci, ok := tlv.Find(b, tagFCI)
	if !ok {
		return 0, s, errFCI
	}
	ours, ok := tlv.Find(fci, tagProprietary)
	if !ok {
		return 0, s, errFCI
	}
	v, hasVersion := tlv.Find(ours, tagVersion)
	sign, hasSign := tlv.Find(ours, tagSign)
	if !hasVersion || len(v) != 1 || !hasSign || len(sign) != len(s) {
		return 0, s, errFCI
	}
	copy(s[:], sign)
	return v[0], s, nil
}
