package emv_test

import (
	"bytes"
	"fmt"

	"sotto/emv"
	"sotto/secret"
	"sotto/tlv"
)

// A reader fills a card's list with what it knows of the transaction.
func ExampleDOL_Fill() {
	pdol, err := emv.ParseDOL([]byte{0x9F, 0x02, 6, 0x5F, 0x2A, 2, 0x9C, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	amount, _ := emv.NewAmount(1234)
	currency, _ := emv.NewNumeric(156)
	known := map[tlv.Tag][]byte{emv.TagAmount: amount[:], emv.TagCurrency: currency[:], emv.TagType: {emv.TypePurchase}}
	data := pdol.Fill(nil, func(tag tlv.Tag) []byte { return known[tag] })
	fmt.Printf("%X\n", tlv.Append(nil, emv.TagCommandTemplate, data))

	// The card takes it apart.
	values, _ := pdol.Read(data)
	for tag, value := range values.All() {
		fmt.Println(emv.Name(tag), emv.Describe(tag, value))
	}
	// Output:
	// 8309000000001234015600
	// Amount, Authorised 000000001234
	// Transaction Currency Code 0156
	// Transaction Type 00
}

// A card makes a cryptogram, its bank verifies it, and answers.
func ExampleMasterKey_AC() {
	issuer, err := emv.NewIssuerKey(emv.PBOC, secret.New(bytes.Repeat([]byte{0x5A}, 16)))
	if err != nil {
		fmt.Println(err)
		return
	}
	pan, _ := emv.NewPAN("6217000010000000011")
	card := issuer.Master(pan, 0x01) // personalized into the card

	amount, _ := emv.NewAmount(128000)
	currency, _ := emv.NewNumeric(156)
	tap := emv.ACInput{
		Amount: amount, Country: currency, Currency: currency, ATC: 7, Unpredictable: [4]byte{1, 2, 3, 4},
		CVN: emv.CVN01, CVR: emv.CVRSecondNone | emv.CVRFirstARQC,
	}
	ac, _ := card.AC(tap)

	// The bank derives the same key.
	known := issuer.Master(pan, 0x01)
	fmt.Println(pan, known.VerifyAC(tap, ac))
	richer := tap
	richer.Amount, _ = emv.NewAmount(1)
	fmt.Println(known.VerifyAC(richer, ac))

	answer := known.IssuerAuth1(tap.ATC, ac, emv.ARCApproved)
	arc, ok := card.VerifyIssuerAuth1(tap.ATC, ac, answer[:])
	fmt.Println(arc, ok)
	fmt.Println(card)
	// Output:
	// 621700*********0011 true
	// false
	// 00 true
	// [secret]
}

// What a purse tells its bank beside the cryptogram.
func ExampleParseIAD() {
	iad, err := emv.ParseIAD([]byte{
		0x07, 0x01, 0x01, 0x03, 0xA0, 0x00, 0x00, 0x01,
		0x0A, 0x01, 0x00, 0x00, 0x03, 0x87, 0x87, 0x86, 0x8F, 0xD1, 0xFC,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	purse, _ := emv.ParsePurseIDD(iad.IDD)
	minor, _ := purse.Balance.Minor()
	fmt.Println(iad)
	fmt.Println(minor, "minor units")
	// Output:
	// key 01, version 01, algorithm 01, CVR A00000 first ARQC
	// 38787 minor units
}

// A bank sets the balance of a purse, and only this purse, only now.
func ExampleMasterKey_SignScript() {
	card, err := emv.NewMasterKey(emv.PBOC, secret.New(bytes.Repeat([]byte{0x3C}, 16)))
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, _ := emv.NewAmount(50000)
	arqc := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	command := card.SignScript(emv.PutData(emv.TagBalance, balance[:]), 7, arqc)
	fmt.Printf("%X and a MAC\n", command.Bytes()[:11])

	value, ok := card.VerifyScript(command, 7, arqc)
	fmt.Printf("%X %v\n", value, ok)
	_, ok = card.VerifyScript(command, 8, arqc)
	fmt.Println("in the next transaction:", ok)
	// Output:
	// 04DA9F790A000000050000 and a MAC
	// 000000050000 true
	// in the next transaction: false
}
