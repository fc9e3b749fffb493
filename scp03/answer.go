package scp03

import "sotto/apdu"

// Answer is what a card says to INITIALIZE UPDATE (Amendment D, table 7-3).
type Answer struct {
	Diversification [10]byte // by which the host finds or derives the keys
	KeyVersion      byte
	Option          Option
	Challenge       [macSize]byte
	Cryptogram      [macSize]byte
	Sequence        uint32 // of a PseudoRandom card; else zero and not sent
}

const (
	protocol   = 0x03
	answerSize = 10 + 3 + 2*macSize
)

// ParseAnswer reads a card's response to INITIALIZE UPDATE. A status other than
// 9000 comes back as the error. It checks the form alone: Authenticate finds
// out whether the card knows the keys.
func ParseAnswer(r apdu.Response) (Answer, error) {
	if err := r.Status.Err(); err != nil {
		return Answer{}, err
	}
	b := r.Data
	if len(b) < answerSize || b[11] != protocol {
		return Answer{}, ErrAnswer
	}
	a := Answer{
		Diversification: [10]byte(b),
		KeyVersion:      b[10],
		Option:          Option(b[12]),
		Challenge:       [macSize]byte(b[13:]),
		Cryptogram:      [macSize]byte(b[13+macSize:]),
	}
	rest := b[answerSize:]
	if a.Option.has(PseudoRandom) {
		if len(rest) != 3 {
			return Answer{}, ErrAnswer
		}
		a.Sequence = uint32(rest[0])<<16 | uint32(rest[1])<<8 | uint32(rest[2])
		rest = nil
	}
	if len(rest) != 0 || !a.Option.Valid() {
		return Answer{}, ErrAnswer
	}
	return a, nil
}

// Bytes is the data field of the response.
func (a Answer) Bytes() []byte {
	b := make([]byte, 0, answerSize+3)
	b = append(b, a.Diversification[:]...)
	b = append(b, a.KeyVersion, protocol, byte(a.Option))
	b = append(b, a.Challenge[:]...)
	b = append(b, a.Cryptogram[:]...)
	if a.Option.has(PseudoRandom) {
		b = append(b, sequenceBytes(a.Sequence)...)
	}
	return b
}
