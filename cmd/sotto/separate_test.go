package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sotto/bankapi"
)

// parts are a card and a phone as processes of their own, bound at the bank.
type parts struct {
	*estate
	card         bankapi.Card
	phoneID      string
	phone, shown *process
}

// newParts personalises a card, enrols a phone and binds the two, all through
// the programs and the API.
func newParts(t *testing.T, e *estate, profile string) *parts {
	t.Helper()
	p := &parts{estate: e, card: e.issue(1, profile)}
	recipient := command(t, e.dir, "", "card", "new", "--state", "card")
	data := must(e.issuer.PersonalizeCard(t.Context(), p.card.ID, bankapi.Personalize{Recipient: recipient}))(t)
	command(t, e.dir, data.Data, "card", "personalize", "--state", "card")
	p.shown = start(t, e.dir, "card", "run", "--state", "card", "--listen", "127.0.0.1:0", "--quiet")

	invited := must(e.issuer.InvitePhone(t.Context(), bankapi.InvitePhone{Name: "Li Wei's phone"}))(t)
	p.phoneID = invited.ID
	if err := os.WriteFile(filepath.Join(e.dir, "finger.fmr"), []byte("a fingerprint template"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, e.dir, invited.Ticket, "phone", "enrol", "--state", "phone", "--ticket", "-", "--key-source", "device,finger=finger.fmr")
	p.switchOn()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("bank:\n%s\nphone:\n%s\ncard:\n%s", p.bank.text(), p.phone.text(), p.shown.text())
		}
	})

	b := must(e.issuer.Bind(t.Context(), bankapi.Bind{Card: p.card.ID, Phone: p.phoneID}))(t)
	code := p.code("bind", "plain")
	must(e.issuer.ConfirmBinding(t.Context(), b.ID, bankapi.Confirm{Code: code}))(t)
	return p
}

func (p *parts) switchOn() {
	p.t.Helper()
	p.phone = start(p.t, p.dir, "phone", "run", "--state", "phone", "--card", p.card.ID+"="+p.shown.ready[0])
}

// screen is what the payer sees.
func (p *parts) screen() (s screenJSON) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(command(p.t, p.dir, "", "card", "show", "--state", "card", "--json")), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// code waits for a scene and reads the code off the card.
func (p *parts) code(scenes ...string) string {
	p.t.Helper()
	var s screenJSON
	eventually(p.t, "the card showed a code", func(context.Context) bool {
		s = p.screen()
		for _, scene := range scenes {
			if s.Scene == scene && s.Code != "" {
				return true
			}
		}
		return false
	})
	return s.Code
}

func (p *parts) pay(amount int64) bankapi.Payment {
	p.t.Helper()
	return must(p.shop.CreatePayment(p.t.Context(), bankapi.CreatePayment{
		Card: p.card.ID, Amount: amount, Currency: "CNY", Order: "A-1001", Payee: "Blue Kiln Ceramics",
	}))(p.t)
}

// One payment over three processes in each profile. The phone says nothing and
// keeps nothing of it.
func TestThreeProcesses(t *testing.T) {
	for _, profile := range []string{"card-sealed", "phone-sealed", "plain"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			p := newParts(t, newEstate(t), profile)
			payment := p.pay(12_800)
			code := p.code("payment", "plain")
			s := p.screen()
			if all := strings.Join(s.Pages[0], "\n"); !strings.Contains(all, "CNY 128.00") || !strings.Contains(all, "Blue Kiln Ceramics") {
				t.Errorf("the card shows %q", s.Pages)
			}
			eventually(t, "the receipt reached the bank", func(ctx context.Context) bool {
				return must(p.shop.Payment(ctx, payment.ID))(t).Delivery == bankapi.DeliveryOnCard
			})
			paid := must(p.shop.ConfirmPayment(t.Context(), payment.ID, bankapi.Confirm{Code: code}))(t)
			if paid.Status != bankapi.Succeeded || paid.Captured != 12_800 {
				t.Errorf("got %+v", paid)
			}
			for _, secret := range []string{code, "Blue Kiln", "128.00", "12800", payment.ID} {
				if strings.Contains(p.phone.text(), secret) {
					t.Errorf("the phone said %q", secret)
				}
				for _, file := range must(filepath.Glob(filepath.Join(p.dir, "phone", "*")))(t) {
					if info := must(os.Stat(file))(t); info.Mode().IsRegular() && len(scan(t, file, secret)) > 0 {
						t.Errorf("the phone keeps %q in %s", secret, filepath.Base(file))
					}
				}
				if secret == code && strings.Contains(p.bank.text()+p.shown.text(), secret) {
					t.Error("a log has the code in it")
				}
			}
			p.phone.stop()
			p.shown.stop()
			p.bank.stop()
			if report := p.audit(); !strings.HasSuffix(report, " 0 faults") {
				t.Error(report)
			}
		})
	}
}

// A code that is on its way survives the phone's restart, the card's absence and
// the bank's death, and comes once.
func TestCodeSurvivesRestarts(t *testing.T) {
	p := newParts(t, newEstate(t), "card-sealed")
	p.phone.kill()
	payment := p.pay(12_800)
	p.bank.kill()
	p.start()
	p.switchOn()
	code := p.code("payment")
	address := p.shown.ready[0]
	p.shown.kill() // out of reach, and without what was on its screen
	resent := must(p.shop.ResendPayment(t.Context(), payment.ID))(t)
	p.phone.kill()
	p.switchOn()
	p.shown = start(t, p.dir, "card", "run", "--state", "card", "--listen", address, "--quiet")
	fresh := p.code("payment")
	if fresh == code {
		t.Errorf("the same code came twice")
	}
	if _, err := p.shop.ConfirmPayment(t.Context(), payment.ID, bankapi.Confirm{Code: code}); err == nil {
		t.Error("a void code was taken")
	}
	paid := must(p.shop.ConfirmPayment(t.Context(), resent.ID, bankapi.Confirm{Code: fresh}))(t)
	if paid.Status != bankapi.Succeeded {
		t.Errorf("got %s", paid.Status)
	}
}

// A core dump of the phone, taken while the code is on the card, has neither code
// nor payee in it when the bank seals for the card. In the profile in which the
// phone itself seals, the control run tells what is left: docs/security says how
// long.
func TestCoreDumpOfThePhone(t *testing.T) {
	const payee = "Blue Kiln Ceramics"
	// An amount that no text of the program has in it.
	const amount, shownAs = 7_351_946, "73519.46"
	p := newParts(t, newEstate(t), "card-sealed")
	p.pay(amount)
	code := p.code("payment")
	if s := p.screen(); s.Payee != payee || s.Amount != "CNY "+shownAs {
		t.Fatalf("the card shows %q for %q", s.Amount, s.Payee)
	}
	core := dump(t, p.phone)
	if found := scan(t, core, p.phoneID); len(found) == 0 {
		t.Fatal("the core dump has not even the phone's id in it: it was not looked at")
	}
	if found := scan(t, core, code, payee, shownAs); len(found) > 0 {
		t.Errorf("the phone's memory holds %q", found)
	}
	_ = os.Remove(core)
	// The same search finds all of it where it has to be.
	core = dump(t, p.shown)
	if found := scan(t, core, code, payee, shownAs); len(found) != 3 {
		t.Errorf("of code, payee and amount the search finds only %q in the card that shows them", found)
	}
	_ = os.Remove(core)

	control := newParts(t, newEstate(t), "phone-sealed")
	control.pay(amount)
	code = control.code("payment")
	core = dump(t, control.phone)
	t.Logf("phone-sealed, right after the code was passed on: code or payee left in memory: %q", scan(t, core, code, payee))
}

// dump takes a core of a running process.
func dump(t *testing.T, p *process) string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "core")
	pid := strconv.Itoa(p.cmd.Process.Pid)
	if out, err := exec.CommandContext(t.Context(), "gcore", "-a", "-o", prefix, pid).CombinedOutput(); err != nil {
		t.Fatalf("gcore: %v\n%s", err, out)
	}
	return prefix + "." + pid
}
