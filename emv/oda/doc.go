// Package oda does the offline data authentication of EMV 4.4 Book 2, sections
// 5 and 6, and the fast DDA (fDDA) of contactless kernels 3 and 7 (JR/T
// 0025.12): both for the terminal that verifies and for the issuer and the card
// that sign.
//
// A terminal starts with Authorities, the CA public keys it trusts. Verify goes
// from the CA over the issuer's certificate to the ICC public key; ICC then
// verifies what the card signed: VerifyFDDA, VerifyDDA or VerifyCDA. Issuer
// verifies signed static data with VerifySSAD. An issuer starts with PrivateKey
// and makes certificates; a card signs with the same type.
//
// Every check of the book is made in the book's order, and the first that fails
// is the error: one of the Err variables, behind words that say which object it
// was found in. Beyond the book it refuses moduli that are even, do not fill
// their bytes, have fewer than KeySizeMin or more than KeySizeMax bytes or are
// larger than the key that certifies them, every exponent but 3 and 65537, and
// a fast DDA whose transaction counter is not the one the card has named.
//
// RSA and SHA-1 are all there is: the book's algorithm indicators 01. The
// card's ECC and XDA are not spoken. No input makes it panic, and no error
// carries a byte of a key, a PAN or a signature. It keeps no state and has no
// randomness of its own: whoever signs hands in RandomSize fresh bytes.
//
// Timing: verifying works on public data and takes as long as that takes.
// Signing uses math/big, which is not constant-time. Each signature therefore
// blinds the base with r^e and both exponents with 64-bit multiples of p-1 and
// q-1, all derived from the caller's random bytes, so that what is measured is
// independent of the message and differs from run to run. That keeps a remote
// observer out; it promises nothing against an attacker who shares the
// processor's caches or stands beside the chip. Every signature is verified
// before it is given out, so that a fault in the CRT cannot reveal a factor.
package oda
