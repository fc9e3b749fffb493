package dyncode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"sotto/ident"
	"sotto/secret"
)

// Sizes of a code, in decimal digits.
const (
	CodeDigitsMin = 6
	CodeDigitsMax = 8
)

// NewCode draws a code of n digits from random. Every code is equally likely:
// draws that would favour low codes are thrown away.
func NewCode(random io.Reader, n int) ([]byte, error) {
	if n < CodeDigitsMin || n > CodeDigitsMax {
		return nil, ErrContent
	}
	space := uint32(1)
	for range n {
		space *= 10
	}
	limit := ^uint32(0) - ^uint32(0)%space
	for {
		var draw [4]byte
		if _, err := io.ReadFull(random, draw[:]); err != nil {
			return nil, err
		}
		v := binary.BigEndian.Uint32(draw[:])
		if v >= limit {
			continue
		}
		code := make([]byte, n)
		for i := n - 1; i >= 0; i-- {
			code[i] = '0' + byte(v%10)
			v /= 10
		}
		return code, nil
	}
}

func validCode(code []byte) bool {
	if len(code) < CodeDigitsMin || len(code) > CodeDigitsMax {
		return false
	}
	for _, d := range code {
		if d < '0' || d > '9' {
			return false
		}
	}
	return true
}

// Linked are the facts a code is bound to. Change any of them and the code is
// void (dynamic linking; PSD2 RTS, Article 5).
type Linked struct {
	Message  ident.Raw // id of the payment or binding that the code is for
	Amount   uint64    // minor units
	Currency string
	Payee    string
}

// CodeMAC is all that the bank keeps of a code: HMAC-SHA-256 under a pepper
// kept apart from the database, over the linked facts and the code. A million
// codes make a plain hash worthless. Texts are preceded by their lengths, so
// that no byte can pass from one fact to the next.
func CodeMAC(pepper secret.Secret, l Linked, code []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, pepper.Reveal())
	buf := make([]byte, 0, 96+len(l.Currency)+len(l.Payee)+len(code))
	buf = append(buf, "sotto code v1"...)
	buf = append(buf, l.Message[:]...)
	buf = binary.BigEndian.AppendUint64(buf, l.Amount)
	for _, text := range []string{l.Currency, l.Payee} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(text)))
		buf = append(buf, text...)
	}
	buf = append(buf, code...)
	h.Write(buf)
	clear(buf)
	return [sha256.Size]byte(h.Sum(nil))
}
