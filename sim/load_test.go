package sim_test

import (
	"context"
	"errors"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/sim"
	"sotto/sim/host"
)

// ledger is the bank's side of loads, by its own rules: money is in the account,
// in the float, or in flight, and a cryptogram of a later transaction ends a
// flight by whether the purse's count of scripts has moved.
type ledger struct {
	bank    *issuer
	account int64
	float   int64 // what the purse should have, before its offline debits

	flying   int64 // amount in flight; 0: none
	atc      uint16
	scripts  int // of the ARQC that was answered
	answered int
}

var errWrongBank = errors.New("the bank cannot verify that")

// hear takes any cryptogram that reaches the bank.
func (l *ledger) hear(atc uint16, cvr emv.CVR) {
	if l.flying == 0 || atc <= l.atc {
		return
	}
	if cvr.Scripts() != l.scripts {
		l.float += l.flying
	} else {
		l.account += l.flying
	}
	l.flying = 0
}

// decide answers the ARQC of a load.
func (l *ledger) decide(_ context.Context, q host.Request) (host.Answer, error) {
	ac, mac := l.bank.keys(emv.PBOC, q.PAN, q.PSN)
	iad, err := emv.ParseIAD(q.IAD)
	if err != nil {
		return host.Answer{}, err
	}
	idd, err := emv.ParsePurseIDD(iad.IDD)
	if err != nil {
		return host.Answer{}, err
	}
	if !ac.VerifyAC(emv.ACInput{
		Amount: q.Amount, Other: q.Other, Country: q.Country, TVR: q.TVR, Currency: q.Currency, Date: q.Date,
		Type: q.Type, Unpredictable: q.Unpredictable, AIP: q.AIP, ATC: q.ATC, CVN: iad.CVN, CVR: iad.CVR,
	}, q.ARQC) || !mac.VerifyBalance(q.ATC, idd) {
		return host.Answer{}, errWrongBank
	}
	l.hear(q.ATC, iad.CVR)
	minor, _ := q.Amount.Minor()
	balance, _ := idd.Balance.Minor()
	arc := emv.ARCApproved
	if minor > l.account {
		arc = emv.ARCInsufficient
	}
	auth := ac.IssuerAuth1(q.ATC, q.ARQC, arc)
	said := host.Answer{IssuerAuth: auth[:], ARC: arc}
	if arc.Approved() {
		l.account -= minor
		l.flying, l.atc, l.scripts = minor, q.ATC, iad.CVR.Scripts()
		l.answered++
		next := amount(balance + minor)
		said.Commands = [][]byte{mac.SignScript(emv.PutData(emv.TagBalance, next[:]), q.ATC, q.ARQC).Bytes()}
	}
	return said, nil
}

func terms(minor int64, un byte) host.Terms {
	return host.Terms{Amount: amount(minor), Currency: cny, Country: cny, Date: theDay, Unpredictable: [4]byte{0xD0, 0, 0, un}}
}

func load(c *cable, l *ledger, minor int64) (host.Outcome, error) {
	return host.Load(context.Background(), c, aid(sim.Purse, 1), terms(minor, 1), l.decide)
}

func TestLoad(t *testing.T) {
	b := readIssuer()
	for _, face := range []link.Interface{link.Contact, link.Contactless} {
		w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
		l := &ledger{bank: b, account: 50_000, float: 1_000}
		out, err := load(w.put(face), l, 20_000)
		if err != nil || !out.Approved || out.Executed != 1 || out.ATC != 1 {
			t.Fatalf("%v: got %+v, %v", face, out, err)
		}
		a := audit(t, w, aid(sim.Purse, 1))
		if a.balance != 21_000 || len(a.records) != 1 || a.records[0].kind != 0x63 || a.records[0].amount != 20_000 {
			t.Errorf("%v: got %+v", face, a)
		}
		// The log of loads has it as well, and the next cryptogram tells the bank.
		c := w.put(face)
		if _, err := c.send(selectCommand(aid(sim.Purse, 1))); err != nil {
			t.Fatal(err)
		}
		if r, err := c.send(readCommand(12, 1)); err != nil || len(r.Data) != 40 || r.Data[13] != 0x63 {
			t.Errorf("%v: log of loads: % X, %v", face, r.Data, err)
		}
		if _, err := load(w.put(face), l, 60_000); !errors.Is(err, host.ErrRefused) {
			t.Errorf("%v: more than there is: got %v", face, err)
		}
		if l.float != 21_000 || l.flying != 0 || l.account != 30_000 {
			t.Errorf("%v: the bank has %+v", face, l)
		}
		if a := audit(t, w, aid(sim.Purse, 1)); a.balance != 21_000 {
			t.Errorf("%v: got %d", face, a.balance)
		}
	}
}

// The device is pulled away, or loses its power, at every place of a load, and
// in a second one before the bank has heard of the first. Whatever happened, the
// bank's count and the purse's balance agree when the next ARQC arrives; also
// when an ARQC in between never did.
func TestTornLoad(t *testing.T) {
	b := readIssuer()
	purse := aid(sim.Purse, 1)
	whole := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	first := ledger{bank: b, account: 50_000, float: 1_000}
	if _, err := load(whole.put(link.Contact), &first, 5_000); err != nil {
		t.Fatal(err)
	}
	ends := map[int64]int{}
	for _, cut := range everyCut(4, 9) {
		for _, lostARQC := range []bool{false, true} {
			w, l := whole.like(t), first
			c := w.put(link.Contact)
			w.arm(c, cut)
			if _, err := load(c, &l, 20_000); err == nil {
				t.Fatalf("%v: nothing was torn", cut)
			}
			w.reboot()
			balance := audit(t, w, purse).balance
			ends[balance]++
			if lostARQC {
				deaf := func(context.Context, host.Request) (host.Answer, error) { return host.Answer{}, errWrongBank }
				if _, err := host.Load(context.Background(), w.put(link.Contact), purse, terms(1, 2), deaf); !errors.Is(err, errWrongBank) {
					t.Fatalf("%v: %v", cut, err)
				}
			}
			if _, err := load(w.put(link.Contact), &l, 3); err != nil {
				t.Fatalf("%v: load after it: %v", cut, err)
			}
			if l.float != balance {
				t.Errorf("%v, lost ARQC %v: the purse had %d, the bank believes %d", cut, lostARQC, balance, l.float)
			}
			if got := audit(t, w, purse).balance; got != balance+3 || l.account+l.float+l.flying != 51_000 {
				t.Errorf("%v: the purse has %d behind %d; the bank %+v", cut, got, balance, l)
			}
		}
	}
	if ends[6_000] == 0 || ends[26_000] == 0 || len(ends) != 2 {
		t.Errorf("the cuts did not reach both sides: %v", ends)
	}
}

// script sends a script command with a MAC for the transaction under way.
func script(b *issuer, q host.Request, c apdu.Command) apdu.Command {
	_, mac := b.keys(emv.PBOC, q.PAN, q.PSN)
	return mac.SignScript(c, q.ATC, q.ARQC)
}

// online takes an applet as far as a load that the bank has approved, and
// returns the transaction.
func online(t *testing.T, b *issuer, c *cable) host.Request {
	t.Helper()
	var q host.Request
	_, err := host.Load(context.Background(), c, aid(sim.Purse, 1), terms(100, 3), func(_ context.Context, asked host.Request) (host.Answer, error) {
		q = asked
		ac, _ := b.keys(emv.PBOC, q.PAN, q.PSN)
		auth := ac.IssuerAuth1(q.ATC, q.ARQC, emv.ARCApproved)
		return host.Answer{IssuerAuth: auth[:], ARC: emv.ARCApproved}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func putBalance(minor int64) apdu.Command {
	value := amount(minor)
	return emv.PutData(emv.TagBalance, value[:])
}

func TestScripts(t *testing.T) {
	b := readIssuer()
	purse := aid(sim.Purse, 1)
	whole := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	bent := func(c apdu.Command) apdu.Command { c.Data[len(c.Data)-1] ^= 1; return c }
	tests := []struct {
		name    string
		send    func(q host.Request) []apdu.Command
		want    []apdu.Status
		balance int64
	}{
		{"once", func(q host.Request) []apdu.Command {
			return []apdu.Command{script(b, q, putBalance(7_000))}
		}, []apdu.Status{apdu.StatusOK}, 7_000},
		{"the same again", func(q host.Request) []apdu.Command {
			c := script(b, q, putBalance(7_000))
			return []apdu.Command{c, c}
		}, []apdu.Status{apdu.StatusOK, apdu.StatusConditions}, 7_000},
		{"two", func(q host.Request) []apdu.Command {
			return []apdu.Command{script(b, q, putBalance(7_000)), script(b, q, putBalance(8_000))}
		}, []apdu.Status{apdu.StatusOK, apdu.StatusOK}, 8_000},
		{"a wrong MAC, and then nothing more", func(q host.Request) []apdu.Command {
			return []apdu.Command{bent(script(b, q, putBalance(7_000))), script(b, q, putBalance(7_000))}
		}, []apdu.Status{apdu.StatusWrongMAC, apdu.StatusConditions}, 1_000},
		{"of another transaction", func(q host.Request) []apdu.Command {
			q.ATC--
			return []apdu.Command{script(b, q, putBalance(7_000))}
		}, []apdu.Status{apdu.StatusWrongMAC}, 1_000},
		{"above the limit", func(q host.Request) []apdu.Command {
			return []apdu.Command{script(b, q, putBalance(100_001))}
		}, []apdu.Status{apdu.StatusWrongData}, 1_000},
		{"no digits", func(q host.Request) []apdu.Command {
			return []apdu.Command{script(b, q, emv.PutData(emv.TagBalance, []byte{0, 0, 0, 0, 0, 0xAA}))}
		}, []apdu.Status{apdu.StatusWrongData}, 1_000},
		{"another object", func(q host.Request) []apdu.Command {
			return []apdu.Command{script(b, q, emv.PutData(emv.TagBalanceMax, make([]byte, 6)))}
		}, []apdu.Status{apdu.StatusNoData}, 1_000},
		{"no MAC", func(host.Request) []apdu.Command {
			return []apdu.Command{{CLA: 0x04, INS: 0xDA, P1: 0x9F, P2: 0x79, Data: []byte{1, 2, 3}}}
		}, []apdu.Status{apdu.StatusNoMAC}, 1_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := whole.like(t)
			c := w.put(link.Contact)
			q := online(t, b, c)
			for i, command := range tt.send(q) {
				r, err := c.send(command)
				if err != nil || r.Status != tt.want[i] {
					t.Errorf("command %d: got %v, %v; want %v", i+1, r.Status, err, tt.want[i])
				}
			}
			if got := audit(t, w, purse).balance; got != tt.balance {
				t.Errorf("got %d, want %d", got, tt.balance)
			}
		})
	}
}

// A balance is not set before the bank has approved, nor in the next
// transaction.
func TestScriptNeedsTheBanksYes(t *testing.T) {
	b := readIssuer()
	for _, arc := range []emv.ARC{emv.ARCDeclined, 0} {
		w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
		c := w.put(link.Contact)
		_, err := host.Load(context.Background(), c, aid(sim.Purse, 1), terms(100, 3), func(_ context.Context, q host.Request) (host.Answer, error) {
			ac, _ := b.keys(emv.PBOC, q.PAN, q.PSN)
			said := host.Answer{ARC: arc, Commands: [][]byte{script(b, q, putBalance(9_000)).Bytes()}}
			if arc != 0 {
				auth := ac.IssuerAuth1(q.ATC, q.ARQC, arc)
				said.IssuerAuth = auth[:]
			}
			return said, nil
		})
		if !errors.Is(err, apdu.StatusConditions) {
			t.Errorf("%v: got %v", arc, err)
		}
		if got := w.shown(aid(sim.Purse, 1)).Available; got != 1_000 {
			t.Errorf("%v: got %d", arc, got)
		}
	}
	w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	c := w.put(link.Contact)
	q := online(t, b, c)
	online(t, b, c)
	if r, err := c.send(script(b, q, putBalance(9_000))); err != nil || r.Status != apdu.StatusWrongMAC {
		t.Errorf("a script of the transaction before: got %v, %v", r.Status, err)
	}
	w.reboot()
	c = w.put(link.Contact)
	if r, _ := c.send(script(b, q, putBalance(9_000))); r.Status != apdu.StatusConditions {
		t.Errorf("a script with no transaction: got %v", r.Status)
	}
}

// The bank blocks an applet, which then pays nothing, and can still be unblocked.
func TestBlockAndUnblock(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Purse, 1, 1_000, nil))
	c := w.put(link.Contact)
	q := online(t, b, c)
	if r, err := c.send(script(b, q, emv.ApplicationBlock())); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	if a := w.shown(aid(sim.Purse, 1)); !a.Blocked || a.Usable() {
		t.Errorf("got %+v", a)
	}
	if err := newTill(b).pay(w.put(link.Contactless), 10); !errors.Is(err, errNobody) {
		t.Errorf("a blocked purse: got %v", err)
	}
	c = w.put(link.Contact)
	if r, err := c.send(selectCommand(aid(sim.Purse, 1))); err != nil || r.Status != apdu.StatusFileInvalidated {
		t.Errorf("select: got %v, %v", r.Status, err)
	}
	x := &slot{till: newTill(b)}
	_, _ = x.options(c, &sale{minor: 10}, emv.TypeLoad)
	x.list = cdol1
	_, said, err := x.generate(c, &sale{minor: 10}, emv.TypeLoad, byte(emv.ARQC))
	if err != nil || emv.CID(inside(said, 0x80)[0]).Kind() != emv.AAC {
		t.Fatalf("a blocked purse: % X, %v", said, err)
	}
	said = inside(said, 0x80)
	q.ATC, q.ARQC = uint16(said[1])<<8|uint16(said[2]), [8]byte(said[3:11])
	if r, err := c.send(script(b, q, emv.ApplicationUnblock())); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	if err := newTill(b).pay(w.put(link.Contactless), 10); err != nil {
		t.Error(err)
	}
}

// An account applet asks the bank, which tells it what is left.
func TestAccountTap(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, b.profile(sim.Account, 1, 5_000, func(p *cps.Profile) { p.Suite = emv.Common }))
	x := newTill(b)
	if err := x.pay(w.put(link.Contactless), 1_000); !errors.Is(err, errNobody) {
		t.Errorf("at a till without a bank: got %v", err)
	}
	x.qualifiers = emv.TTQQPBOC | emv.TTQOnlinePIN | emv.TTQSignature | emv.TTQFDDA01
	c := w.put(link.Contactless)
	names, err := x.choose(c, 1_000)
	if err != nil {
		t.Fatal(err)
	}
	s, err := x.begin(c, names[0], 1_000)
	if err != nil || s.cid != emv.ARQC || s.sdad != nil {
		t.Fatalf("got %+v, %v", s, err)
	}
	ac, mac := b.keys(emv.Common, s.track2.PAN, s.psn)
	iad, err := emv.ParseIAD(s.iad)
	if err != nil || iad.CVN != emv.CVN17 {
		t.Fatal(iad.CVN, err)
	}
	if !ac.VerifyAC(emv.ACInput{Amount: amount(1_000), Unpredictable: s.un, ATC: s.atc, CVN: iad.CVN, CVR: iad.CVR}, s.ac) {
		t.Error("the cryptogram is wrong")
	}
	auth := ac.IssuerAuth1(s.atc, s.ac, emv.ARCApproved)
	if r, err := c.send(apdu.Command{INS: 0x82, Data: auth[:]}); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	left := amount(4_000)
	if r, err := c.send(mac.SignScript(emv.PutData(emv.TagAvailable, left[:]), s.atc, s.ac)); err != nil || !r.Status.OK() {
		t.Fatal(r.Status, err)
	}
	if a := w.shown(aid(sim.Account, 1)); a.Available != 4_000 {
		t.Errorf("got %+v", a)
	}
	if err := x.pay(w.put(link.Contactless), 4_001); !errors.Is(err, errNobody) {
		t.Errorf("more than is known: got %v", err)
	}
}
