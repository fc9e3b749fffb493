package bankhttp

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"sotto/bankapi"
)

// FuzzDecode compares with encoding/json's own tokens: what is accepted is one
// object whose names are known, exact and different, and reads as it would.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"card":"c","amount":1}`, `{"amount":1,"amount":2}`, `{"amount" : 1 , "payee":"a\"b{}[],:"}`,
		`{"card":"\ud83d\ude00"}`, `{"card":"\ud83d"}`, `{"card":"\\ud83d"}`, `{"order":[{"a":1}]}`, `{"AMOUNT":1}`, ` {"\u0061mount":1}`,
		`[]`, `null`, `{"amount":1e400}`, `{"amount":-0}`, "{\"card\":\"\xff\"}", `{"amount":1}{}`,
	} {
		f.Add([]byte(seed))
	}
	s := shapeOf(reflect.TypeFor[bankapi.CreatePayment]())
	f.Fuzz(func(t *testing.T, body []byte) {
		got, a, ok := decode[bankapi.CreatePayment](body, s)
		if !ok {
			if p := a.Problem(); p == nil || p.Reason() != bankapi.Malformed && p.Reason() != bankapi.Invalid {
				t.Fatalf("refused with %s", a.Body)
			}
			return
		}
		var want bankapi.CreatePayment
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil || got != want {
			t.Fatalf("accepted %q: got %+v, want %+v, %v", body, got, want, err)
		}
		names := topNames(t, body)
		for i, name := range names {
			if !slices.Contains(s.names, name) || slices.Contains(names[:i], name) {
				t.Fatalf("accepted %q with name %q", body, name)
			}
		}
	})
}

// topNames reads the names of the outermost object by tokens.
func topNames(t *testing.T, body []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	for depth, isName := 0, false; ; isName = !isName {
		token, err := d.Token()
		if err != nil {
			return names
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			isName = false
		case json.Delim('}'), json.Delim(']'):
			depth--
			isName = false
		default:
			if name, ok := token.(string); ok && depth == 1 && isName {
				names = append(names, name)
			}
		}
	}
}
