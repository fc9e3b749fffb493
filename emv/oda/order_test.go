package oda_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
)

// faults are what is wrong with one object; the tests below take them away one
// by one, in the order in which the book looks for them.
type faults map[error]bool

func all(order []error) faults {
	f := faults{}
	for _, err := range order {
		f[err] = true
	}
	return f
}

// walk checks that of all the faults the first of the order is reported, then
// of all but that the second, and so on to none.
func walk(t *testing.T, order []error, verify func(f faults) error) {
	t.Helper()
	f := all(order)
	for _, want := range order {
		if err := verify(f); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		delete(f, want)
	}
	if err := verify(f); err != nil {
		t.Errorf("nothing is wrong any more: got %v", err)
	}
}

// built is a signed block with faults. The fields that differ are written by
// the caller; hash covers the added data.
func built(k testKey, f faults, body []byte, hashAt int, added ...[]byte) []byte {
	size := k.Public().Size()
	block := append([]byte{0x6A}, body...)
	for len(block) < size-21 {
		block = append(block, 0xBB)
	}
	if f[oda.ErrHashAlgorithm] {
		block[hashAt] = 2
	}
	h := sha1.New()
	h.Write(block[1:])
	h.Write(slices.Concat(added...))
	sum := h.Sum(nil)
	if f[oda.ErrHash] {
		sum[7] ^= 0x10
	}
	block = append(append(block, sum...), 0xBC)
	if f[oda.ErrTrailer] {
		block[size-1] = 0xCC
	}
	if f[oda.ErrHeader] {
		block[0] = 0x4A
	}
	signature := k.raw(block)
	if f[oda.ErrSize] {
		signature = append(signature, 0)
	}
	return signature
}

// choose is the wrong value while the fault is there.
func choose[T any](fault bool, wrong, right T) T {
	if fault {
		return wrong
	}
	return right
}

func TestIssuerCertificateInOrder(t *testing.T) {
	caKey, issuerKey := key(t, "ca-1408"), key(t, "issuer-1408")
	ca := oda.CA{RID: testRID, Index: 3, Key: caKey.Public()}
	modulus := issuerKey.Public().Modulus()
	serial := [3]byte{1, 2, 3}
	walk(t, []error{
		oda.ErrMissing, oda.ErrSize, oda.ErrTrailer, oda.ErrHeader, oda.ErrFormat, oda.ErrHashAlgorithm, oda.ErrHash,
		oda.ErrIssuer, oda.ErrExpired, oda.ErrRevoked, oda.ErrKeyAlgorithm, oda.ErrKey,
	}, func(f faults) error {
		body := []byte{choose[byte](f[oda.ErrFormat], 4, 2)}
		body = append(body, unhex(t, choose(f[oda.ErrIssuer], "62284900", "622848FF"))...)
		body = append(body, unhex(t, choose(f[oda.ErrExpired], "0526", "0626"))...)
		body = append(append(body, serial[:]...), 1, choose[byte](f[oda.ErrKeyAlgorithm], 2, 1), 176, 1)
		body = append(body, modulus[:140]...)
		remainder := choose(f[oda.ErrKey], modulus[139:], modulus[140:])
		c := oda.Certificate{Remainder: remainder, Exponent: []byte{3}}
		if !f[oda.ErrMissing] {
			c.Signature = built(caKey, f, body, 11, remainder, c.Exponent)
		}
		revoked := []oda.Revocation{{RID: ca.RID, Index: 4, Serial: serial}, {RID: ca.RID, Index: 3, Serial: [3]byte{1, 2, 4}}}
		if f[oda.ErrRevoked] {
			revoked = append(revoked, oda.Revocation{RID: ca.RID, Index: 3, Serial: serial})
		}
		issuer, err := ca.RecoverIssuer(c, pan(t, "6228480012345678907"), today(t), revoked)
		if err == nil && !issuer.Key.Equal(issuerKey.Public()) {
			t.Error("another key was recovered")
		}
		return err
	})
}

func TestICCCertificateInOrder(t *testing.T) {
	issuerKey, iccKey := key(t, "issuer-1152"), key(t, "icc-1024")
	issuer := oda.Issuer{Key: issuerKey.Public()}
	modulus, static := iccKey.Public().Modulus(), []byte("static")
	walk(t, []error{
		oda.ErrMissing, oda.ErrSize, oda.ErrTrailer, oda.ErrHeader, oda.ErrFormat, oda.ErrHashAlgorithm, oda.ErrHash,
		oda.ErrPAN, oda.ErrExpired, oda.ErrKeyAlgorithm, oda.ErrKey,
	}, func(f faults) error {
		body := []byte{choose[byte](f[oda.ErrFormat], 2, 4)}
		body = append(body, unhex(t, choose(f[oda.ErrPAN], "6228480012345678915F", "6228480012345678907F"))...)
		body = append(body, unhex(t, choose(f[oda.ErrExpired], "0526", "0626"))...)
		body = append(body, 0, 0, 1, 1, choose[byte](f[oda.ErrKeyAlgorithm], 0, 1), 128, choose[byte](f[oda.ErrKey], 1, 3))
		body = append(body, modulus[:102]...)
		c := oda.Certificate{Remainder: modulus[102:]}
		c.Signature = built(issuerKey, f, body, 17, c.Remainder, []byte{1, 0, 1}, static)
		if !f[oda.ErrMissing] {
			c.Exponent = []byte{1, 0, 1}
		}
		icc, err := issuer.RecoverICC(c, pan(t, "6228480012345678907"), static, today(t))
		if err == nil && !icc.Key.Equal(iccKey.Public()) {
			t.Error("another key was recovered")
		}
		return err
	})
}

func TestSSADInOrder(t *testing.T) {
	k := key(t, "issuer-1152")
	walk(t, []error{oda.ErrSize, oda.ErrTrailer, oda.ErrHeader, oda.ErrFormat, oda.ErrHashAlgorithm, oda.ErrHash}, func(f faults) error {
		body := []byte{choose[byte](f[oda.ErrFormat], 5, 3), 1, 0xDA, 0xC1}
		_, err := oda.Issuer{Key: k.Public()}.VerifySSAD(built(k, f, body, 2, []byte("static")), []byte("static"))
		return err
	})
}

func TestFDDAInOrder(t *testing.T) {
	k := key(t, "icc-1024")
	d := oda.FDDA{UN: [4]byte{1, 2, 3, 4}, Amount: [6]byte{5: 0x12}, Currency: [2]byte{1, 0x56}, ATC: 0x0102}
	walk(t, []error{
		oda.ErrVersion, oda.ErrSize, oda.ErrTrailer, oda.ErrHeader, oda.ErrFormat, oda.ErrHashAlgorithm,
		oda.ErrHash, oda.ErrDynamicData, oda.ErrATC,
	}, func(f faults) error {
		d.CardData = unhex(t, choose(f[oda.ErrVersion], "0211223344000000", "0111223344000000"))
		body := []byte{choose[byte](f[oda.ErrFormat], 3, 5), 1, 3, choose[byte](f[oda.ErrDynamicData], 3, 2), 1, choose[byte](f[oda.ErrATC], 3, 2)}
		signature := built(k, f, body, 2, d.UN[:], d.Amount[:], d.Currency[:], d.CardData)
		return oda.ICC{Key: k.Public()}.VerifyFDDA(signature, d, oda.FDDA01)
	})
}

func TestCDAInOrder(t *testing.T) {
	k := key(t, "icc-1024")
	un := [4]byte{9, 8, 7, 6}
	walk(t, []error{
		oda.ErrSize, oda.ErrTrailer, oda.ErrHeader, oda.ErrFormat, oda.ErrDynamicData, oda.ErrCID,
		oda.ErrHashAlgorithm, oda.ErrHash, oda.ErrTransaction,
	}, func(f faults) error {
		body := []byte{choose[byte](f[oda.ErrFormat], 2, 5), 1, choose[byte](f[oda.ErrDynamicData], 37, 38), 8}
		body = append(body, "number--"...)
		body = append(body, choose[byte](f[oda.ErrCID], 0x80, 0x40))
		body = append(body, "cryptogr"...)
		transaction := [20]byte{1, 2, 3}
		body = append(body, transaction[:]...)
		if f[oda.ErrTransaction] {
			transaction[19] = 1
		}
		c, err := oda.ICC{Key: k.Public()}.VerifyCDA(built(k, f, body, 2, un[:]), un, emv.TC, transaction)
		if err == nil && (string(c.Number) != "number--" || string(c.AC[:]) != "cryptogr") {
			t.Errorf("got %s", hex.EncodeToString(c.Number))
		}
		return err
	})
}
