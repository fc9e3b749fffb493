package pos_test

import (
	"testing"

	"sotto/emv"
	"sotto/link"
	"sotto/pos"
)

func contact(w *world) *world {
	w.reader.face = link.Contact
	return w
}

func TestAPurseApprovesOffline(t *testing.T) {
	for _, without := range []bool{false, true} {
		p := newPurse(1, 5_000)
		w := newWorld(t, func(o *pos.Options) { o.Settings.WithoutSPI = without }, p)
		r := w.ends(yuan(1_234), pos.OfflineProved)
		if r.Outcome != pos.Approved || p.balance != 3_766 || p.torn || len(p.log) != 1 {
			t.Errorf("got %v, purse %d, torn %v", r.Outcome, p.balance, p.torn)
		}
		w.wantStates(pos.StateApproved)
	}
}

func TestTheNextApplicationPays(t *testing.T) {
	poor, rich := newPurse(1, 500), newPurse(2, 5_000)
	w := newWorld(t, func(o *pos.Options) { o.Settings.WithoutSPI = true }, poor, rich)
	w.ends(yuan(1_234), pos.OfflineProved)
	if poor.balance != 500 || rich.balance != 3_766 {
		t.Errorf("poor %d, rich %d", poor.balance, rich.balance)
	}
	w.ends(yuan(50_000), pos.NoneCanPay)
}

func TestAnAccountAsksTheBank(t *testing.T) {
	a := newAccount(1, 5_000)
	w := newWorld(t, nil, a)
	r := w.ends(yuan(1_234), pos.BankApproved)
	if len(w.bank.approved) != 1 || a.heard != 1 || a.balance != 77 {
		t.Errorf("bank %v, scripts %d, known amount %d", w.bank.approved, a.heard, a.balance)
	}
	if r.Receipt == nil || r.Receipt.ResponseCode != "00" {
		t.Errorf("receipt %+v", r.Receipt)
	}
	w.wantStates(pos.Authorized)
}

func TestContact(t *testing.T) {
	p := newPurse(1, 5_000)
	w := contact(newWorld(t, nil, p))
	r := w.ends(yuan(1_234), pos.OfflineProved)
	if p.balance != 3_766 || !r.Receipt.Contact || *r.Receipt.Left != 3_766 {
		t.Errorf("purse %d, receipt %+v", p.balance, r.Receipt)
	}
	w.wantStates(pos.StateApproved)

	a := newAccount(1, 5_000)
	w = contact(newWorld(t, nil, a))
	w.ends(yuan(1_234), pos.BankApproved)
	if len(w.bank.approved) != 1 || a.heard != 1 {
		t.Errorf("bank %v, scripts %d", w.bank.approved, a.heard)
	}
	w.bank.says = emv.ARCDeclined
	w.ends(yuan(1), pos.BankDeclined)
	w.wantStates(pos.Authorized)
}
