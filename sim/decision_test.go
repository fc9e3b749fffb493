package sim_test

import (
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/scp03"
	"sotto/sim"
	"sotto/tlv"
)

// What a contactless reader can do and wants, and what becomes of it (JR/T
// 0025.12, 7.7.10).
func TestTapDecisions(t *testing.T) {
	b := readIssuer()
	const (
		offline = emv.TTQQPBOC | emv.TTQOfflineOnly | emv.TTQFDDA01
		online  = emv.TTQQPBOC | emv.TTQFDDA01
	)
	reserve := func(p *cps.Profile) { p.Reserve = amount(2_000) }
	tests := []struct {
		name  string
		kind  sim.Kind
		vary  func(*cps.Profile)
		ttq   emv.TTQ
		minor int64
		want  string // cryptogram, or status
		ctq   emv.CTQ
	}{
		{"all of the balance", sim.Purse, nil, offline, 10_000, "TC", 0},
		{"a cent more", sim.Purse, nil, offline, 10_001, "6985", 0},
		{"a cent more, and a bank at hand", sim.Purse, nil, online, 10_001, "6985", 0},
		{"the limit of one tap", sim.Purse, func(p *cps.Profile) { p.TapMax = amount(500) }, offline, 500, "TC", 0},
		{"a cent above it", sim.Purse, func(p *cps.Profile) { p.TapMax = amount(500) }, online, 501, "6985", 0},
		{"down to the reserve", sim.Purse, reserve, online, 8_000, "TC", 0},
		{"into the reserve, with a bank", sim.Purse, reserve, online, 8_001, "ARQC", 0},
		{"into the reserve, without", sim.Purse, reserve, offline, 8_001, "TC", 0},
		{"online wanted, of a purse", sim.Purse, nil, online | emv.TTQOnlineRequired, 1, "6985", 0},
		{"online wanted, of one that asks its bank", sim.Purse, reserve, online | emv.TTQOnlineRequired, 1, "ARQC", 0},
		{"online wanted, and no bank", sim.Purse, reserve, offline | emv.TTQOnlineRequired, 1, "6985", 0},
		{"no low-value check", sim.Purse, func(p *cps.Profile) { p.Processes = 0 }, offline, 1, "6985", 0},
		{"a reader that verifies no amount", sim.Purse, nil, offline &^ emv.TTQFDDA01, 1, "6985", 0},
		{"a reader of another kernel", sim.Purse, nil, emv.TTQMagStripe, 1, "6985", 0},
		{"signature", sim.Purse, nil, offline | emv.TTQCVMRequired | emv.TTQSignature, 1, "TC", emv.CTQSignature},
		{"a CVM that the purse has not", sim.Purse, nil, offline | emv.TTQCVMRequired | emv.TTQOnlinePIN, 1, "6985", 0},
		{"an account", sim.Account, nil, online, 10_000, "ARQC", 0},
		{"an account, a cent more", sim.Account, nil, online, 10_001, "6985", 0},
		{"an account, and no bank", sim.Account, nil, offline, 1, "6985", 0},
		{"an account, PIN", sim.Account, nil, online | emv.TTQCVMRequired | emv.TTQOnlinePIN, 1, "ARQC", emv.CTQOnlinePIN},
		{"an account, no way to verify", sim.Account, nil, online | emv.TTQCVMRequired, 1, "6985", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWallet(t, b.profile(tt.kind, 1, 10_000, tt.vary))
			x := newTill(b)
			x.qualifiers = tt.ttq
			commits := w.flash.commits
			c := w.put(link.Contactless)
			s, err := x.begin(c, aid(tt.kind, 1), tt.minor)
			var word apdu.Status
			switch {
			case errors.As(err, &word):
				if got := word.String()[:4]; got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if w.flash.commits != commits {
					t.Error("something was committed")
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			if got := s.cid.Explain()[0]; got != tt.want || s.ctq != tt.ctq || (s.sdad != nil) != (tt.want == "TC") {
				t.Errorf("got %s with %v, want %s with %v", got, s.ctq, tt.want, tt.ctq)
			}
		})
	}
}

// One transaction for each SELECT: a second GET PROCESSING OPTIONS is refused.
func TestOneTransactionForEachSelect(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
	c := w.put(link.Contactless)
	x := newTill(b)
	if _, err := x.begin(c, aid(sim.Purse, 1), 100); err != nil {
		t.Fatal(err)
	}
	if got := c.say(t, "80A8000023832128000080000000000100000000000000015600000000000156261122"+"00A100000100"); got != "6985" {
		t.Errorf("got %s", got)
	}
}

// Refunds, cash and what else there is are no purchases; a load is begun, and not
// more.
func TestTransactionTypes(t *testing.T) {
	b := readIssuer()
	for kind, want := range map[byte]error{0x00: nil, 0x01: apdu.StatusConditions, 0x09: apdu.StatusConditions, 0x20: apdu.StatusConditions} {
		w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
		x := newTill(b)
		x.kind = kind
		if _, err := x.begin(w.put(link.Contactless), aid(sim.Purse, 1), 100); !errors.Is(err, want) {
			t.Errorf("type %02X: got %v, want %v", kind, err, want)
		}
	}
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
	c := w.put(link.Contactless)
	c.say(t, selectHex(0, ours))
	if got := c.say(t, "80A80000238321"+"28000080"+"000000000100"+"000000000000"+"0156"+"0000000000"+"0156"+"261122"+"63"+"A1000001"+"00"); got[:2] != "80" {
		t.Fatalf("a load: got %s", got)
	}
	// What was begun as a load is not a purchase in the end.
	if got := c.say(t, "80AE50001D"+"000000000100"+"000000000000"+"0156"+"0000000000"+"0156"+"261122"+"00"+"A1000001"+"00"); got != "6985" {
		t.Errorf("got %s", got)
	}
	if a := w.shown(aid(sim.Purse, 1)); a.Available != 10_000 || a.ATC != 1 {
		t.Errorf("got %+v", a)
	}
}

// The bank has one try to prove itself.
func TestIssuerAuthenticationOnce(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Account, 1, 5_000, nil))
	x := newTill(b)
	x.qualifiers = emv.TTQQPBOC
	c := w.put(link.Contactless)
	s, err := x.begin(c, aid(sim.Account, 1), 100)
	if err != nil {
		t.Fatal(err)
	}
	ac, _ := b.keys(emv.PBOC, s.track2.PAN, s.psn)
	right := ac.IssuerAuth1(s.atc, s.ac, emv.ARCApproved)
	wrong := right
	wrong[3] ^= 1
	for _, step := range []struct {
		data []byte
		want apdu.Status
	}{{right[:9], apdu.StatusWrongLength}, {wrong[:], apdu.StatusRefused}, {right[:], apdu.StatusConditions}} {
		if r, err := c.send(apdu.Command{INS: 0x82, Data: step.data}); err != nil || r.Status != step.want {
			t.Errorf("got %v, %v; want %v", r.Status, err, step.want)
		}
	}
}

// An offer of a channel is good for the next command alone.
func TestOfferIsForTheNextCommand(t *testing.T) {
	for _, between := range []bool{false, true} {
		w := newWallet(t)
		c := w.put(link.Contact)
		c.say(t, selectHex(0, isd))
		challenge := [8]byte{1}
		r, err := c.send(scp03.InitializeUpdate(0, challenge))
		if err != nil {
			t.Fatal(err)
		}
		said, err := scp03.ParseAnswer(r)
		if err != nil {
			t.Fatal(err)
		}
		_, command, err := scp03.Authenticate(issuerKeys(), challenge, said, scp03.CMAC)
		if err != nil {
			t.Fatal(err)
		}
		want := apdu.StatusOK
		if between {
			c.say(t, "80FF000000")
			want = apdu.StatusConditions
		}
		if r, err := c.send(command); err != nil || r.Status != want {
			t.Errorf("a command in between %v: got %v, %v", between, r.Status, err)
		}
	}
}

// GET DATA of all there is, of both kinds.
func TestGetData(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil), b.profile(sim.Account, 2, 500, nil))
	if err := newTill(b).pay(w.put(link.Contactless), 1); err != nil {
		t.Fatal(err)
	}
	c := w.put(link.Contact)
	tests := []struct{ tag, purse, account string }{
		{"9F79", "9F7906000000009999", ""},
		{"9F77", "9F7706000000100000", ""},
		{"9F78", "9F7806000000030000", ""},
		{"9F6D", "9F6D06000000000000", ""},
		{"9F5D", "", "9F5D06000000000500"},
		{"9F36", "9F36020001", "9F36020000"},
		{"9F13", "9F13020000", "9F13020000"},
		{"9F4D", "9F4D020B0A", "9F4D020B0A"},
		{"9F4F", "9F4F199F36029F02065F2A029A039C019F37049F26089F69089F7906", "9F4F199F36029F02065F2A029A039C019F37049F26089F69089F7906"},
		{"DF4D", "DF4D020C0A", "DF4D020C0A"},
		{"DF4F", "DF4F199F36029F02065F2A029A039C019F37049F26089F69089F7906", "DF4F199F36029F02065F2A029A039C019F37049F26089F69089F7906"},
		{"DF52", "", ""},
		{"9F17", "", ""},
		{"5A00", "", ""},
	}
	for _, tt := range tests {
		for name, want := range map[string]string{"F0736F74746F010001": tt.purse, "F0736F74746F020002": tt.account} {
			c.say(t, selectHex(0, name))
			if want == "" {
				want = "6A88"
			} else {
				want += ok
			}
			if got := c.say(t, "80CA"+tt.tag+"00"); got != want {
				t.Errorf("%s of %s: got %s, want %s", tt.tag, name, got, want)
			}
		}
	}
	if got := c.say(t, "80CA9F3601AA00"); got != "6700" {
		t.Errorf("with data: got %s", got)
	}
}

// The answer to a debit over contacts is there again for a reader that did not
// hear it.
func TestLastAnswer(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 10_000, nil))
	x := &slot{till: newTill(b)}
	c := w.put(link.Contact)
	s := &sale{minor: 10}
	if err := x.begin(c, aid(sim.Purse, 1), s, emv.TypePurchase); err != nil {
		t.Fatal(err)
	}
	_, said, err := x.generate(c, s, emv.TypePurchase, byte(emv.TC)|emv.RequestCDA)
	if err != nil {
		t.Fatal(err)
	}
	w.reboot()
	c = w.put(link.Contact)
	if _, err := c.send(selectCommand(aid(sim.Purse, 1))); err != nil {
		t.Fatal(err)
	}
	r, err := c.send(dataCommand(0xDF52))
	if err != nil || string(inside(r.Data, 0xDF52)) != string(said) {
		t.Errorf("got % X, %v; want % X", r.Data, err, said)
	}
}

// The second GENERATE AC is a TC only if the bank has proved itself and said yes,
// by EXTERNAL AUTHENTICATE or in CDOL2.
func TestSecondCryptogram(t *testing.T) {
	b := readIssuer()
	inList := func(p *cps.Profile) {
		p.Contact.AIP &^= emv.AIPIssuerAuth
		p.Contact.CDOL2 = append(append(emv.DOL{}, cdol2...), emv.DOLEntry{Tag: emv.TagIssuerAuth, Length: 10})
	}
	tests := []struct {
		name  string
		vary  func(*cps.Profile)
		arc   emv.ARC // 0: the bank does not answer
		bent  bool
		asked emv.CID
		want  emv.CID
		flag  emv.CVR
	}{
		{"yes", nil, emv.ARCApproved, false, emv.TC, emv.TC, 0},
		{"no", nil, emv.ARCDeclined, false, emv.TC, emv.AAC, 0},
		{"silence", nil, 0, false, emv.TC, emv.AAC, 0},
		{"somebody else", nil, emv.ARCApproved, true, emv.TC, emv.AAC, emv.CVRIssuerAuthBad},
		{"yes, and the terminal does not want", nil, emv.ARCApproved, false, emv.AAC, emv.AAC, 0},
		{"yes, in the list", inList, emv.ARCApproved, false, emv.TC, emv.TC, 0},
		{"no, in the list", inList, emv.ARCDeclined, false, emv.TC, emv.AAC, 0},
		{"silence, in the list", inList, 0, false, emv.TC, emv.AAC, 0},
		{"somebody else, in the list", inList, emv.ARCApproved, true, emv.TC, emv.AAC, emv.CVRIssuerAuthBad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := b.profile(sim.Purse, 1, 1_000, tt.vary)
			w := newWallet(t, p)
			x := &slot{till: newTill(b)}
			c := w.put(link.Contact)
			s := &sale{minor: 500}
			if err := x.begin(c, p.AID, s, emv.TypeLoad); err != nil {
				t.Fatal(err)
			}
			_, said, err := x.generate(c, s, emv.TypeLoad, byte(emv.ARQC))
			if err != nil {
				t.Fatal(err)
			}
			said = inside(said, 0x80)
			ac, _ := b.keys(emv.PBOC, p.Track2.PAN, p.PSN)
			auth := ac.IssuerAuth1(1, [8]byte(said[3:11]), tt.arc)
			if tt.bent {
				auth[0] ^= 1
			}
			if tt.arc != 0 && tt.vary == nil {
				if _, err := c.send(apdu.Command{INS: 0x82, Data: auth[:]}); err != nil {
					t.Fatal(err)
				}
			}
			data := p.Contact.CDOL2.Fill(nil, func(tag tlv.Tag) []byte {
				switch {
				case tag == emv.TagARC:
					return tt.arc.Append(nil)
				case tag == emv.TagIssuerAuth && tt.arc != 0:
					return auth[:]
				}
				return x.object(s, emv.TypeLoad, tag)
			})
			r, err := c.send(apdu.Command{CLA: 0x80, INS: 0xAE, P1: byte(tt.asked), Data: data, Ne: 256})
			if err != nil || !r.Status.OK() {
				t.Fatal(r.Status, err)
			}
			said = inside(r.Data, 0x80)
			iad, err := emv.ParseIAD(said[11:])
			if err != nil {
				t.Fatal(err)
			}
			second, asked := iad.CVR.Second()
			if got := emv.CID(said[0]); got != tt.want || second != tt.want || !asked || iad.CVR.First() != emv.ARQC ||
				iad.CVR&emv.CVRIssuerAuthBad != tt.flag {
				t.Errorf("got %v with %v, want %v", got, iad.CVR, tt.want)
			}
			in := emv.ACInput{
				Amount: amount(500), Country: cny, Currency: cny, Date: theDay, Type: emv.TypeLoad, Unpredictable: s.un,
				AIP: p.Contact.AIP, ATC: 1, CVN: iad.CVN, CVR: iad.CVR,
			}
			if !ac.VerifyAC(in, [8]byte(said[3:11])) {
				t.Error("the cryptogram is wrong")
			}
			if r, _ := c.send(apdu.Command{CLA: 0x80, INS: 0xAE, P1: byte(tt.asked), Data: data, Ne: 256}); r.Status != apdu.StatusConditions {
				t.Errorf("a third: got %v", r.Status)
			}
		})
	}
}
