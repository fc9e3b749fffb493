package cps_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/scp03"
	"sotto/secret"
)

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

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return must[[]byte](t)(hex.DecodeString(strings.ReplaceAll(s, " ", "")))
}

// readBlocks reads a file of blocks of lines "name: value".
func readBlocks(t testing.TB, file string) (all []map[string]string) {
	t.Helper()
	text := must[[]byte](t)(os.ReadFile(file))
	for block := range strings.SplitSeq(string(text), "\n\n") {
		values := map[string]string{}
		for line := range strings.Lines(block) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if ok && !strings.HasPrefix(line, "#") {
				values[name] = value
			}
		}
		if len(values) > 0 {
			all = append(all, values)
		}
	}
	return all
}

// rsaKey is one of the keys that belong to the vectors of oda.
func rsaKey(t testing.TB, name string) (oda.CRT, oda.PrivateKey) {
	t.Helper()
	for _, v := range readBlocks(t, "../oda/testdata/oda.txt") {
		if v["key"] != name || v["p"] == "" {
			continue
		}
		part := func(name string) secret.Secret { return secret.New(unhex(t, v[name])) }
		crt := oda.CRT{P: part("p"), Q: part("q"), DP: part("dp"), DQ: part("dq"), QInv: part("qinv")}
		return crt, must[oda.PrivateKey](t)(oda.NewPrivateKey(crt, unhex(t, v["exponent"])))
	}
	t.Fatalf("no key %s", name)
	return oda.CRT{}, oda.PrivateKey{}
}

// chain is who certifies an applet.
type chain struct{ ca, issuer, icc string }

var (
	usualChain = chain{"ca-1408", "issuer-1408", "icc-1024"}
	largeChain = chain{"ca-1984", "issuer-1408", "icc-1024-3"}     // 0101 holds 90 alone
	shortChain = chain{"ca-1408", "issuer-1408", "icc-1024-short"} // a part of the key is shorter than a prime
	smallChain = chain{"ca-1408", "issuer-1152", "icc-1024"}       // leaves a remainder 9F48
)

// plain is an account without offline data authentication.
func plain(t testing.TB) cps.Profile {
	t.Helper()
	amount := func(minor int64) emv.Amount { return must[emv.Amount](t)(emv.NewAmount(minor)) }
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b, b + 1}, 8)) }
	dol := func(s string) emv.DOL { return must[emv.DOL](t)(emv.ParseDOL(unhex(t, s))) }
	return cps.Profile{
		AID: unhex(t, "F0736F74746F 02 0001"), Label: "Current account", Kind: cps.Account,
		Track2: must[emv.Track2](t)(emv.ParseTrack2(unhex(t, "6228480012345678907D29122010000F"))), PSN: 1,
		Expiry:     must[emv.Date](t)(emv.NewDate(2029, 12, 31)),
		Currency:   must[emv.Numeric](t)(emv.NewNumeric(emv.NumberChina)),
		Balance:    amount(123_456),
		BalanceMax: amount(emv.AmountMax),
		TapMax:     amount(100_000),
		Suite:      emv.Common, CVN: emv.CVN17, DKI: 1,
		CTQ:  0x8000,
		Keys: cps.Keys{AC: key(0x10), MAC: key(0x30), ENC: key(0x50)},
		Contact: cps.Contact{
			AIP: emv.AIPDDA | emv.AIPCDA | emv.AIPTerminalRisk, Country: emv.Numeric{0x01, 0x56}, Usage: 0xFF00, Version: emv.VersionPBOC,
			CDOL1:   dol("9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"),
			CDOL2:   dol("8A02 9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"),
			CVMList: unhex(t, "0000000000000000 1F03"), IACDefault: 0xFC00000000, IACOnline: 0xFC00000000,
		},
	}
}

// certified adds offline data authentication to a profile.
func certified(t testing.TB, p cps.Profile, c chain, covered bool) cps.Profile {
	t.Helper()
	random := [oda.RandomSize]byte{1}
	month := must[oda.Month](t)(oda.NewMonth(2030, 12))
	_, ca := rsaKey(t, c.ca)
	_, issuer := rsaKey(t, c.issuer)
	crt, icc := rsaKey(t, c.icc)
	p.Offline = cps.Offline{CAIndex: 0x51, Key: crt}
	p.Offline.Issuer = must[oda.Certificate](t)(ca.CertifyIssuer(oda.Issuer{Identifier: "622848", Expiry: month, Key: issuer.Public()}, random))
	card := oda.ICC{Expiry: month, Key: icc.Public()}
	p.Offline.ICC = must[oda.Certificate](t)(issuer.CertifyICC(card, p.Track2.PAN, nil, random))
	if covered {
		static := must[[]byte](t)(p.StaticData())
		p.Offline.ContactICC = must[oda.Certificate](t)(issuer.CertifyICC(card, p.Track2.PAN, static, random))
	}
	if p.Kind == cps.Purse {
		p.Offline.Code = "EC0001"
	}
	return p
}

// purse is a purse with everything.
func purse(t testing.TB, c chain, covered bool) cps.Profile {
	t.Helper()
	p := plain(t)
	p.AID, p.Label, p.Kind, p.Priority = unhex(t, "F0736F74746F 01 0001"), "Purse", cps.Purse, 1
	p.Balance, p.BalanceMax, p.TapMax = must[emv.Amount](t)(emv.NewAmount(5000)), must[emv.Amount](t)(emv.NewAmount(100_000)), must[emv.Amount](t)(emv.NewAmount(50_000))
	p.Reserve = must[emv.Amount](t)(emv.NewAmount(500))
	p.Processes, p.Suite, p.CVN = emv.ProcessesLowValue|emv.ProcessesAvailable, emv.PBOC, emv.CVN01
	return certified(t, p, c, covered)
}

// samples are profiles of every shape.
func samples(t testing.TB) map[string]cps.Profile {
	t.Helper()
	aes := purse(t, usualChain, true)
	aes.Suite = emv.AES
	return map[string]cps.Profile{
		"purse":                          purse(t, usualChain, true),
		"purse without contact":          purse(t, usualChain, false),
		"purse under a large CA key":     purse(t, largeChain, true),
		"purse with remainders":          purse(t, smallChain, true),
		"purse with a short key part":    purse(t, shortChain, true),
		"purse with AES":                 aes,
		"account":                        plain(t),
		"account with certificates":      certified(t, plain(t), usualChain, true),
		"account with one certificate":   certified(t, plain(t), smallChain, false),
		"account under a large CA key":   certified(t, plain(t), largeChain, false),
		"account with the longest label": func() cps.Profile { p := plain(t); p.Label = "Sixteen letters!"; return p }(),
	}
}

// channel is what hides key groups.
func channel(t testing.TB) scp03.Keys {
	t.Helper()
	key := func(b byte) secret.Secret { return secret.New(bytes.Repeat([]byte{b}, 16)) }
	return must[scp03.Keys](t)(scp03.NewKeys(key(1), key(2), key(3)))
}

// with is an applet whose group of this id has other data, or none.
func with(a cps.Applet, id cps.ID, data []byte) cps.Applet {
	a.Groups = slices.Clone(a.Groups)
	at := slices.IndexFunc(a.Groups, func(g cps.Group) bool { return g.ID == id })
	switch {
	case at >= 0 && data == nil:
		a.Groups = slices.Delete(a.Groups, at, at+1)
	case at >= 0:
		a.Groups[at].Data = secret.New(data)
	default:
		a.Groups = append(a.Groups, cps.Group{ID: id, Data: secret.New(data)})
	}
	return a
}

func dataOf(a cps.Applet, id cps.ID) []byte {
	for _, g := range a.Groups {
		if g.ID == id {
			return bytes.Clone(g.Data.Reveal())
		}
	}
	return nil
}

// same reports whether two lists of groups are the same, hidden or not.
func same(a, b []cps.Group) bool {
	return slices.EqualFunc(a, b, func(x, y cps.Group) bool {
		return x.ID == y.ID && x.Hidden == y.Hidden && x.Data.Equal(y.Data)
	})
}
