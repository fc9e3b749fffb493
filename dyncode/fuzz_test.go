package dyncode_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sotto/dyncode"
)

// Each target holds that any input either is refused or reads as something
// that is written as that very input again: no two byte strings mean the same.

func FuzzParse(f *testing.F) {
	f.Add(sealed(f, payment()))
	f.Add(dyncode.AppendDirect(nil, dyncode.PhoneSealed, message, cardSeal().Seal(nil, dyncode.PhoneSealed, message, 8, padded(f, binding()))))
	f.Add(phoneSeal().Seal(nil, dyncode.PhoneSealed, message, 3, dyncode.AppendClear(nil, 7, padded(f, payment()))))
	if b, err := dyncode.AppendLines(nil, message, dyncode.Lines{Lifetime: 180, Code: []byte("493027"), Text: [][]byte{[]byte("Shop")}}); err == nil {
		f.Add(b)
	}
	f.Add(object(0xE1, object(0x80, []byte{2})))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dyncode.Parse(b)
		if err != nil {
			return
		}
		version, profile, id := object(0x80, []byte{1}), object(0x81, []byte{byte(m.Profile)}), object(0x82, m.ID[:])
		var again []byte
		switch {
		case m.Sealed != nil:
			again = object(0xE1, version, profile, id, object(0x83, eight(m.Counter)), object(0x84, m.Sealed))
		case m.Direct != nil:
			again = dyncode.AppendDirect(nil, m.Profile, m.ID, m.Direct)
			part, err := dyncode.ParseBankPart(m.Direct)
			if err != nil || part.Sealed == nil {
				t.Error("a direct message without a sealed bank part was read")
			}
		default:
			again = object(0xE1, version, profile, id, object(0x86, m.Lines))
			if m.Profile != dyncode.Plain {
				t.Error("lines for a card that decrypts were read")
			}
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
	})
}

func FuzzBankPart(f *testing.F) {
	f.Add(cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(f, payment())))
	f.Add(dyncode.AppendClear(nil, 7, padded(f, payment())))
	f.Fuzz(func(t *testing.T, b []byte) {
		part, err := dyncode.ParseBankPart(b)
		if err != nil {
			return
		}
		again := dyncode.AppendClear(nil, part.Counter, part.Clear)
		if part.Sealed != nil {
			again = object(0xE2, object(0x83, eight(part.Counter)), object(0x84, part.Sealed))
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
	})
}

func FuzzContent(f *testing.F) {
	for _, c := range []dyncode.Content{payment(), binding(), release()} {
		f.Add(padded(f, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := dyncode.ParseContent(b)
		if err != nil {
			return
		}
		again, err := c.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X, %v", b, again, err)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	receipt := dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: 7}
	seal := cardSeal()
	f.Add(seal.AppendReceipt(nil, receipt))
	f.Add(dyncode.AppendBareReceipt(nil, receipt))
	f.Add(dyncode.Refusal{Reason: dyncode.RefusedCounter, Message: message}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := dyncode.ParseRefusal(b); err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Errorf("%X reads as %+v", b, r)
		}
		if r, err := seal.Verify(b); err == nil && !bytes.Equal(seal.AppendReceipt(nil, r), b) {
			t.Errorf("%X is believed as %+v", b, r)
		}
		r, err := dyncode.ParseReceipt(b)
		if err != nil {
			return
		}
		// With a MAC or without, the receipt's own objects stand in b as they
		// would be written.
		bare := dyncode.AppendBareReceipt(nil, r)
		if !bytes.Equal(bare, b) && (len(b) != len(bare)+18 || !bytes.Equal(bare[2:], b[2:len(bare)])) {
			t.Errorf("%X reads as %+v", b, r)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add(concat(object(0x80, []byte{0, 180}), object(0x81, []byte("493027")), object(0xA2, object(0x80, []byte("Shop")), object(0x80, []byte("CNY 128.00")))))
	f.Add(concat(object(0x80, []byte{0, 1}), object(0xA2, object(0x80, []byte("\u7eff\u8336")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := dyncode.ParseLines(b)
		if err != nil {
			return
		}
		written, err := dyncode.AppendLines(nil, message, l)
		if err != nil {
			if len(b) < dyncode.MessageMax-64 {
				t.Errorf("%X reads and cannot be written: %v", b, err)
			}
			return
		}
		m, err := dyncode.Parse(written)
		if err != nil || !bytes.Equal(m.Lines, b) {
			t.Errorf("%X reads as %X, %v", b, m.Lines, err)
		}
	})
}

func FuzzKeySource(f *testing.F) {
	for _, k := range []dyncode.KeySource{
		{Device: []byte("device"), Account: []byte("datum"), Fingerprint: run(1, 200), Face: run(2, 300)},
		{Face: []byte{0}},
	} {
		if b, err := k.Encode(); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := dyncode.ParseKeySource(b)
		if err != nil {
			return
		}
		again, err := k.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X, %v", b, again, err)
		}
	})
}

func FuzzPersonalization(f *testing.F) {
	if b, err := personalization().Append(nil); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := dyncode.ParsePersonalization(b)
		if err != nil {
			return
		}
		again, err := p.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X, %v", b, again, err)
		}
	})
}

func eight(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
