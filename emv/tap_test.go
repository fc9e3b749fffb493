package emv_test

import (
	"bytes"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// A UnionPay card, tapped at a terminal that demanded to go online. What names
// the card and its cryptogram is replaced; the rest is as the card answered.
func TestRealTap(t *testing.T) {
	command, err := apdu.Parse(unhex(t, "80A80000238321"+"36800000"+"000000000100"+"000000000000"+"0156"+"0000000000"+"0156"+"170601"+"00"+"2B29EBE4"+"00"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := tlv.Only(command.Data, emv.TagCommandTemplate)
	if err != nil {
		t.Fatal(err)
	}
	list, err := emv.ParseDOL(unhex(t, "9F66049F02069F03069F1A0295055F2A029A039C019F3704"))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := list.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	qualifiers, _ := asked.Find(emv.TagTTQ)
	ttq, err := emv.ParseTTQ(qualifiers)
	if err != nil || !ttq.Has(emv.TTQQPBOC|emv.TTQOnlineRequired) || ttq.Has(emv.TTQOfflineOnly) {
		t.Errorf("terminal %v, %v", ttq, err)
	}

	answer := unhex(t, "774F"+"82027C00"+"9F36020ADC"+"57116217000010000018D31122010000012300"+
		"9F101307010103A00000010A010000038787868FD1FC"+"9F26080102030405060708"+"5F340100"+"9F6C020000"+"9F5D06000000038787")
	inner, err := tlv.Only(answer, emv.TagResponse2)
	if err != nil {
		t.Fatal(err)
	}
	find := func(tag tlv.Tag) []byte {
		value, ok := tlv.Find(inner, tag)
		if !ok {
			t.Fatalf("no %s", emv.Name(tag))
		}
		return value
	}
	aip, err := emv.ParseAIP(find(emv.TagAIP))
	if err != nil || !aip.Has(emv.AIPDDA|emv.AIPIssuerAuth) || aip.Has(emv.AIPCDA) {
		t.Errorf("%v, %v", aip, err)
	}
	atc, err := emv.ParseATC(find(emv.TagATC))
	if err != nil || atc != 2780 {
		t.Errorf("ATC %d, %v", atc, err)
	}
	track, err := emv.ParseTrack2(find(emv.TagTrack2))
	if err != nil || track.PAN.String() != "621700******0018" {
		t.Errorf("%v, %v", track, err)
	}
	iad, err := emv.ParseIAD(find(emv.TagIAD))
	if err != nil || iad.CVN != emv.CVN01 || iad.DKI != 1 || iad.Algorithm != emv.AlgorithmTDES || iad.CVR.First() != emv.ARQC {
		t.Errorf("%v, %v", iad, err)
	}
	purse, err := emv.ParsePurseIDD(iad.IDD)
	if err != nil {
		t.Fatal(err)
	}
	available, err := emv.ParseAmount(find(emv.TagAvailable))
	if err != nil || available != purse.Balance {
		t.Errorf("balance %v, available %v, %v", purse.Balance, available, err)
	}
	if minor, err := purse.Balance.Minor(); minor != 38787 || err != nil {
		t.Errorf("balance %d, %v", minor, err)
	}
	ctq, err := emv.ParseCTQ(find(emv.TagCTQ))
	if err != nil || ctq != 0 || !bytes.Equal(find(emv.TagPSN), []byte{0}) {
		t.Errorf("%v, %v", ctq, err)
	}
	if _, ok := tlv.Find(inner, emv.TagAFL); ok {
		t.Error("records to read, of a card that goes online")
	}
}
