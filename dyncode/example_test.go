package dyncode_test

import (
	"bytes"
	"fmt"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// A code's way from the bank through a phone to the card, and the receipt's way
// back. Keys and ids come from a keystore, and counters from a database.
func Example() {
	card, phone, id := ident.Raw{0xC0}, ident.Raw{0xF0}, ident.Raw{0xD0}
	master := secret.New(bytes.Repeat([]byte{1}, dyncode.KeySize))
	pairing := secret.New(bytes.Repeat([]byte{2}, dyncode.KeySize))
	source, _ := dyncode.KeySource{Device: []byte("device-0001")}.Digest()

	// The bank seals for the card.
	content, _ := dyncode.Content{
		Kind: dyncode.Payment, Code: []byte("493027"), ExpiresAt: 1_767_225_780, Lifetime: 180,
		Amount: 12800, Currency: []byte("CNY"), Payee: []byte("Green Tea House"),
	}.Append(nil)
	bank := dyncode.NewInner(dyncode.CardKey(master, card), card)
	part := bank.Seal(nil, dyncode.CardSealed, id, 7, content)

	// The phone seals that again, under the key source.
	message := dyncode.NewOuter(pairing, card, phone, source).Seal(nil, dyncode.CardSealed, id, 3, part)

	// The card opens both.
	inner := dyncode.NewInner(dyncode.CardKey(master, card), card)
	outer := dyncode.NewOuter(pairing, card, phone, source)
	m, _ := dyncode.Parse(message)
	opened, _ := outer.Open(make([]byte, 0, dyncode.BufferMax), m)
	b, _ := dyncode.ParseBankPart(opened)
	padded, err := inner.Open(make([]byte, 0, dyncode.BufferMax), m.Profile, m.ID, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, _ := dyncode.ParseContent(padded)
	fmt.Printf("%s %d.%02d to %s: %s\n", c.Currency, c.Amount/100, c.Amount%100, c.Payee, c.Code)
	receipt := inner.AppendReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: m.ID, Counter: b.Counter})

	// The bank learns that the card has shown it.
	r, err := bank.Verify(receipt)
	fmt.Println(r.Result == dyncode.Shown && r.Message == id && r.Counter == 7, err)

	// Output:
	// CNY 128.00 to Green Tea House: 493027
	// true <nil>
}

// A card with no decryption component shows text as it comes.
func ExampleAppendLines() {
	message, err := dyncode.AppendLines(nil, ident.Raw{0xD0}, dyncode.Lines{
		Lifetime: 180, Code: []byte("493027"),
		Text: [][]byte{[]byte("CNY 128.00"), []byte("Green Tea House")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := dyncode.Parse(message)
	l, _ := dyncode.ParseLines(m.Lines)
	for _, line := range l.Text {
		fmt.Printf("%s\n", line)
	}
	fmt.Printf("code %s, for %d seconds\n", l.Code, l.Lifetime)

	// Output:
	// CNY 128.00
	// Green Tea House
	// code 493027, for 180 seconds
}

// What the bank keeps of a code tells nothing without the pepper, and is of no
// use for another payee.
func ExampleCodeMAC() {
	pepper := secret.New(bytes.Repeat([]byte{3}, dyncode.KeySize))
	paid := dyncode.Linked{Message: ident.Raw{0xA0}, Amount: 12800, Currency: "CNY", Payee: "Green Tea House"}
	kept := dyncode.CodeMAC(pepper, paid, []byte("493027"))

	paid.Payee = "Another House"
	fmt.Println(dyncode.CodeMAC(pepper, paid, []byte("493027")) == kept)

	// Output:
	// false
}
