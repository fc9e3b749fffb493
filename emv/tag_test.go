package emv_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"sotto/emv"
	"sotto/tlv"
)

// tagConstants are the constants of tag.go by name, read from the source so that
// none is forgotten here.
func tagConstants(t *testing.T) map[string]tlv.Tag {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "tag.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]tlv.Tag{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, isLiteral := spec.Values[0].(*ast.BasicLit)
		if !isLiteral {
			t.Fatalf("%s is no literal", spec.Names[0].Name)
		}
		tag, err := strconv.ParseUint(value.Value, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		all[spec.Names[0].Name] = tlv.Tag(tag)
		return true
	})
	return all
}

// Every constant has a name and a format, none is there twice, and each is a
// tag that can stand on the wire.
func TestEveryTagHasARow(t *testing.T) {
	all := tagConstants(t)
	if len(all) < 120 {
		t.Fatalf("only %d constants", len(all))
	}
	tags, names := map[tlv.Tag]string{}, map[string]string{}
	for constant, tag := range all {
		name := emv.Name(tag)
		if name == "" || emv.FormatOf(tag) == emv.FormatUnknown {
			t.Errorf("%s has no row", constant)
		}
		if other := tags[tag]; other != "" {
			t.Errorf("%s and %s are the same", constant, other)
		}
		if other := names[name]; other != "" {
			t.Errorf("%s and %s have the same name", constant, other)
		}
		tags[tag], names[name] = constant, constant
		if tag.Constructed() != (emv.FormatOf(tag) == emv.FormatConstructed) {
			t.Errorf("%s: constructed %v, format %v", constant, tag.Constructed(), emv.FormatOf(tag))
		}
		if value, err := tlv.Only(tlv.Append(nil, tag, []byte{1}), tag); err != nil || len(value) != 1 {
			t.Errorf("%s cannot be read: %v", constant, err)
		}
	}
}

func TestUnknownTag(t *testing.T) {
	for _, tag := range []tlv.Tag{0, 0x01, 0xDF01, 0x9F7F, 0xDF8101, 0xFFFFFFFF} {
		if emv.Name(tag) != "" || emv.FormatOf(tag) != emv.FormatUnknown || emv.Sensitive(tag) {
			t.Errorf("%X is known as %q", tag, emv.Name(tag))
		}
	}
}

// What a trace must not show is what tells who the holder is, and nothing else.
func TestSensitive(t *testing.T) {
	want := []tlv.Tag{
		emv.TagTrack1, emv.TagTrack2, emv.TagPAN, emv.TagCardholderName, emv.TagTrack1Discretionary,
		emv.TagTrack2Discretionary, emv.TagICCCertificate, emv.TagTrack2Contactless,
	}
	for name, tag := range tagConstants(t) {
		if emv.Sensitive(tag) != slices.Contains(want, tag) {
			t.Errorf("%s: got %v", name, emv.Sensitive(tag))
		}
	}
}

// Formats that decide how a list is filled, of Book 3, Annex A1.
func TestFormats(t *testing.T) {
	for tag, want := range map[tlv.Tag]string{
		emv.TagAmount: "n", emv.TagAmountOther: "n", emv.TagPAN: "cn", emv.TagCountry: "n", emv.TagCurrency: "n",
		emv.TagDate: "n", emv.TagTime: "n", emv.TagType: "n", emv.TagSerial: "an", emv.TagMerchantName: "ans",
		emv.TagUnpredictable: "b", emv.TagTVR: "b", emv.TagTTQ: "b", emv.TagARC: "an", emv.TagBalance: "n",
		emv.TagFCI: "template", 0xDF01: "unknown",
	} {
		if got := emv.FormatOf(tag).String(); got != want {
			t.Errorf("%s: got %s, want %s", tagText(tag), got, want)
		}
	}
	if emv.FormatA.String() != "a" {
		t.Error("the alphabetic format has no name")
	}
}

// A trace shows bits by name and text as text, and no PAN.
func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		tag   tlv.Tag
		value string
		want  string
	}{
		{emv.TagAIP, "7C00", "7C00 SDA, DDA, cardholder verification, terminal risk management, issuer authentication"},
		{emv.TagAIP, "7C", "[malformed]"},
		{emv.TagAUC, "FF00", "FF00 domestic cash, international cash, domestic goods, international goods, domestic services, international services, ATMs, terminals other than ATMs"},
		{emv.TagTVR, "8000008000", "8000008000 offline data authentication not performed, floor limit exceeded"},
		{emv.TagIACDenial, "0040000000", "0040000000 expired application"},
		{emv.TagTSI, "E800", "E800 offline data authentication performed, cardholder verification performed, card risk management performed, terminal risk management performed"},
		{emv.TagTTQ, "36800000", "36800000 qPBOC, contact chip, online PIN, signature, online cryptogram required"},
		{emv.TagCTQ, "0000", "0000"},
		{emv.TagCTQ, "2080", "2080 online if offline data authentication fails, verified on the holder's device"},
		{emv.TagProcesses, "81000000", "81000000 low-value check, available amount returned"},
		{emv.TagCID, "80", "80 ARQC"},
		{emv.TagCID, "0B", "0B AAC, advice required, issuer authentication failed"},
		{emv.TagIAD, "07010103A00000010A010000038787868FD1FC", "key 01, version 01, algorithm 01, CVR A00000 first ARQC"},
		{emv.TagIAD, "0701010394003801", "key 01, version 01, algorithm 01, CVR 940038 first TC, offline PIN verification performed, issuer script failed, scripts executed: 3"},
		{emv.TagExpiry, "311231", "2031-12-31"},
		{emv.TagDate, "000000", "[malformed]"},
		{emv.TagPAN, "6217000010000000011F", "621700*********0011"},
		{emv.TagPAN, "62", "[malformed]"},
		{emv.TagTrack2, "6217000010000000011D31122010000012300F", "621700*********0011"},
		{emv.TagCardholderName, "4C492F574549", "[not shown]"},
		{emv.TagICCCertificate, "0102", "[not shown]"},
		{emv.TagRecord, "5A08", "[not shown]"},
		{emv.TagLabel, "50757273652031", "Purse 1"},
		{emv.TagPreferredName, "E992B1", "E992B1"},
		{emv.TagARC, "3030", "00"},
		{emv.TagATC, "0ADC", "0ADC"},
		{0xDF01, "00FF", "00FF"},
		{emv.TagCDOL1, "", ""},
	} {
		if got := emv.Describe(c.tag, unhex(t, c.value)); got != c.want {
			t.Errorf("%s %s: got %s, want %s", tagText(c.tag), c.value, got, c.want)
		}
	}
	for name, tag := range tagConstants(t) {
		for n := 1; n <= 32; n++ {
			if emv.Describe(tag, make([]byte, n)) == "" {
				t.Errorf("%s of %d bytes is not described", name, n)
			}
		}
	}
}
