package oda_test

import (
	"fmt"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
)

// From an authority to the check of one tap. Keys are made elsewhere, with
// crypto/rsa; the random bytes come from whoever has a source of them.
func Example() {
	t := new(testing.T)
	caKey, issuerKey, cardKey := key(t, "ca-1984"), key(t, "issuer-1408"), key(t, "icc-1024")
	rid := [5]byte{0xF0, 0x73, 0x6F, 0x74, 0x74}
	until := func(year int) oda.Month { m, _ := oda.NewMonth(year, 12); return m }

	// The authority certifies an issuer, and the issuer its card.
	issuer := oda.Issuer{Identifier: "622848", Expiry: until(2031), Serial: [3]byte{1}, Key: issuerKey.Public()}
	issuerCertificate, _ := caKey.CertifyIssuer(issuer, random(1))
	pan, _ := emv.NewPAN("6228480012345678907")
	card := oda.ICC{Expiry: until(2029), Serial: [3]byte{2}, Key: cardKey.Public()}
	cardCertificate, _ := issuerKey.CertifyICC(card, pan, nil, random(2))

	// The card signs the tap: 12.34 CNY.
	tap := oda.FDDA{UN: [4]byte{0x2B, 0x29, 0xEB, 0xE4}, CardData: []byte{1, 9, 9, 9, 9, 0, 0, 0}, ATC: 17}
	tap.Amount, _ = emv.NewAmount(1234)
	tap.Currency, _ = emv.NewNumeric(emv.NumberChina)
	signature, _ := cardKey.SignFDDA(tap, random(3))

	// The till knows the authority, and nothing else of the three.
	trusted := oda.Authorities{CAs: []oda.CA{{RID: rid, Index: 0x51, Key: caKey.Public()}}}
	today, _ := emv.NewDate(2026, 6, 15)
	shown, err := trusted.Verify(oda.Presented{
		RID: rid, Index: 0x51, PAN: pan, Issuer: issuerCertificate, ICC: cardCertificate,
	}, today)
	fmt.Println("chain:", err)
	fmt.Println("tap:", shown.VerifyFDDA(signature, tap, oda.FDDA01))

	// Another amount is another tap.
	tap.Amount, _ = emv.NewAmount(1)
	fmt.Println(shown.VerifyFDDA(signature, tap, oda.FDDA01))

	// Output:
	// chain: <nil>
	// tap: <nil>
	// oda: signed dynamic data: hash differs
}
