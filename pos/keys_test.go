package pos_test

import (
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"testing"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/secret"
)

// keyFile has fixed RSA keys, so that transcripts are the same each time.
const keyFile = "../emv/oda/testdata/oda.txt"

var (
	keysOnce sync.Once
	keysRead map[string]oda.PrivateKey
)

func key(name string) oda.PrivateKey {
	keysOnce.Do(readKeys)
	k, ok := keysRead[name]
	if !ok {
		panic("no key " + name)
	}
	return k
}

func readKeys() {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		panic(err)
	}
	keysRead = map[string]oda.PrivateKey{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := map[string]string{}
		for line := range strings.Lines(block) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(line, "#") {
				v[name] = value
			}
		}
		if v["key"] == "" {
			continue
		}
		part := func(name string) secret.Secret { return secret.New(mustHex(v[name])) }
		k, err := oda.NewPrivateKey(oda.CRT{
			P: part("p"), Q: part("q"), DP: part("dp"), DQ: part("dq"), QInv: part("qinv"),
		}, mustHex(v["exponent"]))
		if err != nil {
			continue // the file has keys that are to be refused
		}
		keysRead[v["key"]] = k
	}
}

func mustHex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const caIndex = 0x51

func until(year int) oda.Month { return must(oda.NewMonth(year, 12)) }

// authorities are whom the terminals of the tests trust.
func authorities() oda.Authorities {
	return oda.Authorities{CAs: []oda.CA{{
		RID: [5]byte{0xF0, 's', 'o', 't', 't'}, Index: caIndex, Key: key("ca-1408").Public(), Expiry: until(2040),
	}}}
}

var (
	issuerOnce sync.Once
	issuerCert oda.Certificate
)

func issuerCertificate() oda.Certificate {
	issuerOnce.Do(func() {
		issuerCert = must(key("ca-1408").CertifyIssuer(oda.Issuer{
			Identifier: "622848", Expiry: until(2031), Serial: [3]byte{1}, Key: key("issuer-1152").Public(),
		}, [oda.RandomSize]byte{1}))
	})
	return issuerCert
}

func iccCertificate(name string, pan emv.PAN, static []byte) oda.Certificate {
	return must(key("issuer-1152").CertifyICC(oda.ICC{
		Expiry: until(2029), Serial: [3]byte{2}, Key: key(name).Public(),
	}, pan, static, [oda.RandomSize]byte{2}))
}

var cards sync.Map // by PAN: deriving keys takes longer than all else in a tap

// cardKeys are the symmetric keys of one card.
func cardKeys(pan emv.PAN) (ac, mac emv.MasterKey) {
	known, _ := cards.Load(string(pan.Reveal()))
	if keys, ok := known.([2]emv.MasterKey); ok {
		return keys[0], keys[1]
	}
	ac, mac = deriveKeys(pan)
	cards.Store(string(pan.Reveal()), [2]emv.MasterKey{ac, mac})
	return ac, mac
}

func deriveKeys(pan emv.PAN) (ac, mac emv.MasterKey) {
	issuer := func(b byte) emv.IssuerKey {
		raw := make([]byte, 16)
		for i := range raw {
			raw[i] = b + byte(i)
		}
		return must(emv.NewIssuerKey(emv.PBOC, secret.New(raw)))
	}
	return issuer(0x10).Master(pan, 1), issuer(0x40).Master(pan, 1)
}

func newPAN(t testing.TB, digits string) emv.PAN {
	t.Helper()
	pan, err := emv.NewPAN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pan
}
