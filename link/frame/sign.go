package frame

import (
	"crypto/hmac"
	"crypto/sha256"
)

// SignSize is the size of a Sign in bytes: a nonce and a tag of half of it each.
const SignSize = 16

// Sign is how a card that is asked who it is answers a phone that knows its id,
// and nobody else: a fresh nonce, and 8 bytes of HMAC-SHA-256 over it under the
// card's id. To those who do not know the id two signs of one card are as
// unlike as those of two cards. It proves nothing: whoever knows the id can make
// one, and whoever has heard one can say it again. It only spares the phone from
// giving a message to the wrong card.
type Sign [SignSize]byte

// NewSign makes a sign of a card, whose id is text as a link.Reach gets it. A
// nonce that comes again can be followed; draw it at random.
func NewSign(card string, nonce [SignSize / 2]byte) Sign {
	tag := hmac.New(sha256.New, []byte(card))
	tag.Write([]byte("sotto v1 sign"))
	tag.Write(nonce[:])
	var s Sign
	copy(s[copy(s[:], nonce[:]):], tag.Sum(nil))
	return s
}

// Of reports whether this is a sign of that card.
func (s Sign) Of(card string) bool {
	return NewSign(card, [SignSize / 2]byte(s[:])) == s
}
