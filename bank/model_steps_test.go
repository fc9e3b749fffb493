package bank_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// garbage is no code at all.
const garbage = "12 34x"

// furnishModel makes two currencies, three customers' cards, three merchants and
// two phones. One card has another's account.
func (m *model) furnishModel() {
	open := func(name string, kind bankapi.AccountKind, currency string) *mAccount {
		var a bankapi.Account
		m.must(bank.Issuer, bank.CreateAccount{CreateAccount: bankapi.CreateAccount{Name: name, Kind: kind, Currency: currency}}, &a)
		m.accounts = append(m.accounts, &mAccount{id: a.ID, currency: currency, internal: kind == bankapi.AccountInternal})
		return m.accounts[len(m.accounts)-1]
	}
	open("Vault", bankapi.AccountInternal, "CNY")
	open("Kura", bankapi.AccountInternal, "JPY")
	li, sato := open("Li Wei", bankapi.AccountCustomer, "CNY"), open("Sato", bankapi.AccountCustomer, "JPY")
	for i, pan := range []string{testPAN, "4000000000000002", "4000000000000010"} {
		a := []*mAccount{li, li, sato}[i]
		var c bankapi.Card
		m.must(bank.Issuer, m.bank.Keys().NewIssueCard(bankapi.IssueCard{Account: a.id, PAN: pan, Holder: "X"}), &c)
		m.cards = append(m.cards, &mCard{id: c.ID, pan: pan, account: a})
	}
	for i, name := range []string{"Tea House", "Book Shop", "Ramen-ya"} {
		_, key, err := m.bank.Keys().DrawKey(m.now, bytes.NewReader(bytes.Repeat([]byte{byte(i + 1)}, 100)))
		if err != nil {
			m.t.Fatal(err)
		}
		currency := []string{"CNY", "CNY", "JPY"}[i]
		var s bankapi.Merchant
		m.must(bank.Issuer, bank.CreateMerchant{CreateMerchant: bankapi.CreateMerchant{Name: name, Currency: currency}, Key: key}, &s)
		m.accounts = append(m.accounts, &mAccount{id: s.Account, currency: currency})
		m.merchants = append(m.merchants, &mMerchant{s.ID, m.accounts[len(m.accounts)-1]})
	}
	m.addPhone()
	m.addPhone()
	for i, c := range m.cards {
		m.tick(30)
		s := m.bindStep(c, m.phones[0])
		m.settle(s, m.callOf(s))
		s = m.confirmBindingStep(m.bindings[i], m.bindings[i].code)
		m.settle(s, m.callOf(s))
	}
	for i, a := range []*mAccount{li, sato} {
		s := m.transferStep(m.accounts[i], a, 20_000, a.currency)
		m.settle(s, m.callOf(s))
	}
}

func (m *model) addPhone() {
	m.names++
	var p bankapi.Phone
	ticket := m.bank.Keys().TicketMAC(secret.New([]byte{byte(m.names)}))
	key := bytes.Repeat([]byte{byte(m.names)}, 32)
	m.must(bank.Issuer, bank.InvitePhone{InvitePhone: bankapi.InvitePhone{Name: fmt.Sprint("Phone ", m.names)}, TicketMAC: ticket}, &p)
	m.must(bank.Self, bank.EnrolPhone{TicketMAC: ticket, PublicKey: fmt.Sprint("U", m.names), BoxKey: key, KeySource: key}, &p)
	m.phones = append(m.phones, &mPhone{id: p.ID})
}

// draw chooses an op that makes some sense now. What is first in a list is
// drawn more often, and shrunk to.
func (m *model) draw() step {
	kinds := []func() step{
		m.drawConfirm, m.drawCreate, m.drawCapture, m.drawReport, m.drawRefund, m.drawResend, m.drawBind, m.drawConfirmBinding,
		m.drawTransfer, m.drawCancel, m.drawCardStatus, m.drawRevokeBinding, m.drawRevokePhone,
	}
	weights := []int{30, 14, 14, 10, 12, 6, 4, 6, 4, 3, 3, 1, 1}
	var at []int
	for i, w := range weights {
		for range w {
			at = append(at, i)
		}
	}
	if len(m.payments) == 0 {
		return m.drawCreate()
	}
	return kinds[rapid.SampledFrom(at).Draw(m.t, "op")]()
}

// pick prefers what came last: there is most to happen to it.
func pick[T any](t *rapid.T, of []T, name string) T {
	return of[len(of)-1-rapid.IntRange(0, min(len(of), 4)-1).Draw(t, name)]
}

// keyed gives some calls an idempotency key, often one that was used.
func (m *model) keyed(s step) step {
	if rapid.IntRange(0, 2).Draw(m.t, "not keyed") < 2 {
		return s
	}
	s.call.IdempotencyKey = fmt.Sprint("k", rapid.IntRange(1, 6).Draw(m.t, "key"))
	s.call.Request = sha256.Sum256([]byte(s.name))
	return s
}

// pickPayment mostly picks one in this state, if there is any.
func (m *model) pickPayment(status bankapi.PaymentStatus) *mPayment {
	var of []*mPayment
	for _, p := range m.payments {
		if p.status == string(status) {
			of = append(of, p)
		}
	}
	if len(of) == 0 || rapid.IntRange(0, 4).Draw(m.t, "any") == 0 {
		of = m.payments
	}
	return pick(m.t, of, "payment")
}

func shopActor(s *mMerchant) bank.Actor {
	return bank.Actor{Role: bankapi.RoleMerchant, Merchant: s.id}
}

func (m *model) drawCreate() step {
	c, s := rapid.SampledFrom(m.cards).Draw(m.t, "card"), rapid.SampledFrom(m.merchants).Draw(m.t, "merchant")
	if s.account.currency != c.account.currency && rapid.IntRange(0, 7).Draw(m.t, "other currency") > 0 {
		s = m.merchants[0]
		if c == m.cards[2] {
			s = m.merchants[2]
		}
	}
	amount := rapid.SampledFrom([]int64{1, 700, 3_000, 5_000, 30_000}).Draw(m.t, "amount")
	r := bankapi.CreatePayment{Card: c.id, Amount: amount, Currency: s.account.currency, Order: "A-1"}
	if rapid.Bool().Draw(m.t, "pan") {
		r.Card = c.pan
	}
	manual := rapid.Bool().Draw(m.t, "manual")
	if manual {
		r.Capture = bankapi.CaptureManual
	}
	return m.keyed(step{
		fmt.Sprintf("create %+v", r), bank.Call{Op: m.bank.Keys().NewCreatePayment(r), Actor: shopActor(s)},
		func(a bank.Answer) bankapi.Reason { return m.ruleCreate(a, c, s, r.Currency, amount, manual) },
	})
}

// drawActor is who asks about a payment: mostly one who may.
func (m *model) drawActor(p *mPayment) bank.Actor {
	stranger := m.merchants[0]
	if stranger == p.merchant {
		stranger = m.merchants[1]
	}
	return rapid.SampledFrom([]bank.Actor{
		shopActor(p.merchant), shopActor(p.merchant), bank.Payer, bank.Payer, bank.Issuer, shopActor(stranger), bank.PhoneActor(m.phones[0].id),
	}).Draw(m.t, "actor")
}

// about is an op on a payment. Another merchant's does not exist; some are not
// for payers or phones.
func (m *model) about(p *mPayment, name string, op bank.Op, notForPayers bool, rule func(payer bool) bankapi.Reason) step {
	actor := m.drawActor(p)
	payer := actor == bank.Payer
	phone := actor == bank.PhoneActor(m.phones[0].id)
	return m.keyed(step{
		fmt.Sprintf("%s %s %+v", actor.Role, name, op), bank.Call{Op: op, Actor: actor}, func(bank.Answer) bankapi.Reason {
			switch {
			case notForPayers && (payer || phone):
				return bankapi.Forbidden
			case phone || actor.Role == bankapi.RoleMerchant && actor.Merchant != p.merchant.id:
				return bankapi.NotFound
			}
			return rule(payer)
		},
	})
}

func (m *model) drawConfirm() step {
	waits := slices.ContainsFunc(m.payments, func(p *mPayment) bool { return p.status == string(bankapi.AwaitingCode) })
	if !waits && rapid.IntRange(0, 3).Draw(m.t, "ended one") < 3 {
		return m.drawCreate()
	}
	p := m.pickPayment(bankapi.AwaitingCode)
	var code string
	right := p.codes[len(p.codes)-1]
	switch rapid.IntRange(0, 9).Draw(m.t, "code") {
	default:
		code = right
	case 1, 2, 3, 4:
		code = string('0'+(right[0]-'0'+1)%10) + right[1:]
	case 5:
		code = p.codes[0]
	case 6:
		other := pick(m.t, m.payments, "other").codes
		code = other[len(other)-1]
	case 7:
		code = garbage
	}
	return m.about(p, "confirm", bank.ConfirmPayment{Payment: p.id, Code: code}, false, func(bool) bankapi.Reason { return m.ruleConfirm(p, code) })
}

func (m *model) drawResend() step {
	p := m.pickPayment(bankapi.AwaitingCode)
	return m.about(p, "resend", bank.ResendCode{Payment: p.id}, false, func(bool) bankapi.Reason { return m.ruleResend(p) })
}

func (m *model) drawCancel() step {
	p := m.pickPayment(bankapi.Authorized)
	return m.about(p, "cancel", bank.CancelPayment{Payment: p.id}, false, func(payer bool) bankapi.Reason { return m.ruleCancel(p, payer) })
}

func (m *model) drawCapture() step {
	p := m.pickPayment(bankapi.Authorized)
	amount := rapid.SampledFrom([]int64{0, 1, p.amount / 2, p.amount, p.amount + 1, -1}).Draw(m.t, "amount")
	op := bank.CapturePayment{Payment: p.id, Request: bankapi.Capture{Amount: amount}}
	return m.about(p, "capture", op, true, func(bool) bankapi.Reason { return m.ruleCapture(p, amount) })
}

func (m *model) drawRefund() step {
	p := m.pickPayment(bankapi.Succeeded)
	amount := rapid.SampledFrom([]int64{0, 1, p.captured / 2, p.captured, p.captured + 1, -1}).Draw(m.t, "amount")
	op := bank.RefundPayment{Payment: p.id, Request: bankapi.RefundPayment{Amount: amount}}
	return m.about(p, "refund", op, true, func(bool) bankapi.Reason { return m.ruleRefund(p, amount) })
}

func (m *model) drawTransfer() step {
	from, to := rapid.SampledFrom(m.accounts).Draw(m.t, "from"), rapid.SampledFrom(m.accounts).Draw(m.t, "to")
	amount := rapid.SampledFrom([]int64{1, 500, 10_000}).Draw(m.t, "amount")
	return m.keyed(m.transferStep(from, to, amount, from.currency))
}

func (m *model) transferStep(from, to *mAccount, amount int64, currency string) step {
	r := bankapi.CreateTransfer{Debit: from.id, Credit: to.id, Amount: amount, Currency: currency}
	return step{
		fmt.Sprintf("transfer %+v", r), bank.Call{Op: bank.CreateTransfer{CreateTransfer: r}, Actor: bank.Issuer},
		func(bank.Answer) bankapi.Reason { return m.ruleTransfer(from, to, amount, currency) },
	}
}

func (m *model) drawBind() step {
	return m.keyed(m.bindStep(rapid.SampledFrom(m.cards).Draw(m.t, "card"), pick(m.t, m.phones, "phone")))
}

func (m *model) bindStep(c *mCard, p *mPhone) step {
	return step{
		fmt.Sprintf("bind %s to %s", c.id, p.id),
		bank.Call{Op: bank.Bind{Bind: bankapi.Bind{Card: c.id, Phone: p.id}}, Actor: bank.Issuer},
		func(a bank.Answer) bankapi.Reason { return m.ruleBind(a, c, p) },
	}
}

func (m *model) drawConfirmBinding() step {
	b := pick(m.t, m.bindings, "binding")
	code := b.code
	switch rapid.IntRange(0, 4).Draw(m.t, "code") {
	case 3:
		code = string('0'+(code[0]-'0'+1)%10) + code[1:]
	case 4:
		code = garbage
	}
	return m.keyed(m.confirmBindingStep(b, code))
}

func (m *model) confirmBindingStep(b *mBinding, code string) step {
	return step{
		fmt.Sprintf("confirm binding %s %s", b.id, code),
		bank.Call{Op: bank.ConfirmBinding{Binding: b.id, Code: code}, Actor: bank.Issuer},
		func(bank.Answer) bankapi.Reason { return m.ruleConfirmBinding(b, code) },
	}
}

func (m *model) drawRevokeBinding() step {
	b := pick(m.t, m.bindings, "binding")
	return step{
		"revoke binding " + b.id, bank.Call{Op: bank.RevokeBinding{Binding: b.id}, Actor: bank.Issuer},
		func(bank.Answer) bankapi.Reason { return m.ruleRevokeBinding(b) },
	}
}

func (m *model) drawRevokePhone() step {
	p := pick(m.t, m.phones, "phone")
	if len(m.phones) < 6 {
		m.addPhone()
	}
	return step{
		"revoke phone " + p.id, bank.Call{Op: bank.RevokePhone{Phone: p.id}, Actor: bank.Issuer},
		func(bank.Answer) bankapi.Reason {
			p.revoked = true
			return ""
		},
	}
}

func (m *model) drawCardStatus() step {
	c := rapid.SampledFrom(m.cards).Draw(m.t, "card")
	status := rapid.SampledFrom([]bankapi.CardStatus{bankapi.CardActive, bankapi.CardActive, bankapi.CardActive, bankapi.CardBlocked}).Draw(m.t, "status")
	return step{
		fmt.Sprintf("card %s %s", c.id, status), bank.Call{Op: bank.SetCardStatus{Card: c.id, Status: status}, Actor: bank.Issuer},
		func(bank.Answer) bankapi.Reason {
			if c.blocked = status == bankapi.CardBlocked; !c.blocked {
				c.failures, c.locked = 0, 0
			}
			return ""
		},
	}
}

// drawReport answers a message as a card would, or not quite.
func (m *model) drawReport() step {
	d := pick(m.t, m.sent, "dispatch")
	by := m.phones[0]
	for _, p := range m.phones {
		if p.id == d.d.Phone {
			by = p
		}
	}
	if rapid.IntRange(0, 7).Draw(m.t, "by") == 0 {
		by = pick(m.t, m.phones, "phone")
	}
	result := []dyncode.Result{dyncode.Shown, dyncode.Bound, dyncode.Released}[d.d.Kind-1]
	refused := rapid.IntRange(0, 4).Draw(m.t, "refused") == 0
	answer := m.receipt(d.d, result)
	if refused {
		answer = dyncode.Refusal{Reason: dyncode.RefusedCounter, Message: raw(m.t, ident.Dispatch, d.d.ID)}.Append(nil)
	} else if rapid.IntRange(0, 4).Draw(m.t, "other result") == 0 {
		result = dyncode.Bound
		answer = m.receipt(d.d, result)
	}
	return step{
		fmt.Sprintf("report %s by %s", d.d.ID, by.id),
		bank.Call{Op: bank.Report{Report: bankapi.Report{Dispatch: d.d.ID, Answer: answer}}, Actor: bank.PhoneActor(by.id)},
		func(bank.Answer) bankapi.Reason {
			m.ruleReport(d, by, result, refused)
			return ""
		},
	}
}

// compare holds everything that is stored against the model.
func (m *model) compare() {
	m.t.Helper()
	ctx := context.Background()
	same := func(what string, err error, got, want any) {
		m.t.Helper()
		if g, w := fmt.Sprint(got), fmt.Sprint(want); err != nil || g != w {
			m.t.Fatalf("%s:\n got %s %v\nwant %s", what, g, err, w)
		}
	}
	if m.read != len(m.outbox) {
		m.t.Fatalf("%d messages more than the model knows of", len(m.outbox)-m.read)
	}
	for _, w := range m.accounts {
		a, err := m.store.Account(ctx, w.id)
		same("account "+w.id, err, []int64{a.Credits - a.Debits, a.Held}, []int64{w.balance, w.held})
		if !w.internal && w.balance < w.held {
			m.t.Fatalf("account %s: %d of %d are held", w.id, w.held, w.balance)
		}
	}
	for _, w := range m.cards {
		binding, phone := "", ""
		if w.binding != nil {
			binding, phone = w.binding.id, w.phone.id
		}
		c, err := m.store.Card(ctx, w.id)
		same("card "+w.id, err, []any{c.Status == string(bankapi.CardBlocked), c.Failures, max(m.now, c.LockedUntil), c.Binding, c.Phone, c.Binding != "" && c.BindingAfter == 0},
			[]any{w.blocked, w.failures, max(m.now, w.locked), binding, phone, w.proven})
	}
	for _, w := range m.payments {
		p, err := m.store.Payment(ctx, w.id)
		same("payment "+w.id, err, []any{p.Status, p.Reason, p.Delivery, p.Captured, p.Refunded, p.Attempts, p.ExpiresAt, p.CodeMAC != nil},
			[]any{w.status, w.reason, w.delivery, w.captured, w.refunded, w.attempts, w.expires, w.status == string(bankapi.AwaitingCode)})
	}
	for _, w := range m.bindings {
		b, err := m.store.Binding(ctx, w.id)
		same("binding "+w.id, err, []any{b.Status, b.Delivery, b.Attempts}, []any{w.status, w.delivery, w.attempts})
	}
	m.compareOutbox(ctx)
}

// compareOutbox looks at what still waits for phones.
func (m *model) compareOutbox(ctx context.Context) {
	m.t.Helper()
	want := map[string]bool{}
	for _, d := range m.sent {
		if !d.gone && d.d.ExpiresAt > m.now {
			want[d.d.ID] = true
		}
	}
	for _, p := range m.phones {
		waiting, err := m.store.Waiting(ctx, p.id, m.now)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, d := range waiting {
			if !want[d.ID] {
				m.t.Fatalf("%s still waits for its phone", d.ID)
			}
			delete(want, d.ID)
		}
	}
	for id := range want {
		m.t.Fatalf("%s does not wait for its phone any more", id)
	}
}
