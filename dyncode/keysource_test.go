package dyncode_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

// Any combination of items but none is read as it was written, and two
// different sources never have one encoding.
func TestKeySourceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []byte {
			if rapid.Bool().Draw(t, label+" absent") {
				return nil
			}
			return rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, label)
		}
		want := dyncode.KeySource{Device: draw("device"), Account: draw("account"), Fingerprint: draw("fingerprint"), Face: draw("face")}
		b, err := want.Encode()
		if reflect.DeepEqual(want, dyncode.KeySource{}) {
			if !errors.Is(err, dyncode.ErrContent) {
				t.Fatalf("a key source of nothing: got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := dyncode.ParseKeySource(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestKeySourceLimits(t *testing.T) {
	item := bytes.Repeat([]byte{7}, dyncode.KeySourceItemMax)
	k := dyncode.KeySource{Device: item, Account: item, Fingerprint: item, Face: item}
	b, err := k.Encode()
	if err != nil {
		t.Fatalf("four items of the largest size: %v", err)
	}
	if _, err := dyncode.ParseKeySource(b); err != nil {
		t.Fatal(err)
	}
	k.Face = append(bytes.Clone(item), 7)
	if _, err := k.Encode(); !errors.Is(err, dyncode.ErrContent) {
		t.Errorf("a byte more: got %v", err)
	}
	if _, err := k.Digest(); !errors.Is(err, dyncode.ErrContent) {
		t.Errorf("its digest: got %v", err)
	}
}

// The same bytes as another item are another key source, and so is each
// combination of two of them.
func TestKeySourceDigestsDiffer(t *testing.T) {
	item := []byte("0123456789")
	seen := map[[32]byte]int{}
	for mask := 1; mask < 16; mask++ {
		var k dyncode.KeySource
		for i, field := range []*[]byte{&k.Device, &k.Account, &k.Fingerprint, &k.Face} {
			if mask>>i&1 == 1 {
				*field = item
			}
		}
		digest, err := k.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("combinations %04b and %04b have one digest", mask, other)
		}
		seen[digest] = mask
	}
}

func TestParseKeySourceRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"nothing":          nil,
		"no items":         object(0xE7),
		"another template": object(0xE6, object(0x80, []byte{1})),
		"an empty item":    object(0xE7, object(0x80)),
		"out of order":     object(0xE7, object(0x81, []byte{1}), object(0x80, []byte{1})),
		"an item twice":    object(0xE7, object(0x80, []byte{1}), object(0x80, []byte{1})),
		"an unknown item":  object(0xE7, object(0x80, []byte{1}), object(0x84, []byte{1})),
		"too large":        object(0xE7, object(0x80, make([]byte, dyncode.KeySourceItemMax+1))),
		"bytes behind it":  append(object(0xE7, object(0x80, []byte{1})), 0),
	} {
		if _, err := dyncode.ParseKeySource(in); !errors.Is(err, dyncode.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
