package bank_test

import (
	"strings"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// An applet is issued with its account's currency, found by its PAN and sequence
// number, and shown with a masked number.
func TestIssueApplet(t *testing.T) {
	w := newTapWorld(t)
	r := w.purseRequest(1)
	r.Priority, r.Sequence, r.PAN = 3, 42, "6217000010000000011" // option B: more than 16 digits
	var a bankapi.Applet
	w.must(bank.Issuer, w.bank.Keys().NewIssueApplet(r), &a)
	want := bankapi.Applet{
		ID: a.ID, Kind: bankapi.AppletPurse, Account: w.customer, Number: "621700*********0011", Sequence: 42, AID: "F0736F74746F010001",
		Label: "Purse 1", Priority: 3, Currency: "CNY", Expires: "2031-12", Status: bankapi.AppletActive,
		BalanceMax: 50_000, TapMax: 50_000, CreatedAt: bankapi.Time(w.now().UnixMilli()),
	}
	if a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	row, err := w.store.Applet(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if bank.AppletView(&row) != want {
		t.Errorf("stored: got %+v", bank.AppletView(&row))
	}
	if pan, ok := w.bank.Keys().AppletPAN(&row); !ok || string(pan.Reveal()) != r.PAN {
		t.Error("the sealed PAN is another")
	}
	altered := row
	altered.Account = w.merchant.Account
	if _, ok := w.bank.Keys().AppletPAN(&altered); ok {
		t.Error("the PAN comes out of a row that was altered")
	}
	c := w.issue(func() bankapi.IssueApplet { r.Sequence = 99; return r }())
	w.fill(c, 100)
	w.wantResult(w.post(c.tap("1", 100)), 0, bankapi.TapPosted, "", false)

	for _, actor := range []bank.Actor{w.shop(), bank.Payer, bank.Self, bank.PhoneActor(w.phone.ID)} {
		w.refused(bankapi.Forbidden, actor, w.bank.Keys().NewIssueApplet(w.purseRequest(5)))
		w.refused(bankapi.Forbidden, actor, bank.SetAppletStatus{Applet: a.ID, Status: bankapi.AppletBlocked})
		w.refused(bankapi.Forbidden, actor, bank.PersonalizeApplet{Applet: a.ID})
	}
	w.refused(bankapi.NotFound, bank.Issuer, bank.PersonalizeApplet{Applet: "app_x"})
	w.refused(bankapi.NotFound, bank.Issuer, bank.SetAppletStatus{Applet: "app_x", Status: bankapi.AppletBlocked})
	w.refused(bankapi.Invalid, bank.Issuer, bank.SetAppletStatus{Applet: a.ID, Status: "lost"})
	w.must(bank.Issuer, bank.PersonalizeApplet{Applet: a.ID}, nil)
}

// Float and settlement accounts are opened once for each currency.
func TestBooks(t *testing.T) {
	w := newTapWorld(t)
	first, second, yen := w.applet(w.purse(1)), w.applet(w.accountApplet(2)), w.applet(w.filledYen(3, 1))
	if first.Float != second.Float || first.Settlement != second.Settlement || first.Float == yen.Float || first.Settlement == yen.Settlement {
		t.Errorf("got %s %s, %s %s, %s %s", first.Float, first.Settlement, second.Float, second.Settlement, yen.Float, yen.Settlement)
	}
	for id, kind := range map[string]bankapi.AccountKind{first.Float: bankapi.AccountFloat, yen.Settlement: bankapi.AccountSettlement} {
		if a, err := w.store.Account(t.Context(), id); err != nil || a.Kind != string(kind) {
			t.Errorf("got %+v, %v", a, err)
		}
	}
	// No account of the bank's own can be opened by hand.
	for _, kind := range []bankapi.AccountKind{bankapi.AccountFloat, bankapi.AccountSettlement} {
		w.refused(bankapi.Invalid, bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: "x", Kind: kind, Currency: "CNY"}})
	}
}

func TestReasonsOfIssueAppletInOrder(t *testing.T) {
	w := newTapWorld(t)
	w.purse(1)
	spoils := []struct {
		name  string
		want  bankapi.Reason
		field string
		apart bool
		spoil func(*bankapi.IssueApplet)
	}{
		{"kind", bankapi.Invalid, "kind", false, func(r *bankapi.IssueApplet) { r.Kind = "card" }},
		{"account", bankapi.Invalid, "account", false, func(r *bankapi.IssueApplet) { r.Account = w.merchant.Account }},
		{"no account", bankapi.Invalid, "account", true, func(r *bankapi.IssueApplet) { r.Account = "" }},
		{"check digit", bankapi.Invalid, "pan", false, func(r *bankapi.IssueApplet) { r.PAN = "6217000000000020" }},
		{"11 digits", bankapi.Invalid, "pan", true, func(r *bankapi.IssueApplet) { r.PAN = "62170000002" }},
		{"sequence", bankapi.Invalid, "sequence", false, func(r *bankapi.IssueApplet) { r.Sequence = 100 }},
		{"negative sequence", bankapi.Invalid, "sequence", true, func(r *bankapi.IssueApplet) { r.Sequence = -1 }},
		{"AID of 4 bytes", bankapi.Invalid, "aid", false, func(r *bankapi.IssueApplet) { r.AID = "F0736F74" }},
		{"AID of 17 bytes", bankapi.Invalid, "aid", true, func(r *bankapi.IssueApplet) { r.AID = strings.Repeat("F0", 17) }},
		{"AID that is no hex", bankapi.Invalid, "aid", true, func(r *bankapi.IssueApplet) { r.AID = "F0736F74746G" }},
		{"label", bankapi.Invalid, "label", false, func(r *bankapi.IssueApplet) { r.Label = "Li's purse" }},
		{"blank label", bankapi.Invalid, "label", true, func(r *bankapi.IssueApplet) { r.Label = " " }},
		{"label of 17 letters", bankapi.Invalid, "label", true, func(r *bankapi.IssueApplet) { r.Label = "12345678901234567" }},
		{"priority", bankapi.Invalid, "priority", false, func(r *bankapi.IssueApplet) { r.Priority = 16 }},
		{"expired", bankapi.Invalid, "expires", false, func(r *bankapi.IssueApplet) { r.Expires = "2026-12" }},
		{"no month", bankapi.Invalid, "expires", true, func(r *bankapi.IssueApplet) { r.Expires = "2031-13" }},
		{"a year that cards cannot say", bankapi.Invalid, "expires", true, func(r *bankapi.IssueApplet) { r.Expires = "2050-01" }},
		{"no balance_max", bankapi.Invalid, "balance_max", false, func(r *bankapi.IssueApplet) { r.BalanceMax = 0 }},
		{"more than a purse can tell", bankapi.Invalid, "balance_max", true, func(r *bankapi.IssueApplet) { r.BalanceMax = 10_000_000_000 }},
		{"tap_max", bankapi.Invalid, "tap_max", true, func(r *bankapi.IssueApplet) { r.TapMax = 50_001 }},
		{"an account with a limit", bankapi.Invalid, "tap_max", true, func(r *bankapi.IssueApplet) { r.Kind = bankapi.AppletAccount }},
		{"issued already", bankapi.Duplicate, "", false, func(r *bankapi.IssueApplet) { r.PAN = pursePAN(1) }},
	}
	for i, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			defer w.in(t)()
			r := w.purseRequest(2)
			for j := len(spoils) - 1; j > i; j-- {
				if !spoils[j].apart {
					spoils[j].spoil(&r)
				}
			}
			s.spoil(&r)
			if p := w.refused(s.want, bank.Issuer, w.bank.Keys().NewIssueApplet(r)); p.Field != s.field {
				t.Errorf("the bank complains of %q, want %q", p.Field, s.field)
			}
		})
	}
	r := w.purseRequest(2)
	r.Expires, r.BalanceMax, r.TapMax = "2027-01", 9_999_999_999, 1 // this month, and the most
	w.must(bank.Issuer, w.bank.Keys().NewIssueApplet(r), nil)
	r.Sequence = 2
	w.must(bank.Issuer, w.bank.Keys().NewIssueApplet(r), nil)
}

// A bank whose key store is of a version before there were applets says so, and
// takes no cryptogram for one.
func TestBankWithoutAppletKeys(t *testing.T) {
	with := newTapWorld(t)
	tap := with.filled(1, 100).tap("1", 100)
	w := newWorld(t)
	w.refused(bankapi.Unavailable, bank.Issuer, w.bank.Keys().NewIssueApplet(w.purseRequest(1)))
	w.wantResult(w.post(tap), 0, bankapi.TapRefused, bankapi.NotFound, false)
}
