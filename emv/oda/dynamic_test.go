package oda_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv"
	"sotto/emv/oda"
)

// Whatever bit of 9F4B is changed: refused.
func TestEveryBitOfADynamicSignatureCounts(t *testing.T) {
	k := key(t, "icc-1024")
	card := oda.ICC{Key: k.Public()}
	f := oda.FDDA{UN: [4]byte{1, 2, 3, 4}, Amount: [6]byte{5: 0x34}, Currency: [2]byte{1, 0x56}, CardData: unhex(t, "0111223344000000"), ATC: 7}
	whole := must[[]byte](t)(k.SignFDDA(f, random(1)))
	for bit := range 8 * len(whole) {
		if err := card.VerifyFDDA(flipped(whole, bit), f, oda.FDDA00); err == nil {
			t.Errorf("bit %d was not noticed", bit)
		}
	}
	for _, b := range [][]byte{nil, whole[1:], append([]byte{0}, whole...)} {
		if err := card.VerifyFDDA(b, f, oda.FDDA00); !errors.Is(err, oda.ErrSize) {
			t.Errorf("%d bytes: got %v", len(b), err)
		}
	}
}

// What a thief at the reader would change, and which check stops it.
func TestFDDA(t *testing.T) {
	k := key(t, "icc-1024")
	card := oda.ICC{Key: k.Public()}
	signed := oda.FDDA{
		UN: [4]byte{1, 2, 3, 4}, Amount: must[emv.Amount](t)(emv.NewAmount(1234)),
		Currency: must[emv.Numeric](t)(emv.NewNumeric(emv.NumberChina)), CardData: unhex(t, "0111223344000000"), ATC: 0x0ADC,
	}
	old := signed
	old.CardData = nil
	v01 := must[[]byte](t)(k.SignFDDA(signed, random(1)))
	v00 := must[[]byte](t)(k.SignFDDA(old, random(2)))
	for _, c := range []struct {
		name      string
		signature []byte
		atLeast   oda.FDDAVersion
		change    func(*oda.FDDA)
		want      error
	}{
		{"version 01", v01, oda.FDDA01, func(*oda.FDDA) {}, nil},
		{"version 01 where 00 would do", v01, oda.FDDA00, func(*oda.FDDA) {}, nil},
		{"another amount", v01, oda.FDDA01, func(f *oda.FDDA) { f.Amount[5]++ }, oda.ErrHash},
		{"another currency", v01, oda.FDDA01, func(f *oda.FDDA) { f.Currency[1]++ }, oda.ErrHash},
		{"another terminal's number", v01, oda.FDDA01, func(f *oda.FDDA) { f.UN[0]++ }, oda.ErrHash},
		{"another CTQ", v01, oda.FDDA01, func(f *oda.FDDA) { f.CardData[5] ^= 0x80 }, oda.ErrHash},
		{"another counter", v01, oda.FDDA01, func(f *oda.FDDA) { f.ATC++ }, oda.ErrATC},
		{"9F69 taken away", v01, oda.FDDA01, func(f *oda.FDDA) { f.CardData = nil }, oda.ErrVersion},
		{"9F69 taken away where 00 would do", v01, oda.FDDA00, func(f *oda.FDDA) { f.CardData = nil }, oda.ErrHash},
		{"9F69 of version 00", v01, oda.FDDA01, func(f *oda.FDDA) { f.CardData[0] = 0 }, oda.ErrVersion},
		{"9F69 of version 02", v01, oda.FDDA00, func(f *oda.FDDA) { f.CardData[0] = 2 }, oda.ErrVersion},
		{"9F69 cut", v01, oda.FDDA00, func(f *oda.FDDA) { f.CardData = f.CardData[:6] }, oda.ErrVersion},
		{"9F69 too long", v01, oda.FDDA00, func(f *oda.FDDA) { f.CardData = append(f.CardData, make([]byte, 9)...) }, oda.ErrVersion},
		{"version 00", v00, oda.FDDA00, func(f *oda.FDDA) { f.CardData = nil }, nil},
		{"version 00, said so", v00, oda.FDDA00, func(f *oda.FDDA) { f.CardData = []byte{0} }, nil},
		{"version 00 where 01 is asked", v00, oda.FDDA01, func(f *oda.FDDA) { f.CardData = nil }, oda.ErrVersion},
		{"version 00 as 01", v00, oda.FDDA01, func(*oda.FDDA) {}, oda.ErrHash},
		{"version 00 does not bind the amount", v00, oda.FDDA00, func(f *oda.FDDA) { f.CardData = nil; f.Amount[0] = 0x99 }, nil},
		{"version 00 binds the number", v00, oda.FDDA00, func(f *oda.FDDA) { f.CardData = nil; f.UN[3]++ }, oda.ErrHash},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := signed
			f.CardData = bytes.Clone(f.CardData)
			c.change(&f)
			if err := card.VerifyFDDA(c.signature, f, c.atLeast); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if err := (oda.ICC{Key: key(t, "icc-1024-3").Public()}).VerifyFDDA(v01, signed, oda.FDDA01); err == nil {
		t.Error("another card's key took it")
	}
	if err := (oda.ICC{}).VerifyFDDA(v01, signed, oda.FDDA01); !errors.Is(err, oda.ErrSize) {
		t.Errorf("no key: got %v", err)
	}
	signed.CardData[0] = 2
	if _, err := k.SignFDDA(signed, random(3)); !errors.Is(err, oda.ErrVersion) {
		t.Errorf("signing version 02: got %v", err)
	}
}

// A signature of one kind is none of another.
func TestKindsOfSignaturesDoNotMix(t *testing.T) {
	k := key(t, "icc-1024")
	card := oda.ICC{Key: k.Public()}
	un := [4]byte{1, 2, 3, 4}
	f := oda.FDDA{UN: un, ATC: 0x0102}
	fast := must[[]byte](t)(k.SignFDDA(f, random(1)))
	if _, err := card.VerifyCDA(fast, un, emv.TC, [20]byte{}); !errors.Is(err, oda.ErrDynamicData) {
		t.Errorf("fast DDA as CDA: got %v", err)
	}
	combined := must[[]byte](t)(k.SignCDA(oda.Combined{Number: []byte{1, 2, 3}, CID: emv.TC}, un, random(1)))
	if err := card.VerifyFDDA(combined, f, oda.FDDA00); !errors.Is(err, oda.ErrATC) {
		t.Errorf("CDA as fast DDA: got %v", err)
	}
	static := must[[]byte](t)(k.SignSSAD([2]byte{}, un[:], random(1)))
	if _, err := card.VerifyDDA(static, un[:]); !errors.Is(err, oda.ErrFormat) {
		t.Errorf("SDA as DDA: got %v", err)
	}
}

// The transaction hash counts every object of the answer but the signature
// itself, and every value that was sent.
func TestTransactionHash(t *testing.T) {
	answer := unhex(t, "9F270140 9F36020001 9F1003070101")
	base := must[[20]byte](t)(oda.TransactionHash(answer, []byte("pdol"), []byte("cdol1")))
	same := map[string][20]byte{
		"with the signature at the end":     must[[20]byte](t)(oda.TransactionHash(append(bytes.Clone(answer), unhex(t, "9F4B03AABBCC")...), []byte("pdol"), []byte("cdol1"))),
		"with the signature in the middle":  must[[20]byte](t)(oda.TransactionHash(unhex(t, "9F270140 9F4B00 9F36020001 9F1003070101"), []byte("pdol"), []byte("cdol1"))),
		"the values as one":                 must[[20]byte](t)(oda.TransactionHash(answer, []byte("pdolcdol1"))),
		"and nothing for the second answer": must[[20]byte](t)(oda.TransactionHash(answer, []byte("pdol"), []byte("cdol1"), nil)),
	}
	for name, got := range same {
		if got != base {
			t.Errorf("%s: another hash", name)
		}
	}
	for name, got := range map[string][20]byte{
		"another order":   must[[20]byte](t)(oda.TransactionHash(unhex(t, "9F36020001 9F270140 9F1003070101"), []byte("pdol"), []byte("cdol1"))),
		"another CID":     must[[20]byte](t)(oda.TransactionHash(unhex(t, "9F270180 9F36020001 9F1003070101"), []byte("pdol"), []byte("cdol1"))),
		"without a value": must[[20]byte](t)(oda.TransactionHash(answer, []byte("pdol"))),
		"with CDOL2":      must[[20]byte](t)(oda.TransactionHash(answer, []byte("pdol"), []byte("cdol1"), []byte("cdol2"))),
	} {
		if got == base {
			t.Errorf("%s: the same hash", name)
		}
	}
	if _, err := oda.TransactionHash(answer[:5]); !errors.Is(err, oda.ErrDynamicData) {
		t.Errorf("an answer that is cut: got %v", err)
	}
}

// What SignCDA signs VerifyCDA returns; and a changed unpredictable number or
// transaction is noticed.
func TestCDA(t *testing.T) {
	k := key(t, "icc-1024-3")
	card := oda.ICC{Key: k.Public()}
	rapid.Check(t, func(t *rapid.T) {
		bytesOf := func(n int, label string) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, label) }
		c := oda.Combined{
			Number: rapid.SliceOfN(rapid.Byte(), 2, 8).Draw(t, "number"), CID: emv.CID(rapid.Byte().Draw(t, "cid")),
			AC: [8]byte(bytesOf(8, "ac")), Transaction: [20]byte(bytesOf(20, "transaction")),
		}
		un := [4]byte(bytesOf(4, "un"))
		signature, err := k.SignCDA(c, un, random(rapid.Byte().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		got, err := card.VerifyCDA(signature, un, c.CID, c.Transaction)
		if err != nil || got.AC != c.AC || !bytes.Equal(got.Number, c.Number) || got.CID != c.CID || got.Transaction != c.Transaction {
			t.Fatalf("got %+v, %v", got, err)
		}
		other := un
		other[rapid.IntRange(0, 3).Draw(t, "at")]++
		if _, err := card.VerifyCDA(signature, other, c.CID, c.Transaction); !errors.Is(err, oda.ErrHash) {
			t.Fatalf("another number: got %v", err)
		}
		c.Transaction[rapid.IntRange(0, 19).Draw(t, "at")]++
		if _, err := card.VerifyCDA(signature, un, c.CID, c.Transaction); !errors.Is(err, oda.ErrTransaction) {
			t.Fatalf("another transaction: got %v", err)
		}
	})
}

// What does not fit is not signed.
func TestSigningRefuses(t *testing.T) {
	k := key(t, "icc-1024")
	for _, n := range []int{0, 1, 9, 300} {
		if _, err := k.SignDDA(make([]byte, n), nil, random(0)); !errors.Is(err, oda.ErrMake) {
			t.Errorf("DDA with a number of %d bytes: got %v", n, err)
		}
		if _, err := k.SignCDA(oda.Combined{Number: make([]byte, n)}, [4]byte{}, random(0)); !errors.Is(err, oda.ErrMake) {
			t.Errorf("CDA with a number of %d bytes: got %v", n, err)
		}
	}
	if _, err := (oda.PrivateKey{}).SignFDDA(oda.FDDA{}, random(0)); !errors.Is(err, oda.ErrMake) {
		t.Errorf("no key: got %v", err)
	}
	if _, err := (oda.PrivateKey{}).SignSSAD([2]byte{}, nil, random(0)); !errors.Is(err, oda.ErrMake) {
		t.Errorf("no key: got %v", err)
	}
}
