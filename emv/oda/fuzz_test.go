package oda_test

import (
	"bytes"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
)

// FuzzRecoverICC hands the parser behind the signature any block at all, as an
// issuer could: what comes out keeps every limit, and is certified again as the
// same.
func FuzzRecoverICC(f *testing.F) {
	c := makeChain(f, "ca-1984", "issuer-1152", "icc-1024-3")
	signer := c.issuerKey
	f.Add(signer.opened(c.presented.ICC.Signature)[1:], c.presented.ICC.Remainder, c.presented.ICC.Exponent, c.presented.Static)
	f.Add([]byte{4, 0x62, 0x28}, []byte{}, []byte{3}, []byte{})
	f.Fuzz(func(t *testing.T, body, remainder, exponent, static []byte) {
		if len(body) > 144-22 {
			body = body[:144-22]
		}
		cert := oda.Certificate{Remainder: remainder, Exponent: exponent}
		if len(body) > 17 {
			cert.Signature = built(signer, nil, body, 17, remainder, exponent, static)
		}
		day := today(t)
		icc, err := c.issuer.RecoverICC(cert, c.presented.PAN, static, day)
		if err != nil {
			return
		}
		if n := icc.Key.Size(); n < oda.KeySizeMin || n > signer.Public().Size() || icc.Expiry.Over(day) || !bytes.Equal(icc.Key.Exponent(), exponent) {
			t.Errorf("accepted %d bytes, exponent %x, expiry %x", n, exponent, icc.Expiry)
		}
		again, err := signer.CertifyICC(icc, c.presented.PAN, static, random(1))
		if err != nil {
			t.Fatal(err)
		}
		if second, err := c.issuer.RecoverICC(again, c.presented.PAN, static, day); err != nil || !second.Key.Equal(icc.Key) || second.Serial != icc.Serial {
			t.Errorf("certified again, it reads as %+v, %v", second, err)
		}
	})
}

// FuzzRecoverIssuer hands it any bytes instead of a certificate.
func FuzzRecoverIssuer(f *testing.F) {
	c := makeChain(f, "ca-1408", "issuer-1408", "icc-1024")
	p := c.presented.Issuer
	f.Add(p.Signature, p.Remainder, p.Exponent)
	f.Add([]byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, signature, remainder, exponent []byte) {
		cert := oda.Certificate{Signature: signature, Remainder: remainder, Exponent: exponent}
		i, err := c.ca.RecoverIssuer(cert, c.presented.PAN, today(t), nil)
		if err == nil && !i.Key.Equal(c.issuer.Key) {
			t.Error("an issuer that the authority never certified")
		}
	})
}

// FuzzDynamic reads any signed block as all kinds of dynamic signatures.
func FuzzDynamic(f *testing.F) {
	k := key(f, "icc-1024-3")
	card := oda.ICC{Key: k.Public()}
	f.Add([]byte{5, 1, 3, 2, 0, 1})
	f.Add(append([]byte{5, 1, 38, 8}, make([]byte, 37)...))
	f.Add([]byte{5, 1, 255, 8})
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) < 2 || len(body) > 128-22 {
			return
		}
		un := [4]byte{1, 2, 3, 4}
		signature := built(k, nil, body, 2, un[:])
		if number, err := card.VerifyDDA(signature, un[:]); err == nil && (len(number) < 2 || len(number) > 8) {
			t.Errorf("a number of %d bytes", len(number))
		}
		if err := card.VerifyFDDA(signature, oda.FDDA{UN: un, ATC: 1}, oda.FDDA00); err == nil && !bytes.Equal(body[3:6], []byte{2, 0, 1}) {
			t.Errorf("fast DDA out of %x", body)
		}
		if c, err := card.VerifyCDA(signature, un, emv.TC, [20]byte{}); err == nil && c.CID != emv.TC {
			t.Errorf("a cryptogram of kind %x", byte(c.CID))
		}
	})
}

// FuzzParseCA: what is read writes to something that reads as the same.
func FuzzParseCA(f *testing.F) {
	f.Add(unhex(f, publishedCA))
	f.Add(oda.CA{RID: testRID, Key: key(f, "ca-1984").Public()}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := oda.ParseCA(b)
		if err != nil {
			return
		}
		again, err := oda.ParseCA(a.Append(nil))
		if err != nil || again.RID != a.RID || again.Index != a.Index || again.Expiry != a.Expiry || !again.Key.Equal(a.Key) {
			t.Errorf("written and read: %+v, %v", again, err)
		}
	})
}

// FuzzTransactionHash and the records of static data: any bytes, no panic, and
// the signature does not sign itself.
func FuzzTransactionHash(f *testing.F) {
	f.Add(unhex(f, "9F2701409F360200019F4B03AABBCC"), []byte("values"))
	f.Fuzz(func(t *testing.T, response, values []byte) {
		if _, err := oda.StaticData([]oda.Record{{1, response}, {11, response}}, values, [2]byte{}); err == nil && len(response) < 2 {
			t.Error("static data of less than a template")
		}
		sum, err := oda.TransactionHash(response, values)
		if err != nil {
			return
		}
		if again, err := oda.TransactionHash(append(unhex(t, "9F4B0100"), response...), values); err != nil || again != sum {
			t.Errorf("the signature counts: %v", err)
		}
	})
}
