package emv_test

import (
	"bytes"
	"testing"

	"sotto/emv"
	"sotto/secret"
	"sotto/tlv"
)

func benchKeys(b *testing.B, s emv.Suite) (emv.IssuerKey, emv.PAN, emv.ACInput) {
	b.Helper()
	issuer, err := emv.NewIssuerKey(s, secret.New(bytes.Repeat([]byte{0x5A}, 16)))
	if err != nil {
		b.Fatal(err)
	}
	pan, err := emv.NewPAN("6217000010000000011")
	if err != nil {
		b.Fatal(err)
	}
	in := emv.ACInput{CVN: emv.CVN01, ATC: 7, AIP: emv.AIPDDA, CVR: emv.CVRSecondNone | emv.CVRFirstTC}
	return issuer, pan, in
}

// A card's key that the bank has kept: what verifying one tap costs.
func BenchmarkVerifyAC(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			issuer, pan, in := benchKeys(b, suite)
			card := issuer.Master(pan, 1)
			ac, err := card.AC(in)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !card.VerifyAC(in, ac) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// The same when the card's key must be derived first.
func BenchmarkDeriveAndVerifyAC(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			issuer, pan, in := benchKeys(b, suite)
			ac, err := issuer.Master(pan, 1).AC(in)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !issuer.Master(pan, 1).VerifyAC(in, ac) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// What a terminal does with a card's list at every tap.
func BenchmarkDOL(b *testing.B) {
	list, err := emv.ParseDOL(unhex(b, "9F66049F02069F03069F1A0295055F2A029A039C019F3704"))
	if err != nil {
		b.Fatal(err)
	}
	var buffer [emv.DOLDataMax]byte
	value := make([]byte, 6)
	b.ReportAllocs()
	for b.Loop() {
		list.Fill(buffer[:0], func(tlv.Tag) []byte { return value })
	}
}
