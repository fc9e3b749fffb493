package bank

import "sotto/bankapi"

// ResendCode voids a payment's code and sends another. Attempts stay counted.
type ResendCode struct{ Payment string }

func (op ResendCode) names(v *View, n *names) {
	n.payment(v, op.Payment)
	if p := v.Payments.peek(op.Payment); p != nil {
		n.row(KindMerchant, p.Merchant)
		n.row(KindPace, paceID(p.Card, p.Merchant))
		n.row(KindPace, wrongID(p.Card, p.Merchant))
		if c := v.Cards.peek(p.Card); c != nil {
			n.row(KindPhone, c.Phone)
		}
	}
}

func (op ResendCode) apply(o *opContext) Answer {
	p, a, refused := o.visible(op.Payment)
	if refused {
		return a
	}
	switch {
	case p.Status != string(bankapi.AwaitingCode):
		return wrongState(p)
	case o.now >= p.CreatedAt+o.policy.PaymentLifetime:
		o.endPayment(p.ID, bankapi.Expired, "")
		return no(bankapi.PaymentExpired, "create a new payment")
	}
	if a, refused := o.payable(o.Cards.get(p.Card), p.Currency, o.Merchants.get(p.Merchant)); refused {
		return a
	}
	if waiting := o.pace(p.Card, p.Merchant); waiting > 0 {
		return wait(bankapi.Paced, "wait before sending this card another code", waiting)
	}
	p = o.Payments.edit(o.View, p.ID)
	o.sendCode(p)
	o.emit("payment.code_resent", p.Merchant, p.ID, 0, "")
	return done(o.paymentView(p))
}

// CancelPayment ends a payment before the money moves, and releases a hold.
type CancelPayment struct{ Payment string }

func (op CancelPayment) names(v *View, n *names) { n.payment(v, op.Payment) }

func (op CancelPayment) apply(o *opContext) Answer {
	p, a, refused := o.visible(op.Payment)
	if refused {
		return a
	}
	switch bankapi.PaymentStatus(p.Status) {
	case bankapi.AwaitingCode:
	case bankapi.Authorized:
		if o.actor == Payer {
			return wrongState(p) // what he has authorised, the merchant releases
		}
		o.release(p.Payer, p.Amount)
	default:
		return wrongState(p)
	}
	return done(o.paymentView(o.endPayment(p.ID, bankapi.Canceled, "")))
}

// CapturePayment moves held money, all or a part, and releases the rest.
type CapturePayment struct {
	Payment string
	Request bankapi.Capture
}

func (op CapturePayment) names(v *View, n *names) { n.payment(v, op.Payment) }

func (op CapturePayment) apply(o *opContext) Answer {
	p, a, refused := o.ownedByActor(op.Payment)
	if refused {
		return a
	}
	if p.Status != string(bankapi.Authorized) {
		return wrongState(p)
	}
	if o.now >= p.ExpiresAt {
		o.release(p.Payer, p.Amount)
		o.endPayment(p.ID, bankapi.Expired, "")
		return no(bankapi.PaymentExpired, "create a new payment")
	}
	amount := op.Request.Amount
	if amount == 0 {
		amount = p.Amount
	}
	if amount < 1 || amount > p.Amount {
		return invalid("amount", "capture at most what is authorised")
	}
	o.release(p.Payer, p.Amount)
	if o.capture(p, amount) != "" {
		panic("bank: held money is not there")
	}
	return done(o.paymentView(o.endPayment(p.ID, bankapi.Succeeded, "")))
}

// ownedByActor is visible, for what payers may not do.
func (o *opContext) ownedByActor(id string) (*Payment, Answer, bool) {
	if o.actor.Role != bankapi.RoleMerchant && o.actor.Role != bankapi.RoleIssuer {
		return nil, no(bankapi.Forbidden, "use a key of the merchant"), true
	}
	return o.visible(id)
}

// RefundPayment moves money back to the payer.
type RefundPayment struct {
	Payment string
	Request bankapi.RefundPayment
}

func (op RefundPayment) names(v *View, n *names) { n.payment(v, op.Payment) }

func (op RefundPayment) apply(o *opContext) Answer {
	p, a, refused := o.ownedByActor(op.Payment)
	if refused {
		return a
	}
	if p.Status != string(bankapi.Succeeded) {
		return wrongState(p)
	}
	left, amount := p.Captured-p.Refunded, op.Request.Amount
	if amount == 0 {
		amount = left
	}
	if amount < 1 || amount > left {
		return invalid("amount", "refund at most what was captured and not yet refunded")
	}
	if _, reason := o.move(Transfer{
		Kind: string(bankapi.TransferRefund), Debit: p.MerchantAccount, Credit: p.Payer,
		Amount: amount, Currency: p.Currency, Payment: p.ID,
	}); reason != "" {
		return no(reason, "the merchant's account does not have it")
	}
	p = o.Payments.edit(o.View, p.ID)
	p.Refunded += amount
	if p.Refunded == p.Captured {
		p.Status = string(bankapi.Refunded)
	}
	o.emit("payment.refunded", p.Merchant, p.ID, amount, p.Currency)
	return done(o.paymentView(p))
}

// Expire ends payments and bindings whose time is over. The sweeper asks for it.
type Expire struct{ Payments, Bindings []string }

func (op Expire) names(v *View, n *names) {
	for _, id := range op.Payments {
		n.payment(v, id)
	}
	for _, id := range op.Bindings {
		n.binding(v, id)
	}
}

func (op Expire) apply(o *opContext) Answer {
	if a, refused := o.only(roleBank); refused {
		return a
	}
	for _, id := range op.Payments {
		p := o.Payments.get(id)
		if p == nil || o.now < p.ExpiresAt {
			continue
		}
		switch bankapi.PaymentStatus(p.Status) {
		case bankapi.AwaitingCode:
			o.endPayment(p.ID, bankapi.Expired, "")
		case bankapi.Authorized:
			o.release(p.Payer, p.Amount)
			o.endPayment(p.ID, bankapi.Expired, "")
		default: // ended meanwhile
		}
	}
	for _, id := range op.Bindings {
		b := o.Bindings.get(id)
		if b != nil && b.Status == string(bankapi.BindingPending) && o.now >= b.ExpiresAt {
			o.endBinding(b.ID, bankapi.BindingFailed)
		}
	}
	return reported
}

// Forget drops answers that are replayed no more, and messages past their time.
type Forget struct{ Idempotency, Dispatches []string }

func (op Forget) names(_ *View, n *names) {
	for _, id := range op.Idempotency {
		n.row(KindIdempotency, id)
	}
	for _, id := range op.Dispatches {
		n.row(KindDispatch, id)
	}
}

func (op Forget) apply(o *opContext) Answer {
	if a, refused := o.only(roleBank); refused {
		return a
	}
	for _, id := range op.Idempotency {
		if kept := o.Idempotency.get(id); kept != nil && o.now >= kept.CreatedAt+o.policy.IdempotencyKept {
			o.Idempotency.remove(o.View, id)
		}
	}
	for _, id := range op.Dispatches {
		if d := o.Dispatches.get(id); d != nil && o.now >= d.ExpiresAt {
			o.Dispatches.remove(o.View, id)
		}
	}
	return reported
}
