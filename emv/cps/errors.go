package cps

import (
	"errors"
	"fmt"
)

// Errors of the wire: of groups, blocks and files.
var (
	ErrForm    = errors.New("cps: malformed, cut short, or not in its one form")
	ErrLimit   = errors.New("cps: more than 255 groups, 256 blocks or 32768 bytes")
	ErrTwice   = errors.New("cps: a group stands twice")
	ErrBlock   = errors.New("cps: block out of order, or its parameters are not those of STORE DATA")
	ErrHidden  = errors.New("cps: a key group in clear, another one hidden, or hidden under another key")
	ErrVersion = errors.New("cps: file of another version")
)

// Errors of what a profile says, in the order in which they are looked for.
var (
	ErrUnknown    = errors.New("unknown group")
	ErrMissing    = errors.New("group is missing, or there without those that belong to it")
	ErrObjects    = errors.New("data objects are malformed, missing, or not in their one form")
	ErrName       = errors.New("AID, label, kind or priority is not allowed")
	ErrKeys       = errors.New("not three keys of a known suite and cryptogram version")
	ErrCheckValue = errors.New("check values are not those of the keys")
	ErrAccount    = errors.New("amounts, date, currency or track 2 are not possible, or contradict each other")
	ErrRSA        = errors.New("private key is inconsistent, or not that of the certificate")
	ErrRecord     = errors.New("record is malformed or longer than 254 bytes")
	ErrDiffers    = errors.New("differs from what the other groups or the applet say")
)

// in says which group an error is about.
func in(id ID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cps: group %v: %w", id, err)
}
