package bank

import (
	"crypto/hmac"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// ConfirmPayment takes the code the payer typed (A11). Attempts, debit and
// state change together or not at all.
type ConfirmPayment struct{ Payment, Code string }

func (op ConfirmPayment) names(v *View, n *names) {
	n.payment(v, op.Payment)
	if p := v.Payments.peek(op.Payment); p != nil {
		n.row(KindPace, wrongID(p.Card, p.Merchant))
	}
}

// payment names a payment and what ending it touches.
func (n *names) payment(v *View, id string) {
	n.row(KindPayment, id)
	if p := v.Payments.peek(id); p != nil {
		n.row(KindCard, p.Card)
		n.row(KindAccount, p.Payer)
		n.row(KindAccount, p.MerchantAccount)
		n.row(KindDispatch, p.Dispatch)
	}
}

func (op ConfirmPayment) apply(o *opContext) Answer {
	p, a, refused := o.visible(op.Payment)
	if refused {
		return a
	}
	if p.Status != string(bankapi.AwaitingCode) {
		return wrongState(p)
	}
	if o.now >= p.ExpiresAt {
		o.endPayment(p.ID, bankapi.Expired, "")
		return no(bankapi.PaymentExpired, "create a new payment")
	}
	if locked := o.lockedFor(o.Cards.get(p.Card), p.Merchant); locked > 0 {
		return wait(bankapi.CodeLocked, "too many wrong codes on this card; try again later", locked)
	}
	code, ok := typedCode(op.Code)
	if !ok {
		return invalid("code", "type the 6 to 8 digits that the card shows")
	}
	defer clear(code)
	mac := dyncode.CodeMAC(o.keys.s.CodePepper, linked(p), code)
	if !hmac.Equal(mac[:], p.CodeMAC) {
		return o.wrongCode(p)
	}
	return o.rightCode(p)
}

// visible is a payment that the actor may act on. Another merchant's payment
// does not exist for it.
func (o *opContext) visible(id string) (*Payment, Answer, bool) {
	if !validID(ident.Payment, id) {
		return nil, no(bankapi.NotFound, "give the id of a payment"), true
	}
	p := o.Payments.get(id)
	if p == nil || o.actor.Role == bankapi.RoleMerchant && p.Merchant != o.actor.Merchant || o.actor.Role == rolePhone {
		return nil, no(bankapi.NotFound, "give the id of a payment"), true
	}
	return p, Answer{}, false
}

func wrongState(p *Payment) Answer {
	return no(bankapi.WrongState, "the payment is "+p.Status)
}

func (o *opContext) wrongCode(p *Payment) Answer {
	p = o.Payments.edit(o.View, p.ID)
	p.Attempts++
	o.countWrong(p)
	o.emit("payment.wrong_code", p.Merchant, p.ID, 0, "")
	left := int(o.policy.AttemptsMax - p.Attempts)
	problem := bankapi.NewProblem(bankapi.WrongCode, "compare with the card and try again")
	if left <= 0 {
		left = 0
		o.endPayment(p.ID, bankapi.Declined, bankapi.TooManyAttempts)
		problem = bankapi.NewProblem(bankapi.TooManyAttempts, "create a new payment")
	}
	problem.AttemptsLeft = &left
	return refuse(problem)
}

func (o *opContext) rightCode(p *Payment) Answer {
	o.countRight(p)
	if o.Cards.get(p.Card).Status != string(bankapi.CardActive) {
		o.endPayment(p.ID, bankapi.Declined, bankapi.CardBlockedNow)
		return no(bankapi.CardBlockedNow, "the payment is declined")
	}
	var status bankapi.PaymentStatus
	var reason bankapi.Reason
	if p.Capture == string(bankapi.CaptureManual) {
		status, reason = bankapi.Authorized, o.hold(p.Payer, p.Amount)
	} else {
		status, reason = bankapi.Succeeded, o.capture(p, p.Amount)
	}
	if reason != "" {
		o.endPayment(p.ID, bankapi.Declined, reason)
		return no(reason, "the payment is declined")
	}
	return done(o.paymentView(o.endPayment(p.ID, status, "")))
}

// capture moves a payment's money to the merchant.
func (o *opContext) capture(p *Payment, amount int64) bankapi.Reason {
	_, reason := o.move(Transfer{
		Kind: string(bankapi.TransferPayment), Debit: p.Payer, Credit: p.MerchantAccount,
		Amount: amount, Currency: p.Currency, Payment: p.ID,
	})
	if reason == "" {
		o.Payments.edit(o.View, p.ID).Captured = amount
	}
	return reason
}

// endPayment moves a payment on from awaiting_code or authorized. Its code is
// void from here, and no phone needs to pass it on.
func (o *opContext) endPayment(id string, status bankapi.PaymentStatus, reason bankapi.Reason) *Payment {
	p := o.Payments.edit(o.View, id)
	p.Status, p.Reason, p.CodeMAC = string(status), string(reason), nil
	if status == bankapi.Authorized {
		p.ExpiresAt = o.now + o.policy.HoldLifetime
	} else {
		p.EndedAt = o.now
	}
	o.Dispatches.remove(o.View, p.Dispatch)
	o.emit("payment."+string(status), p.Merchant, p.ID, p.Amount, p.Currency)
	return p
}
