package emv_test

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"sotto/emv"
)

// field is one bit field: how long it is, and what a value of it reads as.
type field struct {
	name  string
	bytes int
	read  func([]byte) (again []byte, names []string, err error)
	// named are the bits that have a name of their own.
	named uint64
}

type bitField interface {
	Append([]byte) []byte
	Explain() []string
}

func reads[T bitField](parse func([]byte) (T, error)) func([]byte) ([]byte, []string, error) {
	return func(b []byte) ([]byte, []string, error) {
		v, err := parse(b)
		if err != nil {
			return nil, nil, err
		}
		return v.Append(nil), v.Explain(), nil
	}
}

var fields = []field{
	{"AIP", 2, reads(emv.ParseAIP), 0x7F80},
	{"AUC", 2, reads(emv.ParseAUC), 0xFFC0},
	{"TVR", 5, reads(emv.ParseTVR), 0xFEF8FCF8F0},
	{"TSI", 2, reads(emv.ParseTSI), 0xFC00},
	{"TTQ", 4, reads(emv.ParseTTQ), 0xFFE0C080},
	{"CTQ", 2, reads(emv.ParseCTQ), 0xFEC0},
	{"Processes", 4, reads(emv.ParseProcesses), 0x81000000},
	{"CVR", 3, reads(emv.ParseCVR), 0x0FFF0E},
}

// Each bit that the standard names has one name, each other none, and whatever
// is read is written again.
func TestBitsHaveTheirNames(t *testing.T) {
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			_, none, err := f.read(make([]byte, f.bytes))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for bit := range 8 * f.bytes {
				b := make([]byte, f.bytes)
				b[bit/8] = 0x80 >> (bit % 8)
				again, names, err := f.read(b)
				if err != nil || !bytes.Equal(again, b) {
					t.Errorf("%X reads as %X, %v", b, again, err)
				}
				if f.named>>(8*f.bytes-1-bit)&1 == 0 {
					continue
				}
				if names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(none, n) }); len(names) != 1 {
					t.Fatalf("%X is called %q", b, names)
				}
				if seen[names[0]] {
					t.Errorf("two bits are called %q", names[0])
				}
				seen[names[0]] = true
			}
			_, all, err := f.read(bytes.Repeat([]byte{0xFF}, f.bytes))
			if err != nil || len(seen) != bits.OnesCount64(f.named) || len(all) < len(seen) {
				t.Errorf("%d bits have names, all of them %q, %v", len(seen), all, err)
			}
			for _, n := range []int{0, f.bytes - 1, f.bytes + 1} {
				if _, _, err := f.read(make([]byte, n)); err == nil {
					t.Errorf("%d bytes were taken", n)
				}
			}
		})
	}
}

func TestHas(t *testing.T) {
	if !emv.AIP(0x7C00).Has(emv.AIPDDA|emv.AIPSDA) || emv.AIP(0x7C00).Has(emv.AIPDDA|emv.AIPCDA) {
		t.Error("AIP")
	}
	if !emv.TTQ(0x36800000).Has(emv.TTQQPBOC) || emv.TTQ(0x36800000).Has(emv.TTQFDDA01) {
		t.Error("TTQ")
	}
	if !emv.CTQ(0xC000).Has(emv.CTQOnlinePIN|emv.CTQSignature) || emv.CTQ(0x8000).Has(emv.CTQSignature) {
		t.Error("CTQ")
	}
	if !emv.TSI(0x8000).Has(emv.TSIODA) || emv.AUC(0x8000).Has(emv.AUCATM) || emv.Processes(0).Has(emv.ProcessesLowValue) {
		t.Error("TSI, AUC or processes")
	}
	if !emv.CVR(0xA00008).Has(emv.CVRScriptFailed) || emv.CSU(0x00400000).Has(emv.CSUApproved) {
		t.Error("CVR or CSU")
	}
	if !emv.TVRExpired.Has(emv.TVRExpired) {
		t.Error("TVR")
	}
	if !(emv.TVRExpired | emv.TVRNewCard).Matches(emv.TVRNewCard) || emv.TVRExpired.Matches(emv.TVRNewCard) || emv.TVR(0).Matches(0) {
		t.Error("TVR against action codes")
	}
}

// The fields of several bits in byte 1 and byte 3 of the CVR.
func TestCVRFields(t *testing.T) {
	for _, c := range []struct {
		cvr    emv.CVR
		first  emv.CID
		second string
	}{
		{0x800000, emv.AAC, "none"},
		{0x900000, emv.TC, "none"},
		{0xA00000, emv.ARQC, "none"},
		{0x200000, emv.ARQC, "AAC"},
		{emv.CVRSecondTC | emv.CVRFirstARQC, emv.ARQC, "TC"},
		{emv.CVRSecondAAC | emv.CVRFirstAAC, emv.AAC, "AAC"},
		{emv.CVRSecondNone | emv.CVRFirstTC, emv.TC, "none"},
		{0xFFFFFF, 0xC0, "none"},
	} {
		second := "none"
		if kind, asked := c.cvr.Second(); asked {
			second = strings.TrimSpace(kind.Explain()[0])
		}
		if c.cvr.First() != c.first || second != c.second {
			t.Errorf("%v: got first %v, second %s", c.cvr, c.cvr.First(), second)
		}
	}
	for n, want := range map[int]emv.CVR{-1: 0x900008, 0: 0x900008, 1: 0x900018, 15: 0x9000F8, 16: 0x9000F8} {
		got := emv.CVR(0x900078).WithScripts(n)
		if got != want || got.Scripts() != max(0, min(n, 15)) {
			t.Errorf("%d scripts: got %v", n, got)
		}
	}
}

func TestCID(t *testing.T) {
	for b, want := range map[byte]emv.CID{0x00: emv.AAC, 0x40: emv.TC, 0x80: emv.ARQC, 0xC0: 0xC0, 0x8F: emv.ARQC} {
		c, err := emv.ParseCID([]byte{b})
		if err != nil || c.Kind() != want {
			t.Errorf("%02X: got %v, %v", b, c.Kind(), err)
		}
	}
	if _, err := emv.ParseCID(nil); err == nil {
		t.Error("no byte was taken")
	}
	for c, want := range map[emv.CID]string{0x40: "40 TC", 0xC0: "C0 reserved", 0x01: "01 AAC, service not allowed", 0x0A: "0A AAC, advice required, PIN try limit exceeded"} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestARC(t *testing.T) {
	for text, approved := range map[string]bool{"00": true, "10": true, "11": true, "05": false, "51": false, "Y1": false, "Z1": false, "\x00\x00": false} {
		a, err := emv.ParseARC([]byte(text))
		if err != nil || a.Approved() != approved || string(a.Append(nil)) != text {
			t.Errorf("%q: got %v, %v, %v", text, a, a.Approved(), err)
		}
	}
	if got := emv.ARCApproved.String() + emv.ARCOfflineApproved.String() + emv.ARC(0x0012).String(); got != "00Y10012" {
		t.Errorf("got %s", got)
	}
	if _, err := emv.ParseARC([]byte("000")); err == nil {
		t.Error("three bytes were taken")
	}
}

func TestVersion(t *testing.T) {
	v, err := emv.ParseVersion([]byte{0x00, 0x30})
	if err != nil || v != emv.VersionPBOC || !bytes.Equal(v.Append(nil), []byte{0, 0x30}) || v.String() != "0030" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := emv.ParseVersion(nil); err == nil {
		t.Error("no bytes were taken")
	}
}
