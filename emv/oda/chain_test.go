package oda_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
)

// Whatever bit of whatever object is changed, the chain does not hold.
func TestEveryBitOfAChainCounts(t *testing.T) {
	c := makeChain(t, "ca-1408", "issuer-1408", "icc-1152")
	trusted := c.authorities()
	if _, err := trusted.Verify(c.presented, today(t)); err != nil {
		t.Fatal(err)
	}
	for name, field := range map[string]func(*oda.Presented) *[]byte{
		"90":     func(p *oda.Presented) *[]byte { return &p.Issuer.Signature },
		"92":     func(p *oda.Presented) *[]byte { return &p.Issuer.Remainder },
		"9F32":   func(p *oda.Presented) *[]byte { return &p.Issuer.Exponent },
		"9F46":   func(p *oda.Presented) *[]byte { return &p.ICC.Signature },
		"9F48":   func(p *oda.Presented) *[]byte { return &p.ICC.Remainder },
		"9F47":   func(p *oda.Presented) *[]byte { return &p.ICC.Exponent },
		"static": func(p *oda.Presented) *[]byte { return &p.Static },
	} {
		whole := *field(&c.presented)
		if len(whole) == 0 {
			t.Errorf("%s is empty: the test looked at nothing", name)
		}
		changed := [][]byte{nil, whole[:len(whole)-1], append(bytes.Clone(whole), 0), append([]byte{0}, whole...)}
		for bit := range 8 * len(whole) {
			changed = append(changed, flipped(whole, bit))
		}
		for i, b := range changed {
			p := c.presented
			*field(&p) = b
			if _, err := trusted.Verify(p, today(t)); err == nil {
				t.Errorf("%s, change %d was not noticed", name, i)
			}
		}
	}
}

// Which refusal follows from which change, seen from the whole chain.
func TestChainRefuses(t *testing.T) {
	good := makeChain(t, "ca-1984", "issuer-1408", "icc-1024")
	other := makeChain(t, "ca-1408", "issuer-1152", "icc-1024-3")
	for _, c := range []struct {
		name   string
		change func(*chain)
		day    emv.Date
		where  string
		want   error
	}{
		{"nothing", func(*chain) {}, today(t), "", nil},
		{"no authority at all", func(c *chain) { c.ca.Index++ }, today(t), "CA public key", oda.ErrAuthority},
		{"another payment system", func(c *chain) { c.presented.RID[4]++ }, today(t), "CA public key", oda.ErrAuthority},
		{"an authority past its end", func(c *chain) { c.ca.Expiry = month(t, 2026, 5) }, today(t), "CA public key", oda.ErrExpired},
		{"an authority without end", func(c *chain) { c.ca.Expiry = oda.Month{} }, today(t), "", nil},
		{"another authority of the same name", func(c *chain) { c.ca.Key = other.ca.Key }, today(t), "issuer certificate", oda.ErrSize},
		{"a CA without a key", func(c *chain) { c.ca.Key = oda.PublicKey{} }, today(t), "issuer certificate", oda.ErrSize},
		{"the issuer of another chain", func(c *chain) { c.presented.Issuer = other.presented.Issuer }, today(t), "issuer certificate", oda.ErrSize},
		{"the card of another chain", func(c *chain) { c.presented.ICC = other.presented.ICC }, today(t), "ICC certificate", oda.ErrSize},
		{"the card's certificate as the issuer's", func(c *chain) { c.ca.Key, c.presented.Issuer = c.issuer.Key, c.presented.ICC }, today(t), "issuer certificate", oda.ErrFormat},
		{"another PAN", func(c *chain) { c.presented.PAN = pan(t, "6228480012345678915") }, today(t), "ICC certificate", oda.ErrPAN},
		{"no PAN", func(c *chain) { c.presented.PAN = emv.PAN{} }, today(t), "issuer certificate", oda.ErrIssuer},
		{"a shorter PAN that begins alike", func(c *chain) { c.presented.PAN = pan(t, "622848001234567890") }, today(t), "ICC certificate", oda.ErrPAN},
		{"a PAN of another issuer", func(c *chain) { c.presented.PAN = pan(t, "6228580012345678907") }, today(t), "issuer certificate", oda.ErrIssuer},
		{"other static data", func(c *chain) { c.presented.Static = append(bytes.Clone(c.presented.Static), 0) }, today(t), "ICC certificate", oda.ErrHash},
		{"last day of the card", func(*chain) {}, date(t, 2028, 6, 30), "", nil},
		{"first day after the card", func(*chain) {}, date(t, 2028, 7, 1), "ICC certificate", oda.ErrExpired},
		{"first day after the issuer", func(*chain) {}, date(t, 2032, 1, 1), "issuer certificate", oda.ErrExpired},
		{"first day after the authority", func(*chain) {}, date(t, 2036, 1, 1), "CA public key", oda.ErrExpired},
		{"a terminal without a date", func(*chain) {}, emv.Date{}, "CA public key", oda.ErrExpired},
		{"a terminal without a date, no end", func(c *chain) { c.ca.Expiry = oda.Month{} }, emv.Date{}, "issuer certificate", oda.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := good
			c.change(&changed)
			_, err := changed.authorities().Verify(changed.presented, c.day)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.where) {
				t.Errorf("got %v, want %v in %s", err, c.want, c.where)
			}
		})
	}
}

// Certificates of a hostile or careless signer: their hash is right and their
// key is not.
func TestCertifiedKeysAreLimited(t *testing.T) {
	issuerKey := key(t, "issuer-1152") // 102 bytes for the card's key
	issuer := oda.Issuer{Key: issuerKey.Public()}
	good := key(t, "icc-1024").Public().Modulus()
	long := bytes.Repeat([]byte{0xC1}, 145)
	with := func(b []byte, at int, value byte) []byte {
		b = bytes.Clone(b)
		b[at] = value
		return b
	}
	for _, c := range []struct {
		name         string
		keySize, exp int
		modulus      []byte
		inside       int
		exponent     []byte
		want         error
	}{
		{"as it should be", 128, 3, good, 102, []byte{1, 0, 1}, nil},
		{"exponent 3", 128, 1, good, 102, []byte{3}, nil},
		{"exponent 5", 128, 1, good, 102, []byte{5}, oda.ErrKey},
		{"exponent 1", 128, 1, good, 102, []byte{1}, oda.ErrKey},
		{"exponent 3 in three bytes", 128, 3, good, 102, []byte{0, 0, 3}, oda.ErrKey},
		{"exponent of another length than stated", 128, 1, good, 102, []byte{1, 0, 1}, oda.ErrKey},
		{"as large as the issuer's", 144, 1, long[:144], 102, []byte{3}, nil},
		{"larger than the issuer's", 145, 1, long, 102, []byte{3}, oda.ErrKey},
		{"size 0", 0, 1, nil, 0, []byte{3}, oda.ErrKey},
		{"size 0 and a remainder", 0, 1, good, 0, []byte{3}, oda.ErrKey},
		{"111 bytes", 111, 1, with(good[:111], 110, 1), 102, []byte{3}, oda.ErrKey},
		{"112 bytes", 112, 1, with(good[:112], 111, 1), 102, []byte{3}, nil},
		{"small key without remainder", 64, 1, good[64:], 64, []byte{3}, oda.ErrKey},
		{"remainder too short", 128, 1, good[:127], 102, []byte{3}, oda.ErrKey},
		{"remainder too long", 128, 1, append(bytes.Clone(good), 1), 102, []byte{3}, oda.ErrKey},
		{"even", 128, 1, with(good, 127, 0), 102, []byte{3}, oda.ErrKey},
		{"a zero in front", 128, 1, with(good, 0, 0x7F), 102, []byte{3}, oda.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := append([]byte{4}, unhex(t, "62284800FFFFFFFFFFFF 1228 000000 01 01")...)
			body = append(body, byte(c.keySize), byte(c.exp))
			body = append(body, c.modulus[:c.inside]...)
			remainder := c.modulus[c.inside:]
			cert := oda.Certificate{Signature: built(issuerKey, nil, body, 17, remainder, c.exponent), Remainder: remainder, Exponent: c.exponent}
			icc, err := issuer.RecoverICC(cert, pan(t, "62284800"), nil, today(t))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil && !bytes.Equal(icc.Key.Modulus(), c.modulus) {
				t.Error("another key was recovered")
			}
		})
	}
}

// Issuer identifiers that are no beginning of any PAN.
func TestIssuerIdentifiers(t *testing.T) {
	caKey := key(t, "ca-1984")
	ca := oda.CA{Key: caKey.Public()}
	modulus := key(t, "issuer-1152").Public().Modulus()
	for identifier, want := range map[string]error{
		"622FFFFF": nil, "6228FFFF": nil, "62284800": nil,
		"62FFFFFF": oda.ErrIssuer, "FFFFFFFF": oda.ErrIssuer, "62F84800": oda.ErrIssuer,
		"6228480A": oda.ErrIssuer, "623FFFFF": oda.ErrIssuer, "F228FFFF": oda.ErrIssuer,
	} {
		body := append([]byte{2}, unhex(t, identifier+"1249 000000 01 01 90 03")...)
		cert := oda.Certificate{Exponent: []byte{1, 0, 1}}
		cert.Signature = built(caKey, nil, append(body, modulus...), 11, cert.Exponent)
		if _, err := ca.RecoverIssuer(cert, pan(t, "62284800"), today(t), nil); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", identifier, err, want)
		}
	}
}

// What cannot be verified is not made.
func TestMakingRefuses(t *testing.T) {
	c := makeChain(t, "ca-1984", "issuer-1408", "icc-1024")
	for name, change := range map[string]func(*oda.Issuer){
		"two digits":       func(i *oda.Issuer) { i.Identifier = "62" },
		"nine digits":      func(i *oda.Issuer) { i.Identifier = "622848001" },
		"letters":          func(i *oda.Issuer) { i.Identifier = "62284f" },
		"no digits":        func(i *oda.Issuer) { i.Identifier = "" },
		"no expiry":        func(i *oda.Issuer) { i.Expiry = oda.Month{} },
		"expiry of letter": func(i *oda.Issuer) { i.Expiry = oda.Month{0x0A, 0x28} },
		"no key":           func(i *oda.Issuer) { i.Key = oda.PublicKey{} },
	} {
		i := c.issuer
		change(&i)
		if _, err := c.caKey.CertifyIssuer(i, random(1)); !errors.Is(err, oda.ErrMake) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := c.iccKey.CertifyICC(oda.ICC{Expiry: c.icc.Expiry, Key: c.issuer.Key}, c.presented.PAN, nil, random(1)); !errors.Is(err, oda.ErrMake) {
		t.Errorf("a key larger than the signer's: got %v", err)
	}
	if _, err := c.issuerKey.CertifyICC(c.icc, emv.PAN{}, nil, random(1)); !errors.Is(err, oda.ErrMake) {
		t.Errorf("no PAN: got %v", err)
	}
	if _, err := (oda.PrivateKey{}).CertifyIssuer(c.issuer, random(1)); !errors.Is(err, oda.ErrMake) {
		t.Errorf("no private key: got %v", err)
	}
}

// No error shows what it is about, and none of them panics when printed.
func TestErrorsAreSilent(t *testing.T) {
	c := makeChain(t, "ca-1408", "issuer-1408", "icc-1152")
	digits := string(c.presented.PAN.Reveal())
	for bit := 0; bit < 8*len(c.presented.ICC.Signature); bit += 37 {
		p := c.presented
		p.ICC.Signature = flipped(p.ICC.Signature, bit)
		_, err := c.authorities().Verify(p, today(t))
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, digits) || strings.Contains(text, "%!") {
			t.Fatalf("%q", text)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", c.presented, c.presented, c.presented); strings.Contains(text, digits) {
		t.Error("what a card presents prints its PAN")
	}
}

func TestStaticData(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []oda.Record
		tagList []byte
		want    string
		err     error
	}{
		{"nothing", nil, nil, "", nil},
		{"AIP alone", nil, []byte{0x82}, "3900", nil},
		{"an empty list", nil, []byte{}, "", nil},
		{"records without tag and length", []oda.Record{{1, unhex(t, "7003 5A0112")}, {10, unhex(t, "7002 5F00")}}, nil, "5A0112 5F00", nil},
		{"records with tag and length", []oda.Record{{11, unhex(t, "7003 5A0112")}, {30, unhex(t, "7000")}}, []byte{0x82}, "7003 5A0112 7000 3900", nil},
		{"no template", []oda.Record{{1, unhex(t, "5A0112")}}, nil, "", oda.ErrStatic},
		{"no template, secret file", []oda.Record{{11, unhex(t, "7103 5A0112")}}, nil, "", oda.ErrStatic},
		{"something behind", []oda.Record{{1, unhex(t, "7003 5A0112 00")}}, nil, "", oda.ErrStatic},
		{"cut", []oda.Record{{1, unhex(t, "7003 5A01")}}, nil, "", oda.ErrStatic},
		{"empty", []oda.Record{{1, nil}}, nil, "", oda.ErrStatic},
		{"another tag", nil, []byte{0x5A}, "", oda.ErrStatic},
		{"the AIP twice", nil, []byte{0x82, 0x82}, "", oda.ErrStatic},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := oda.StaticData(c.records, c.tagList, [2]byte{0x39, 0x00})
			if !errors.Is(err, c.err) || !bytes.Equal(got, unhex(t, c.want)) {
				t.Errorf("got %X, %v", got, err)
			}
		})
	}
}
