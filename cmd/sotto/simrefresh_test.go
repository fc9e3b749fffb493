package main

import (
	"strings"
	"testing"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/pos"
)

// An account that was emptied elsewhere is chosen once more, and not again; and
// when it was filled up, one command has it chosen again.
func TestTheSIMHearsWhatTheAccountHas(t *testing.T) {
	w := newWallet(t)
	vault := must(w.issuer.CreateAccount(t.Context(), bankapi.CreateAccount{Name: "Elsewhere", Kind: bankapi.AccountInternal, Currency: "CNY"}))(t).ID
	move := func(from, to string, amount int64) {
		t.Helper()
		must(w.issuer.CreateTransfer(t.Context(), bankapi.CreateTransfer{Debit: from, Credit: to, Amount: amount, Currency: "CNY"}))(t)
	}
	refresh := func(want string, flags ...string) {
		t.Helper()
		args := append([]string{"sim", "refresh", "--bank", w.url, "--key-file", "issuer.key"}, flags...)
		if said := command(t, w.dir, "", args...); said != w.aids["Debit"]+" now knows of CNY "+want {
			t.Errorf("refreshed: %q", said)
		}
	}
	has := must(w.issuer.Account(t.Context(), w.customer))(t).Balance
	move(w.customer, vault, has-10_000)
	refresh("100.00", "--data", "sim", "debit")
	if got := w.balances()["Debit"]; got != "100.00" {
		t.Fatalf("the SIM shows %s", got)
	}
	move(w.customer, vault, 9_500)

	command(t, w.dir, "", "sim", "prefer", "--data", "sim", "Debit")
	pays := func(amount, label string, reason pos.Reason, at *process) {
		t.Helper()
		if r := w.pay(amount, "--link="+at.ready[0]); r.Label != label || r.Reason != reason {
			t.Errorf("%s: %s with %q, want %s with %q", amount, r.Reason, r.Label, reason, label)
		}
	}
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	pays("50.00", "Debit", pos.BankDeclined, sim)
	pays("50.00", "Lunch", pos.OfflineProved, sim)
	move(vault, w.customer, 20_000)
	pays("9.00", "Lunch", pos.OfflineProved, sim)
	sim.stop()

	slot := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0", "--contact")
	refresh("205.00", "--link", slot.ready[0], w.aids["Debit"])
	pays("50.00", "Debit", pos.BankApproved, slot)
	slot.stop()
}

// What cannot be refreshed says so, and an applet that is blocked at the bank
// knows of nothing.
func TestRefreshSaysWhyNot(t *testing.T) {
	w := newWallet(t)
	refresh := func(label string) (out, errs string, err error) {
		return attempt(t, w.dir, "", "sim", "refresh", "--data", "sim", "--bank", w.url, "--key-file", "issuer.key", label)
	}
	if out, errs, err := refresh("Metro"); err == nil || out != "" || !strings.Contains(errs, "the transaction was refused") {
		t.Errorf("a purse: %v: %q %q", err, out, errs)
	}
	for _, a := range must(w.issuer.Applets(t.Context(), client.Page{}))(t).Data {
		if a.Label == "Debit" {
			must(w.issuer.BlockApplet(t.Context(), a.ID))(t)
		}
	}
	if out, errs, err := refresh("Debit"); err == nil || out != w.aids["Debit"]+" now knows of CNY 0.00" || !strings.Contains(errs, "blocked there, or has expired") {
		t.Errorf("a blocked one: %v: %q %q", err, out, errs)
	}
	if got := w.balances()["Debit"]; got != "0.00" {
		t.Errorf("the SIM shows %s", got)
	}
}
