package bankhttp

import (
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"sotto/bank"
	"sotto/bankapi"
)

// decode reads one JSON object into a T. encoding/json alone is too kind for
// money: it takes "AMOUNT" for "amount", the last of two equal names, and any
// bytes for text. What is not JSON is malformed; what is JSON, and not this
// object, is invalid and says in which field.
func decode[T any](body []byte, s *shape) (T, bank.Answer, bool) {
	var v T
	if !utf8.Valid(body) || loneSurrogate(body) {
		return v, refuse(bankapi.Malformed, "send UTF-8 text"), false
	}
	err := json.Unmarshal(body, &v)
	var kind *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &kind) {
		// The error of a Time's or other value's own reader would say no more.
		return v, refuse(bankapi.Malformed, "send one JSON object and nothing after it"), false
	}
	if a, ok := s.check(body); !ok {
		return v, a, false
	}
	if kind != nil {
		return v, wrongType(kind.Field), false
	}
	return v, bank.Answer{}, true
}

func wrongType(field string) bank.Answer {
	return invalid(field, "this value is of another type, or out of range")
}

// loneSurrogate reports whether there is half of a character, written as an
// escape, which encoding/json would replace in silence.
func loneSurrogate(body []byte) bool {
	high := false // the escape just before was the first half
	for i := 0; i < len(body); i++ {
		half, at := byte(0), i
		if body[i] == '\\' && i+5 < len(body) && body[i+1] == 'u' {
			if r, err := strconv.ParseUint(string(body[i+2:i+6]), 16, 16); err == nil && r>>11 == 0xD800>>11 {
				half = 1 + byte(r>>10&1) // 1: first half, 2: second half
			}
			i += 5
		} else if body[at] == '\\' {
			i++
		}
		if high != (half == 2) {
			return true
		}
		high = half == 1
	}
	return high
}
