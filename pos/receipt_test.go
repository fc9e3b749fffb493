package pos_test

import (
	"strings"
	"testing"

	"sotto/pos"
)

func TestReceiptText(t *testing.T) {
	w := newWorld(t, nil, newPurse(2, 5_000))
	sale := yuan(1_234)
	sale.Order = "2026-11-22/0001"
	r := w.ends(sale, pos.OfflineProved)
	want := `          Corner Shop
Merchant                      M1
Terminal                T0000001
Date         2026-11-22 12:00:00
Reference             T0000001-1
Order            2026-11-22/0001
--------------------------------
Card          622848********0002
Application                 TEST
AID           F0736F74746F010002
Entry           contactless chip
ATC                            1
TC              37A08E87A225A006
TVR                   0000000000
Response                      Y1
--------------------------------
PURCHASE               CNY 12.34
Left on the card       CNY 37.66
            APPROVED
`
	if got := r.Receipt.Text(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// However long what stands on it, a line is no longer than the paper is wide,
// and nothing of it is lost.
func TestReceiptFitsThePaper(t *testing.T) {
	w := newWorld(t, func(o *pos.Options) {
		o.Settings.Name = "The Corner Shop of the Long Street 123"
		o.Settings.Merchant = "MERCHANT0000015"
	}, newAccount(1, 9_999_999_999))
	sale := yuan(9_999_999_999)
	sale.Order = strings.Repeat("9", 32)
	r := w.ends(sale, pos.BankApproved)
	r.Receipt.Label, r.Receipt.AID = "SIXTEEN LETTERS!", strings.Repeat("A0", 16)
	text := r.Receipt.Text()
	for line := range strings.Lines(text) {
		if len(line) > 33 {
			t.Errorf("%d characters: %q", len(line), line)
		}
	}
	for _, s := range []string{"of the", "123", sale.Order, r.Receipt.AID, "99999999.99", "SIXTEEN LETTERS!", "ARQC"} {
		if !strings.Contains(text, s) {
			t.Errorf("no %q on\n%s", s, text)
		}
	}
}

// A declined one says so, and why.
func TestReceiptOfADecline(t *testing.T) {
	w := newWorld(t, nil, newAccount(1, 5_000))
	w.bank.says = 0x3531
	text := w.ends(yuan(1), pos.BankDeclined).Receipt.Text()
	if !strings.Contains(text, "DECLINED: bank declines") || strings.Contains(text, "APPROVED") {
		t.Errorf("got\n%s", text)
	}
}

// What a chip calls itself is shown as far as it can be printed.
func TestAHostileLabel(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.fake().twist = at(0xA4, 0, replaced("500454455354", "50045B1B0A41"))
	if r := w.tap(yuan(1)); r.Label != "[??A" || strings.Contains(r.Receipt.Text(), "\x1b") {
		t.Errorf("label %q", r.Label)
	}
}
