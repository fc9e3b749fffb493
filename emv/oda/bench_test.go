package oda_test

import (
	"testing"

	"sotto/emv/oda"
)

var benchFDDA = oda.FDDA{UN: [4]byte{1, 2, 3, 4}, CardData: []byte{1, 1, 2, 3, 4, 0, 0, 0}, ATC: 7}

func BenchmarkSignFDDA(b *testing.B) {
	for _, name := range []string{"icc-1024", "icc-1024-3", "icc-1152"} {
		b.Run(name, func(b *testing.B) {
			k := key(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.SignFDDA(benchFDDA, random(1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyFDDA(b *testing.B) {
	for _, name := range []string{"icc-1024", "icc-1024-3"} {
		b.Run(name, func(b *testing.B) {
			k := key(b, name)
			signature, err := k.SignFDDA(benchFDDA, random(1))
			if err != nil {
				b.Fatal(err)
			}
			card := oda.ICC{Key: k.Public()}
			b.ReportAllocs()
			for b.Loop() {
				if err := card.VerifyFDDA(signature, benchFDDA, oda.FDDA01); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyChain is what a till does with a card it has never seen, but
// for the signature of the transaction.
func BenchmarkVerifyChain(b *testing.B) {
	c := makeChain(b, "ca-1408", "issuer-1408", "icc-1024")
	trusted, day := c.authorities(), today(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trusted.Verify(c.presented, day); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCertifyIssuer(b *testing.B) {
	c := makeChain(b, "ca-1984", "issuer-1408", "icc-1024")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.caKey.CertifyIssuer(c.issuer, random(1)); err != nil {
			b.Fatal(err)
		}
	}
}
