package dyncode

import "errors"

// Errors of reading and opening, in the order in which they are looked for:
// ErrMalformed up to the version, ErrVersion, ErrMalformed again for the rest,
// ErrSeal, ErrContent.
var (
	ErrMalformed = errors.New("dyncode: not a well-formed message")
	ErrVersion   = errors.New("dyncode: unknown version")
	ErrSeal      = errors.New("dyncode: not sealed with this key for this card, message and profile")
	ErrContent   = errors.New("dyncode: content breaks its rules")
)
