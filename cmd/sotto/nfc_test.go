package main

import (
	"context"
	"strings"
	"testing"

	"sotto/bankapi"
	"sotto/link/pcsc/pcscdtest"
	"sotto/pos"
)

// held restarts card and phone, so that the card lies in a reader and the phone
// knows no other way to it.
func (p *parts) held(card, phone []string) {
	p.t.Helper()
	p.phone.stop()
	p.shown.stop()
	p.shown = start(p.t, p.dir, append([]string{"card", "run", "--state", "card", "--listen", "127.0.0.1:0", "--quiet"}, card...)...)
	p.phone = start(p.t, p.dir, append([]string{"phone", "run", "--state", "phone"}, phone...)...)
}

// paid makes a payment, reads the code off the card and confirms it.
func (p *parts) paid(amount int64) {
	p.t.Helper()
	payment := p.pay(amount)
	code := p.code("payment", "plain")
	eventually(p.t, "the receipt reached the bank", func(ctx context.Context) bool {
		return must(p.shop.Payment(ctx, payment.ID))(p.t).Delivery == bankapi.DeliveryOnCard
	})
	paid := must(p.shop.ConfirmPayment(p.t.Context(), payment.ID, bankapi.Confirm{Code: code}))(p.t)
	if paid.Status != bankapi.Succeeded {
		p.t.Errorf("got %s", paid.Status)
	}
}

// A payment whose code crosses pcscd: by NFC, and by an ISO/IEC 15693 reader.
func TestCodeThroughAReader(t *testing.T) {
	d := pcscdtest.Start(t)
	t.Setenv("PCSCLITE_CSOCK_NAME", d.Socket)
	p := newParts(t, newEstate(t), "card-sealed")
	p.held([]string{"--vpcd", d.Slots[0].Address}, []string{"--reader", d.Slots[0].Reader})
	p.paid(12_800)
	p.held([]string{"--rfid", d.Slots[1].Address}, []string{"--rfid-reader", d.Slots[1].Reader})
	p.paid(4_200)
	// Both at once: the first to reach the card brings it.
	p.held([]string{"--rfid", d.Slots[1].Address, "--vpcd", d.Slots[0].Address},
		[]string{"--rfid-reader", d.Slots[1].Reader, "--reader", d.Slots[0].Reader})
	p.paid(100)
}

// A13: one card shows the code of an online payment and pays at the till, in the
// same reader.
func TestCardThatIsTheBankCard(t *testing.T) {
	d := pcscdtest.Start(t)
	t.Setenv("PCSCLITE_CSOCK_NAME", d.Socket)
	w := newWallet(t)
	p := newParts(t, w.estate, "card-sealed")
	slot := d.Slots[0]
	p.held([]string{"--vpcd", slot.Address, "--sim", "sim"}, []string{"--reader", slot.Reader})
	for _, amount := range []string{"12.34", "2.00"} {
		if r := w.pay(amount, "--reader", slot.Reader); r.Outcome != pos.Approved {
			t.Errorf("%s: %s (%s)", amount, r.Outcome, r.Reason)
		}
		p.paid(12_800)
	}
	p.shown.stop()
	if got := w.balances(); got["Metro"] != "1.00" || got["Lunch"] != "47.66" {
		t.Errorf("the purses hold %v", got)
	}
}

// Each mistake has one sentence with the next step in it.
func TestReaderMistakes(t *testing.T) {
	dir := issued(t)
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"say which with --vpcd", []string{"--sim", "sim"}},
		{"give HOST:PORT", []string{"--vpcd", "nowhere"}},
		{"give HOST:PORT", []string{"--rfid", "nowhere"}},
		{"sotto sim new", []string{"--vpcd", "127.0.0.1:1", "--sim", t.TempDir() + "/none"}},
	} {
		_, errOut, code := cardRun(t, "", append([]string{"run", "--state", dir, "--quiet", "--listen", "127.0.0.1:0"}, tt.args...)...)
		if code != 1 || !strings.Contains(errOut, tt.want) || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%v: got exit %d, %q; want one line with %q", tt.args, code, errOut, tt.want)
		}
	}
}
