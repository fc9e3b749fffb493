package cps_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/emv/cps"
	"sotto/emv/oda"
	"sotto/secret"
	"sotto/tlv"
)

// Every profile is read as it was written: through groups in any order, through
// blocks of any size with the keys hidden, and through the file.
func TestWholeWay(t *testing.T) {
	for name, p := range samples(t) {
		t.Run(name, func(t *testing.T) {
			a := must[cps.Applet](t)(p.Applet())
			if !slices.IsSortedFunc(a.Groups, func(x, y cps.Group) int { return int(x.ID) - int(y.ID) }) {
				t.Error("groups are not in ascending order")
			}
			file := must[[]byte](t)(a.Append(nil))
			installed := must[cps.Applet](t)(cps.ParseApplet(file))
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(installed.Groups), func(i, j int) {
				installed.Groups[i], installed.Groups[j] = installed.Groups[j], installed.Groups[i]
			})
			keys := channel(t)
			hidden := must[[]cps.Group](t)(cps.Encrypt(installed.Groups, keys.Encrypt))
			var card cps.Assembly
			for _, b := range must[[]cps.Block](t)(cps.Blocks(hidden, 239)) {
				card = must[cps.Assembly](t)(card.Add(b))
			}
			if !card.Done() {
				t.Fatal("the last block did not say so")
			}
			installed.Groups = must[[]cps.Group](t)(cps.Decrypt(card.Groups(), keys.Decrypt))
			read := must[cps.Profile](t)(installed.Profile())
			again := must[cps.Applet](t)(read.Applet())
			if !same(again.Groups, a.Groups) || again.Label != p.Label || !bytes.Equal(again.AID, p.AID) || again.Kind != p.Kind || again.Priority != p.Priority {
				t.Error("what was read is written otherwise")
			}
			sameProfile(t, read, p)
		})
	}
}

// sameProfile compares field by field what Applet could have confused.
func sameProfile(t *testing.T, got, want cps.Profile) {
	t.Helper()
	for name, pair := range map[string][2]any{
		"account": {
			[]any{got.PSN, got.Expiry, got.Currency, got.Balance, got.BalanceMax, got.TapMax, got.Reserve, got.Processes, got.CTQ, got.Suite, got.CVN, got.DKI},
			[]any{want.PSN, want.Expiry, want.Currency, want.Balance, want.BalanceMax, want.TapMax, want.Reserve, want.Processes, want.CTQ, want.Suite, want.CVN, want.DKI},
		},
		"contact":      {got.Contact, want.Contact},
		"certificates": {[]any{got.Offline.CAIndex, got.Offline.Code, got.Offline.Issuer, got.Offline.ICC, got.Offline.ContactICC}, []any{want.Offline.CAIndex, want.Offline.Code, want.Offline.Issuer, want.Offline.ICC, want.Offline.ContactICC}},
		"PAN":          {got.Track2.PAN.Equal(want.Track2.PAN), true},
		"AC":           {got.Keys.AC.Equal(want.Keys.AC), true},
		"MAC":          {got.Keys.MAC.Equal(want.Keys.MAC), true},
		"ENC":          {got.Keys.ENC.Equal(want.Keys.ENC), true},
		"p":            {bytes.Equal(got.Offline.Key.P.Reveal(), want.Offline.Key.P.Reveal()), true},
		"q":            {bytes.Equal(got.Offline.Key.Q.Reveal(), want.Offline.Key.Q.Reveal()), true},
	} {
		if fmt.Sprintf("%x", pair[0]) != fmt.Sprintf("%x", pair[1]) {
			t.Errorf("%s: got %x, want %x", name, pair[0], pair[1])
		}
	}
}

// What a terminal finds in the records verifies: the chain of a tap, and that of
// a contact transaction with record 0201 under the signature.
func TestRecordsVerify(t *testing.T) {
	for name, c := range map[string]chain{"usual": usualChain, "large": largeChain, "small": smallChain} {
		t.Run(name, func(t *testing.T) {
			a := must[cps.Applet](t)(purse(t, c, true).Applet())
			_, caKey := rsaKey(t, c.ca)
			trusted := oda.Authorities{CAs: []oda.CA{{RID: [5]byte(a.AID[:5]), Index: 0x51, Key: caKey.Public()}}}
			tap := emv.AFL{{SFI: 1, First: 1, Last: 3}}
			processing := dataOf(a, cps.Processing)
			raw, _ := tlv.Find(processing, emv.TagAFL)
			aip, _ := tlv.Find(processing, emv.TagAIP)
			contact := must[emv.AFL](t)(emv.ParseAFL(raw))
			for _, afl := range []emv.AFL{tap, contact} {
				if _, err := trusted.Verify(shown(t, a, afl, aip), must[emv.Date](t)(emv.NewDate(2026, 1, 1))); err != nil {
					t.Errorf("%v: %v", afl, err)
				}
			}
			changed := with(a, cps.ContactRecord, bytes.Replace(dataOf(a, cps.ContactRecord), unhex(t, "1F03"), unhex(t, "1F00"), 1))
			if _, err := trusted.Verify(shown(t, changed, contact, aip), must[emv.Date](t)(emv.NewDate(2026, 1, 1))); !errors.Is(err, oda.ErrHash) {
				t.Errorf("another CVM list: got %v", err)
			}
		})
	}
}

// shown reads records as a terminal does, which refuses an object that comes
// twice (EMV 4.4 Book 3, 10.2).
func shown(t *testing.T, a cps.Applet, afl emv.AFL, aip []byte) oda.Presented {
	t.Helper()
	found := map[tlv.Tag][]byte{}
	var signed []oda.Record
	for r := range afl.Records() {
		data, ok := a.Record(r.SFI, r.Number)
		if !ok {
			t.Fatalf("record %d of file %d is not there", r.Number, r.SFI)
		}
		if r.Signed {
			signed = append(signed, oda.Record{SFI: r.SFI, Data: data})
		}
		rest := must[[]byte](t)(tlv.Only(data, emv.TagRecord))
		for {
			o, next, more, err := tlv.Next(rest)
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			if _, twice := found[o.Tag]; twice {
				t.Errorf("%X comes twice", o.Tag)
			}
			found[o.Tag], rest = o.Value, next
		}
	}
	track2, _ := tlv.Find(dataOf(a, cps.AccountData), emv.TagTrack2) // which a tap shows in place of 5A
	p := oda.Presented{
		RID: [5]byte(a.AID[:5]), Index: found[emv.TagCAIndex][0], PAN: must[emv.Track2](t)(emv.ParseTrack2(track2)).PAN,
		Issuer: oda.Certificate{Signature: found[emv.TagIssuerCertificate], Remainder: found[emv.TagIssuerRemainder], Exponent: found[emv.TagIssuerExponent]},
		ICC:    oda.Certificate{Signature: found[emv.TagICCCertificate], Remainder: found[emv.TagICCRemainder], Exponent: found[emv.TagICCExponent]},
	}
	p.Static = must[[]byte](t)(oda.StaticData(signed, found[emv.TagSDATagList], [2]byte(aip)))
	return p
}

// What is not possible is not built. Each row names the group and the reason.
func TestBuildingRefuses(t *testing.T) {
	amount := func(minor int64) emv.Amount { return must[emv.Amount](t)(emv.NewAmount(minor)) }
	other, _ := rsaKey(t, "icc-1152")
	for _, c := range []struct {
		name   string
		change func(*cps.Profile)
		where  cps.ID
		want   error
	}{
		{"short AID", func(p *cps.Profile) { p.AID = p.AID[:4] }, cps.FCI, cps.ErrName},
		{"long AID", func(p *cps.Profile) { p.AID = make([]byte, 17) }, cps.FCI, cps.ErrName},
		{"no label", func(p *cps.Profile) { p.Label = "" }, cps.FCI, cps.ErrName},
		{"long label", func(p *cps.Profile) { p.Label = "seventeen letters" }, cps.FCI, cps.ErrName},
		{"label with a control", func(p *cps.Profile) { p.Label = "Purse\n" }, cps.FCI, cps.ErrName},
		{"no kind", func(p *cps.Profile) { p.Kind = 0 }, cps.FCI, cps.ErrName},
		{"kind 3", func(p *cps.Profile) { p.Kind = 3 }, cps.FCI, cps.ErrName},
		{"priority 16", func(p *cps.Profile) { p.Priority = 16 }, cps.FCI, cps.ErrName},
		{"no key", func(p *cps.Profile) { p.Keys.MAC = secret.Secret{} }, cps.CardKeys, cps.ErrKeys},
		{"long key", func(p *cps.Profile) { p.Keys.ENC = secret.New(make([]byte, 24)) }, cps.CardKeys, cps.ErrKeys},
		{"no suite", func(p *cps.Profile) { p.Suite = 0 }, cps.CardKeys, cps.ErrKeys},
		{"unknown cryptogram version", func(p *cps.Profile) { p.CVN = 0x11 }, cps.CardKeys, cps.ErrKeys},
		{"no track 2", func(p *cps.Profile) { p.Track2 = emv.Track2{} }, cps.AccountData, cps.ErrAccount},
		{"another expiry in track 2", func(p *cps.Profile) { p.Track2.Expiry[1] = 0x11 }, cps.AccountData, cps.ErrAccount},
		{"no date", func(p *cps.Profile) { p.Expiry[2] = 0x32 }, cps.AccountData, cps.ErrAccount},
		{"PSN of letters", func(p *cps.Profile) { p.PSN = 0x0A }, cps.AccountData, cps.ErrAccount},
		{"currency of letters", func(p *cps.Profile) { p.Currency[1] = 0xFF }, cps.AccountData, cps.ErrAccount},
		{"balance of letters", func(p *cps.Profile) { p.Balance[5] = 0xAA }, cps.AccountData, cps.ErrAccount},
		{"tap limit of letters", func(p *cps.Profile) { p.TapMax[5] = 0xAA }, cps.AccountData, cps.ErrAccount},
		{"reserve of letters", func(p *cps.Profile) { p.Reserve[5] = 0xAA }, cps.AccountData, cps.ErrAccount},
		{"balance above its limit", func(p *cps.Profile) { p.BalanceMax = amount(4999) }, cps.AccountData, cps.ErrAccount},
		{"limit that 9F10 cannot tell", func(p *cps.Profile) { p.BalanceMax = amount(emv.PurseMax + 1) }, cps.AccountData, cps.ErrAccount},
		{"country of letters", func(p *cps.Profile) { p.Contact.Country[0] = 0xB0 }, cps.ContactRecord, cps.ErrObjects},
		{"no CDOL1", func(p *cps.Profile) { p.Contact.CDOL1 = nil }, cps.ContactRecord, cps.ErrObjects},
		{"CDOL2 that cannot be written", func(p *cps.Profile) { p.Contact.CDOL2 = emv.DOL{{Tag: 0x9F02, Length: 253}} }, cps.ContactRecord, cps.ErrObjects},
		{"CDOL2 that asks for too much", func(p *cps.Profile) {
			p.Contact.CDOL2 = emv.DOL{{Tag: 0x9F02, Length: 200}, {Tag: 0x9F02, Length: 200}}
		}, cps.ContactRecord, cps.ErrObjects},
		{"no CVM rule", func(p *cps.Profile) { p.Contact.CVMList = make([]byte, 8) }, cps.ContactRecord, cps.ErrObjects},
		{"half a CVM rule", func(p *cps.Profile) { p.Contact.CVMList = make([]byte, 11) }, cps.ContactRecord, cps.ErrObjects},
		{"record 0201 too long", func(p *cps.Profile) { p.Contact.CVMList = make([]byte, 250) }, cps.ContactRecord, cps.ErrRecord},
		{"no certificates", func(p *cps.Profile) { p.Offline = cps.Offline{} }, cps.IssuerRecord, cps.ErrMissing},
		{"no code", func(p *cps.Profile) { p.Offline.Code = "" }, cps.LastRecord, cps.ErrObjects},
		{"long code", func(p *cps.Profile) { p.Offline.Code = "EC00010" }, cps.LastRecord, cps.ErrObjects},
		{"code of signs", func(p *cps.Profile) { p.Offline.Code = "EC-001" }, cps.LastRecord, cps.ErrObjects},
		{"no issuer certificate", func(p *cps.Profile) { p.Offline.Issuer.Signature = nil }, cps.IssuerRecord, cps.ErrObjects},
		{"no issuer exponent", func(p *cps.Profile) { p.Offline.Issuer.Exponent = nil }, cps.IssuerRecord, cps.ErrObjects},
		{"an endless certificate", func(p *cps.Profile) { p.Offline.Issuer.Signature = make([]byte, 70000) }, cps.IssuerRecord, cps.ErrObjects},
		{"an endless remainder", func(p *cps.Profile) { p.Offline.Issuer.Remainder = make([]byte, 70000) }, cps.IssuerRecord, cps.ErrObjects},
		{"a remainder that does not fit", func(p *cps.Profile) { p.Offline.Issuer.Remainder = make([]byte, 248) }, cps.ICCRecord, cps.ErrRecord},
		{"no private key", func(p *cps.Profile) { p.Offline.Key = oda.CRT{} }, cps.KeyP, cps.ErrRSA},
		{"parts of two keys", func(p *cps.Profile) { p.Offline.Key.DP = other.DP }, cps.KeyP, cps.ErrRSA},
		{"another private key", func(p *cps.Profile) { p.Offline.Key = other }, cps.ICCRecord, cps.ErrRSA},
		{"another exponent", func(p *cps.Profile) { p.Offline.ICC.Exponent = []byte{3} }, cps.KeyP, cps.ErrRSA},
		{"a remainder too many", func(p *cps.Profile) { p.Offline.ICC.Remainder = []byte{1} }, cps.ICCRecord, cps.ErrRSA},
		{"a certificate too small for the key", func(p *cps.Profile) { p.Offline.ICC.Signature = make([]byte, 127) }, cps.ICCRecord, cps.ErrRSA},
		{"a certificate too small, and the remainder for it", func(p *cps.Profile) {
			_, key := rsaKey(t, "icc-1024")
			p.Offline.ContactICC = oda.Certificate{}
			p.Offline.ICC.Signature, p.Offline.ICC.Remainder = make([]byte, 127), key.Public().Modulus()[127-42:]
		}, cps.ICCRecord, cps.ErrRSA},
		{"another exponent over contacts", func(p *cps.Profile) { p.Offline.ContactICC.Exponent = []byte{3} }, cps.ContactICCRecord, cps.ErrRSA},
		{"contact certificate of another issuer", func(p *cps.Profile) { p.Offline.ContactICC.Signature = append(p.Offline.ContactICC.Signature, 0) }, cps.ContactICCRecord, cps.ErrRSA},
		{"contact exponent without certificate", func(p *cps.Profile) { p.Offline.ContactICC.Signature = nil }, cps.ContactICCRecord, cps.ErrRSA},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := purse(t, usualChain, true)
			c.change(&p)
			_, err := p.Applet()
			refused(t, err, c.where, c.want)
		})
	}
}

func refused(t *testing.T, err error, where cps.ID, want error) {
	t.Helper()
	if !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), "group "+where.String()) {
		t.Errorf("got %v, want %v in %v", err, want, where)
	}
}

// What belongs to a purse alone has no place in an account.
func TestAccountHasNoCode(t *testing.T) {
	p := certified(t, plain(t), usualChain, true)
	p.Offline.Code = "EC0001"
	_, err := p.Applet()
	refused(t, err, cps.LastRecord, cps.ErrObjects)
}

// What a bank would not write, the card does not take.
func TestReadingRefuses(t *testing.T) {
	good := must[cps.Applet](t)(purse(t, usualChain, true).Applet())
	account := must[cps.Applet](t)(plain(t).Applet())
	swap := func(id cps.ID, old, with string) func(cps.Applet) cps.Applet {
		return func(a cps.Applet) cps.Applet {
			data := dataOf(a, id)
			changed := bytes.Replace(data, unhex(t, old), unhex(t, with), 1)
			if bytes.Equal(data, changed) {
				t.Fatalf("%v has no %s: %X", id, old, data)
			}
			return withData(a, id, changed)
		}
	}
	drop := func(ids ...cps.ID) func(cps.Applet) cps.Applet {
		return func(a cps.Applet) cps.Applet {
			for _, id := range ids {
				a = with(a, id, nil)
			}
			return a
		}
	}
	put := func(id cps.ID, data string) func(cps.Applet) cps.Applet {
		return func(a cps.Applet) cps.Applet { return with(a, id, unhex(t, data)) }
	}
	for _, c := range []struct {
		name   string
		from   cps.Applet
		change func(cps.Applet) cps.Applet
		where  cps.ID
		want   error
	}{
		{"unknown group", good, put(0x0F01, "00"), 0x0F01, cps.ErrUnknown},
		{"a record that nobody names", good, put(0x0203, "7000"), 0x0203, cps.ErrUnknown},
		{"no account data", good, drop(cps.AccountData), cps.AccountData, cps.ErrMissing},
		{"no keys", good, drop(cps.CardKeys), cps.CardKeys, cps.ErrMissing},
		{"no check values", good, drop(cps.CheckValues), cps.CheckValues, cps.ErrMissing},
		{"no last record", good, drop(cps.LastRecord), cps.LastRecord, cps.ErrMissing},
		{"no prime", good, drop(cps.KeyQ), cps.KeyQ, cps.ErrMissing},
		{"a purse without certificates", good, drop(cps.IssuerRecord, cps.ICCRecord, cps.ContactICCRecord), cps.IssuerRecord, cps.ErrMissing},
		{"an account with half of them", account, put(cps.KeyP, "01"), cps.IssuerRecord, cps.ErrMissing},
		{"an account with a last record", account, put(cps.LastRecord, "7000"), cps.IssuerRecord, cps.ErrMissing},
		{"a contact certificate taken away", good, drop(cps.ContactICCRecord), cps.ContactRecord, cps.ErrDiffers},
		{"keys of another length", good, put(cps.CardKeys, "00"), cps.CardKeys, cps.ErrKeys},
		{"a bit of a key", good, swap(cps.CardKeys, "30313031", "30313033"), cps.CheckValues, cps.ErrCheckValue},
		{"two keys exchanged", good, func(a cps.Applet) cps.Applet {
			k := dataOf(a, cps.CardKeys)
			return withData(a, cps.CardKeys, slices.Concat(k[16:32], k[:16], k[32:]))
		}, cps.CheckValues, cps.ErrCheckValue},
		{"parity of a key", good, swap(cps.CardKeys, "30313031", "31303130"), cps.CheckValues, nil},
		{"another suite of the same cipher", good, swap(cps.AccountData, "DF510101", "DF510102"), 0, nil},
		{"another cipher", good, swap(cps.AccountData, "DF510101", "DF510103"), cps.CheckValues, cps.ErrCheckValue},
		{"unknown suite", good, swap(cps.AccountData, "DF510101", "DF510109"), cps.CardKeys, cps.ErrKeys},
		{"cipher in 9F10", good, swap(cps.AccountData, "0701010300000001", "0701010300000081"), cps.AccountData, cps.ErrDiffers},
		{"card verification results in 9F10", good, swap(cps.AccountData, "0701010300000001", "0701010380000001"), cps.AccountData, cps.ErrDiffers},
		{"cryptogram version", good, swap(cps.AccountData, "0701010300000001", "0701020300000001"), cps.CardKeys, cps.ErrKeys},
		{"an object more", good, swap(cps.AccountData, "DF510101", "DF510101DF520101"), cps.AccountData, cps.ErrDiffers},
		{"an object twice", good, swap(cps.AccountData, "DF510101", "DF510101DF510101"), cps.AccountData, cps.ErrDiffers},
		{"an object less", good, swap(cps.AccountData, "5F340101", ""), cps.AccountData, cps.ErrObjects},
		{"objects in another order", good, swap(cps.AccountData, "5F24032912315F340101", "5F3401015F2403291231"), cps.AccountData, cps.ErrDiffers},
		{"account data that is cut", good, swap(cps.AccountData, "DF510101", "DF5102"), cps.AccountData, cps.ErrObjects},
		{"the balance of the other kind", good, swap(cps.AccountData, "9F7906", "9F5D06"), cps.AccountData, cps.ErrObjects},
		{"balance above its limit", good, swap(cps.AccountData, "9F7906000000005000", "9F7906000000500000"), cps.AccountData, cps.ErrAccount},
		{"another PAN in the record", good, swap(cps.ContactRecord, "6228480012345678907F", "6228480012345678915F"), cps.ContactRecord, cps.ErrDiffers},
		{"another expiry in the record", good, swap(cps.ContactRecord, "5F2403291231", "5F2403301231"), cps.ContactRecord, cps.ErrDiffers},
		{"another PSN in the record", good, swap(cps.ContactRecord, "5F340101", "5F340102"), cps.ContactRecord, cps.ErrDiffers},
		{"another currency in the record", good, swap(cps.ContactRecord, "9F42020156", "9F42020840"), cps.ContactRecord, cps.ErrDiffers},
		{"a tag list of more", good, swap(cps.ContactRecord, "9F4A0182", "9F4A015A"), cps.ContactRecord, cps.ErrDiffers},
		{"a record that is no template", good, swap(cps.ContactRecord, "7081", "7181"), cps.ContactRecord, cps.ErrObjects},
		{"something behind the record", good, func(a cps.Applet) cps.Applet {
			return withData(a, cps.ContactRecord, append(dataOf(a, cps.ContactRecord), 0))
		}, cps.ContactRecord, cps.ErrObjects},
		{"an empty object", good, swap(cps.ContactRecord, "8E0A00000000000000001F03", "8E00"), cps.ContactRecord, cps.ErrObjects},
		{"no AIP", good, swap(cps.Processing, "8202", "8302"), cps.Processing, cps.ErrObjects},
		{"another AFL", good, swap(cps.Processing, "10010201", "10010200"), cps.Processing, cps.ErrDiffers},
		{"another label", good, swap(cps.FCI, "5005"+"5075727365", "5005"+"5075727366"), cps.FCI, cps.ErrDiffers},
		{"another priority", good, swap(cps.FCI, "870101", "870102"), cps.FCI, cps.ErrDiffers},
		{"installed under another label", good, func(a cps.Applet) cps.Applet { a.Label = "Other"; return a }, cps.FCI, cps.ErrDiffers},
		{"installed as the other kind", good, func(a cps.Applet) cps.Applet { a.Kind = cps.Account; return a }, cps.AccountData, cps.ErrObjects},
		{"installed as no kind", account, func(a cps.Applet) cps.Applet { a.Kind = 9; return a }, cps.FCI, cps.ErrName},
		{"a prime with a bit changed", good, func(a cps.Applet) cps.Applet {
			p := dataOf(a, cps.KeyP)
			p[10] ^= 1
			return withData(a, cps.KeyP, p)
		}, cps.KeyP, cps.ErrRSA},
		{"a prime with a zero in front", good, func(a cps.Applet) cps.Applet {
			return withData(a, cps.KeyQ, append([]byte{0}, dataOf(a, cps.KeyQ)...))
		}, cps.KeyQ, cps.ErrDiffers},
		{"the exponent of the card", good, swap(cps.ICCRecord, "9F4703010001", "9F4703010003"), cps.KeyP, cps.ErrRSA},
		{"a certificate that is cut", good, swap(cps.ICCRecord, "9F4703010001", "9F4704010001"), cps.ICCRecord, cps.ErrObjects},
		{"no issuer certificate", good, put(cps.IssuerRecord, "7000"), cps.IssuerRecord, cps.ErrObjects},
		{"no certificate over the contact record", good, put(cps.ContactICCRecord, "7000"), cps.ContactRecord, cps.ErrDiffers},
		{"9F69 in the last record", good, put(cps.LastRecord, "7014 9F7406454330303031 9F69080000000000000000"), cps.LastRecord, cps.ErrDiffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.change(c.from).Profile()
			if c.want == nil {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			refused(t, err, c.where, c.want)
		})
	}
}

// withData is with, for data that is there.
func withData(a cps.Applet, id cps.ID, data []byte) cps.Applet { return with(a, id, data) }

// Whatever bit of whatever group is changed: it is refused, or it is the
// canonical form of another profile.
func TestEveryBitIsRefusedOrMeant(t *testing.T) {
	good := must[cps.Applet](t)(purse(t, smallChain, true).Applet())
	meant := 0
	for _, g := range good.Groups {
		for bit := range 8 * len(g.Data.Reveal()) {
			data := bytes.Clone(g.Data.Reveal())
			data[bit/8] ^= 0x80 >> (bit % 8)
			changed := with(good, g.ID, data)
			p, err := changed.Profile()
			if err != nil {
				continue
			}
			meant++
			if again := must[cps.Applet](t)(p.Applet()); !same(again.Groups, changed.Groups) {
				t.Errorf("%v, bit %d: taken, and written otherwise", g.ID, bit)
			}
			if g.ID.IsKey() && g.ID != cps.CardKeys || g.ID == cps.CheckValues {
				t.Errorf("%v, bit %d: taken", g.ID, bit)
			}
		}
	}
	if meant == 0 {
		t.Error("no change was meant: not even another balance")
	}
}

// Hidden groups are not read, and no verb prints what is in a profile or group.
func TestNothingPrints(t *testing.T) {
	p := purse(t, usualChain, true)
	a := must[cps.Applet](t)(p.Applet())
	hidden := a
	hidden.Groups = must[[]cps.Group](t)(cps.Encrypt(a.Groups, channel(t).Encrypt))
	if _, err := hidden.Profile(); !errors.Is(err, cps.ErrHidden) {
		t.Errorf("hidden groups: got %v", err)
	}
	card := must[cps.Assembly](t)(cps.Assembly{}.Add(must[[]cps.Block](t)(cps.Blocks(a.Groups, 200))[0]))
	printed := fmt.Sprintf("%v %+v %#v %v %+v %#v %v %+v %#v", p, p, p, a, a, a, card, card, card)
	for _, leak := range []string{"6228480012345678907", "10111011", "[16 17 16 17", fmt.Sprintf("%x", p.Offline.Key.P.Reveal()[:6])} {
		if strings.Contains(strings.ToLower(printed), leak) {
			t.Errorf("%s was printed", leak)
		}
	}
	if !strings.Contains(printed, "secret") {
		t.Error("nothing was printed at all: the test looked at nothing")
	}
}

func TestWipe(t *testing.T) {
	p := purse(t, usualChain, true)
	a := must[cps.Applet](t)(p.Applet())
	p.Wipe()
	if b := p.Keys.AC.Reveal(); !bytes.Equal(b, make([]byte, 16)) || p.Offline.Key.P.Reveal()[0] != 0 {
		t.Error("keys are left in the profile")
	}
	if _, err := a.Profile(); err != nil {
		t.Errorf("the applet lost its own: %v", err)
	}
	cps.Wipe(a.Groups)
	for _, g := range a.Groups {
		if !bytes.Equal(g.Data.Reveal(), make([]byte, len(g.Data.Reveal()))) {
			t.Errorf("%v is not wiped", g.ID)
		}
	}
}

func TestSmallRefusals(t *testing.T) {
	p := purse(t, usualChain, false)
	p.Contact.CDOL1 = nil
	_, err := p.StaticData()
	refused(t, err, cps.ContactRecord, cps.ErrObjects)

	a := must[cps.Applet](t)(plain(t).Applet())
	a.Groups = append(a.Groups, a.Groups[0])
	if _, err := a.Profile(); !errors.Is(err, cps.ErrTwice) {
		t.Errorf("a group twice: got %v", err)
	}
	if got := fmt.Sprint(cps.Purse, cps.Account, cps.Kind(0)); got != "purse account no kind" {
		t.Errorf("kinds are called %s", got)
	}
	for _, n := range []int{0, 256} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("blocks of %d bytes were cut", n)
				}
			}()
			_, _ = cps.Blocks(many(1), n)
		}()
	}
}

// What a certificate over record 0201 covers does not depend on whether it is
// there already.
func TestStaticDataIsSettled(t *testing.T) {
	p := purse(t, usualChain, false)
	before := must[[]byte](t)(p.StaticData())
	if after := must[[]byte](t)(purse(t, usualChain, true).StaticData()); !bytes.Equal(before, after) {
		t.Error("the certificate changes what it covers")
	}
	p.Contact.AIP++
	if other := must[[]byte](t)(p.StaticData()); bytes.Equal(before, other) {
		t.Error("the AIP is not covered")
	}
}
