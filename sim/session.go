package sim

import (
	"sotto/apdu"
	"sotto/link"
)

// session is what the device remembers from command to command, and forgets
// with its power.
type session struct {
	face     link.Interface
	selected selected
	pending  apdu.Pending // what GET RESPONSE has to fetch
	management
	transaction
}

// management is what the issuer security domain remembers. Unlike the rest it
// moves on when a command is refused too: the command was counted by the
// channel all the same.
type management struct {
	channel channel
	listed  string  // the last applet that GET STATUS has named
	storing storing // a personalization under way
}

// selected is the file that commands go to.
type selected struct {
	file file
	aid  string // of an applet
}

// file is what kind of thing can be selected. Several may be meant at once.
type file byte

const (
	fileNone   file = 0
	fileIssuer file = 1 << iota
	filePPSE
	filePSE
	fileApplet
)

// Names of the files that every device has.
const (
	namePPSE   = "2PAY.SYS.DDF01"
	namePSE    = "1PAY.SYS.DDF01"
	nameIssuer = "\xA0\x00\x00\x01\x51\x00\x00\x00" // GlobalPlatform Card Specification 2.3.1, H.1.3
)

// selectFile forgets what was under way in the file that was selected before.
func (s *session) selectFile(to selected) {
	s.selected = to
	s.management = management{}
	s.transaction = transaction{}
}
