package emv_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/secret"
	"sotto/tlv"
)

func seeds(f *testing.F, all ...string) {
	f.Helper()
	for _, text := range all {
		f.Add(unhex(f, text))
	}
}

// A list that is read is written again as it was, and fills what it says.
func FuzzDOL(f *testing.F) {
	seeds(f, "", "9F66049F02069F03069F1A0295055F2A029A039C019F3704", "9F02065F2A02", "8BFC", "9A039F", "DF810101")
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := emv.ParseDOL(b)
		if err != nil {
			return
		}
		if again := list.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
		data := list.Fill(nil, func(tag tlv.Tag) []byte { return make([]byte, int(tag&0x1F)) })
		if len(data) != list.Len() || len(data) > emv.DOLDataMax {
			t.Errorf("%X is filled with %d bytes", b, len(data))
		}
		values, err := list.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, value := range values.All() {
			n += len(value)
		}
		if n != len(data) {
			t.Errorf("%X: %d bytes of %d are read", b, n, len(data))
		}
	})
}

func FuzzAFL(f *testing.F) {
	seeds(f, "08010300", "0801030110010200", "F0FFFF01", "08000100")
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := emv.ParseAFL(b)
		if err != nil {
			return
		}
		if again := list.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
		n := 0
		for r := range list.Records() {
			if n++; r.SFI < 1 || r.SFI > 30 || r.Number == 0 {
				t.Fatalf("%X has the record %v", b, r)
			}
		}
		if n != list.Len() {
			t.Errorf("%X: %d records of %d", b, n, list.Len())
		}
	})
}

func FuzzIAD(f *testing.F) {
	seeds(f, "07010103A00000010A010000038787868FD1FC", "0701010390003001", "070101039000300100")
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := emv.ParseIAD(b)
		if err != nil {
			return
		}
		if again := i.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X", b, again)
		}
		if p, err := emv.ParsePurseIDD(i.IDD); err == nil {
			if again, err := p.Append(nil); err != nil || !bytes.Equal(again, i.IDD) {
				t.Errorf("%X reads as %X, %v", i.IDD, again, err)
			}
			if minor, err := p.Balance.Minor(); err != nil || minor > emv.PurseMax {
				t.Errorf("%X holds %d, %v", i.IDD, minor, err)
			}
		}
	})
}

func FuzzTrack2(f *testing.F) {
	seeds(f, "6217000010000000011D31122010000012300F", "4000000000000002D2512201123456789F", "378282246310005D2601101F")
	f.Fuzz(func(t *testing.T, b []byte) {
		track, err := emv.ParseTrack2(b)
		if err != nil {
			return
		}
		if again, err := track.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X, %v", b, again, err)
		}
	})
}

// A PAN that is read is written again as it was, but for filling.
func FuzzPAN(f *testing.F) {
	seeds(f, "4000000000000002", "378282246310005F", "4000000000000002FFFF")
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := emv.ParsePAN(b)
		if err != nil {
			return
		}
		again := p.Append(nil)
		if !bytes.HasPrefix(b, again) || strings.Trim(hex.EncodeToString(b[len(again):]), "f") != "" {
			t.Errorf("%X reads as %X", b, again)
		}
		if masked := p.String(); strings.Contains(masked, string(p.Reveal())) {
			t.Error("a PAN is not masked")
		}
	})
}

func FuzzNumbers(f *testing.F) {
	seeds(f, "000000001234", "0156", "311231", "000229", "9999999999AA")
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := emv.ParseAmount(b); err == nil {
			minor, err := a.Minor()
			again, newErr := emv.NewAmount(minor)
			if err != nil || newErr != nil || !bytes.Equal(again[:], b) {
				t.Errorf("%X reads as %d", b, minor)
			}
		}
		if n, err := emv.ParseNumeric(b); err == nil {
			number, err := n.Number()
			again, newErr := emv.NewNumeric(number)
			if err != nil || newErr != nil || !bytes.Equal(again[:], b) {
				t.Errorf("%X reads as %d", b, number)
			}
		}
		if d, err := emv.ParseDate(b); err == nil {
			year, month, day, err := d.YMD()
			again, newErr := emv.NewDate(year, month, day)
			if err != nil || newErr != nil || !bytes.Equal(again[:], b) {
				t.Errorf("%X reads as %v", b, d)
			}
		}
	})
}

func FuzzScript(f *testing.F) {
	seeds(f, "72239F180400000001860F04DA9F790A000000050000010203048609841E00000401020304", "7100", "7204860284180000")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := emv.ParseScript(b)
		if err != nil {
			return
		}
		if again, err := s.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X reads as %X, %v", b, again, err)
		}
	})
}

// Nothing that a fuzzer finds is believed, whatever its form.
func FuzzForgery(f *testing.F) {
	seeds(f, "04DA9F790A00000005000001020304", "01BAE8DE6A0DE9E00012", "E39F18760000000012345678", "841E00000401020304")
	k, err := emv.NewMasterKey(emv.PBOC, secret.New([]byte("sixteen byte key")))
	if err != nil {
		f.Fatal(err)
	}
	arqc := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := k.VerifyIssuerAuth1(1, arqc, b); ok {
			t.Errorf("%X was believed", b)
		}
		if _, _, ok := k.VerifyIssuerAuth2(1, arqc, b); ok {
			t.Errorf("%X was believed by method 2", b)
		}
		if c, err := apdu.Parse(b); err == nil {
			if _, ok := k.VerifyScript(c, 1, arqc); ok {
				t.Errorf("%X was executed", b)
			}
		}
	})
}

// A trace of anything is printable, and a PAN is not in it.
func FuzzDescribe(f *testing.F) {
	f.Add(uint32(emv.TagTrack2), unhex(f, "6217000010000000011D31122010000012300F"))
	f.Add(uint32(emv.TagPAN), unhex(f, "4000000000000002"))
	f.Add(uint32(emv.TagIAD), unhex(f, "07010103A00000010A010000038787868FD1FC"))
	f.Add(uint32(emv.TagLabel), []byte("Purse\x00"))
	f.Fuzz(func(t *testing.T, tag uint32, b []byte) {
		text := emv.Describe(tlv.Tag(tag), b)
		for _, c := range []byte(text) {
			if c < ' ' || c > '~' {
				t.Fatalf("%X %X is described as %q", tag, b, text)
			}
		}
		if p, err := emv.ParsePAN(b); err == nil && emv.Sensitive(tlv.Tag(tag)) && strings.Contains(text, string(p.Reveal())) {
			t.Error("a PAN is shown")
		}
	})
}
