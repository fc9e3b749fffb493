package emv

import "errors"

// Errors of reading. None says what the bytes were.
var (
	ErrDOL     = errors.New("emv: malformed data object list, or it asks for more than 252 bytes")
	ErrDOLData = errors.New("emv: data is not as long as its data object list says")
	ErrAFL     = errors.New("emv: malformed application file locator")
	ErrLength  = errors.New("emv: data object of a wrong length")
	ErrDigits  = errors.New("emv: not decimal digits where the format is numeric")
	ErrAmount  = errors.New("emv: amount does not fit its field")
	ErrDate    = errors.New("emv: not a date")
	ErrPAN     = errors.New("emv: not a PAN of 8 to 19 digits")
	ErrTrack2  = errors.New("emv: malformed track 2 equivalent data")
	ErrIAD     = errors.New("emv: malformed issuer application data")
	ErrKey     = errors.New("emv: a key has 16 bytes and a suite")
	ErrCVN     = errors.New("emv: cryptogram version is not supported")
	ErrScript  = errors.New("emv: malformed issuer script")
)
