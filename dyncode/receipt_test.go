package dyncode_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

func TestReceiptRoundTrip(t *testing.T) {
	s := cardSeal()
	rapid.Check(t, func(t *rapid.T) {
		want := dyncode.Receipt{
			Result:  rapid.SampledFrom([]dyncode.Result{dyncode.Shown, dyncode.Bound, dyncode.Released}).Draw(t, "result"),
			Message: drawRaw(t, "message"),
			Counter: rapid.Uint64().Draw(t, "counter"),
		}
		b := s.AppendReceipt(nil, want)
		if got, err := s.Verify(b); err != nil || got != want {
			t.Fatalf("Verify: got %+v, %v, want %+v", got, err, want)
		}
		if got, err := dyncode.ParseReceipt(b); err != nil || got != want {
			t.Fatalf("ParseReceipt: got %+v, %v, want %+v", got, err, want)
		}
		bare := dyncode.AppendBareReceipt(nil, want)
		if got, err := dyncode.ParseReceipt(bare); err != nil || got != want {
			t.Fatalf("a bare one: got %+v, %v, want %+v", got, err, want)
		}
		if _, err := s.Verify(bare); !errors.Is(err, dyncode.ErrSeal) {
			t.Fatalf("a bare one proves something: %v", err)
		}
	})
}

func TestReceiptOfAnotherCard(t *testing.T) {
	b := cardSeal().AppendReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: 7})
	for name, s := range map[string]dyncode.Inner{
		"other card":     dyncode.NewInner(dyncode.CardKey(master, raw(0x01)), raw(0x01)),
		"other card key": dyncode.NewInner(dyncode.CardKey(key(0x01), cardID), cardID),
		"other card id":  dyncode.NewInner(dyncode.CardKey(master, cardID), raw(0x01)),
	} {
		if _, err := s.Verify(b); !errors.Is(err, dyncode.ErrSeal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNoChangedByteOfAReceiptVerifies(t *testing.T) {
	good := cardSeal().AppendReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: 7})
	for at := range good {
		for change := 1; change < 256; change++ {
			b := bytes.Clone(good)
			b[at] ^= byte(change)
			if _, err := cardSeal().Verify(b); err == nil {
				t.Fatalf("byte %d changed by %02X, and it was believed", at, change)
			}
		}
	}
	for n := range good {
		if _, err := cardSeal().Verify(good[:n]); !errors.Is(err, dyncode.ErrMalformed) {
			t.Errorf("%d of %d bytes: got %v", n, len(good), err)
		}
	}
}

func TestAnswersRefuse(t *testing.T) {
	var (
		version = object(0x80, []byte{1})
		result  = object(0x81, []byte{1})
		id      = object(0x82, make([]byte, 16))
		counter = object(0x83, make([]byte, 8))
		mac     = object(0x84, make([]byte, 16))
	)
	for _, c := range []struct {
		name             string
		in               []byte
		receipt, refusal error
	}{
		{"a receipt", object(0xE4, version, result, id, counter, mac), nil, dyncode.ErrMalformed},
		{"a refusal", object(0xE5, version, result, id), dyncode.ErrMalformed, nil},
		{"nothing", nil, dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"receipt of version 2", object(0xE4, object(0x80, []byte{2})), dyncode.ErrVersion, dyncode.ErrMalformed},
		{"refusal of version 2", object(0xE5, object(0x80, []byte{2})), dyncode.ErrMalformed, dyncode.ErrVersion},
		{"result 0", object(0xE4, version, object(0x81, []byte{0}), id, counter, mac), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"result 4", object(0xE4, version, object(0x81, []byte{4}), id, counter, mac), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"short MAC", object(0xE4, version, result, id, counter, object(0x84, make([]byte, 15))), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"long MAC", object(0xE4, version, result, id, counter, object(0x84, make([]byte, 32))), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"no counter", object(0xE4, version, result, id, mac), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"out of order", object(0xE4, version, id, result, counter, mac), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"bytes behind it", append(object(0xE4, version, result, id, counter, mac), 0), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"reason 0", object(0xE5, version, object(0x81, []byte{0}), id), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"reason above the last", object(0xE5, version, object(0x81, []byte{11}), id), dyncode.ErrMalformed, dyncode.ErrMalformed},
		{"refusal with a MAC", object(0xE5, version, result, id, mac), dyncode.ErrMalformed, dyncode.ErrMalformed},
	} {
		if _, err := dyncode.ParseReceipt(c.in); !errors.Is(err, c.receipt) {
			t.Errorf("%s, as a receipt: got %v, want %v", c.name, err, c.receipt)
		}
		if _, err := dyncode.ParseRefusal(c.in); !errors.Is(err, c.refusal) {
			t.Errorf("%s, as a refusal: got %v, want %v", c.name, err, c.refusal)
		}
	}
}

func TestRefusalRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for reason := dyncode.RefusedMalformed; reason <= dyncode.RefusedStorage; reason++ {
		want := dyncode.Refusal{Reason: reason, Message: message}
		got, err := dyncode.ParseRefusal(want.Append(nil))
		if err != nil || got != want {
			t.Errorf("%v: got %+v, %v", reason, got, err)
		}
		seen[reason.String()] = true
	}
	if len(seen) != 10 || seen["unknown"] || seen[""] {
		t.Errorf("reasons share names: %v", seen)
	}
	if got := dyncode.Reason(0).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}
