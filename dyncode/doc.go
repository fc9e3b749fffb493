// Package dyncode makes, seals, opens and acknowledges dynamic codes: the words
// that bank, phone and card share (docs/protocol/dynamic-data.md has every
// byte).
//
// Start with Content, the facts and the code a card presents. Inner seals it
// from the bank to one card, Outer from one phone to one card under the key
// source, Wrap and Parse frame what crosses a link, and Receipt is the card's
// authenticated answer.
//
// The form is canonical: objects in ascending tag order, none twice, none
// unknown, all lengths minimal. Everything else is refused, so that no two byte
// strings mean the same. Opening authenticates before it looks at content. No
// error carries a byte of content, code or key, and no input makes it panic; a
// key of the wrong size does, for it comes from the program.
//
// A reader of a message takes these steps, and refuses at the first that fails:
// Parse; its own profile; Outer.Open, or for Direct nothing; ParseBankPart;
// Inner.Open, but for PhoneSealed codes; the counters; ParseContent; the time.
// Into buffers with BufferMax bytes of room it allocates nothing.
//
// It keeps no state: counters are handed in by their owners, who must never use
// one twice with the same key (NIST SP 800-38D, 8.2.1: deterministic
// construction of the GCM nonce).
package dyncode

// Version is the version of the whole format. There is one.
const Version = 1

// Limits of what crosses a link.
const (
	MessageMax = 1280 // bytes of one dynamic-data message
	BufferMax  = 1408 // room in which any message can be opened
	contentMax = 1024 // bytes of padded content
	padTo      = 64   // content is padded to a multiple of this

	overheadMax = 128 // more than the headers and fixed fields of any object here
)

// Profile says who seals a card's codes. It is set when the card is issued, and
// a card refuses any profile but its own.
type Profile uint8

// The profiles.
const (
	CardSealed  Profile = 1 // the bank seals for the card, the phone seals that again
	PhoneSealed Profile = 2 // the phone alone seals, under the key source
	Plain       Profile = 3 // the card cannot decrypt; the link alone protects
)

var profileNames = [...]string{CardSealed: "card-sealed", PhoneSealed: "phone-sealed", Plain: "plain"}

// String is the profile's name in the API.
func (p Profile) String() string {
	if p.known() {
		return profileNames[p]
	}
	return "unknown"
}

func (p Profile) known() bool { return p >= CardSealed && p <= Plain }

// ParseProfile reads a profile's name.
func ParseProfile(name string) (Profile, bool) {
	for p := CardSealed; p <= Plain; p++ {
		if profileNames[p] == name {
			return p, true
		}
	}
	return 0, false
}
