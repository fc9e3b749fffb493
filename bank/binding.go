package bank

import (
	"crypto/hmac"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// Bind starts to bind a card to a phone with the mechanism itself: the card
// shows the phone's name and a code, and the payer types that code at the bank.
// Until then a former binding stays in use.
type Bind struct{ bankapi.Bind }

func (op Bind) names(_ *View, n *names) {
	n.row(KindCard, op.Card)
	n.row(KindPhone, op.Phone)
}

func (op Bind) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	card, phone := o.Cards.get(op.Card), o.Phones.get(op.Phone)
	switch {
	case card == nil:
		return invalid("card", "there is no such card")
	case phone == nil:
		return invalid("phone", "there is no such phone")
	case card.Status != string(bankapi.CardActive):
		return no(bankapi.CardBlockedNow, "unblock the card first")
	case phone.Status != string(bankapi.PhoneActive):
		return no(bankapi.PhoneUnavailable, "enrol the phone first")
	case card.LockedUntil > o.now:
		return wait(bankapi.CodeLocked, "the card takes codes again later", card.LockedUntil-o.now)
	}
	left, from, waiting := spend(card.Budget, card.BudgetAt, o.now, o.policy.CardBurst, o.policy.CardInterval)
	if waiting > 0 {
		return wait(bankapi.Paced, "wait before sending this card another code", waiting)
	}
	changed := o.Cards.edit(o.View, card.ID)
	changed.Budget, changed.BudgetAt = left, from
	return done(bindingView(o.startBinding(card, phone), o.policy))
}

func (o *opContext) startBinding(card *Card, phone *Phone) *Binding {
	id := o.newID(ident.Binding)
	code := o.newCode(dyncode.CodeDigitsMin)
	defer clear(code)
	var pairing [dyncode.KeySize]byte
	o.draw(pairing[:])
	defer clear(pairing[:])

	mac := dyncode.CodeMAC(o.keys.s.CodePepper, bindingLinked(id, card.ID), code)
	b := o.Bindings.add(o.View, id, Binding{
		ID: id, Card: card.ID, Phone: phone.ID, Status: string(bankapi.BindingPending),
		Delivery: string(bankapi.DeliverySending), CodeMAC: mac[:],
		CreatedAt: o.now, ExpiresAt: o.now + o.policy.BindLifetime,
	})
	b.Dispatch = o.dispatchTo(phone.ID, pairing[:], card.ID, id, bankapi.DispatchPair, b.ExpiresAt, dyncode.Content{
		Kind: dyncode.Bind, Code: code, PhoneName: []byte(phone.Name), Phone: mustRaw(ident.Phone, phone.ID),
		Pairing: pairing[:], KeySource: phone.KeySource,
	})
	o.emit("binding.created", "", id, 0, "")
	return b
}

func bindingLinked(id, card string) dyncode.Linked {
	return dyncode.Linked{Message: mustRaw(ident.Binding, id), Payee: card}
}

// ConfirmBinding takes the code from the card.
type ConfirmBinding struct{ Binding, Code string }

func (op ConfirmBinding) names(v *View, n *names) { n.binding(v, op.Binding) }

// binding names a binding and what ending it touches.
func (n *names) binding(v *View, id string) {
	n.row(KindBinding, id)
	if b := v.Bindings.peek(id); b != nil {
		n.row(KindCard, b.Card)
		n.row(KindPhone, b.Phone)
		n.row(KindDispatch, b.Dispatch)
		if c := v.Cards.peek(b.Card); c != nil {
			n.row(KindBinding, c.Binding)
		}
	}
}

func (op ConfirmBinding) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	b := o.Bindings.get(op.Binding)
	if b == nil {
		return no(bankapi.NotFound, "give the id of a binding")
	}
	if b.Status != string(bankapi.BindingPending) {
		return no(bankapi.WrongState, "the binding is "+b.Status)
	}
	if o.now >= b.ExpiresAt {
		o.endBinding(b.ID, bankapi.BindingFailed)
		return no(bankapi.PaymentExpired, "start a new binding")
	}
	card := o.Cards.get(b.Card)
	switch {
	case o.Phones.get(b.Phone).Status != string(bankapi.PhoneActive):
		o.endBinding(b.ID, bankapi.BindingFailed) // it would take the place of one that works
		return no(bankapi.PhoneUnavailable, "bind the card to another phone")
	case card.Status != string(bankapi.CardActive):
		return no(bankapi.CardBlockedNow, "unblock the card first")
	case card.LockedUntil > o.now:
		return wait(bankapi.CodeLocked, "too many wrong codes on this card; try again later", card.LockedUntil-o.now)
	}
	code, ok := typedCode(op.Code)
	if !ok {
		return invalid("code", "type the 6 digits that the card shows")
	}
	defer clear(code)
	mac := dyncode.CodeMAC(o.keys.s.CodePepper, bindingLinked(b.ID, b.Card), code)
	if !hmac.Equal(mac[:], b.CodeMAC) {
		return o.wrongBindingCode(b)
	}
	return done(bindingView(o.confirmBinding(b), o.policy))
}

func (o *opContext) wrongBindingCode(b *Binding) Answer {
	b = o.Bindings.edit(o.View, b.ID)
	b.Attempts++
	o.countCard(b.Card)
	o.emit("binding.wrong_code", "", b.ID, 0, "")
	left := int(max(0, o.policy.AttemptsMax-b.Attempts))
	problem := bankapi.NewProblem(bankapi.WrongCode, "compare with the card and try again")
	if left == 0 {
		o.endBinding(b.ID, bankapi.BindingFailed)
		problem = bankapi.NewProblem(bankapi.TooManyAttempts, "start a new binding")
	}
	problem.AttemptsLeft = &left
	return refuse(problem)
}

// confirmBinding puts the binding in the place of the one before.
func (o *opContext) confirmBinding(b *Binding) *Binding {
	card := o.Cards.edit(o.View, b.Card)
	if card.Binding != "" {
		o.Bindings.edit(o.View, card.Binding).Status = string(bankapi.BindingRevoked)
		o.emit("binding.revoked", "", card.Binding, 0, "")
	}
	card.Failures, card.Binding, card.Phone, card.BindingAfter = 0, b.ID, b.Phone, card.Counter
	return o.endBinding(b.ID, bankapi.BindingConfirmed)
}

// endBinding moves a binding on from pending: its code is void.
func (o *opContext) endBinding(id string, status bankapi.BindingStatus) *Binding {
	b := o.Bindings.edit(o.View, id)
	b.Status, b.CodeMAC = string(status), nil
	o.Dispatches.remove(o.View, b.Dispatch)
	b.Dispatch = ""
	o.emit("binding."+string(status), "", id, 0, "")
	return b
}

// RevokeBinding ends a binding and tells the card, through the phone if it
// still answers, to forget it.
type RevokeBinding struct{ Binding string }

func (op RevokeBinding) names(v *View, n *names) { n.binding(v, op.Binding) }

func (op RevokeBinding) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	b := o.Bindings.get(op.Binding)
	switch {
	case b == nil:
		return no(bankapi.NotFound, "give the id of a binding")
	case b.Status == string(bankapi.BindingRevoked) || b.Status == string(bankapi.BindingFailed):
		return no(bankapi.WrongState, "the binding is "+b.Status)
	}
	inUse := o.Cards.get(b.Card).Binding == b.ID
	b = o.endBinding(b.ID, bankapi.BindingRevoked)
	if inUse {
		expires := o.now + o.policy.BindLifetime
		b.Dispatch = o.dispatch(b.Card, b.ID, bankapi.DispatchRelease, expires, dyncode.Content{Kind: dyncode.Release})
		card := o.Cards.edit(o.View, b.Card)
		card.Binding, card.Phone, card.BindingAfter = "", "", 0
	}
	return done(bindingView(b, o.policy))
}

func bindingView(b *Binding, policy Policy) bankapi.Binding {
	return bankapi.Binding{
		ID: b.ID, Card: b.Card, Phone: b.Phone, Status: bankapi.BindingStatus(b.Status),
		Delivery: bankapi.Delivery(b.Delivery), AttemptsLeft: int(max(0, policy.AttemptsMax-b.Attempts)),
		CreatedAt: bankapi.Time(b.CreatedAt), ExpiresAt: bankapi.Time(b.ExpiresAt),
	}
}
