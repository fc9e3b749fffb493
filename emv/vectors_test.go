package emv_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/secret"
)

// vector is one block of a file: lines "name: value", each name once.
type vector struct {
	t      *testing.T
	values map[string]string
	used   map[string]bool
}

func readVectors(t *testing.T, file string) (all []*vector) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := &vector{values: map[string]string{}, used: map[string]bool{"vector": true, "op": true}}
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, value, ok := strings.Cut(line, ": ")
			if _, twice := v.values[name]; !ok || twice {
				t.Fatalf("not a line of a vector, or its second: %q", line)
			}
			v.values[name] = value
		}
		if len(v.values) == 0 {
			continue
		}
		if name := v.values["vector"]; names[name] {
			t.Fatalf("two vectors are called %q", name)
		}
		names[v.values["vector"]] = true
		all = append(all, v)
	}
	return all
}

// run gives each vector to the check of its op, and wants all its lines read.
func run(t *testing.T, file string, least int, checks map[string]func(*vector)) {
	t.Helper()
	all := readVectors(t, file)
	if len(all) < least {
		t.Fatalf("only %d vectors", len(all))
	}
	for _, v := range all {
		t.Run(v.values["vector"], func(t *testing.T) {
			v.t = t
			check, ok := checks[v.values["op"]]
			if !ok {
				t.Fatalf("unknown op %q", v.values["op"])
			}
			check(v)
			for name := range v.values {
				if !v.used[name] {
					t.Errorf("%s is there and was not checked", name)
				}
			}
		})
	}
}

func (v *vector) has(name string) bool { _, ok := v.values[name]; return ok }

func (v *vector) text(name string) string {
	v.t.Helper()
	v.used[name] = true
	if !v.has(name) {
		v.t.Fatalf("no %s", name)
	}
	return v.values[name]
}

func (v *vector) hex(name string) []byte {
	v.t.Helper()
	text := v.text(name)
	if text == "-" {
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		v.t.Fatalf("%s: %v", name, err)
	}
	return b
}

func (v *vector) atc() uint16 {
	atc, err := emv.ParseATC(v.hex("atc"))
	if err != nil {
		v.t.Fatal(err)
	}
	return atc
}

// refused reports whether the vector is a negative one.
func (v *vector) refused() bool {
	expect := v.text("expect")
	if expect != "ok" && expect != "refused" {
		v.t.Fatalf("expect: %q", expect)
	}
	return expect == "refused"
}

func (v *vector) want(name string, got []byte) {
	v.t.Helper()
	if want := v.hex(name); !bytes.Equal(got, want) {
		v.t.Errorf("%s: got %x, want %x", name, got, want)
	}
}

func (v *vector) suite() emv.Suite {
	s, ok := map[string]emv.Suite{"pboc": emv.PBOC, "common": emv.Common, "aes": emv.AES}[v.text("suite")]
	if !ok {
		v.t.Fatal("unknown suite")
	}
	return s
}

func (v *vector) key() emv.MasterKey {
	k, err := emv.NewMasterKey(v.suite(), secret.New(v.hex("key")))
	if err != nil {
		v.t.Fatal(err)
	}
	return k
}

func TestCryptograms(t *testing.T) {
	run(t, "testdata/cryptograms.txt", 130, map[string]func(*vector){
		"master": checkMaster, "cryptogram": checkCryptogram, "ac": checkAC, "balance": checkBalance,
		"answer-1": checkAnswer1, "answer-2": checkAnswer2, "script": checkScript,
	})
}

func checkMaster(v *vector) {
	issuer, err := emv.NewIssuerKey(v.suite(), secret.New(v.hex("issuer")))
	if err != nil {
		v.t.Fatal(err)
	}
	pan, err := emv.NewPAN(v.text("pan"))
	if err != nil {
		v.t.Fatal(err)
	}
	k := issuer.Master(pan, v.hex("psn")[0])
	check := k.CheckValue()
	v.want("key", k.Secret().Reveal())
	v.want("check", check[:])
}

func checkCryptogram(v *vector) {
	k := v.key()
	ac := k.Cryptogram(v.atc(), v.hex("data"))
	v.want("session", k.Session(v.atc()).Reveal())
	v.want("ac", ac[:])
}

func (v *vector) input() (in emv.ACInput) {
	tvr, err := emv.ParseTVR(v.hex("tvr"))
	if err != nil {
		v.t.Fatal(err)
	}
	aip, err := emv.ParseAIP(v.hex("aip"))
	if err != nil {
		v.t.Fatal(err)
	}
	cvr, err := emv.ParseCVR(v.hex("cvr"))
	if err != nil {
		v.t.Fatal(err)
	}
	return emv.ACInput{
		Amount: emv.Amount(v.hex("amount")), Other: emv.Amount(v.hex("other")),
		Country: emv.Numeric(v.hex("country")), TVR: tvr, Currency: emv.Numeric(v.hex("currency")),
		Date: emv.Date(v.hex("date")), Type: v.hex("type")[0], Unpredictable: [4]byte(v.hex("un")),
		AIP: aip, ATC: v.atc(), CVN: emv.CVN(v.hex("cvn")[0]), CVR: cvr,
	}
}

func checkAC(v *vector) {
	in, k := v.input(), v.key()
	refused := v.refused()
	if got := k.VerifyAC(in, [8]byte(v.hex("ac"))); got == refused {
		v.t.Errorf("verified: %v", got)
	}
	data, err := in.Append(nil)
	if !v.has("data") {
		if _, acErr := k.AC(in); err == nil || acErr == nil {
			v.t.Error("an unknown version was written")
		}
		return
	}
	v.want("data", data)
	v.want("session", k.Session(in.ATC).Reveal())
	if !refused {
		ac, err := k.AC(in)
		v.want("ac", ac[:])
		if err != nil {
			v.t.Error(err)
		}
	}
}

func checkBalance(v *vector) {
	k := v.key()
	p, err := emv.ParsePurseIDD(v.hex("idd"))
	if err != nil {
		v.t.Fatal(err)
	}
	v.want("balance", p.Balance[:])
	refused := v.refused()
	if got := k.VerifyBalance(v.atc(), p); got == refused {
		v.t.Errorf("verified: %v", got)
	}
	if refused {
		return
	}
	p.MAC = k.BalanceMAC(v.atc(), p.Balance)
	again, err := p.Append(nil)
	v.want("idd", again)
	if err != nil {
		v.t.Error(err)
	}
}

func checkAnswer1(v *vector) {
	k, arqc := v.key(), [8]byte(v.hex("arqc"))
	arc, ok := k.VerifyIssuerAuth1(v.atc(), arqc, v.hex("answer"))
	if ok == v.refused() {
		v.t.Errorf("verified: %v", ok)
	}
	if ok {
		again := k.IssuerAuth1(v.atc(), arqc, arc)
		v.want("arc", arc.Append(nil))
		v.want("answer", again[:])
	}
}

func checkAnswer2(v *vector) {
	k, arqc := v.key(), [8]byte(v.hex("arqc"))
	csu, proprietary, ok := k.VerifyIssuerAuth2(v.atc(), arqc, v.hex("answer"))
	if ok == v.refused() {
		v.t.Errorf("verified: %v", ok)
	}
	if ok {
		v.want("csu", csu.Append(nil))
		v.want("proprietary", proprietary)
		v.want("answer", k.IssuerAuth2(v.atc(), arqc, csu, proprietary))
	}
}

func checkScript(v *vector) {
	k, arqc := v.key(), [8]byte(v.hex("arqc"))
	c, err := apdu.Parse(v.hex("command"))
	if err != nil {
		v.t.Fatal(err)
	}
	data, ok := k.VerifyScript(c, v.atc(), arqc)
	if ok == v.refused() {
		v.t.Errorf("verified: %v", ok)
	}
	if ok {
		v.want("data", data)
		c.Data = data
		v.want("command", k.SignScript(c, v.atc(), arqc).Bytes())
	}
}
