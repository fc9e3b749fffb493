package dyncode_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

func TestLinesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := dyncode.Lines{Lifetime: rapid.Uint16Min(1).Draw(t, "lifetime")}
		if rapid.Bool().Draw(t, "a code") {
			want.Code = []byte(rapid.StringMatching("[0-9]{6,8}").Draw(t, "code"))
		}
		for range rapid.IntRange(1, dyncode.LinesMax).Draw(t, "lines") {
			want.Text = append(want.Text, drawText(t, "line", 1, 90)) // 12 of these always fit
		}
		id := drawRaw(t, "id")
		b, err := dyncode.AppendLines([]byte("before"), id, want)
		if err != nil {
			t.Fatalf("AppendLines: %v", err)
		}
		m, err := dyncode.Parse(b[len("before"):])
		if err != nil || m.Profile != dyncode.Plain || m.ID != id {
			t.Fatalf("Parse: %+v, %v", m, err)
		}
		got, err := dyncode.ParseLines(m.Lines)
		if err != nil || got.Lifetime != want.Lifetime || !bytes.Equal(got.Code, want.Code) || len(got.Text) != len(want.Text) {
			t.Fatalf("ParseLines: %+v, %v", got, err)
		}
		for i := range got.Text {
			if !bytes.Equal(got.Text[i], want.Text[i]) {
				t.Fatalf("line %d: got %q, want %q", i, got.Text[i], want.Text[i])
			}
		}
	})
}

func TestLinesRules(t *testing.T) {
	line := []byte("Green Tea House")
	full := make([][]byte, dyncode.LinesMax)
	for i := range full {
		full[i] = line
	}
	large := [][]byte{long(199), long(199), long(199), long(199), long(199), long(199)}
	for _, c := range []struct {
		name string
		in   dyncode.Lines
		want error
	}{
		{"as many as may be", dyncode.Lines{Lifetime: 1, Text: full}, nil},
		{"one more", dyncode.Lines{Lifetime: 1, Text: append(full, line)}, dyncode.ErrContent},
		{"none", dyncode.Lines{Lifetime: 1, Code: []byte("493027")}, dyncode.ErrContent},
		{"no lifetime", dyncode.Lines{Text: full}, dyncode.ErrContent},
		{"an empty line", dyncode.Lines{Lifetime: 1, Text: [][]byte{line, {}}}, dyncode.ErrContent},
		{"as long as may be", dyncode.Lines{Lifetime: 1, Text: [][]byte{long(dyncode.LineMax - 1)}}, nil},
		{"a byte longer", dyncode.Lines{Lifetime: 1, Text: [][]byte{long(dyncode.LineMax)}}, dyncode.ErrContent},
		{"all lines together within the limit", dyncode.Lines{Lifetime: 1, Text: large}, nil},
		{"all lines together above the limit", dyncode.Lines{Lifetime: 1, Text: append(large, line, line)}, dyncode.ErrContent},
		{"not UTF-8", dyncode.Lines{Lifetime: 1, Text: [][]byte{{0xC3}}}, dyncode.ErrContent},
		{"a code with a space", dyncode.Lines{Lifetime: 1, Code: []byte("493 27"), Text: full}, dyncode.ErrContent},
	} {
		b, err := dyncode.AppendLines([]byte("before"), message, c.in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err != nil && string(b) != "before" {
			t.Errorf("%s: refused, and yet wrote %X", c.name, b)
		}
		if len(b) > len("before")+dyncode.MessageMax {
			t.Errorf("%s: wrote %d bytes", c.name, len(b))
		}
	}
}

func TestParseLinesRefuses(t *testing.T) {
	lifetime := object(0x80, []byte{0, 180})
	code := object(0x81, []byte("493027"))
	line := object(0x80, []byte("Shop"))
	thirteen := bytes.Repeat(line, 13)
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"with a code", concat(lifetime, code, object(0xA2, line, line)), nil},
		{"a notice", concat(lifetime, object(0xA2, line)), nil},
		{"nothing", nil, dyncode.ErrMalformed},
		{"no lifetime", concat(code, object(0xA2, line)), dyncode.ErrMalformed},
		{"lifetime 0", concat(object(0x80, []byte{0, 0}), object(0xA2, line)), dyncode.ErrMalformed},
		{"no text", concat(lifetime, code), dyncode.ErrMalformed},
		{"empty text", concat(lifetime, code, object(0xA2)), dyncode.ErrMalformed},
		{"empty line", concat(lifetime, object(0xA2, object(0x80))), dyncode.ErrMalformed},
		{"thirteen lines", concat(lifetime, object(0xA2, thirteen)), dyncode.ErrMalformed},
		{"line of 221 bytes", concat(lifetime, object(0xA2, object(0x80, long(dyncode.LineMax)))), dyncode.ErrMalformed},
		{"another tag among the lines", concat(lifetime, object(0xA2, line, object(0x81, []byte("x")))), dyncode.ErrMalformed},
		{"line cut", concat(lifetime, object(0xA2, line[:4])), dyncode.ErrMalformed},
		{"not UTF-8", concat(lifetime, object(0xA2, object(0x80, []byte{0xFE}))), dyncode.ErrMalformed},
		{"code with a non-digit", concat(lifetime, object(0x81, []byte("49302:")), object(0xA2, line)), dyncode.ErrMalformed},
		{"empty code", concat(lifetime, object(0x81), object(0xA2, line)), dyncode.ErrMalformed},
		{"out of order", concat(code, lifetime, object(0xA2, line)), dyncode.ErrMalformed},
		{"bytes behind it", concat(lifetime, object(0xA2, line), []byte{0}), dyncode.ErrMalformed},
	} {
		if _, err := dyncode.ParseLines(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
