package dyncode_test

import (
	"math/rand/v2"
	"testing"

	"sotto/dyncode"
)

// What the bank does for a card it has no keys of in memory.
func BenchmarkNewInner(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		dyncode.NewInner(dyncode.CardKey(master, cardID), cardID)
	}
}

func BenchmarkContentAppend(b *testing.B) {
	c := payment()
	buffer := make([]byte, 0, dyncode.BufferMax)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Append(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealInner(b *testing.B) {
	s, content := cardSeal(), padded(b, payment())
	buffer := make([]byte, 0, dyncode.BufferMax)
	b.ReportAllocs()
	for counter := uint64(1); b.Loop(); counter++ {
		s.Seal(buffer, dyncode.CardSealed, message, counter, content)
	}
}

func BenchmarkSealOuter(b *testing.B) {
	s := phoneSeal()
	part := cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(b, payment()))
	buffer := make([]byte, 0, dyncode.BufferMax)
	b.ReportAllocs()
	for counter := uint64(1); b.Loop(); counter++ {
		s.Seal(buffer, dyncode.CardSealed, message, counter, part)
	}
}

// From the bytes of a link to the content, through both seals.
func BenchmarkOpenBoth(b *testing.B) {
	in := sealed(b, payment())
	inner, outer := cardSeal(), phoneSeal()
	first, second := make([]byte, 0, dyncode.BufferMax), make([]byte, 0, dyncode.BufferMax)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openInto(in, outer, inner, first, second); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReceiptMake(b *testing.B) {
	s := cardSeal()
	buffer := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		s.AppendReceipt(buffer, dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: 7})
	}
}

func BenchmarkReceiptVerify(b *testing.B) {
	s := cardSeal()
	in := s.AppendReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: 7})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewCode(b *testing.B) {
	random := rand.NewChaCha8([32]byte{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dyncode.NewCode(random, 6); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCodeMAC(b *testing.B) {
	l := dyncode.Linked{Message: message, Amount: 12800, Currency: "CNY", Payee: "Green Tea House"}
	code := []byte("493027")
	b.ReportAllocs()
	for b.Loop() {
		dyncode.CodeMAC(pepper, l, code)
	}
}
