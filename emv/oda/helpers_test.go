package oda_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/secret"
)

const vectorFile = "testdata/oda.txt"

// vector is one block of the file: lines "name: value", each name once.
type vector struct {
	names  []string
	values map[string]string
}

func (v vector) String() string {
	var b strings.Builder
	for _, name := range v.names {
		b.WriteString(name + ": " + v.values[name] + "\n")
	}
	return b.String()
}

func (v vector) kind() string { return v.names[0] }

// readVectors reads the file: the keys, and what was made with them.
func readVectors(t testing.TB) (keys, made []vector) {
	t.Helper()
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := vector{values: map[string]string{}}
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, value, ok := strings.Cut(line, ": ")
			if _, twice := v.values[name]; !ok || twice {
				t.Fatalf("not a line of a vector, or its second: %q", line)
			}
			v.names = append(v.names, name)
			v.values[name] = value
		}
		switch {
		case len(v.names) == 0:
		case v.kind() == "key":
			keys = append(keys, v)
		default:
			made = append(made, v)
		}
	}
	return keys, made
}

func (v vector) hex(t testing.TB, name string) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.values[name])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// testKey is one of the fixed keys of the file. Its private exponent is here as
// a number, so that a test can sign what the package itself would not.
type testKey struct {
	oda.PrivateKey
	crt      oda.CRT
	exponent []byte
	n, d     *big.Int
}

var (
	keysOnce sync.Once
	keys     map[string]testKey
)

func key(t testing.TB, name string) testKey {
	t.Helper()
	keysOnce.Do(func() { keys = readKeys(t) })
	k, ok := keys[name]
	if !ok {
		t.Fatalf("no key %s", name)
	}
	return k
}

func readKeys(t testing.TB) map[string]testKey {
	t.Helper()
	all := map[string]testKey{}
	blocks, _ := readVectors(t)
	for _, v := range blocks {
		part := func(name string) secret.Secret { return secret.New(v.hex(t, name)) }
		k := testKey{
			crt:      oda.CRT{P: part("p"), Q: part("q"), DP: part("dp"), DQ: part("dq"), QInv: part("qinv")},
			exponent: v.hex(t, "exponent"),
		}
		private, err := oda.NewPrivateKey(k.crt, k.exponent)
		if err != nil {
			t.Fatalf("key %s: %v", v.values["key"], err)
		}
		k.PrivateKey = private
		p, q := new(big.Int).SetBytes(v.hex(t, "p")), new(big.Int).SetBytes(v.hex(t, "q"))
		one := big.NewInt(1)
		k.n = new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(p.Sub(p, one), q.Sub(q, one))
		k.d = new(big.Int).ModInverse(new(big.Int).SetBytes(k.exponent), phi)
		all[v.values["key"]] = k
	}
	return all
}

// raw signs any block at all, by the schoolbook.
func (k testKey) raw(block []byte) []byte {
	s := new(big.Int).Exp(new(big.Int).SetBytes(block), k.d, k.n)
	return s.FillBytes(make([]byte, len(block)))
}

// opened is the block inside a signature.
func (k testKey) opened(signature []byte) []byte {
	e := new(big.Int).SetBytes(k.exponent)
	m := new(big.Int).Exp(new(big.Int).SetBytes(signature), e, k.n)
	return m.FillBytes(make([]byte, len(signature)))
}

// random stands for fresh random bytes. What is signed does not depend on it.
func random(seed byte) (r [oda.RandomSize]byte) {
	for i := range r {
		r[i] = seed + byte(i)*7
	}
	return r
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func month(t testing.TB, year, mon int) oda.Month {
	t.Helper()
	return must[oda.Month](t)(oda.NewMonth(year, mon))
}

func date(t testing.TB, year, mon, day int) emv.Date {
	t.Helper()
	return must[emv.Date](t)(emv.NewDate(year, mon, day))
}

func pan(t testing.TB, digits string) emv.PAN {
	t.Helper()
	return must[emv.PAN](t)(emv.NewPAN(digits))
}

// chain is a complete chain of the project's own test authority.
type chain struct {
	caKey, issuerKey, iccKey testKey
	ca                       oda.CA
	issuer                   oda.Issuer
	icc                      oda.ICC
	presented                oda.Presented
}

var testRID = [5]byte{0xF0, 0x73, 0x6F, 0x74, 0x74}

// today lies within everything that makeChain certifies.
func today(t testing.TB) emv.Date { t.Helper(); return date(t, 2026, 6, 15) }

func makeChain(t testing.TB, ca, issuer, icc string) chain {
	t.Helper()
	c := chain{caKey: key(t, ca), issuerKey: key(t, issuer), iccKey: key(t, icc)}
	c.ca = oda.CA{RID: testRID, Index: 0x51, Key: c.caKey.Public(), Expiry: month(t, 2035, 12)}
	c.issuer = oda.Issuer{Identifier: "622848", Expiry: month(t, 2031, 12), Serial: [3]byte{0, 0x10, 1}, Key: c.issuerKey.Public()}
	c.icc = oda.ICC{Expiry: month(t, 2028, 6), Serial: [3]byte{0, 0x20, 2}, Key: c.iccKey.Public()}
	c.presented = oda.Presented{
		RID: testRID, Index: 0x51, PAN: pan(t, "6228480012345678907"),
		Static: unhex(t, "5F2403280630 5F340101 5C00"),
	}
	c.presented.Issuer = must[oda.Certificate](t)(c.caKey.CertifyIssuer(c.issuer, random(1)))
	c.presented.ICC = must[oda.Certificate](t)(c.issuerKey.CertifyICC(c.icc, c.presented.PAN, c.presented.Static, random(2)))
	return c
}

func (c chain) authorities() oda.Authorities { return oda.Authorities{CAs: []oda.CA{c.ca}} }

// flipped is a copy with one bit changed.
func flipped(b []byte, bit int) []byte {
	b = bytes.Clone(b)
	b[bit/8] ^= 0x80 >> (bit % 8)
	return b
}
