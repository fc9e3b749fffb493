// Package secret holds values that must never be printed: keys, codes, PANs.
//
// A Secret keeps its bytes inside a closure, so no formatter that walks a
// struct by reflection can reach them, not even through an unexported field of
// somebody else's struct. It prints, logs and marshals as "[secret]". It cannot
// be compared with ==; use Equal, which takes constant time.
package secret

import "crypto/subtle"

const redacted = "[secret]"

// Secret is a byte string that cannot be printed. The zero Secret is empty.
type Secret struct{ reveal func() []byte }

// New keeps a copy of b. The caller may wipe b afterwards.
func New(b []byte) Secret {
	kept := append([]byte(nil), b...)
	return Secret{reveal: func() []byte { return kept }}
}

// Reveal returns the bytes themselves, not a copy: the one place where a secret
// leaves its wrapping, and therefore the one word to search a review for.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Empty reports whether there is nothing inside.
func (s Secret) Empty() bool { return len(s.Reveal()) == 0 }

// Equal compares in time that depends on the lengths alone.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), other.Reveal()) == 1
}

// Wipe overwrites the bytes. Every copy of this Secret becomes zeroes.
func (s Secret) Wipe() { clear(s.Reveal()) }

// String answers "[secret]".
func (Secret) String() string { return redacted }

// GoString answers "[secret]", for %#v.
func (Secret) GoString() string { return redacted }

// MarshalText answers "[secret]"; encoding/json and log/slog use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
