package oda_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
)

var update = flag.Bool("update", false, "write the vectors of "+vectorFile+" anew; its header and keys stay")

// checks are the names by which a vector expects an error.
var checks = map[string]error{
	"ok": nil, "size": oda.ErrSize, "hash": oda.ErrHash, "pan": oda.ErrPAN, "issuer": oda.ErrIssuer,
	"expired": oda.ErrExpired, "missing": oda.ErrMissing, "trailer": oda.ErrTrailer, "authority": oda.ErrAuthority,
}

// inputs of the vectors, in the form of the file without what is computed.
const vectorInputs = `
chain: no remainder at all
ca: ca-1984
issuer: issuer-1408
icc: icc-1024
rid: f0736f7474
index: 51
ca-expiry: 2035-12
identifier: 622848
issuer-expiry: 2031-12
issuer-serial: 001001
pan: 6228480012345678907
icc-expiry: 2028-06
icc-serial: 002002

chain: both remainders, static data, exponents 65537, 65537 and 3
ca: ca-1408
issuer: issuer-1408
icc: icc-1152
rid: a000000999
index: f1
identifier: 62284800
issuer-expiry: 2026-12
issuer-serial: a1b2c3
pan: 6228480012345678
icc-expiry: 2026-12
icc-serial: ffffff
static: 5f24032612315a0862284800123456785f3401011800

chain: a small issuer key leaves a remainder of the card's
ca: ca-1408
issuer: issuer-1152
icc: icc-1024-3
rid: f0736f7474
index: 00
ca-expiry: 2027-02
identifier: 622
issuer-expiry: 2026-12
issuer-serial: 000000
pan: 62284800
icc-expiry: 2026-11
icc-serial: 000001
static: 00

verify: as it was made
from: no remainder at all
expect: ok

verify: the last day of the card's certificate
from: no remainder at all
today: 2028-06-30
expect: ok

verify: the day after
from: no remainder at all
today: 2028-07-01
expect: expired

verify: another PAN of the same issuer
from: no remainder at all
pan: 6228480012345678915
expect: pan

verify: a PAN of another issuer
from: no remainder at all
pan: 6229480012345678907
expect: issuer

verify: a bit of the issuer's certificate
from: no remainder at all
change: 90 xor 247 01
expect: trailer

verify: a bit of the card's certificate
from: no remainder at all
change: 9f46 xor 100 80
expect: trailer

verify: a bit of the issuer's remainder
from: both remainders, static data, exponents 65537, 65537 and 3
change: 92 xor 0 01
expect: hash

verify: a bit of the card's remainder
from: both remainders, static data, exponents 65537, 65537 and 3
change: 9f48 xor 0 01
expect: hash

verify: another exponent of the card
from: both remainders, static data, exponents 65537, 65537 and 3
change: 9f47 xor 2 02
expect: hash

verify: other static data
from: both remainders, static data, exponents 65537, 65537 and 3
static: 5f24032712315a0862284800123456785f3401011800
expect: hash

verify: the key of the authority has ended
from: a small issuer key leaves a remainder of the card's
today: 2027-03-01
expect: expired

verify: an index that the terminal does not know
from: no remainder at all
index: 52
expect: authority

ssad: 1408 bits
key: issuer-1408
dac: dac1
static: 5f24032612315a0862284800123456785f3401011800

ssad: no static data
key: issuer-1152
dac: 0000

dda: default DDOL
key: icc-1024
number: 0102030405060708
ddol: 5a5a1234

dda: shortest number
key: icc-1024-3
number: 0001
ddol: 000000001234deadbeef

cda: TC of the first GENERATE AC
key: icc-1024
number: 1122334455667788
9f27: 40
9f26: a1a2a3a4a5a6a7a8
9f37: 2b29ebe4
values: 36800000000000000100000000000000015600000000000156170601002b29ebe4
response: 9f2701409f3602000c9f100807010103900000015f340100

cda: ARQC with a short number
key: icc-1152
number: 8001
9f27: 80
9f26: 0000000000000001
9f37: 00000000
response: 9f2701809f3602ffff

fdda: version 01
key: icc-1024
9f36: 0adc
9f37: 2b29ebe4
9f02: 000000001234
5f2a: 0156
9f69: 0111223344000000

fdda: version 01 with reserved bytes
key: icc-1152
9f36: ffff
9f37: 00000001
9f02: 999999999999
5f2a: 0840
9f69: 01aabbccdd8000000000000000000000

fdda: version 00, no 9F69
key: icc-1024-3
9f36: 0001
9f37: 2b29ebe4
`

// makeVectors computes what belongs to the inputs.
func makeVectors(t *testing.T) (all []vector) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSpace(vectorInputs), "\n\n") {
		m := &making{t: t, vector: vector{values: map[string]string{}}}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			m.set(name, value)
		}
		switch m.kind() {
		case "chain":
			m.chain()
		case "verify":
		default:
			m.signature()
		}
		all = append(all, m.vector)
	}
	return all
}

type making struct {
	t *testing.T
	vector
}

func (m *making) set(name, value string) {
	m.names = append(m.names, name)
	m.values[name] = value
}

// add sets what is not empty.
func (m *making) add(name string, b []byte) {
	if len(b) > 0 {
		m.set(name, hex.EncodeToString(b))
	}
}

func (m *making) chain() {
	ca, issuer, icc, p := m.statements(m.t)
	sum := ca.Checksum()
	m.add("checksum", sum[:])
	m.add("capk", ca.Append(nil))
	c := must[oda.Certificate](m.t)(key(m.t, m.values["ca"]).CertifyIssuer(issuer, random(3)))
	m.add("90", c.Signature)
	m.add("92", c.Remainder)
	m.add("9f32", c.Exponent)
	c = must[oda.Certificate](m.t)(key(m.t, m.values["issuer"]).CertifyICC(icc, p.PAN, p.Static, random(4)))
	m.add("9f46", c.Signature)
	m.add("9f48", c.Remainder)
	m.add("9f47", c.Exponent)
}

func (m *making) signature() {
	k := key(m.t, m.values["key"])
	switch m.kind() {
	case "ssad":
		m.add("93", must[[]byte](m.t)(k.SignSSAD([2]byte(m.hex(m.t, "dac")), m.hex(m.t, "static"), random(5))))
	case "dda":
		m.add("9f4b", must[[]byte](m.t)(k.SignDDA(m.hex(m.t, "number"), m.hex(m.t, "ddol"), random(6))))
	case "cda":
		c := m.combined(m.t)
		m.add("hash", c.Transaction[:])
		m.add("9f4b", must[[]byte](m.t)(k.SignCDA(c, [4]byte(m.hex(m.t, "9f37")), random(7))))
	case "fdda":
		m.add("9f4b", must[[]byte](m.t)(k.SignFDDA(m.fdda(m.t), random(8))))
	default:
		m.t.Fatalf("unknown kind %q", m.kind())
	}
}

func (v vector) month(t *testing.T, name string) oda.Month {
	t.Helper()
	if v.values[name] == "" {
		return oda.Month{}
	}
	year, mon, _ := strings.Cut(v.values[name], "-")
	y, errYear := strconv.Atoi(year)
	n, errMonth := strconv.Atoi(mon)
	if errYear != nil || errMonth != nil {
		t.Fatalf("%s is no month", name)
	}
	return month(t, y, n)
}

// statements is what the certificates of a chain say.
func (v vector) statements(t *testing.T) (ca oda.CA, issuer oda.Issuer, icc oda.ICC, p oda.Presented) {
	t.Helper()
	ca = oda.CA{
		RID: [5]byte(v.hex(t, "rid")), Index: v.hex(t, "index")[0],
		Key: key(t, v.values["ca"]).Public(), Expiry: v.month(t, "ca-expiry"),
	}
	issuer = oda.Issuer{
		Identifier: v.values["identifier"], Expiry: v.month(t, "issuer-expiry"),
		Serial: [3]byte(v.hex(t, "issuer-serial")), Key: key(t, v.values["issuer"]).Public(),
	}
	icc = oda.ICC{
		Expiry: v.month(t, "icc-expiry"), Serial: [3]byte(v.hex(t, "icc-serial")), Key: key(t, v.values["icc"]).Public(),
	}
	p = oda.Presented{RID: ca.RID, Index: ca.Index, PAN: pan(t, v.values["pan"]), Static: v.hex(t, "static")}
	return ca, issuer, icc, p
}

// presented is what a card of this chain shows.
func (v vector) presented(t *testing.T) oda.Presented {
	t.Helper()
	_, _, _, p := v.statements(t)
	p.Issuer = oda.Certificate{Signature: v.hex(t, "90"), Remainder: v.hex(t, "92"), Exponent: v.hex(t, "9f32")}
	p.ICC = oda.Certificate{Signature: v.hex(t, "9f46"), Remainder: v.hex(t, "9f48"), Exponent: v.hex(t, "9f47")}
	return p
}

func (v vector) combined(t *testing.T) oda.Combined {
	t.Helper()
	c := oda.Combined{Number: v.hex(t, "number"), CID: emv.CID(v.hex(t, "9f27")[0]), AC: [8]byte(v.hex(t, "9f26"))}
	c.Transaction = must[[20]byte](t)(oda.TransactionHash(v.hex(t, "response"), v.hex(t, "values")))
	return c
}

func (v vector) fdda(t *testing.T) oda.FDDA {
	t.Helper()
	f := oda.FDDA{UN: [4]byte(v.hex(t, "9f37")), CardData: v.hex(t, "9f69")}
	f.ATC = must[uint16](t)(emv.ParseATC(v.hex(t, "9f36")))
	copy(f.Amount[:], v.hex(t, "9f02"))
	copy(f.Currency[:], v.hex(t, "5f2a"))
	return f
}

// The file is what the package makes of the inputs now.
func TestVectorFileIsCurrent(t *testing.T) {
	old, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := readVectors(t)
	header, _, _ := strings.Cut(string(old), "\n\n")
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, v := range append(keys, makeVectors(t)...) {
		b.WriteString("\n" + v.String())
	}
	if *update {
		if err := os.WriteFile(vectorFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(old) != b.String() {
		t.Errorf("%s is not what the package writes now; if that is meant, run: go test ./emv/oda -run Vector -update", vectorFile)
	}
}

// What stands in the file verifies, or is refused as it says.
func TestVectors(t *testing.T) {
	_, made := readVectors(t)
	if len(made) < 20 {
		t.Fatalf("only %d vectors", len(made))
	}
	chains := map[string]vector{}
	for _, v := range made {
		if v.kind() == "chain" {
			chains[v.values["chain"]] = v
		}
	}
	for _, v := range made {
		t.Run(v.kind()+" "+v.values[v.kind()], func(t *testing.T) {
			switch v.kind() {
			case "chain":
				checkChain(t, v)
			case "verify":
				checkVerify(t, v, chains[v.values["from"]])
			case "ssad":
				dac, err := (oda.Issuer{Key: key(t, v.values["key"]).Public()}).VerifySSAD(v.hex(t, "93"), v.hex(t, "static"))
				if err != nil || !bytes.Equal(dac[:], v.hex(t, "dac")) {
					t.Errorf("got %x, %v", dac, err)
				}
			default:
				checkDynamic(t, v)
			}
		})
	}
}

func checkChain(t *testing.T, v vector) {
	t.Helper()
	ca := must[oda.CA](t)(oda.ParseCA(v.hex(t, "capk")))
	want, wantIssuer, wantICC, _ := v.statements(t)
	if sum := ca.Checksum(); ca.RID != want.RID || ca.Index != want.Index || ca.Expiry != want.Expiry ||
		!ca.Key.Equal(want.Key) || !bytes.Equal(sum[:], v.hex(t, "checksum")) {
		t.Error("the authority's key reads otherwise")
	}
	trusted, p := oda.Authorities{CAs: []oda.CA{ca}}, v.presented(t)
	issuer := must[oda.Issuer](t)(trusted.Issuer(p, today(t)))
	icc := must[oda.ICC](t)(trusted.Verify(p, today(t)))
	if issuer.Identifier != wantIssuer.Identifier || issuer.Expiry != wantIssuer.Expiry ||
		issuer.Serial != wantIssuer.Serial || !issuer.Key.Equal(wantIssuer.Key) {
		t.Errorf("the issuer reads as %+v", issuer)
	}
	if icc.Expiry != wantICC.Expiry || icc.Serial != wantICC.Serial || !icc.Key.Equal(wantICC.Key) {
		t.Errorf("the card reads as %+v", icc)
	}
}

func checkVerify(t *testing.T, v, from vector) {
	t.Helper()
	ca, p, day := must[oda.CA](t)(oda.ParseCA(from.hex(t, "capk"))), from.presented(t), today(t)
	for _, name := range v.names[1:] {
		switch name {
		case "pan":
			p.PAN = pan(t, v.values[name])
		case "static":
			p.Static = v.hex(t, name)
		case "index":
			p.Index = v.hex(t, name)[0]
		case "today":
			var y, m, d int
			if _, err := fmt.Sscanf(v.values[name], "%d-%d-%d", &y, &m, &d); err != nil {
				t.Fatal(err)
			}
			day = date(t, y, m, d)
		case "change":
			change(t, &p, v.values[name])
		}
	}
	want, known := checks[v.values["expect"]]
	if _, err := (oda.Authorities{CAs: []oda.CA{ca}}).Verify(p, day); !known || !errors.Is(err, want) {
		t.Errorf("got %v, want %s", err, v.values["expect"])
	}
}

func change(t *testing.T, p *oda.Presented, how string) {
	t.Helper()
	var tag string
	var at int
	var mask byte
	if _, err := fmt.Sscanf(how, "%s xor %d %x", &tag, &at, &mask); err != nil {
		t.Fatal(err)
	}
	fields := map[string][]byte{
		"90": p.Issuer.Signature, "92": p.Issuer.Remainder, "9f32": p.Issuer.Exponent,
		"9f46": p.ICC.Signature, "9f48": p.ICC.Remainder, "9f47": p.ICC.Exponent,
	}
	fields[tag][at] ^= mask
}

func checkDynamic(t *testing.T, v vector) {
	t.Helper()
	card := oda.ICC{Key: key(t, v.values["key"]).Public()}
	sdad := v.hex(t, "9f4b")
	switch v.kind() {
	case "dda":
		number, err := card.VerifyDDA(sdad, v.hex(t, "ddol"))
		if err != nil || !bytes.Equal(number, v.hex(t, "number")) {
			t.Errorf("got %x, %v", number, err)
		}
	case "cda":
		want := v.combined(t)
		got, err := card.VerifyCDA(sdad, [4]byte(v.hex(t, "9f37")), want.CID, want.Transaction)
		if err != nil || got.AC != want.AC || !bytes.Equal(got.Number, want.Number) {
			t.Errorf("got %+v, %v", got, err)
		}
	case "fdda":
		f := v.fdda(t)
		version := must[oda.FDDAVersion](t)(f.Version())
		if err := card.VerifyFDDA(sdad, f, version); err != nil {
			t.Error(err)
		}
	default:
		t.Fatalf("unknown kind %q", v.kind())
	}
}
