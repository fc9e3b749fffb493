package sim_test

import (
	"errors"
	"slices"
	"testing"

	"sotto/emv"
	"sotto/link"
	"sotto/sim"
)

// A reader that sends the amount first gets the one applet that can pay, and
// debits it (B1 to B5).
func TestTapOfAReaderThatSendsTheAmount(t *testing.T) {
	b := readIssuer()
	w := newWallet(t,
		b.profile(sim.Purse, 1, 500, nil),
		b.profile(sim.Purse, 2, 20_000, nil),
		b.profile(sim.Account, 3, 90_000, nil))
	if err := w.device.Prefer(aid(sim.Purse, 1)); err != nil {
		t.Fatal(err)
	}
	x := newTill(b)
	if err := x.pay(w.put(link.Contactless), 1234); err != nil {
		t.Fatal(err)
	}
	got := x.sold[0]
	if string(got.aid) != string(aid(sim.Purse, 2)) || got.atc != 1 {
		t.Errorf("got %x with ATC %d", got.aid, got.atc)
	}
	a := w.shown(aid(sim.Purse, 2))
	if a.Available != 20_000-1234 || a.Torn || a.ATC != 1 {
		t.Errorf("got %+v", a)
	}
	want := []string{
		"choice: F0736F74746F010002", "offered: F0736F74746F010002", "committed: F0736F74746F010002",
	}
	if !slices.Equal(w.facts, want) {
		t.Errorf("facts: got %q, want %q", w.facts, want)
	}
	x.verify(t, got)
}

// verify is what the bank does with a sale.
func (x *till) verify(t *testing.T, s *sale) emv.PurseIDD {
	t.Helper()
	ac, mac := x.bank.keys(emv.PBOC, s.track2.PAN, s.psn)
	iad, err := emv.ParseIAD(s.iad)
	if err != nil {
		t.Fatal(err)
	}
	in := emv.ACInput{
		Amount: amount(s.minor), Country: cny, Currency: x.currency, Date: theDay, Type: emv.TypePurchase,
		Unpredictable: s.un, AIP: s.aip, ATC: s.atc, CVN: iad.CVN, CVR: iad.CVR,
	}
	if !ac.VerifyAC(in, s.ac) {
		t.Error("the cryptogram is wrong")
	}
	idd, err := emv.ParsePurseIDD(iad.IDD)
	if err != nil {
		t.Fatal(err)
	}
	if !mac.VerifyBalance(s.atc, idd) {
		t.Error("the balance is not authentic")
	}
	return idd
}

// A reader that does not send it gets the list, and walks on when an applet
// cannot pay.
func TestTapOfAReaderThatDoesNot(t *testing.T) {
	b := readIssuer()
	w := newWallet(t,
		b.profile(sim.Purse, 1, 500, nil),
		b.profile(sim.Purse, 2, 700, nil),
		b.profile(sim.Purse, 3, 20_000, nil))
	x := newTill(b)
	x.speaksSPI = false
	if err := x.pay(w.put(link.Contactless), 1234); err != nil {
		t.Fatal(err)
	}
	if got := x.sold[0].aid; string(got) != string(aid(sim.Purse, 3)) {
		t.Errorf("got %x", got)
	}
	for serial, want := range map[int]int64{1: 500, 2: 700, 3: 20_000 - 1234} {
		if got := w.shown(aid(sim.Purse, serial)); got.Available != want || got.Torn {
			t.Errorf("purse %d: got %+v", serial, got)
		}
	}
	if err := x.pay(w.put(link.Contactless), 30_000); !errors.Is(err, errNobody) {
		t.Errorf("too much for all: got %v", err)
	}
}
