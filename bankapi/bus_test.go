package bankapi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/bankapi"
	"sotto/ident"
)

var (
	dispatchID = ident.Text(ident.Dispatch, ident.Raw{1, 2, 3})
	cardID     = ident.Text(ident.Card, ident.Raw{4, 5, 6})
)

func dispatch() bankapi.Dispatch {
	return bankapi.Dispatch{
		ID: dispatchID, Kind: bankapi.DispatchCode, Profile: 1, Card: cardID,
		ExpiresAt: 1_767_225_780_000, Body: []byte("sealed"),
	}
}

func TestDispatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) ident.Raw {
			return ident.Raw(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
		}
		want := bankapi.Dispatch{
			ID:        ident.Text(ident.Dispatch, draw("id")),
			Kind:      bankapi.DispatchKind(rapid.Uint8Range(1, 3).Draw(t, "kind")),
			Profile:   rapid.Uint8Range(1, 3).Draw(t, "profile"),
			Card:      ident.Text(ident.Card, draw("card")),
			ExpiresAt: rapid.Int64Range(0, math.MaxInt64).Draw(t, "expires at"),
			Body:      rapid.SliceOfN(rapid.Byte(), 1, 3968).Draw(t, "body"),
		}
		b, err := want.Append([]byte("before"))
		if err != nil || len(b) > len("before")+bankapi.MessageMax {
			t.Fatalf("Append: %d bytes, %v", len(b), err)
		}
		got, err := bankapi.ParseDispatch(b[len("before"):])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

// What cannot be read is not written.
func TestDispatchRules(t *testing.T) {
	for _, c := range []struct {
		name string
		ruin func(*bankapi.Dispatch)
		want error
	}{
		{"nothing wrong", func(*bankapi.Dispatch) {}, nil},
		{"another kind's id", func(d *bankapi.Dispatch) { d.ID = cardID }, ident.ErrID},
		{"no card", func(d *bankapi.Dispatch) { d.Card = "" }, ident.ErrID},
		{"kind 0", func(d *bankapi.Dispatch) { d.Kind = 0 }, bankapi.ErrMessage},
		{"kind 4", func(d *bankapi.Dispatch) { d.Kind = 4 }, bankapi.ErrMessage},
		{"profile 0", func(d *bankapi.Dispatch) { d.Profile = 0 }, bankapi.ErrMessage},
		{"profile 4", func(d *bankapi.Dispatch) { d.Profile = 4 }, bankapi.ErrMessage},
		{"before 1970", func(d *bankapi.Dispatch) { d.ExpiresAt = -1 }, bankapi.ErrMessage},
		{"body too large", func(d *bankapi.Dispatch) { d.Body = make([]byte, 3969) }, bankapi.ErrMessage},
		{"body far too large", func(d *bankapi.Dispatch) { d.Body = make([]byte, 1<<20) }, bankapi.ErrMessage},
	} {
		d := dispatch()
		c.ruin(&d)
		b, err := d.Append([]byte("before"))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if err != nil && string(b) != "before" {
			t.Errorf("%s: refused, and yet wrote %X", c.name, b)
		}
	}
}

func TestParseDispatchRefuses(t *testing.T) {
	var (
		id      = object(0x80, make([]byte, 16))
		kind    = object(0x81, []byte{1})
		profile = object(0x82, []byte{1})
		card    = object(0x83, make([]byte, 16))
		expires = object(0x84, make([]byte, 8))
		body    = object(0x85, []byte("x"))
	)
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a good one", object(0xE8, id, kind, profile, card, expires, body), nil},
		{"nothing", nil, bankapi.ErrMessage},
		{"a report", object(0xE9, id, body), bankapi.ErrMessage},
		{"no body", object(0xE8, id, kind, profile, card, expires), bankapi.ErrMessage},
		{"out of order", object(0xE8, id, profile, kind, card, expires, body), bankapi.ErrMessage},
		{"an object twice", object(0xE8, id, kind, kind, profile, card, expires, body), bankapi.ErrMessage},
		{"an unknown object", object(0xE8, id, kind, profile, card, expires, body, object(0x86, nil)), bankapi.ErrMessage},
		{"kind of two bytes", object(0xE8, id, object(0x81, []byte{0, 1}), profile, card, expires, body), bankapi.ErrMessage},
		{"short id", object(0xE8, object(0x80, make([]byte, 15)), kind, profile, card, expires, body), bankapi.ErrMessage},
		{"short card", object(0xE8, id, kind, profile, object(0x83, make([]byte, 15)), expires, body), bankapi.ErrMessage},
		{"time before 1970", object(0xE8, id, kind, profile, card, object(0x84, bytes.Repeat([]byte{0xFF}, 8)), body), bankapi.ErrMessage},
		{"bytes behind it", append(object(0xE8, id, kind, profile, card, expires, body), 0), bankapi.ErrMessage},
		{"above the limit", object(0xE8, id, kind, profile, card, expires, object(0x85, make([]byte, bankapi.MessageMax))), bankapi.ErrMessage},
	} {
		got, err := bankapi.ParseDispatch(c.in)
		if !errors.Is(err, c.want) || err != nil && !reflect.DeepEqual(got, bankapi.Dispatch{}) {
			t.Errorf("%s: got %+v, %v, want %v", c.name, got, err, c.want)
		}
	}
	whole := object(0xE8, id, kind, profile, card, expires, body)
	for n := range whole {
		if _, err := bankapi.ParseDispatch(whole[:n]); !errors.Is(err, bankapi.ErrMessage) {
			t.Errorf("%d of %d bytes: got %v", n, len(whole), err)
		}
	}
}

func TestReportRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := bankapi.Report{Dispatch: dispatchID, Answer: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "answer")}
		b, err := want.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bankapi.ParseReport(b)
		if err != nil || got.Dispatch != want.Dispatch || !bytes.Equal(got.Answer, want.Answer) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
	for name, r := range map[string]bankapi.Report{
		"no dispatch":      {Answer: []byte("x")},
		"answer too large": {Dispatch: dispatchID, Answer: make([]byte, 1<<20)},
	} {
		if _, err := r.Append(nil); err == nil {
			t.Errorf("%s: it was written", name)
		}
	}
}

// A pairing is read as it was written, and writing it leaves its secret in one
// place only.
func TestPairing(t *testing.T) {
	want := bankapi.Pairing{Secret: bytes.Repeat([]byte{0xA5}, 32), BankPart: bytes.Repeat([]byte{0x5A}, 300)}
	small := make([]byte, 3, 64)
	b := want.Append(small)[3:]
	got, err := bankapi.ParsePairing(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if rest := small[:64]; bytes.Contains(rest, []byte{0xA5}) {
		t.Errorf("the buffer that was too small holds %X", rest)
	}
	clear(b)
	if !bytes.Equal(got.Secret, make([]byte, 32)) {
		t.Error("the secret is a copy: wiping the message does not wipe it")
	}
	for name, in := range map[string][]byte{
		"short secret": object(0xEA, object(0x80, make([]byte, 31)), object(0x81, []byte("x"))),
		"no bank part": object(0xEA, object(0x80, make([]byte, 32))),
		"a dispatch":   object(0xE8, object(0x80, make([]byte, 32)), object(0x81, []byte("x"))),
	} {
		if _, err := bankapi.ParsePairing(in); !errors.Is(err, bankapi.ErrMessage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Any input either is refused or is read as something that is written as that
// very input again.
func FuzzBusMessages(f *testing.F) {
	if b, err := dispatch().Append(nil); err == nil {
		f.Add(b)
	}
	if b, err := (bankapi.Report{Dispatch: dispatchID, Answer: []byte("receipt")}).Append(nil); err == nil {
		f.Add(b)
	}
	f.Add(bankapi.Pairing{Secret: make([]byte, 32), BankPart: []byte("sealed")}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := bankapi.ParseDispatch(b); err == nil {
			wantSame(t, b, d.Append)
		}
		if r, err := bankapi.ParseReport(b); err == nil {
			wantSame(t, b, r.Append)
		}
		if p, err := bankapi.ParsePairing(b); err == nil {
			wantSame(t, b, func(dst []byte) ([]byte, error) { return p.Append(dst), nil })
		}
	})
}

func wantSame(t *testing.T, b []byte, write func([]byte) ([]byte, error)) {
	t.Helper()
	again, err := write(nil)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("%X reads as %X, %v", b, again, err)
	}
}

// No error says what was in a message.
func TestErrorsCarryNoContent(t *testing.T) {
	_, err := bankapi.ParseDispatch(object(0xE8, []byte("493027")))
	if err == nil || strings.Contains(err.Error(), "493027") {
		t.Errorf("got %v", err)
	}
}

func object(tag byte, value ...[]byte) []byte {
	v := bytes.Join(value, nil)
	switch n := len(v); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, v...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, v...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{tag, 0x82}, uint16(len(v))), v...)
}
