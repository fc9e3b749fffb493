package bankapi_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/tlv"
)

// chipText is an approval of a purse, objects in ascending order of their tags.
const chipText = "5A0A6228480012345678907F" +
	"82022000" +
	"8409F0736F74746F010001" +
	"95050000000000" +
	"9A03261122" +
	"9C0100" +
	"5F2A020156" +
	"5F340101" +
	"9F0206000000001234" +
	"9F0306000000000000" +
	"9F1013" + "0701010390000001" + "0A010000038787868FD1FC" +
	"9F1A020156" +
	"9F26081122334455667788" +
	"9F270140" +
	"9F36020011" +
	"9F37042B29EBE4"

func chipData(t testing.TB) bankapi.ChipData {
	t.Helper()
	pan, err := emv.NewPAN("6228480012345678907")
	if err != nil {
		t.Fatal(err)
	}
	iad, err := emv.ParseIAD(unhex(t, "07010103900000010A010000038787868FD1FC"))
	if err != nil {
		t.Fatal(err)
	}
	d := bankapi.ChipData{
		PAN: pan, Sequence: 1, AID: unhex(t, "F0736F74746F010001"), CID: emv.TC,
		AC: [8]byte(unhex(t, "1122334455667788")), IAD: iad,
	}
	d.Input = emv.ACInput{
		Country: emv.Numeric{0x01, 0x56}, Currency: emv.Numeric{0x01, 0x56}, Date: emv.Date{0x26, 0x11, 0x22},
		Unpredictable: [4]byte{0x2B, 0x29, 0xEB, 0xE4}, AIP: emv.AIPDDA, ATC: 17, CVN: iad.CVN, CVR: iad.CVR,
	}
	if d.Input.Amount, err = emv.NewAmount(1234); err != nil {
		t.Fatal(err)
	}
	return d
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameChip compares what ChipData is made of; a PAN has no ==.
func sameChip(a, b bankapi.ChipData) bool {
	return a.PAN.Equal(b.PAN) && a.Sequence == b.Sequence && bytes.Equal(a.AID, b.AID) && a.CID == b.CID && a.AC == b.AC &&
		a.Input == b.Input && bytes.Equal(a.IAD.Append(nil), b.IAD.Append(nil))
}

// objectsOf cuts chip data into its objects.
func objectsOf(t testing.TB, text string) (list [][]byte) {
	t.Helper()
	for b := unhex(t, text); len(b) > 0; {
		_, rest, _, err := tlv.Next(b)
		if err != nil {
			t.Fatal(err)
		}
		list, b = append(list, b[:len(b)-len(rest)]), rest
	}
	return list
}

func joined(list [][]byte) string { return hex.EncodeToString(slices.Concat(list...)) }

func TestChipDataIsWrittenAndReadAgain(t *testing.T) {
	d := chipData(t)
	if got := d.Hex(); got != chipText {
		t.Errorf("Hex\n got %s\nwant %s", got, chipText)
	}
	got, err := bankapi.ParseChipData(chipText)
	if err != nil {
		t.Fatal(err)
	}
	if !sameChip(got, d) {
		t.Errorf("ParseChipData: got %v, want %v", got, d)
	}
	if len(chipText) > 510 {
		t.Errorf("%d hex digits, the API takes 510", len(chipText))
	}
}

// The longest there can be still fits the API: a PAN of 19 digits, an AID of 16
// bytes, and 32 bytes of issuer application data.
func TestTheLongestChipDataFits(t *testing.T) {
	d := chipData(t)
	d.AID = bytes.Repeat([]byte{0xA0}, 16)
	d.IAD.IDD = make([]byte, 23)
	text := d.Hex()
	if len(text) > 510 {
		t.Errorf("%d hex digits, the API takes 510", len(text))
	}
	got, err := bankapi.ParseChipData(text)
	if err != nil || !sameChip(got, d) {
		t.Errorf("it does not come back: %v", err)
	}
}

// A terminal of another make writes them in another order, in small letters, and
// with objects that nobody here asked for.
func TestChipDataInAnyOrder(t *testing.T) {
	want := chipData(t)
	list := objectsOf(t, chipText)
	for shift := range list {
		turned := slices.Concat(list[shift:], [][]byte{unhex(t, "9F3303200808")}, list[:shift])
		got, err := bankapi.ParseChipData(strings.ToLower(joined(turned)))
		if err != nil || !sameChip(got, want) {
			t.Errorf("turned by %d: %v", shift, err)
		}
	}
}

func TestChipDataMissesNothingAndDoublesNothing(t *testing.T) {
	list := objectsOf(t, chipText)
	if len(list) != 16 {
		t.Fatalf("%d objects: the test looks at others than it thinks", len(list))
	}
	for i, o := range list {
		without := slices.Delete(slices.Clone(list), i, i+1)
		if _, err := bankapi.ParseChipData(joined(without)); !errors.Is(err, bankapi.ErrChipData) {
			t.Errorf("without %X: got %v", o, err)
		}
		twice := append(slices.Clone(list), o)
		if _, err := bankapi.ParseChipData(joined(twice)); !errors.Is(err, bankapi.ErrChipData) {
			t.Errorf("with %X twice: got %v", o, err)
		}
	}
}

// Each object has one length and, where it is a number, digits.
func TestChipDataRefusesWrongForms(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{"PAN with a letter", "5A0A62", "5A0A6A"},
		{"PAN too short", "5A0A6228480012345678907F", "5A036228FF"},
		{"AIP of one byte", "82022000", "820120"},
		{"AID of four bytes", "8409F0736F74746F010001", "8404F0736F74"},
		{"AID of seventeen bytes", "8409F0736F74746F010001", "8411F0736F74746F010001F0736F74746F0100"},
		{"TVR of four bytes", "95050000000000", "950400000000"},
		{"date of two bytes", "9A03261122", "9A022611"},
		{"no type", "9C0100", "9C00"},
		{"currency of three bytes", "5F2A020156", "5F2A03000156"},
		{"PSN of two bytes", "5F340101", "5F34020001"},
		{"amount of five bytes", "9F0206000000001234", "9F02050000001234"},
		{"other amount of seven bytes", "9F0306000000000000", "9F030700000000000000"},
		{"IAD of another form", "9F10130701", "9F10130601"},
		{"country of one byte", "9F1A020156", "9F1A0156"},
		{"AC of seven bytes", "9F26081122334455667788", "9F260711223344556677"},
		{"CID of two bytes", "9F270140", "9F27024000"},
		{"ATC of three bytes", "9F36020011", "9F3603000011"},
		{"number of three bytes", "9F37042B29EBE4", "9F37032B29EB"},
	} {
		text := strings.Replace(chipText, c.old, c.new, 1)
		if text == chipText {
			t.Fatalf("%s: nothing was changed", c.name)
		}
		if _, err := bankapi.ParseChipData(text); !errors.Is(err, bankapi.ErrChipData) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	for i := range len(chipText) {
		if _, err := bankapi.ParseChipData(chipText[:i]); !errors.Is(err, bankapi.ErrChipData) {
			t.Errorf("cut at %d: got %v", i, err)
		}
	}
	// Objects that nobody knows may follow, as many as the API takes.
	fits := chipText + strings.Repeat("9F3303200808", (bankapi.ChipDataMax-len(chipText))/12)
	if _, err := bankapi.ParseChipData(fits); err != nil {
		t.Errorf("%d digits: %v", len(fits), err)
	}
	if _, err := bankapi.ParseChipData(fits + "9F3303200808"); !errors.Is(err, bankapi.ErrChipData) {
		t.Errorf("longer than the API takes: got %v", err)
	}
	if _, err := bankapi.ParseChipData(chipText + "zz"); !errors.Is(err, bankapi.ErrChipData) {
		t.Errorf("not hexadecimal: got %v", err)
	}
}

// What is parsed shares nothing with what else is parsed, and prints no PAN.
func TestChipDataPrintsNoPAN(t *testing.T) {
	d, err := bankapi.ParseChipData(chipText)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(verb, d); strings.Contains(printed, "0012345678") {
			t.Errorf("%s prints the PAN", verb)
		}
	}
}

// What is taken is written again as what it means, and nothing panics.
func FuzzParseChipData(f *testing.F) {
	f.Add(chipText)
	f.Add(strings.ToLower(chipText))
	f.Add(chipText + "9F3303200808")
	f.Add("5A00")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := bankapi.ParseChipData(text)
		if err != nil {
			if !errors.Is(err, bankapi.ErrChipData) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := bankapi.ParseChipData(d.Hex())
		if err != nil || !sameChip(again, d) {
			t.Fatalf("written again it is not the same: %v", err)
		}
	})
}
