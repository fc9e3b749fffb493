package dyncode_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

func phoneBox() dyncode.Box {
	return dyncode.NewBox(dyncode.PhoneKey(transport, phoneID), phoneID)
}

func TestBoxRoundTrip(t *testing.T) {
	box := phoneBox()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 900).Draw(t, "plain")
		random := [12]byte(drawBytes(t, "random", 12))
		card, dispatch := drawRaw(t, "card"), drawRaw(t, "dispatch")
		b := box.Seal([]byte("before"), random, card, dispatch, plain)[len("before"):]
		if len(b) != len(plain)+dyncode.BoxOverhead {
			t.Fatalf("%d bytes became %d", len(plain), len(b))
		}
		got, err := box.Open(card, dispatch, b)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %X, %v, want %X", got, err, plain)
		}
	})
}

func TestBoxBinds(t *testing.T) {
	random := [12]byte(run(1, 12))
	good := phoneBox().Seal(nil, random, cardID, message, []byte("pairing"))
	other := raw(0x01)
	for name, open := range map[string]func() ([]byte, error){
		"other dispatch":  func() ([]byte, error) { return phoneBox().Open(cardID, other, good) },
		"other card":      func() ([]byte, error) { return phoneBox().Open(other, message, good) },
		"card as message": func() ([]byte, error) { return phoneBox().Open(message, cardID, good) },
		"other phone": func() ([]byte, error) {
			return dyncode.NewBox(dyncode.PhoneKey(transport, phoneID), other).Open(cardID, message, good)
		},
		"other phone's key": func() ([]byte, error) {
			return dyncode.NewBox(dyncode.PhoneKey(transport, other), phoneID).Open(cardID, message, good)
		},
		"other transport key": func() ([]byte, error) {
			return dyncode.NewBox(dyncode.PhoneKey(key(0x41), phoneID), phoneID).Open(cardID, message, good)
		},
	} {
		if out, err := open(); !errors.Is(err, dyncode.ErrSeal) || out != nil {
			t.Errorf("%s: got %X, %v", name, out, err)
		}
	}
	for at := range good {
		b := bytes.Clone(good)
		b[at] ^= 0x10
		if _, err := phoneBox().Open(cardID, message, b); !errors.Is(err, dyncode.ErrSeal) {
			t.Errorf("byte %d changed: got %v", at, err)
		}
		if _, err := phoneBox().Open(cardID, message, good[:at]); !errors.Is(err, dyncode.ErrSeal) {
			t.Errorf("%d bytes of it: got %v", at, err)
		}
	}
}
