package tlv_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/tlv"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		name, in string
		tag      tlv.Tag
		value    string
		rest     string
		err      error
	}{
		{"one byte tag", "5A0212349000", 0x5A, "1234", "9000", nil},
		{"two byte tag", "9F0206000000001234", 0x9F02, "000000001234", "", nil},
		{"three byte tag", "DF810100", 0xDF8101, "", "", nil},
		{"long length", "70818000" + string(bytes.Repeat([]byte("00"), 127)), 0x70, string(bytes.Repeat([]byte("00"), 128)), "", nil},
		{"tag cut", "9F", 0, "", "", tlv.ErrTruncated},
		{"three byte tag cut", "DF81", 0, "", "", tlv.ErrTruncated},
		{"four byte tag", "DF81810100", 0, "", "", tlv.ErrTag},
		{"tag zero", "0000", 0, "", "", tlv.ErrTag},
		{"leading zero in tag", "9F800100", 0, "", "", tlv.ErrTag},
		{"EMV's small numbers in two bytes", "9F1E00", 0x9F1E, "", "", nil},
		{"no length", "5A", 0, "", "", tlv.ErrTruncated},
		{"indefinite", "70800000", 0, "", "", tlv.ErrIndefinite},
		{"length not minimal", "5A810100", 0, "", "", tlv.ErrLength},
		{"length not minimal in two", "5A8200FF", 0, "", "", tlv.ErrLength},
		{"length above 65535", "5A8301000000", 0, "", "", tlv.ErrLength},
		{"value cut", "5A0312", 0, "", "", tlv.ErrTruncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, rest, ok, err := tlv.Next(unhex(t, c.in))
			if !errors.Is(err, c.err) || ok != (c.err == nil) {
				t.Fatalf("got ok %v, err %v, want %v", ok, err, c.err)
			}
			if o.Tag != c.tag || !bytes.Equal(o.Value, unhex(t, c.value)) || !bytes.Equal(rest, unhex(t, c.rest)) {
				t.Errorf("got %X %X, rest %X", o.Tag, o.Value, rest)
			}
		})
	}
	if _, _, ok, err := tlv.Next(nil); ok || err != nil {
		t.Errorf("the end of the data: got ok %v, err %v", ok, err)
	}
}

func TestNestingStopsAtEight(t *testing.T) {
	nested := []byte{0x5A, 0}
	for depth := 1; depth <= 10; depth++ {
		nested = tlv.Append(nil, 0x70, nested)
		err := tlv.Check(nested)
		if want := depth > tlv.NestingMax; errors.Is(err, tlv.ErrNesting) != want {
			t.Errorf("depth %d: got %v", depth, err)
		}
	}
}

func TestConstructed(t *testing.T) {
	for tag, want := range map[tlv.Tag]bool{0x5A: false, 0x70: true, 0xE1: true, 0x9F02: false, 0xBF0C: true, 0xDF8101: false, 0xFF8101: true} {
		if got := tag.Constructed(); got != want {
			t.Errorf("%X: got %v", tag, got)
		}
	}
}

func TestOnlyAndFind(t *testing.T) {
	b := unhex(t, "6F048402A000")
	inner, err := tlv.Only(b, 0x6F)
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := tlv.Find(inner, 0x84); !ok || !bytes.Equal(name, []byte{0xA0, 0}) {
		t.Errorf("Find: got %X, %v", name, ok)
	}
	if _, ok := tlv.Find(inner, 0x85); ok {
		t.Error("found what is not there")
	}
	for _, bad := range [][]byte{nil, append(b, 0x84, 0), b[:3]} {
		if _, err := tlv.Only(bad, 0x6F); err == nil {
			t.Errorf("Only took %X", bad)
		}
	}
}

// What Append writes, Next reads; and nothing is left over.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := rapid.SampledFrom([]tlv.Tag{0x5A, 0x80, 0xE1, 0x9F02, 0xBF0C, 0xDF8101}).Draw(t, "tag")
		value := rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "value")
		o, rest, ok, err := tlv.Next(tlv.Append(nil, tag, value))
		if err != nil || !ok || o.Tag != tag || !bytes.Equal(o.Value, value) || len(rest) != 0 {
			t.Fatalf("got %X %X, rest %X, %v", o.Tag, o.Value, rest, err)
		}
	})
}

// Any input either fails or reads to objects that write back to itself: the
// form is canonical, so no two inputs mean the same.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"6F048402A000", "5A810100", "7080", "E13080010181010182", "DF810100"} {
		b, err := hex.DecodeString(seed)
		if err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tlv.Check(b) != nil {
			return
		}
		var again []byte
		for rest := b; ; {
			o, next, ok, err := tlv.Next(rest)
			if err != nil {
				t.Fatal("Check passed what Next refuses")
			}
			if !ok {
				break
			}
			again = tlv.Append(again, o.Tag, o.Value)
			rest = next
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	in := tlv.Append(nil, 0x9F02, make([]byte, 6))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := tlv.Next(in); err != nil {
			b.Fatal(err)
		}
	}
}
