package bankhttp

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"sotto/bank"
)

// shape is which names an object may have: those of a struct's fields. A field
// may be a list of structs; every other is a plain value. No field is null: what
// is not meant is left out.
type shape struct {
	names  []string
	inside []*shape // of the objects in the list of this name; nil is a plain value
	least  []int64  // of a number that may be left out (tag minimum)
}

// shapeOf reads a struct's tags.
func shapeOf(t reflect.Type) *shape {
	s := &shape{}
	for f := range t.Fields() {
		var inside *shape
		switch f.Type.Kind() {
		case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
		case reflect.Slice:
			inside = shapeOf(f.Type.Elem())
		default:
			panic("bankhttp: nobody looks inside field " + f.Name)
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		s.names, s.inside = append(s.names, name), append(s.inside, inside)
		s.least = append(s.least, leastOf(f))
	}
	if len(s.names) > 64 {
		panic("bankhttp: a shape can tell no more than 64 names apart")
	}
	return s
}

// leastOf is the minimum of a number that may be left out: encoding/json cannot
// tell 0 from nothing. That of any other is a rule of the bank.
func leastOf(f reflect.StructField) int64 {
	text, given := f.Tag.Lookup("minimum")
	if !given || !strings.HasSuffix(f.Tag.Get("json"), ",omitempty") {
		return math.MinInt64
	}
	least, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic("bankhttp: the minimum of field " + f.Name + " is no number")
	}
	return least
}

// check looks at an object that is known to be valid JSON: at any depth, no name
// may be unknown, and none occur twice; none is null, and where a number may be
// left out, one that is there must be large enough.
func (s *shape) check(body []byte) (bank.Answer, bool) {
	w := shapeWalk{body: body}
	if w.blank(); w.at == len(body) || body[w.at] != '{' {
		return invalid("", "send a JSON object"), false
	}
	if !w.object(s, "") {
		return w.refusal, false
	}
	return bank.Answer{}, true
}

// shapeWalk goes through valid JSON.
type shapeWalk struct {
	body    []byte
	at      int
	refusal bank.Answer
}

// object goes from an opening brace behind its closing one. Path is what stands
// before the names in a refusal.
func (w *shapeWalk) object(s *shape, path string) bool {
	var seen uint64
	w.at++
	for w.blank(); w.body[w.at] != '}'; w.blank() {
		name := w.text()
		n := s.find(name)
		switch {
		case n < 0:
			return w.refuse(path+harmless(name), "this field is not known; see /docs")
		case seen&(1<<n) != 0:
			return w.refuse(path+s.names[n], "this field occurs twice")
		}
		seen |= 1 << n
		w.blank()
		w.at++ // the colon
		w.blank()
		if !w.member(s, n, path+s.names[n]) {
			return false
		}
		w.comma()
	}
	w.at++
	return true
}

// member goes behind the value of the nth name.
func (w *shapeWalk) member(s *shape, n int, path string) bool {
	switch c := w.body[w.at]; {
	case c == 'n':
		return w.refuse(path, "null is no value: leave the field out")
	case c == '[' && s.inside[n] != nil:
		return w.list(s.inside[n], path)
	}
	from := w.at
	w.value()
	if v, err := strconv.ParseInt(string(w.body[from:w.at]), 10, 64); err == nil && v < s.least[n] {
		return w.refuse(path, "give at least "+strconv.FormatInt(s.least[n], 10))
	}
	return true
}

// list goes through a list of objects, and refuses anything else in it, null
// too, of which encoding/json would make an object.
func (w *shapeWalk) list(s *shape, path string) bool {
	w.at++
	for w.blank(); w.body[w.at] != ']'; w.blank() {
		if w.body[w.at] != '{' {
			w.refusal = wrongType(path)
			return false
		}
		if !w.object(s, path+".") {
			return false
		}
		w.comma()
	}
	w.at++
	return true
}

func (w *shapeWalk) refuse(field, detail string) bool {
	w.refusal = invalid(strings.TrimSuffix(field, "."), detail)
	return false
}

// blank goes over white space.
func (w *shapeWalk) blank() {
	for w.at < len(w.body) {
		switch w.body[w.at] {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return
		}
	}
}

// comma goes over white space and the comma behind a value, if there is one.
func (w *shapeWalk) comma() {
	if w.blank(); w.body[w.at] == ',' {
		w.at++
	}
}

// text goes behind a string and is what stands between its quotes, as written.
func (w *shapeWalk) text() []byte {
	from := w.at + 1
	for w.at++; w.body[w.at] != '"'; w.at++ {
		if w.body[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.body[from : w.at-1]
}

// value goes behind a value, whatever it is.
func (w *shapeWalk) value() {
	switch w.body[w.at] {
	case '"':
		w.text()
	case '{', '[':
		w.nested()
	default: // a number or a word: what is around it ends it
		for !strings.ContainsRune(",]} \t\r\n", rune(w.body[w.at])) {
			w.at++
		}
	}
}

// nested goes behind an object or list without recursion, because a peer says
// how deep it is.
func (w *shapeWalk) nested() {
	for depth := 0; ; {
		switch w.body[w.at] {
		case '"':
			w.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if w.at++; depth == 0 {
			return
		}
	}
}

func (s *shape) find(name []byte) int {
	for i := range s.names {
		if string(name) == s.names[i] {
			return i
		}
	}
	return -1
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
