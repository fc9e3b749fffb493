package oda

import "errors"

// What a check can find, in the order of the book's steps: of several faults in
// one object the first in this list is reported. DDA and fast DDA alone look at
// the dynamic data after the hash.
var (
	ErrMissing       = errors.New("data object is missing")
	ErrAuthority     = errors.New("no public key of this authority and index")
	ErrStatic        = errors.New("a record is no template 70, or 9F4A names more than the AIP")
	ErrSize          = errors.New("length is not that of the key that signed")
	ErrTrailer       = errors.New("recovered data does not end in BC")
	ErrHeader        = errors.New("recovered data does not begin with 6A")
	ErrFormat        = errors.New("recovered data is of another format")
	ErrDynamicData   = errors.New("dynamic data has not the form it should have")
	ErrCID           = errors.New("signature is about another kind of cryptogram")
	ErrHashAlgorithm = errors.New("hash algorithm is not SHA-1")
	ErrHash          = errors.New("hash differs")
	ErrTransaction   = errors.New("signature is about other transaction data")
	ErrIssuer        = errors.New("issuer identifier is not how the PAN begins")
	ErrPAN           = errors.New("certificate is for another PAN")
	ErrExpired       = errors.New("certificate or key has expired, or has no valid date")
	ErrRevoked       = errors.New("certificate is revoked")
	ErrKeyAlgorithm  = errors.New("public key algorithm is not RSA")
	ErrKey           = errors.New("key has a size, exponent, remainder or form that is not allowed")
	ErrATC           = errors.New("signature is about another transaction counter")
)

// Errors of fast DDA before anything is verified.
var (
	// ErrVersion says that 9F69 asks for a version that is unknown, or for one
	// that the terminal does not take.
	ErrVersion = errors.New("version of fast DDA is not accepted")
)

// Errors of making.
var (
	// ErrMake says that what should be signed could not be verified afterwards:
	// no digits, no date, too long.
	ErrMake = errors.New("cannot be certified or signed: a field has not its form, or does not fit the key")
	// ErrFault says that a signature did not verify and was withheld: memory or
	// processor have erred.
	ErrFault = errors.New("signature failed its own verification")
)
