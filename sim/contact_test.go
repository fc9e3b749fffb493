package sim_test

import (
	"bytes"
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/link"
	"sotto/sim"
	"sotto/tlv"
)

// slot is a contact terminal of the tests.
type slot struct {
	*till
	aip     emv.AIP
	objects []byte // of all records, in order
	signed  []oda.Record
	list    emv.DOL // CDOL1
	told    []byte  // values of the PDOL
}

// directory reads the PSE: the AIDs in the order of its records.
func (x *slot) directory(c *cable) (names [][]byte, err error) {
	if _, err := x.say(c, selectCommand([]byte("1PAY.SYS.DDF01"))); err != nil {
		return nil, err
	}
	for number := byte(1); ; number++ {
		said, err := x.say(c, readCommand(1, number))
		if errors.Is(err, apdu.StatusNoRecord) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		for _, entry := range all(inside(said, 0x70), 0x61) {
			aid, _ := tlv.Find(entry, 0x4F)
			names = append(names, aid)
		}
	}
}

// begin selects, gets the processing options and reads the records.
func (x *slot) begin(c *cable, aid []byte, s *sale, kind byte) error {
	if _, err := x.say(c, selectCommand(aid)); err != nil {
		return err
	}
	said, err := x.options(c, s, kind)
	if err != nil {
		return err
	}
	said = inside(said, 0x80)
	x.aip, _ = emv.ParseAIP(said[:2])
	afl, err := emv.ParseAFL(said[2:])
	if err != nil {
		return err
	}
	x.objects, x.signed = nil, nil
	for at := range afl.Records() {
		said, err := x.say(c, readCommand(at.SFI, at.Number))
		if err != nil {
			return err
		}
		x.objects = append(x.objects, inside(said, 0x70)...)
		if at.Signed {
			x.signed = append(x.signed, oda.Record{SFI: at.SFI, Data: said})
		}
	}
	x.list, err = emv.ParseDOL(x.object1(emv.TagCDOL1))
	return err
}

// options tells what an applet asks for over contacts: amount, currency, date,
// type, and what kind of terminal this is.
func (x *slot) options(c *cable, s *sale, kind byte) ([]byte, error) {
	x.told = emv.DOL{{Tag: 0x9F02, Length: 6}, {Tag: 0x5F2A, Length: 2}, {Tag: 0x9A, Length: 3}, {Tag: 0x9C, Length: 1}, {Tag: 0x9F35, Length: 1}}.Fill(nil,
		func(tag tlv.Tag) []byte { return x.object(s, kind, tag) })
	return x.say(c, apdu.Command{CLA: 0x80, INS: 0xA8, Data: tlv.Append(nil, 0x83, x.told), Ne: 256})
}

func (x *slot) object1(tag tlv.Tag) []byte { v, _ := tlv.Find(x.objects, tag); return v }

// generate sends the first GENERATE AC and returns the data and the answer.
func (x *slot) generate(c *cable, s *sale, kind byte, p1 byte) (sent, said []byte, err error) {
	x.unpredictable++
	s.un = [4]byte{0xC0, 0, 0, byte(x.unpredictable)}
	sent = x.list.Fill(nil, func(tag tlv.Tag) []byte { return x.object(s, kind, tag) })
	said, err = x.say(c, apdu.Command{CLA: 0x80, INS: 0xAE, P1: p1, Data: sent, Ne: 256})
	return sent, said, err
}

// key verifies the chain over the static data.
func (x *slot) key(t *testing.T, aid []byte) oda.ICC {
	t.Helper()
	pan, err := emv.ParsePAN(x.object1(emv.TagPAN))
	if err != nil {
		t.Fatal(err)
	}
	static, err := oda.StaticData(x.signed, x.object1(emv.TagSDATagList), [2]byte(x.aip.Append(nil)))
	if err != nil {
		t.Fatal(err)
	}
	ca := oda.CA{RID: [5]byte(aid), Index: caIndex, Key: x.bank.authority.Public()}
	icc, err := oda.Authorities{CAs: []oda.CA{ca}}.Verify(oda.Presented{
		RID: ca.RID, Index: caIndex, PAN: pan, Static: static,
		Issuer: oda.Certificate{Signature: x.object1(0x90), Remainder: x.object1(0x92), Exponent: x.object1(0x9F32)},
		ICC:    oda.Certificate{Signature: x.object1(0x9F46), Remainder: x.object1(0x9F48), Exponent: x.object1(0x9F47)},
	}, theDay)
	if err != nil {
		t.Fatal(err)
	}
	return icc
}

// A contact terminal finds the purse in the PSE, and is approved offline with a
// signature over everything (CDA).
func TestContactPurchase(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil), b.profile(sim.Account, 2, 5_000, nil))
	x := &slot{till: newTill(b)}
	c := w.put(link.Contact)
	names, err := x.directory(c)
	if err != nil || len(names) != 2 || !bytes.Equal(names[0], aid(sim.Purse, 1)) {
		t.Fatalf("directory: %x, %v", names, err)
	}
	s := &sale{minor: 1_234}
	if err := x.begin(c, names[0], s, emv.TypePurchase); err != nil {
		t.Fatal(err)
	}
	icc := x.key(t, names[0])
	sent, said, err := x.generate(c, s, emv.TypePurchase, byte(emv.TC)|emv.RequestCDA)
	if err != nil {
		t.Fatal(err)
	}
	said = inside(said, 0x77)
	cid := emv.CID(inside(said, emv.TagCID)[0])
	hash, err := oda.TransactionHash(said, x.told, sent)
	if err != nil {
		t.Fatal(err)
	}
	got, err := icc.VerifyCDA(inside(said, emv.TagSDAD), s.un, cid, hash)
	if err != nil || got.CID != emv.TC {
		t.Fatalf("got %v, %v", got.CID, err)
	}
	a := audit(t, w, names[0])
	if a.balance != 10_000-1_234 || len(a.records) != 1 || a.records[0].ac != string(got.AC[:]) {
		t.Errorf("got %+v", a)
	}
}

// A terminal that knows DDA and not CDA can have the purse prove itself. It is not
// approved offline for that: no amount is signed.
func TestContactPurchaseWithDDA(t *testing.T) {
	b := readIssuer()
	number := []byte{0xD0, 1, 2, 3}
	internal := func(data []byte) apdu.Command { return apdu.Command{INS: 0x88, Data: data, Ne: 256} }
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
	x, s := &slot{till: newTill(b)}, &sale{minor: 1_234}
	c := w.put(link.Contact)
	if _, err := x.say(c, internal(number)); !errors.Is(err, apdu.StatusConditions) {
		t.Errorf("before anything: %v", err)
	}
	if err := x.begin(c, aid(sim.Purse, 1), s, emv.TypePurchase); err != nil {
		t.Fatal(err)
	}
	icc := x.key(t, aid(sim.Purse, 1))
	for name, tt := range map[string]struct {
		c    apdu.Command
		want apdu.Status
	}{
		"twenty bytes, as fast DDA signs": {internal(make([]byte, 20)), apdu.StatusWrongLength},
		"no bytes":                        {internal(nil), apdu.StatusWrongLength},
		"another P1":                      {apdu.Command{INS: 0x88, P1: 1, Data: number, Ne: 256}, apdu.StatusWrongP1P2},
	} {
		if _, err := x.say(c, tt.c); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	said, err := x.say(c, internal(number))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := icc.VerifyDDA(inside(said, 0x80), number); err != nil {
		t.Errorf("the signature: %v", err)
	}
	if _, err := x.say(c, internal(number)); !errors.Is(err, apdu.StatusConditions) {
		t.Errorf("twice: %v", err)
	}
	_, said, err = x.generate(c, s, emv.TypePurchase, byte(emv.TC))
	if v := inside(said, 0x80); err != nil || len(v) == 0 || emv.CID(v[0]) != emv.AAC {
		t.Errorf("got % X, %v", said, err)
	}
	if a := audit(t, w, aid(sim.Purse, 1)); a.balance != 10_000 || len(a.records) != 0 {
		t.Errorf("got %+v", a)
	}
}

// notThisOne stands for 6985 before anything is begun.
const notThisOne emv.CID = 0xC0

// What a contact terminal asks, and what it gets.
func TestContactDecisions(t *testing.T) {
	b := readIssuer()
	tests := []struct {
		name   string
		kind   sim.Kind
		minor  int64
		asked  byte
		t9C    byte
		want   emv.CID
		change func(*till)
	}{
		{"a purse with the money", sim.Purse, 10_000, byte(emv.TC) | emv.RequestCDA, 0x00, emv.TC, nil},
		{"without a signature", sim.Purse, 10_000, byte(emv.TC), 0x00, emv.AAC, nil},
		{"without the money", sim.Purse, 10_001, byte(emv.TC) | emv.RequestCDA, 0x00, notThisOne, nil},
		{"asked to decline", sim.Purse, 1, byte(emv.AAC), 0x00, emv.AAC, nil},
		{"a purchase online", sim.Purse, 1, byte(emv.ARQC), 0x00, emv.AAC, nil},
		{"a refund", sim.Purse, 1, byte(emv.TC) | emv.RequestCDA, 0x20, emv.AAC, nil},
		{"another currency", sim.Purse, 1, byte(emv.TC) | emv.RequestCDA, 0x00, notThisOne, func(x *till) { x.currency = eur }},
		{"a load", sim.Purse, 90_000, byte(emv.ARQC), 0x63, emv.ARQC, nil},
		{"a load above the limit", sim.Purse, 90_001, byte(emv.ARQC), 0x63, emv.AAC, nil},
		{"an account", sim.Account, 10_000, byte(emv.TC), 0x00, emv.ARQC, nil},
		{"an account of which less is known", sim.Account, 10_001, byte(emv.ARQC), 0x00, notThisOne, nil},
		{"an account, in cash", sim.Account, 1, byte(emv.ARQC), 0x01, emv.AAC, nil},
		{"what an account has", sim.Account, 0, byte(emv.ARQC), 0x31, emv.ARQC, nil},
		{"what an account has, asked for an approval", sim.Account, 0, byte(emv.TC), 0x31, emv.ARQC, nil},
		{"what an account has, asked to decline", sim.Account, 0, byte(emv.AAC), 0x31, emv.AAC, nil},
		{"what an account has, with an amount", sim.Account, 1, byte(emv.ARQC), 0x31, emv.AAC, nil},
		{"what an account has, in another currency", sim.Account, 0, byte(emv.ARQC), 0x31, notThisOne, func(x *till) { x.currency = eur }},
		{"what an account has, at a terminal without a bank", sim.Account, 0, byte(emv.ARQC), 0x31, notThisOne, func(x *till) { x.place = 0x23 }},
		{"what a purse has, from the bank", sim.Purse, 0, byte(emv.ARQC), 0x31, emv.AAC, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWallet(t, b.profile(tt.kind, 1, 10_000, nil))
			x := &slot{till: newTill(b)}
			if tt.change != nil {
				tt.change(x.till)
			}
			c := w.put(link.Contact)
			s := &sale{minor: tt.minor}
			if err := x.begin(c, aid(tt.kind, 1), s, tt.t9C); (tt.want == notThisOne) != errors.Is(err, apdu.StatusConditions) {
				t.Fatal(err)
			}
			if tt.want == notThisOne { // the terminal takes the next applet
				if a := w.shown(aid(tt.kind, 1)); a.Available != 10_000 || a.ATC != 0 {
					t.Errorf("it has changed: %d with ATC %d", a.Available, a.ATC)
				}
				return
			}
			_, said, err := x.generate(c, s, tt.t9C, tt.asked)
			if err != nil {
				t.Fatal(err)
			}
			got := emv.CID(0xFF)
			if v, ok := tlv.Find(said, 0x80); ok {
				got = emv.CID(v[0])
			} else if v := inside(said, 0x77, emv.TagCID); len(v) == 1 {
				got = emv.CID(v[0])
			}
			if got.Kind() != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			want := int64(10_000)
			if tt.want == emv.TC {
				want -= tt.minor
			}
			if a := w.shown(aid(tt.kind, 1)); a.Available != want || a.ATC != 1 {
				t.Errorf("got %d with ATC %d, want %d", a.Available, a.ATC, want)
			}
		})
	}
}

// A contact purchase is torn at every place: it is debited with its log, or not.
func TestTornContactPurchase(t *testing.T) {
	b := readIssuer()
	whole := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
	for _, cut := range everyCut(2, 6) {
		w := whole.like(t)
		x := &slot{till: newTill(b)}
		c := w.put(link.Contact)
		w.arm(c, cut)
		s := &sale{minor: 1_000}
		err := x.begin(c, aid(sim.Purse, 1), s, emv.TypePurchase)
		if err == nil {
			_, _, err = x.generate(c, s, emv.TypePurchase, byte(emv.TC)|emv.RequestCDA)
		}
		if err == nil {
			t.Fatalf("%v: nothing was torn", cut)
		}
		w.reboot()
		a := audit(t, w, aid(sim.Purse, 1))
		if !(a.balance == 10_000 && len(a.records) == 0) && !(a.balance == 9_000 && len(a.records) == 1) {
			t.Errorf("%v: balance %d with %d records", cut, a.balance, len(a.records))
		}
	}
}
