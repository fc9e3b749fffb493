package dyncode

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"sotto/ident"
	"sotto/tlv"
)

// Tags of the card's two answers.
const (
	tagReceipt tlv.Tag = 0xE4
	tagRefusal tlv.Tag = 0xE5
	tagResult  tlv.Tag = 0x81
	tagMAC     tlv.Tag = 0x84
)

const macSize = 16

// Result is what a receipt states.
type Result uint8

// The results.
const (
	Shown    Result = 1 // the code is on the prompt
	Bound    Result = 2 // the phone's pairing is kept and the code is on the prompt
	Released Result = 3 // the binding is forgotten
)

// Receipt is the card's authenticated statement that it has done what a
// message asked. A Plain card has no key and leaves the MAC out; its receipt
// proves nothing.
type Receipt struct {
	Result  Result
	Message ident.Raw
	Counter uint64 // the bank's
}

// AppendReceipt writes a receipt under the card's receipt key: the first 16
// bytes of HMAC-SHA-256 over the receipt's own objects and the card's id.
func (s Inner) AppendReceipt(dst []byte, r Receipt) []byte {
	dst = slices.Grow(dst, overheadMax)
	start := len(dst)
	dst = r.append(dst)
	mac := s.mac(dst[start:])
	dst = tlv.Append(dst, tagMAC, mac[:macSize])
	return appendTemplate(dst, start, tagReceipt)
}

// AppendBareReceipt writes the receipt of a card that has no key.
func AppendBareReceipt(dst []byte, r Receipt) []byte {
	start := len(dst)
	return appendTemplate(r.append(dst), start, tagReceipt)
}

func (r Receipt) append(dst []byte) []byte {
	dst = appendByte(dst, tagVersion, Version)
	dst = appendByte(dst, tagResult, byte(r.Result))
	dst = tlv.Append(dst, tagID, r.Message[:])
	return appendUint64(dst, tagCounter, r.Counter)
}

func (s Inner) mac(body []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, s.receipt.Reveal())
	h.Write(body)
	h.Write(s.card[:])
	return [sha256.Size]byte(h.Sum(nil))
}

// Verify reads a receipt and checks that this card made it.
func (s Inner) Verify(b []byte) (Receipt, error) {
	r, mac, err := parseReceipt(b)
	if err != nil {
		return Receipt{}, err
	}
	want := s.mac(r.append(nil))
	if mac == nil || !hmac.Equal(mac, want[:macSize]) {
		return Receipt{}, ErrSeal
	}
	return r, nil
}

// ParseReceipt reads a receipt without checking who made it: all that a phone,
// or the bank of a Plain card, can do.
func ParseReceipt(b []byte) (Receipt, error) {
	r, _, err := parseReceipt(b)
	return r, err
}

func parseReceipt(b []byte) (Receipt, []byte, error) {
	f := template(b, tagReceipt)
	version := f.byte(tagVersion)
	if !f.bad && version != Version {
		return Receipt{}, nil, ErrVersion
	}
	r := Receipt{Result: Result(f.byte(tagResult))}
	copy(r.Message[:], f.must(tagID, 16, 16))
	r.Counter = f.uint64(tagCounter)
	mac, _ := f.optional(tagMAC, macSize, macSize)
	if !f.end() || r.Result < Shown || r.Result > Released {
		return Receipt{}, nil, ErrMalformed
	}
	return r, mac, nil
}

// Reason is why a card refuses a message. Reasons are in order of precedence:
// a card answers the first that holds.
type Reason uint8

// The reasons.
const (
	RefusedMalformed Reason = 1 + iota
	RefusedVersion
	RefusedProfile   // not the card's own
	RefusedUnbound   // no pairing with the phone that sealed it
	RefusedSeal      // does not open: another card's, another phone's, or changed
	RefusedCounter   // replayed or out of order
	RefusedContent   // opened, but breaks its rules
	RefusedExpired   // its time had passed on arrival
	RefusedExhausted // a counter stands at its end
	RefusedStorage   // the card could not keep its counter, so it shows nothing
)

var reasonNames = [...]string{
	RefusedMalformed: "malformed", RefusedVersion: "version", RefusedProfile: "profile",
	RefusedUnbound: "unbound", RefusedSeal: "seal", RefusedCounter: "counter",
	RefusedContent: "content", RefusedExpired: "expired", RefusedExhausted: "exhausted",
	RefusedStorage: "storage",
}

// String is one word.
func (r Reason) String() string {
	if r.known() {
		return reasonNames[r]
	}
	return "unknown"
}

func (r Reason) known() bool { return r >= RefusedMalformed && r <= RefusedStorage }

// Refusal is the card's answer when it does nothing. It is not authenticated:
// it tells a person what to try, and decides nothing.
type Refusal struct {
	Reason  Reason
	Message ident.Raw // zero if the message could not be read
}

// Append writes a refusal.
func (r Refusal) Append(dst []byte) []byte {
	start := len(dst)
	dst = appendByte(dst, tagVersion, Version)
	dst = appendByte(dst, tagResult, byte(r.Reason))
	dst = tlv.Append(dst, tagID, r.Message[:])
	return appendTemplate(dst, start, tagRefusal)
}

// ParseRefusal reads a refusal.
func ParseRefusal(b []byte) (Refusal, error) {
	f := template(b, tagRefusal)
	version := f.byte(tagVersion)
	if !f.bad && version != Version {
		return Refusal{}, ErrVersion
	}
	r := Refusal{Reason: Reason(f.byte(tagResult))}
	copy(r.Message[:], f.must(tagID, 16, 16))
	if !f.end() || !r.Reason.known() {
		return Refusal{}, ErrMalformed
	}
	return r, nil
}
