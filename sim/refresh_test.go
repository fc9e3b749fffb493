package sim_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/money"
	"sotto/sim"
	"sotto/sim/host"
)

// teller is a bank that answers inquiries as a test wants it.
type teller struct {
	bank    *issuer
	arc     emv.ARC
	tells   int64
	mute    bool // no issuer authentication data
	bent    bool // wrong ones
	another bool // a script for another transaction
	asked   bankapi.ChipData
	script  apdu.Command
}

func (x *teller) inquire(_ context.Context, r bankapi.Inquire) (a bankapi.Inquiry, err error) {
	if x.asked, err = bankapi.ParseChipData(r.ChipData); err != nil {
		return a, err
	}
	ac, mac := x.bank.keys(emv.Common, x.asked.PAN, x.asked.Sequence)
	if !ac.VerifyAC(x.asked.Input, x.asked.AC) || x.asked.Input.Type != 0x31 || x.asked.Input.Amount != (emv.Amount{}) {
		return a, errWrongBank
	}
	atc := x.asked.Input.ATC
	auth := ac.IssuerAuth1(atc, x.asked.AC, x.arc)
	if x.bent {
		auth[0] ^= 1
	}
	if x.another {
		atc--
	}
	value := amount(x.tells)
	x.script = mac.SignScript(emv.PutData(emv.TagAvailable, value[:]), atc, x.asked.AC)
	script, err := emv.Script{Tag: emv.TagScript2, Commands: [][]byte{x.script.Bytes()}}.Append(nil)
	a = bankapi.Inquiry{Applet: "app_x", Available: x.tells, ResponseCode: x.arc.String(), Script: hex.EncodeToString(script)}
	if !x.mute {
		a.IssuerAuth = hex.EncodeToString(auth[:])
	}
	return a, err
}

func (x *teller) refresh(c link.Connection, name []byte) error {
	order := host.Order{AID: name, Amount: money.Amount{Currency: money.CNY}, Country: cny, Date: theDay}
	_, err := host.Refresh(context.Background(), c, order, counting{1}, x.inquire)
	return err
}

// counting is a source of a terminal's numbers.
type counting struct{ first byte }

func (c counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.first + byte(i)
	}
	return len(b), nil
}

func common(p *cps.Profile) { p.Suite = emv.Common }

// The bank tells an account's applet what is available, with a yes or a no, and
// nobody else does.
func TestRefresh(t *testing.T) {
	b := readIssuer()
	whole := newWallet(t, b.profile(sim.Account, 1, 5_000, common))
	for _, tt := range []struct {
		name string
		bank teller
		want int64
		fail error
	}{
		{"more", teller{arc: emv.ARCApproved, tells: 70_000}, 70_000, nil},
		{"less", teller{arc: emv.ARCApproved, tells: 1}, 1, nil},
		{"nothing, of one that is blocked at the bank", teller{arc: emv.ARCDeclined}, 0, nil},
		{"more than the applet may know of", teller{arc: emv.ARCApproved, tells: 100_001}, 5_000, apdu.StatusWrongData},
		{"a bank that does not say that it is one", teller{arc: emv.ARCApproved, tells: 70_000, mute: true}, 5_000, apdu.StatusConditions},
		{"somebody else's no", teller{arc: emv.ARCDeclined, bent: true}, 5_000, apdu.StatusConditions},
		{"a script of another transaction", teller{arc: emv.ARCApproved, tells: 70_000, another: true}, 5_000, apdu.StatusWrongMAC},
	} {
		w := whole.like(t)
		tt.bank.bank = b
		c := w.put(link.Contact)
		if err := tt.bank.refresh(c, aid(sim.Account, 1)); !errors.Is(err, tt.fail) || (err == nil) != (tt.fail == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.fail)
		}
		if r, err := c.send(tt.bank.script); err != nil || r.Status.OK() {
			t.Errorf("%s: the script again: got %v, %v", tt.name, r.Status, err)
		}
		if a := w.shown(aid(sim.Account, 1)); a.Available != tt.want || a.ATC != 1 {
			t.Errorf("%s: the applet knows of %d with ATC %d, want %d", tt.name, a.Available, a.ATC, tt.want)
		}
	}
}

// A script that was told once says nothing in the next transaction.
func TestRefreshIsNotReplayed(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Account, 1, 5_000, common))
	rich := &teller{bank: b, arc: emv.ARCApproved, tells: 70_000}
	poor := &teller{bank: b, arc: emv.ARCInsufficient, tells: 10}
	for _, x := range []*teller{rich, poor} {
		if err := x.refresh(w.put(link.Contact), aid(sim.Account, 1)); err != nil {
			t.Fatal(err)
		}
	}
	c := w.put(link.Contact)
	quiet := &teller{bank: b, arc: emv.ARCApproved, mute: true}
	_ = quiet.refresh(c, aid(sim.Account, 1))
	if r, err := c.send(rich.script); err != nil || r.Status.OK() {
		t.Errorf("got %v, %v", r.Status, err)
	}
	if a := w.shown(aid(sim.Account, 1)); a.Available != 10 {
		t.Errorf("the applet knows of %d, want 10", a.Available)
	}
}

// A bank's no tells an account what is left, over the air too, and never sets a
// purse.
func TestADeclineSetsWhatIsKnown(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Account, 1, 5_000, common))
	x := newTill(b)
	x.qualifiers = emv.TTQQPBOC | emv.TTQOnlinePIN | emv.TTQSignature | emv.TTQFDDA01
	c := w.put(link.Contactless)
	names, err := x.choose(c, 3_000)
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.begin(c, names[0], 3_000)
	if err != nil || s.cid != emv.ARQC {
		t.Fatalf("got %+v, %v", s, err)
	}
	ac, mac := b.keys(emv.Common, s.track2.PAN, s.psn)
	left := amount(2_999)
	script := mac.SignScript(emv.PutData(emv.TagAvailable, left[:]), s.atc, s.ac)
	auth := ac.IssuerAuth1(s.atc, s.ac, emv.ARCInsufficient)
	if r, err := c.send(apdu.Command{INS: 0x82, Data: auth[:]}); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	if r, err := c.send(script); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	if a := w.shown(aid(sim.Account, 1)); a.Available != 2_999 {
		t.Errorf("the applet knows of %d", a.Available)
	}
	if _, err := x.choose(w.put(link.Contactless), 3_000); !errors.Is(err, errNobody) {
		t.Errorf("it is chosen again: %v", err)
	}
}

// Who is not refreshed: a purse, an applet that its holder has locked or that has
// expired, and nobody over the air.
func TestNoRefresh(t *testing.T) {
	b := readIssuer()
	w := newWallet(
		t, b.profile(sim.Account, 1, 5_000, common), b.profile(sim.Purse, 2, 5_000, nil), b.profile(sim.Account, 3, 5_000, common),
		b.profile(sim.Account, 4, 5_000, func(p *cps.Profile) {
			p.Suite, p.Expiry, p.Track2.Expiry = emv.Common, emv.Date{0x26, 0x10, 0x31}, [2]byte{0x26, 0x10}
		}),
	)
	if err := w.device.Lock(aid(sim.Account, 3)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name []byte
		face link.Interface
		want error
	}{
		{aid(sim.Account, 1), link.Contactless, apdu.StatusConditions},
		{aid(sim.Purse, 2), link.Contact, host.ErrRefused},
		{aid(sim.Account, 3), link.Contact, apdu.StatusNotFound},
		{aid(sim.Account, 4), link.Contact, apdu.StatusConditions},
	} {
		x := &teller{bank: b, arc: emv.ARCApproved, tells: 70_000}
		if err := x.refresh(w.put(tt.face), tt.name); !errors.Is(err, tt.want) {
			t.Errorf("%X: got %v, want %v", tt.name, err, tt.want)
		}
		if a := w.shown(tt.name); a.Available != 5_000 {
			t.Errorf("%X knows of %d", tt.name, a.Available)
		}
	}
}
