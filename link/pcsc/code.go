package pcsc

import (
	"fmt"
	"slices"

	"sotto/link"
)

// code is what the daemon answers (pcsc-lite, pcsclite.h). As an error it is
// link.ErrGone when it means that the chip, or the reader, is not there any more
// or has forgotten what it was told.
type code uint32

const (
	success           code = 0
	sharingViolation  code = 0x8010000B
	noSmartCard       code = 0x8010000C
	protocolMismatch  code = 0x8010000F
	commError         code = 0x80100013
	notTransacted     code = 0x80100016
	readerUnavailable code = 0x80100017
	serviceStopped    code = 0x8010001E
	unsupportedCard   code = 0x80100065
	unresponsiveCard  code = 0x80100066
	unpoweredCard     code = 0x80100067
	resetByOther      code = 0x80100068
	removedCard       code = 0x80100069
	securityViolation code = 0x8010006A
)

var meanings = map[code]string{
	sharingViolation:  "another program holds the reader: end it and try again",
	noSmartCard:       "no chip is in the reader",
	protocolMismatch:  "the chip speaks neither T=0 nor T=1",
	commError:         "the reader lost the chip in the middle of an exchange",
	notTransacted:     "the chip did not answer",
	readerUnavailable: "the reader was unplugged",
	serviceStopped:    "pcscd does not speak this version of its protocol",
	unsupportedCard:   "the chip's ATR makes no sense to the reader",
	unresponsiveCard:  "the chip stays mute: turn it around",
	unpoweredCard:     "the chip has lost power",
	resetByOther:      "another program has reset the chip",
	removedCard:       "the chip was taken out",
	securityViolation: "pcscd's polkit rules refuse this user: run as root, or allow org.debian.pcsc-lite.access_card",
}

func (c code) Error() string {
	if meaning, known := meanings[c]; known {
		return meaning
	}
	return fmt.Sprintf("pcscd answers %08X", uint32(c))
}

// Is makes a code the link.ErrGone it means.
func (c code) Is(target error) bool {
	return target == link.ErrGone && slices.Contains(gone, c)
}

var gone = []code{
	noSmartCard, commError, notTransacted, readerUnavailable,
	unresponsiveCard, unpoweredCard, resetByOther, removedCard,
}

// err is nil on success.
func (c code) err() error {
	if c == success {
		return nil
	}
	return c
}
