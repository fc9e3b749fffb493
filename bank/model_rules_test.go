package bank_test

import (
	"encoding/json"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/dyncode"
)

// The model. Money is a number, a code a text, time milliseconds.

type mAccount struct {
	id, currency  string
	balance, held int64
	internal      bool
}

func (a *mAccount) can(amount int64) bool { return a.internal || a.balance-a.held >= amount }

// mBucket is a budget in milliseconds of waiting: one code costs one interval.
type mBucket struct{ credit, filled int64 }

// after is the bucket once it has been filled up to now.
func (b mBucket) after(now, burst, interval int64) mBucket {
	room := burst * interval
	switch {
	case b.filled == 0:
		return mBucket{room, now}
	case b.filled > now+room:
		b.filled = now
	}
	if now > b.filled {
		b.credit += now - b.filled
		b.filled = now
	}
	b.credit = min(b.credit, room)
	return b
}

type mCard struct {
	id, pan  string
	account  *mAccount
	blocked  bool
	failures int64
	locked   int64
	binding  *mBinding
	phone    *mPhone
	proven   bool
	bucket   mBucket
}

type mPhone struct {
	id      string
	revoked bool
}

type mMerchant struct {
	id      string
	account *mAccount
}

type mPair struct {
	bucket        mBucket
	wrong, locked int64
}

type mDispatch struct {
	d       bank.Dispatch
	payment *mPayment
	binding *mBinding
	gone    bool
}

type mPayment struct {
	id                         string
	merchant                   *mMerchant
	card                       *mCard
	status, reason, delivery   string
	amount, captured, refunded int64
	manual                     bool
	codes                      []string // the last is valid
	attempts, created, expires int64
	dispatch                   *mDispatch
}

type mBinding struct {
	id                string
	card              *mCard
	phone             *mPhone
	status, delivery  string
	code              string
	attempts, expires int64
	dispatch          *mDispatch
}

type mKept struct {
	request [32]byte
	answer  bank.Answer
	at      int64
}

func (m *model) pair(c *mCard, s *mMerchant) *mPair {
	k := [2]any{c, s}
	if m.pairs[k] == nil {
		m.pairs[k] = &mPair{}
	}
	return m.pairs[k]
}

// next is the next message that the bank has sent.
func (m *model) next() *mDispatch {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read == len(m.outbox) {
		m.t.Fatal("the bank has sent nothing")
	}
	d := &mDispatch{d: m.outbox[m.read]}
	m.read++
	m.sent = append(m.sent, d)
	return d
}

func (m *model) ended(p *mPayment, status bankapi.PaymentStatus, reason bankapi.Reason) {
	m.changes++
	p.status, p.reason = string(status), string(reason)
	if p.dispatch != nil {
		p.dispatch.gone = true
	}
	if status == bankapi.Authorized {
		p.expires = m.now + modelPolicy.HoldLifetime
	}
}

func (m *model) failed(b *mBinding) {
	m.changes++
	b.status = string(bankapi.BindingFailed)
	if b.dispatch != nil {
		b.dispatch.gone = true
	}
}

// mayPay is whether a code may be sent, but for budgets.
func (m *model) mayPay(c *mCard, s *mMerchant, currency string) bankapi.Reason {
	switch {
	case c.blocked:
		return bankapi.CardBlockedNow
	case c.locked > m.now || m.pair(c, s).locked > m.now:
		return bankapi.CodeLocked
	case c.binding == nil:
		return bankapi.CardUnbound
	case c.phone.revoked:
		return bankapi.PhoneUnavailable
	case c.account.currency != currency || s.account.currency != currency:
		return bankapi.Invalid
	}
	return ""
}

func (m *model) spend(c *mCard, s *mMerchant) bool {
	pair := m.pair(c, s)
	p := pair.bucket.after(m.now, modelPolicy.PairBurst, modelPolicy.PairInterval)
	q := c.bucket.after(m.now, modelPolicy.CardBurst, modelPolicy.CardInterval)
	if p.credit < modelPolicy.PairInterval || q.credit < modelPolicy.CardInterval {
		return false
	}
	p.credit -= modelPolicy.PairInterval
	q.credit -= modelPolicy.CardInterval
	pair.bucket, c.bucket = p, q
	return true
}

func (m *model) newCode(p *mPayment) {
	if p.dispatch != nil {
		p.dispatch.gone = true
	}
	p.dispatch = m.next()
	p.dispatch.payment = p
	d, content := p.dispatch.d, m.content(p.dispatch.d)
	if d.Subject != p.id || d.Phone != p.card.phone.id || d.Card != p.card.id || content.Amount != uint64(p.amount) {
		m.t.Fatalf("the code of %s was sent for %s to %s", p.id, d.Subject, d.Phone)
	}
	hundredths := map[string]int64{"CNY": 1, "JPY": 100}[p.card.account.currency]
	if long := p.amount*hundredths >= modelPolicy.LongCodeFrom; long != (len(content.Code) == 8) {
		m.t.Fatalf("a code of %d digits for %d %s", len(content.Code), p.amount, p.card.account.currency)
	}
	p.codes = append(p.codes, string(content.Code))
	p.delivery = string(bankapi.DeliverySending)
	p.expires = min(m.now+modelPolicy.CodeLifetime, p.created+modelPolicy.PaymentLifetime)
}

func (m *model) ruleCreate(a bank.Answer, c *mCard, s *mMerchant, currency string, amount int64, manual bool) bankapi.Reason {
	if no := m.mayPay(c, s, currency); no != "" {
		return no
	}
	if !m.spend(c, s) {
		return bankapi.Paced
	}
	var view bankapi.Payment
	m.learn(a, &view)
	p := &mPayment{
		id: view.ID, merchant: s, card: c, status: string(bankapi.AwaitingCode), amount: amount, manual: manual, created: m.now,
	}
	m.payments = append(m.payments, p)
	m.newCode(p)
	return ""
}

func (m *model) learn(a bank.Answer, into any) {
	if !a.OK() {
		m.t.Fatalf("refused: %s", a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) ruleConfirm(p *mPayment, code string) bankapi.Reason {
	pair := m.pair(p.card, p.merchant)
	switch {
	case p.status != string(bankapi.AwaitingCode):
		return bankapi.WrongState
	case m.now >= p.expires:
		m.ended(p, bankapi.Expired, "")
		return bankapi.PaymentExpired
	case p.card.locked > m.now || pair.locked > m.now:
		return bankapi.CodeLocked
	case code == garbage:
		return bankapi.Invalid
	case code != p.codes[len(p.codes)-1]:
		return m.ruleWrong(p, pair)
	}
	p.card.failures, pair.wrong, pair.locked = 0, 0, 0
	payer := p.card.account
	switch {
	case p.card.blocked:
		m.ended(p, bankapi.Declined, bankapi.CardBlockedNow)
		return bankapi.CardBlockedNow
	case !payer.can(p.amount):
		m.ended(p, bankapi.Declined, bankapi.InsufficientFunds)
		return bankapi.InsufficientFunds
	case p.manual:
		payer.held += p.amount
		m.ended(p, bankapi.Authorized, "")
	default:
		m.paid(p, p.amount)
	}
	return ""
}

func (m *model) ruleWrong(p *mPayment, pair *mPair) bankapi.Reason {
	m.changes++
	p.attempts++
	pair.wrong++
	if pair.wrong <= modelPolicy.PairFailuresMax {
		m.cardFailure(p.card)
	}
	if pair.wrong >= modelPolicy.PairFailuresMax {
		pair.locked = m.now + modelPolicy.CardLock
	}
	if p.attempts >= modelPolicy.AttemptsMax {
		m.ended(p, bankapi.Declined, bankapi.TooManyAttempts)
		return bankapi.TooManyAttempts
	}
	return bankapi.WrongCode
}

func (m *model) cardFailure(c *mCard) {
	if c.failures++; c.failures >= modelPolicy.CardFailuresMax {
		c.locked = m.now + modelPolicy.CardLock
	}
}

func (m *model) paid(p *mPayment, amount int64) {
	p.card.account.balance -= amount
	p.merchant.account.balance += amount
	p.captured = amount
	m.ended(p, bankapi.Succeeded, "")
}

func (m *model) ruleResend(p *mPayment) bankapi.Reason {
	switch {
	case p.status != string(bankapi.AwaitingCode):
		return bankapi.WrongState
	case m.now >= p.created+modelPolicy.PaymentLifetime:
		m.ended(p, bankapi.Expired, "")
		return bankapi.PaymentExpired
	}
	if no := m.mayPay(p.card, p.merchant, p.card.account.currency); no != "" {
		return no
	}
	if !m.spend(p.card, p.merchant) {
		return bankapi.Paced
	}
	m.newCode(p)
	return ""
}

func (m *model) ruleCancel(p *mPayment, payer bool) bankapi.Reason {
	switch {
	case p.status == string(bankapi.Authorized) && !payer:
		p.card.account.held -= p.amount
	case p.status != string(bankapi.AwaitingCode):
		return bankapi.WrongState
	}
	m.ended(p, bankapi.Canceled, "")
	return ""
}

func (m *model) ruleCapture(p *mPayment, amount int64) bankapi.Reason {
	switch {
	case p.status != string(bankapi.Authorized):
		return bankapi.WrongState
	case m.now >= p.expires:
		p.card.account.held -= p.amount
		m.ended(p, bankapi.Expired, "")
		return bankapi.PaymentExpired
	case amount == 0:
		amount = p.amount
	case amount < 0 || amount > p.amount:
		return bankapi.Invalid
	}
	p.card.account.held -= p.amount
	m.paid(p, amount)
	return ""
}

func (m *model) ruleRefund(p *mPayment, amount int64) bankapi.Reason {
	left := p.captured - p.refunded
	switch {
	case p.status != string(bankapi.Succeeded):
		return bankapi.WrongState
	case amount == 0:
		amount = left
	case amount < 0 || amount > left:
		return bankapi.Invalid
	}
	if !p.merchant.account.can(amount) {
		return bankapi.InsufficientFunds
	}
	p.merchant.account.balance -= amount
	p.card.account.balance += amount
	if p.refunded += amount; p.refunded == p.captured {
		p.status = string(bankapi.Refunded)
	}
	return ""
}

func (m *model) ruleTransfer(from, to *mAccount, amount int64, currency string) bankapi.Reason {
	switch {
	case from == to || from.currency != currency || to.currency != currency:
		return bankapi.Invalid
	case !from.can(amount):
		return bankapi.InsufficientFunds
	}
	from.balance -= amount
	to.balance += amount
	return ""
}

func (m *model) ruleBind(a bank.Answer, c *mCard, p *mPhone) bankapi.Reason {
	switch {
	case c.blocked:
		return bankapi.CardBlockedNow
	case p.revoked:
		return bankapi.PhoneUnavailable
	case c.locked > m.now:
		return bankapi.CodeLocked
	}
	bucket := c.bucket.after(m.now, modelPolicy.CardBurst, modelPolicy.CardInterval)
	if bucket.credit < modelPolicy.CardInterval {
		return bankapi.Paced
	}
	bucket.credit -= modelPolicy.CardInterval
	c.bucket = bucket
	var view bankapi.Binding
	m.learn(a, &view)
	b := &mBinding{
		id: view.ID, card: c, phone: p, status: string(bankapi.BindingPending), delivery: string(bankapi.DeliverySending),
		expires: m.now + modelPolicy.BindLifetime, dispatch: m.next(),
	}
	b.dispatch.binding = b
	content := m.content(b.dispatch.d)
	if b.dispatch.d.Phone != p.id || content.Kind != dyncode.Bind {
		m.t.Fatalf("the binding was sent to %s", b.dispatch.d.Phone)
	}
	b.code = string(content.Code)
	m.bindings = append(m.bindings, b)
	return ""
}

func (m *model) ruleConfirmBinding(b *mBinding, code string) bankapi.Reason {
	switch {
	case b.status != string(bankapi.BindingPending):
		return bankapi.WrongState
	case m.now >= b.expires:
		m.failed(b)
		return bankapi.PaymentExpired
	case b.phone.revoked:
		m.failed(b)
		return bankapi.PhoneUnavailable
	case b.card.blocked:
		return bankapi.CardBlockedNow
	case b.card.locked > m.now:
		return bankapi.CodeLocked
	case code == garbage:
		return bankapi.Invalid
	case code != b.code:
		m.changes++
		m.cardFailure(b.card)
		if b.attempts++; b.attempts >= modelPolicy.AttemptsMax {
			m.failed(b)
			return bankapi.TooManyAttempts
		}
		return bankapi.WrongCode
	}
	c := b.card
	if c.binding != nil {
		c.binding.status = string(bankapi.BindingRevoked)
	}
	c.binding, c.phone, c.proven, c.failures = b, b.phone, false, 0
	b.status = string(bankapi.BindingConfirmed)
	if b.dispatch != nil {
		b.dispatch.gone = true
	}
	return ""
}

func (m *model) ruleRevokeBinding(b *mBinding) bankapi.Reason {
	if b.status == string(bankapi.BindingRevoked) || b.status == string(bankapi.BindingFailed) {
		return bankapi.WrongState
	}
	m.failed(b)
	b.status = string(bankapi.BindingRevoked)
	if c := b.card; c.binding == b {
		release := m.next()
		if release.d.Phone != c.phone.id || m.content(release.d).Kind != dyncode.Release {
			m.t.Fatal("the card is not told of its release")
		}
		c.binding, c.phone, c.proven = nil, nil, false
	}
	return ""
}

// ruleReport is what a card's answer changes: refusals and receipts alike end
// the message, anything else ends nothing.
func (m *model) ruleReport(d *mDispatch, by *mPhone, result dyncode.Result, refused bool) {
	want := map[bankapi.DispatchKind]dyncode.Result{
		bankapi.DispatchCode: dyncode.Shown, bankapi.DispatchPair: dyncode.Bound, bankapi.DispatchRelease: dyncode.Released,
	}[bankapi.DispatchKind(d.d.Kind)]
	if d.gone || by.id != d.d.Phone || !refused && result != want {
		return
	}
	d.gone = true
	delivery := bankapi.DeliveryOnCard
	if refused {
		delivery = bankapi.DeliveryFailed
	}
	switch {
	case d.payment != nil:
		p := d.payment
		p.delivery = string(delivery)
		if c := p.card; !refused && c.phone != nil && c.phone.id == d.d.Phone && !c.proven {
			c.proven, c.binding.status = true, string(bankapi.BindingActive)
		}
	case d.binding != nil:
		d.binding.delivery = string(delivery)
	}
}

func (m *model) ruleSweep() {
	for _, p := range m.payments {
		if m.now < p.expires {
			continue
		}
		switch bankapi.PaymentStatus(p.status) {
		case bankapi.Authorized:
			p.card.account.held -= p.amount
			m.ended(p, bankapi.Expired, "")
		case bankapi.AwaitingCode:
			m.ended(p, bankapi.Expired, "")
		default:
		}
	}
	for _, b := range m.bindings {
		if b.status == string(bankapi.BindingPending) && m.now >= b.expires {
			m.failed(b)
		}
	}
	for _, d := range m.sent {
		d.gone = d.gone || m.now >= d.d.ExpiresAt
	}
	for key, k := range m.kept {
		if k.at < m.now-modelPolicy.IdempotencyKept {
			delete(m.kept, key)
		}
	}
}
