package bankhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"sotto/bank"
	"sotto/bankapi"
)

// decode reads one JSON object into a T, which is a flat struct. encoding/json
// alone is too kind for money: it takes "AMOUNT" for "amount", the last of two
// equal names, and any bytes for text. What is not JSON is malformed; what is
// JSON, and not this object, is invalid and says in which field.
func decode[T any](body []byte, names []string) (T, bank.Answer, bool) {
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
	if a, ok := checkNames(body, names); !ok {
		return v, a, false
	}
	if kind != nil {
		return v, invalid(kind.Field, "this value is of another type, or out of range"), false
	}
	return v, bank.Answer{}, true
}

// checkNames looks at the names of an object that is known to be valid JSON:
// none may be unknown, and none occur twice.
func checkNames(body []byte, names []string) (bank.Answer, bool) {
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != '{' {
		return invalid("", "send a JSON object"), false
	}
	var seen uint64
	for raw := range membersOf(body) {
		at := -1
		for i, name := range names {
			if string(raw) == name {
				at = i
			}
		}
		switch {
		case at < 0:
			return invalid(harmless(raw), "this field is not known; see /docs"), false
		case seen&(1<<at) != 0:
			return invalid(names[at], "this field occurs twice"), false
		}
		seen |= 1 << at
	}
	return bank.Answer{}, true
}

// membersOf yields the names of the outermost object, as they are written. The
// text must be valid JSON.
func membersOf(body []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		depth, name := 0, false
		for i := 0; i < len(body); i++ {
			switch body[i] {
			case '{':
				depth++
				name = depth == 1
			case '[':
				depth++
			case '}', ']':
				depth--
			case ',':
				name = depth == 1
			case '"':
				end := stringEnd(body, i+1)
				if name && !yield(body[i+1:end]) {
					return
				}
				name, i = false, end
			}
		}
	}
}

// stringEnd is where the string that begins at i has its closing quote.
func stringEnd(body []byte, i int) int {
	for body[i] != '"' {
		if body[i] == '\\' {
			i++
		}
		i++
	}
	return i
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

// harmless is a name as it may be repeated in an answer: one that looks like a
// name, and not like a number somebody put in the wrong place.
func harmless(name []byte) string {
	if len(name) > 40 {
		return ""
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '_' {
			return ""
		}
	}
	return string(name)
}

// namesOf are the JSON names of a flat struct's fields.
func namesOf(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		switch f.Type.Kind() {
		case reflect.String, reflect.Int64, reflect.Bool:
		default:
			panic("bankhttp: checkNames does not look inside field " + f.Name)
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	if len(names) > 64 {
		panic("bankhttp: checkNames can tell no more than 64 names apart")
	}
	return names
}
