package emv_test

import (
	"bytes"
	"errors"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"sotto/apdu"
	"sotto/emv"
	"sotto/secret"
	"sotto/tlv"
)

var suites = []emv.Suite{emv.PBOC, emv.Common, emv.AES}

func key(t *rapid.T) emv.MasterKey {
	raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
	k, err := emv.NewMasterKey(rapid.SampledFrom(suites).Draw(t, "suite"), secret.New(raw))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func eight(t *rapid.T, name string) [8]byte {
	return [8]byte(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, name))
}

// flip changes one bit of b, any of it.
func flip(t *rapid.T, b []byte) {
	bit := rapid.IntRange(0, 8*len(b)-1).Draw(t, "bit")
	b[bit/8] ^= 1 << (bit % 8)
}

func input(t *rapid.T) emv.ACInput {
	b := rapid.SliceOfN(rapid.Byte(), 38, 38).Draw(t, "fields")
	in := emv.ACInput{
		Amount: emv.Amount(b[0:6]), Other: emv.Amount(b[6:12]), Country: emv.Numeric(b[12:14]), Currency: emv.Numeric(b[14:16]),
		Date: emv.Date(b[16:19]), Type: b[19], Unpredictable: [4]byte(b[20:24]), AIP: emv.AIP(b[24])<<8 | emv.AIP(b[25]),
		ATC: uint16(b[26])<<8 | uint16(b[27]), CVR: emv.CVR(b[28])<<16 | emv.CVR(b[29])<<8 | emv.CVR(b[30]), CVN: emv.CVN01,
	}
	for _, x := range b[31:36] {
		in.TVR = in.TVR<<8 | emv.TVR(x)
	}
	return in
}

// Version 01 covers every field: whatever bit of the data changes, the
// cryptogram is another.
func TestCryptogramCoversEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, in := key(t), input(t)
		ac, err := k.AC(in)
		if err != nil || !k.VerifyAC(in, ac) {
			t.Fatalf("its own cryptogram is refused, %v", err)
		}
		data, err := in.Append(nil)
		if err != nil || len(data) != 37 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		flip(t, data)
		if k.Cryptogram(in.ATC, data) == ac {
			t.Fatal("a changed bit is not covered")
		}
		if k.Cryptogram(in.ATC+1, data) == k.Cryptogram(in.ATC, data) {
			t.Fatal("two transactions have one session key")
		}
		flip(t, ac[:])
		if k.VerifyAC(in, ac) {
			t.Fatal("a changed cryptogram was taken")
		}
	})
}

func TestAnswerIsForOneCryptogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, arqc := key(t), eight(t, "arqc")
		atc, arc := rapid.Uint16().Draw(t, "atc"), emv.ARC(rapid.Uint16().Draw(t, "arc"))
		answer := k.IssuerAuth1(atc, arqc, arc)
		if got, ok := k.VerifyIssuerAuth1(atc, arqc, answer[:]); !ok || got != arc {
			t.Fatalf("its own answer is refused, %v", got)
		}
		proprietary := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "proprietary")
		second := k.IssuerAuth2(atc, arqc, emv.CSUApproved, proprietary)
		if csu, got, ok := k.VerifyIssuerAuth2(atc, arqc, second); !ok || csu != emv.CSUApproved || !bytes.Equal(got, proprietary) {
			t.Fatal("its own answer by method 2 is refused")
		}
		changed, changed2 := answer, bytes.Clone(second)
		flip(t, changed[:])
		flip(t, changed2)
		if _, ok := k.VerifyIssuerAuth1(atc, arqc, changed[:]); ok {
			t.Fatal("a changed answer was taken")
		}
		if _, _, ok := k.VerifyIssuerAuth2(atc, arqc, changed2); ok {
			t.Fatal("a changed answer by method 2 was taken")
		}
		flip(t, arqc[:])
		if _, ok := k.VerifyIssuerAuth1(atc, arqc, answer[:]); ok {
			t.Fatal("the answer to another cryptogram was taken")
		}
	})
}

// A script is for one card, one transaction, one cryptogram, one object and one
// value.
func TestScriptIsForOneTransaction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, arqc, atc := key(t), eight(t, "arqc"), rapid.Uint16().Draw(t, "atc")
		value := rapid.SliceOfN(rapid.Byte(), 0, apdu.DataMaxShort-4).Draw(t, "value")
		plain := emv.PutData(emv.TagBalance, value)
		signed := k.SignScript(plain, atc, arqc)
		data, ok := k.VerifyScript(signed, atc, arqc)
		if !ok || !bytes.Equal(data, value) || len(signed.Data) != len(value)+4 {
			t.Fatal("its own script is refused")
		}
		wire := signed.Bytes()
		flip(t, wire)
		if c, err := apdu.Parse(wire); err == nil {
			if _, ok := k.VerifyScript(c, atc, arqc); ok {
				t.Fatal("a changed script was taken")
			}
		}
		if _, ok := k.VerifyScript(signed, atc+1, arqc); ok {
			t.Fatal("the script of another transaction was taken")
		}
		flip(t, arqc[:])
		if _, ok := k.VerifyScript(signed, atc, arqc); ok {
			t.Fatal("the script for another cryptogram was taken")
		}
	})
}

// Keys of cards differ with any digit of the PAN and with the sequence number;
// TDES keys have odd parity.
func TestKeysOfCardsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := rapid.SampledFrom(suites).Draw(t, "suite")
		issuer, err := emv.NewIssuerKey(suite, secret.New(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "issuer")))
		if err != nil {
			t.Fatal(err)
		}
		// Option A takes 14 digits of a PAN beside the sequence number.
		text := []byte(rapid.StringMatching(`[0-9]{8,14}|[0-9]{17,19}`).Draw(t, "pan"))
		first, err := emv.NewPAN(string(text))
		if err != nil {
			t.Fatal(err)
		}
		k := issuer.Master(first, 0)
		if k.Suite() != suite || k.Empty() || suite.Algorithm() != k.Suite().Algorithm() {
			t.Fatal("the key has another suite")
		}
		text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= 1 // 0 and 1, 2 and 3 …, 8 and 9
		other, err := emv.NewPAN(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if k.Secret().Equal(issuer.Master(other, 0).Secret()) || k.Secret().Equal(issuer.Master(first, 1).Secret()) {
			t.Fatal("two cards have one key")
		}
		if suite == emv.AES {
			return
		}
		for _, b := range k.Secret().Reveal() {
			if bits.OnesCount8(b)%2 == 0 {
				t.Fatal("even parity")
			}
		}
	})
}

// Parity bits of a key given to a card do not change what it computes.
func TestParityDoesNotMatter(t *testing.T) {
	even := bytes.Repeat([]byte{0x12}, 16)
	odd := bytes.Repeat([]byte{0x13}, 16)
	in := emv.ACInput{CVN: emv.CVN01}
	var acs [2][8]byte
	for i, raw := range [][]byte{even, odd} {
		k, err := emv.NewMasterKey(emv.PBOC, secret.New(raw))
		if err != nil {
			t.Fatal(err)
		}
		if acs[i], err = k.AC(in); err != nil {
			t.Fatal(err)
		}
	}
	if acs[0] != acs[1] {
		t.Error("parity matters")
	}
}

// The same key under another suite computes something else: a card cannot be
// talked into another algorithm.
func TestSuitesAreApart(t *testing.T) {
	seen := map[[8]byte]emv.Suite{}
	for _, s := range suites {
		k, err := emv.NewMasterKey(s, secret.New(bytes.Repeat([]byte{0x5B}, 16)))
		if err != nil {
			t.Fatal(err)
		}
		ac, err := k.AC(emv.ACInput{CVN: emv.CVN17, ATC: 1})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[ac]; ok {
			t.Errorf("%v and %v agree", s, other)
		}
		seen[ac] = s
		if s.String() == "no suite" || !s.Valid() {
			t.Errorf("%d has no name", s)
		}
	}
	if emv.AES.Algorithm() != emv.AlgorithmAES || emv.PBOC.Algorithm() != emv.AlgorithmTDES || emv.Common.Algorithm() != emv.AlgorithmTDES {
		t.Error("wrong algorithm")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for _, n := range []int{0, 8, 15, 17, 24, 32} {
		if k, err := emv.NewIssuerKey(emv.PBOC, secret.New(make([]byte, n))); !errors.Is(err, emv.ErrKey) || !k.Empty() {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
	for _, s := range []emv.Suite{0, 4, 255} {
		if _, err := emv.NewMasterKey(s, secret.New(make([]byte, 16))); !errors.Is(err, emv.ErrKey) || s.String() != "no suite" {
			t.Errorf("%v: got %v", s, err)
		}
	}
	issuer, err := emv.NewIssuerKey(emv.PBOC, secret.New(make([]byte, 16)))
	if err != nil {
		t.Fatal(err)
	}
	wantPanic(t, func() { issuer.Master(emv.PAN{}, 0) })
	wantPanic(t, func() { emv.MasterKey{}.IssuerAuth1(1, [8]byte{}, emv.ARCApproved) })
}

func TestWhatAProgramMustNotAsk(t *testing.T) {
	k, err := emv.NewMasterKey(emv.PBOC, secret.New(make([]byte, 16)))
	if err != nil {
		t.Fatal(err)
	}
	wantPanic(t, func() { k.IssuerAuth2(1, [8]byte{}, 0, make([]byte, 9)) })
	wantPanic(t, func() { k.SignScript(emv.PutData(emv.TagBalance, make([]byte, 252)), 1, [8]byte{}) })
	wantPanic(t, func() { emv.IAD{IDD: make([]byte, 24)}.Append(nil) })
	if _, err := (emv.PurseIDD{Balance: emv.Amount{1}}).Append(nil); !errors.Is(err, emv.ErrAmount) {
		t.Errorf("a balance of eleven digits: got %v", err)
	}
	if k.VerifyBalance(1, emv.PurseIDD{Balance: emv.Amount{1}, MAC: k.BalanceMAC(1, emv.Amount{1})}) {
		t.Error("a balance of eleven digits was believed")
	}
	if _, ok := k.VerifyScript(apdu.Command{Data: make([]byte, 300)}, 1, [8]byte{}); ok {
		t.Error("a script of 300 bytes was taken")
	}
}

func TestScriptForms(t *testing.T) {
	k, err := emv.NewMasterKey(emv.PBOC, secret.New(bytes.Repeat([]byte{7}, 16)))
	if err != nil {
		t.Fatal(err)
	}
	balance, err := emv.NewAmount(50000)
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]apdu.Command{
		"04DA9F790A000000050000": emv.PutData(emv.TagBalance, balance[:]),
		"04DA9F5D0A000000050000": emv.PutData(emv.TagAvailable, balance[:]),
		"841E000004":             emv.ApplicationBlock(),
		"8418000004":             emv.ApplicationUnblock(),
	} {
		wire := k.SignScript(c, 1, [8]byte{1}).Bytes()
		if !bytes.Equal(wire[:len(wire)-4], unhex(t, want)) || len(c.Data) != len(wire)-9 {
			t.Errorf("got %X, want %s and a MAC", wire, want)
		}
	}
}

func TestScriptTemplate(t *testing.T) {
	load, block := unhex(t, "04DA9F790A00000005000001020304"), unhex(t, "841E00000401020304")
	script := emv.Script{Tag: emv.TagScript2, ID: []byte{0, 0, 0, 1}, Commands: [][]byte{load, block}}
	b, err := script.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "72239F180400000001"+"860F04DA9F790A00000005000001020304"+"8609841E00000401020304"); !bytes.Equal(b, want) {
		t.Errorf("got %X, want %X", b, want)
	}
	read, err := emv.ParseScript(b)
	if err != nil || read.Tag != script.Tag || !bytes.Equal(read.ID, script.ID) || len(read.Commands) != 2 || !bytes.Equal(read.Commands[1], block) {
		t.Errorf("got %+v, %v", read, err)
	}
	for name, bad := range map[string]string{
		"nothing": "", "another template": "7000", "two templates": "72007200", "cut": "7205860304DA", "cut inside": "7204860304DA",
		"identifier of three bytes": "72069F1803000001", "identifier behind a command": "720D860484180000" + "9F180400000001",
		"two identifiers": "720E9F1804000000019F180400000002", "another object": "7203860084", "unknown object": "72039A0100",
		"command of three bytes": "72058603841800",
	} {
		if _, err := emv.ParseScript(unhex(t, bad)); !errors.Is(err, emv.ErrScript) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, bad := range map[string]emv.Script{
		"no template": {}, "too long": {Tag: emv.TagScript1, Commands: [][]byte{make([]byte, 125)}},
		"short command": {Tag: emv.TagScript1, Commands: [][]byte{{1}}}, "identifier": {Tag: emv.TagScript1, ID: []byte{1}},
	} {
		if _, err := bad.Append(nil); !errors.Is(err, emv.ErrScript) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if b, err := (emv.Script{Tag: emv.TagScript1, Commands: [][]byte{make([]byte, 124)}}).Append(nil); err != nil || len(b) != 128 {
		t.Errorf("longest script: %d bytes, %v", len(b), err)
	}
}

// A card puts together what its list was filled with.
func TestReadACInput(t *testing.T) {
	list, err := emv.ParseDOL(unhex(t, "9F66049F02069F03069F1A0295055F2A029A039C019F3704"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := list.Read(unhex(t, "36800000000000000100000000000000015600000000000156170601002B29EBE4"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := emv.ReadACInput(values.Find)
	if err != nil {
		t.Fatal(err)
	}
	want := emv.ACInput{
		Amount: emv.Amount{4: 1}, Country: emv.Numeric{0x01, 0x56}, Currency: emv.Numeric{0x01, 0x56},
		Date: emv.Date{0x17, 0x06, 0x01}, Unpredictable: [4]byte{0x2B, 0x29, 0xEB, 0xE4},
	}
	if in != want {
		t.Errorf("got %+v", in)
	}
	empty, err := emv.ReadACInput(func(tlv.Tag) ([]byte, bool) { return nil, false })
	if err != nil || empty != (emv.ACInput{}) {
		t.Errorf("got %+v, %v", empty, err)
	}
	if _, err := emv.ReadACInput(func(tlv.Tag) ([]byte, bool) { return make([]byte, 3), true }); !errors.Is(err, emv.ErrLength) {
		t.Errorf("fields of three bytes: got %v", err)
	}
}
